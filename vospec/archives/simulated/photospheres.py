"""Stars without surroundings: continua, Balmer lines, metal lines and TiO bands.

Near Hα everything stands on one grid, equidistant in log λ, far finer than any of the
instruments; elsewhere a handful of strong lines at LAMOST's resolution suffices, for no
number is ever taken from there.

Line strengths are equivalent widths in the Sun, rounded, after Moore, Minnaert &
Houtgast (1966, NBS Monograph 61); how they change with temperature follows the usual
ionisation sequence by eye and was compared with LAMOST's stars of each type. This is a
simulation for testing a search, not a synthesis of stellar spectra.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.lines import HALPHA
from vospec.spectra.wavelengths import air_to_vacuum

Array = NDArray[np.floating[Any]]

#: Vacuum wavelengths near Hα in Å; 6209 … 6799 with 0.08 Å steps.
STEP = 5e-6
FINE: Array = 10.0 ** (3.7930 + STEP * np.arange(7900))

#: LAMOST's pixels (vacuum Å); a file may end a few earlier.
LAMOST_START, LAMOST_STEP = 3.5682, 1e-4
LAMOST: Array = 10.0 ** (LAMOST_START + LAMOST_STEP * np.arange(3909))

_LETTERS = "BAFGKM"
#: Effective temperature in K by 10 × letter + digit (Pecaut & Mamajek 2013, rounded).
_TYPES = (0, 2, 5, 8, 10, 15, 20, 25, 30, 35, 40, 45, 50, 53, 56)
_TEMPERATURES = (
    30000,
    21000,
    15500,
    11500,
    9700,
    8100,
    7200,
    6550,
    5930,
    5660,
    5270,
    4440,
    3850,
    3400,
    3000,
)

_FWHM_METAL = 0.30
#: Air wavelength in Å and solar equivalent width in mÅ, by species.
_LINES: dict[str, tuple[tuple[float, float], ...]] = {
    "Fe I": (
        (6219.28, 85), (6230.73, 170), (6246.32, 115), (6252.56, 115), (6265.14, 80),
        (6301.50, 127), (6302.50, 83), (6318.02, 106), (6322.69, 75), (6335.33, 98),
        (6336.82, 105), (6344.15, 58), (6355.03, 68), (6358.68, 82), (6380.75, 52),
        (6393.60, 130), (6400.00, 180), (6408.02, 100), (6411.65, 130), (6419.95, 85),
        (6421.35, 110), (6430.85, 110), (6475.63, 57), (6481.88, 64), (6494.98, 160),
        (6518.37, 58), (6546.25, 105), (6569.22, 72), (6575.02, 60), (6592.92, 110),
        (6593.88, 82), (6609.11, 65), (6633.76, 68), (6643.64, 90), (6663.45, 78),
        (6677.99, 125), (6703.57, 37), (6726.67, 46), (6750.15, 73),
    ),
    "Ca I": (
        (6439.08, 160), (6449.81, 95), (6462.57, 170), (6471.66, 90), (6493.78, 118),
        (6499.65, 82), (6572.78, 26), (6717.69, 110),
    ),
    "Fe II": ((6247.56, 55), (6456.38, 62), (6516.08, 52)),
    "Ba II": ((6496.90, 98),),
    "Si II": ((6347.10, 52), (6371.36, 32)),
    "He I": ((6678.15, 100),),
    "C II": ((6578.05, 100), (6582.88, 75)),
}  # fmt: skip
_ANCHORS = (3000, 3850, 4440, 5270, 5660, 6550, 7200, 8100, 9700, 11500, 15500, 21000, 30000)
#: Strength relative to the Sun (He I and C II: to 100 mÅ) at the anchors; Ba II stands for
#: its blend with Ti I and Fe I, which LAMOST's stars show twice as strong.
_STRENGTHS: dict[str, tuple[float, ...]] = {
    "Fe I": (1.6, 1.7, 1.7, 1.2, 1.0, 0.6, 0.4, 0.22, 0.08, 0, 0, 0, 0),
    "Ca I": (4.0, 3.6, 2.8, 1.4, 1.0, 0.7, 0.5, 0.3, 0.1, 0, 0, 0, 0),
    "Fe II": (0.1, 0.3, 0.5, 0.9, 1.0, 1.7, 2.2, 2.2, 1.5, 0.8, 0.3, 0, 0),
    "Ba II": (3.0, 3.0, 2.8, 2.2, 1.8, 1.6, 1.5, 1.0, 0.4, 0, 0, 0, 0),
    "Si II": (0, 0, 0, 0.5, 1.0, 2.0, 2.6, 3.2, 4.0, 4.0, 3.0, 1.5, 0.3),
    "He I": (0, 0, 0, 0, 0, 0, 0, 0, 0.2, 1.2, 3.0, 5.0, 4.5),
    "C II": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0.2, 0.8, 1.8, 1.5),
}
#: Hα: equivalent widths in Å of core and wings, and width of the wings (FWHM, Å).
_CORE = (0.0, 0.25, 0.55, 0.75, 0.85, 0.95, 0.95, 0.95, 0.8, 0.8, 0.8, 0.7, 0.6)
_WINGS = (0.0, 0.0, 0.5, 1.5, 2.2, 3.6, 5.0, 8.0, 10.0, 8.5, 5.5, 3.6, 2.5)
_WING_FWHM = (6.0, 6.0, 8.0, 11.0, 13.0, 16.0, 20.0, 27.0, 30.0, 27.0, 20.0, 15.0, 12.0)
_CORE_FWHM = 1.6

#: TiO and CaH: vacuum wavelength of the head, depth at M3 and decay to the red, Å.
_BANDS = (
    (6160.0, 0.15, 60.0),
    (6353.0, 0.06, 18.0),
    (6381.0, 0.22, 60.0),
    (6546.0, 0.07, 120.0),
    (6653.0, 0.05, 15.0),
    (6682.0, 0.09, 18.0),
    (6716.0, 0.12, 45.0),
)
#: Head, depth and decay of bands that only the whole spectrum shows.
_FAR_BANDS = (
    (4762.0, 0.3, 90.0), (4956.0, 0.35, 90.0), (5168.0, 0.4, 120.0), (5450.0, 0.3, 100.0),
    (5762.0, 0.25, 100.0), (5850.0, 0.3, 120.0), (7056.0, 0.45, 130.0), (7590.0, 0.4, 150.0),
    (8435.0, 0.35, 120.0),
)  # fmt: skip
#: Vacuum wavelength, depth in A0, G2 and M0, and Gaussian width σ in Å.
_FAR_LINES = (
    (3934.8, 0.15, 0.8, 0.7, 6.0),
    (3971.2, 0.6, 0.75, 0.6, 8.0),
    (4102.9, 0.6, 0.25, 0.1, 8.0),
    (4341.7, 0.6, 0.3, 0.1, 8.0),
    (4305.0, 0.0, 0.3, 0.2, 8.0),
    (4862.7, 0.55, 0.25, 0.05, 7.0),
    (5175.0, 0.05, 0.25, 0.5, 10.0),
    (5893.5, 0.05, 0.15, 0.5, 4.0),
    (8500.4, 0.15, 0.2, 0.2, 4.0),
    (8544.4, 0.2, 0.3, 0.3, 4.0),
    (8664.5, 0.2, 0.25, 0.25, 4.0),
)


def temperature(spectral_type: str) -> float:
    """Effective temperature in K of a type such as ``B2``."""
    place = 10 * _LETTERS.index(spectral_type[0]) + int(spectral_type[1])
    return float(np.interp(place, _TYPES, _TEMPERATURES))


def spectral_type(letter: str, digit: int) -> str:
    """Type of a letter and a digit; M ends at M6, as the survey does in practice."""
    return f"{letter}{digit % 7 if letter == 'M' else digit}"


def bands(wavelength: Array, kelvin: float, table: ArrayLike = _BANDS) -> Array:
    """Molecular bands: they sharply start at the head and fade to the red."""
    strength = np.interp(kelvin, (3000, 3400, 3850, 4300), (1.5, 1.0, 0.7, 0.0))
    flux = np.ones_like(wavelength)
    for head, depth, decay in np.asarray(table) if strength else ():
        beyond = wavelength - head
        flux *= 1.0 - np.where(beyond > 0, strength * depth * np.exp(-beyond / decay), 0.0)
    return flux


@lru_cache(maxsize=64)
def metals(kelvin: float) -> Array:
    """Optical depth of metal and helium lines on the fine grid, before broadening."""
    sigma = _FWHM_METAL / 2.3548
    depth = np.zeros_like(FINE)
    for species, lines in _LINES.items():
        strength = np.interp(kelvin, _ANCHORS, _STRENGTHS[species])
        for air, milli in lines if strength else ():
            peak = strength * 1e-3 * milli / (sigma * np.sqrt(2.0 * np.pi))
            depth += peak * np.exp(-0.5 * ((FINE - air_to_vacuum(air)) / sigma) ** 2)
    depth.setflags(write=False)
    return depth


@lru_cache(maxsize=64)
def halpha(kelvin: float) -> tuple[Array, Array]:
    """Core and wings of the photospheric Hα: depth on the fine grid."""
    core, wings, fwhm = (np.interp(kelvin, _ANCHORS, y) for y in (_CORE, _WINGS, _WING_FWHM))
    offset = FINE - HALPHA
    sigma = _CORE_FWHM / 2.3548
    narrow = core / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * (offset / sigma) ** 2)
    # Stark wings fall as |Δλ|^-5/2 (Holtsmark); so does this profile of unit area.
    half = fwhm / 2.0 / np.sqrt(2.0 ** (4.0 / 5.0) - 1.0)
    shape = (1.0 + (offset / half) ** 2) ** -1.25
    wide = wings * shape / (shape.sum() * np.mean(np.diff(FINE)))
    for profile in (narrow, wide):
        profile.setflags(write=False)
    return narrow, wide


@lru_cache(maxsize=64)
def far(kelvin: float) -> Array:
    """Flux over continuum on LAMOST's pixels, away from Hα."""
    flux = bands(LAMOST, kelvin, _FAR_BANDS)
    for centre, a0, g2, m0, sigma in _FAR_LINES:
        depth = np.interp(kelvin, (3850, 5700, 9700, 25000), (m0, g2, a0, a0 / 2.0))
        flux *= 1.0 - depth * np.exp(-0.5 * ((LAMOST - centre) / sigma) ** 2)
    flux.setflags(write=False)
    return flux


def continuum(wavelength: Array, kelvin: float, extinction: float) -> Array:
    """Planck's law under interstellar dust, 1 at 6500 Å.

    Parameters
    ----------
    wavelength
        Å.
    kelvin
        Temperature.
    extinction
        A_V in magnitudes; A(λ) goes as λ^-1.3, close to Cardelli et al. (1989) in the
        optical.
    """

    def brightness(at: ArrayLike) -> Array:
        angstrom = np.asarray(at, np.float64)
        dust = 10.0 ** (-0.4 * extinction * (5500.0 / angstrom) ** 1.3)
        return np.asarray(angstrom**-5 / np.expm1(1.43878e8 / (angstrom * kelvin)) * dust)

    return brightness(wavelength) / brightness(6500.0)
