"""From the sky to pixels: line-spread function, re-binning, noise and faults.

The photosphere is convolved on the fine grid, equidistant in log λ, with one Gaussian for
rotation and instrument (a rotation profile has the variance (v sin i)²/4); the lines of
the surroundings are Gaussians and take the instrument's width in closed form. Pixels are
integrals over their edges, so that flux is kept whatever their width.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from vospec.archives.simulated import photospheres
from vospec.archives.simulated.photospheres import (
    FINE,
    LAMOST,
    LAMOST_START,
    LAMOST_STEP,
    STEP,
    Array,
)
from vospec.archives.simulated.stars import Star
from vospec.spectra.lines import HALPHA
from vospec.spectra.resampling import pixel_edges
from vospec.spectra.wavelengths import LIGHT_SPEED

#: FWHM of a Gaussian over its σ.
FWHM = float(np.sqrt(8.0 * np.log(2.0)))

_EDGES = pixel_edges(FINE)
_WIDTHS = np.diff(_EDGES)
#: Beyond these the fine grid does not serve all velocities.
_NEAR = (FINE[0] + 15.0, FINE[-1] - 15.0)

#: LAMOST's signal to noise over that of the r band, as in the public files: the blue and
#: the red arm meet at 5800 Å.
_SNR_WAVELENGTH = (3700, 4000, 4900, 5500, 5750, 6000, 6500, 7000, 7500, 8500, 9000, 9100)
_SNR_RELATIVE = (0.05, 0.3, 0.85, 0.85, 0.5, 0.95, 1.2, 1.35, 1.4, 1.2, 0.9, 0.5)
#: Neighbouring pixels share noise, for the coadded spectrum was re-binned: their
#: correlation is 0.5 in the public files.
_CORRELATION = np.array([0.3, 1.0, 0.3]) / np.sqrt(1.18)
#: The scatter of faint spectra over what their ivar promises.
_SCATTER = 0.75
#: Scatter of flat field and sky, which no exposure time takes away.
_FLOOR = 0.009

#: Night-sky lines near Hα, vacuum Å: [O I], OH and the geocorona (Osterbrock et al. 1996).
OXYGEN = (6302.05, 6365.54)
_SKY = (6500.5, 6534.9, 6555.4, HALPHA, 6579.0, 6629.4)


@dataclass(eq=False)
class Exposure:
    """Pixels as LAMOST's pipeline delivers them; faults change them in place.

    Attributes
    ----------
    flux, ivar, continuum : (n_pixels,)
        Relative flux, its inverse variance and the continuum under it.
    and_mask, or_mask : (n_pixels,)
        Bits of faults in all and in any of the single exposures.
    """

    flux: Array
    ivar: Array
    continuum: Array
    and_mask: Array
    or_mask: Array


def normalised(star: Star, edges: Array, resolving_power: float) -> Array:
    """Mean of flux over continuum in pixels.

    Parameters
    ----------
    star
        What is observed.
    edges : (n_pixels + 1,)
        Vacuum wavelengths in Å; the fine grid, at the star's velocity, must hold them.
    resolving_power
        λ/Δλ of the instrument.
    """
    instrument = LIGHT_SPEED / (resolving_power * FWHM)
    sigma = np.hypot(instrument, star.v_sin_i / 2.0)
    step = LIGHT_SPEED * np.log(10.0) * STEP
    flux = gaussian_filter1d(star.photosphere(), sigma / step, mode="nearest")
    for line in star.components:
        width = np.hypot(line.sigma, instrument)
        velocity = LIGHT_SPEED * np.log(FINE / line.centre) - line.velocity
        flux += line.height * line.sigma / width * np.exp(-0.5 * (velocity / width) ** 2)
    integral = np.concatenate(([0.0], np.cumsum(np.maximum(flux, 0.0) * _WIDTHS)))
    at_rest = edges / (1.0 + star.radial_velocity / LIGHT_SPEED)
    return np.asarray(np.diff(np.interp(at_rest, _EDGES, integral)) / np.diff(at_rest))


def lamost(star: Star, rng: np.random.Generator, *, snr: float, size: int) -> Exposure:
    """Observe with LAMOST: R 1800, ``size`` log-linear pixels, relative flux."""
    wavelength = LAMOST[:size]
    edges = 10.0 ** (LAMOST_START + LAMOST_STEP * (np.arange(size + 1) - 0.5))
    shift = 1.0 + star.radial_velocity / LIGHT_SPEED
    profile = np.interp(wavelength / shift, LAMOST, photospheres.far(star.kelvin))
    near = np.flatnonzero((wavelength > _NEAR[0]) & (wavelength < _NEAR[1]))
    profile[near] = normalised(star, edges[near[0] : near[-1] + 2], 1800.0)
    # Brighter stars give the better spectra; the scale itself is arbitrary.
    scale = 240.0 * (snr / 50.0) ** 1.2 * rng.lognormal(0.0, 0.5)
    tilt = (wavelength / 6500.0) ** star.tilt
    level = scale * tilt * photospheres.continuum(wavelength, star.kelvin, star.extinction)
    level *= _ripple(wavelength, rng, 0.01)
    sigma = level / (snr * np.interp(wavelength, _SNR_WAVELENGTH, _SNR_RELATIVE))
    noise = np.convolve(rng.standard_normal(size + 2), _CORRELATION, "valid")
    flux = level * profile + noise * np.hypot(_SCATTER * sigma, _FLOOR * level)
    flux += level * _residual(wavelength, rng, OXYGEN, min(3.0 / snr, 0.4))
    or_mask = 64.0 * rng.binomial(1, 0.01, size)
    exposure = Exposure(flux, sigma**-2.0, level, np.zeros(size), or_mask)
    if star.kind.name in _FAULTS:
        _FAULTS[star.kind.name](exposure, wavelength, rng)
    return exposure


def ccd700(star: Star, rng: np.random.Generator, *, snr: float, edges: Array) -> Array:
    """Observe with CCD700: R 13 000, flux over a continuum that was fitted by hand."""
    flux = normalised(star, edges, 13000.0)
    wavelength = (edges[1:] + edges[:-1]) / 2.0
    noise = np.sqrt(np.maximum(flux, 0.02)) * rng.standard_normal(flux.size) / snr
    return np.asarray((flux + noise) * _ripple(wavelength, rng, 0.004))


def blind(exposure: Exposure, star: Star) -> None:
    """Set ivar to 0 where the star's emission is strong, as DR1's pipeline did."""
    wavelength = LAMOST[: exposure.flux.size]
    velocity = LIGHT_SPEED * np.log(wavelength / HALPHA) - star.radial_velocity
    excess = exposure.flux / exposure.continuum - 1.0
    line = (np.abs(velocity) < 500.0) & (excess > 0.1)  # noqa: PLR2004 - clear of the noise
    if star.components and excess[line].max(initial=0.0) > 0.3:  # noqa: PLR2004 - "strong"
        exposure.ivar[line] = 0.0


def _ripple(wavelength: Array, rng: np.random.Generator, amplitude: float) -> Array:
    """A slow wave about 1: what calibration leaves."""
    period, phase = rng.uniform(300.0, 1500.0), rng.uniform(0.0, 2.0 * np.pi)
    wave = np.sin(2.0 * np.pi * wavelength / period + phase)
    return np.asarray(1.0 + amplitude * rng.standard_normal() * wave)


def _residual(
    wavelength: Array, rng: np.random.Generator, lines: tuple[float, ...], amplitude: float
) -> Array:
    """Sky lines that were subtracted too much or too little, at a slightly wrong place."""
    total = np.zeros_like(wavelength)
    for centre in lines:
        offset = (wavelength - centre) / (centre / 1800.0 / FWHM)
        strength, slope = amplitude * rng.standard_normal(2)
        total += (strength + slope * offset) * np.exp(-0.5 * offset**2)
    return total


def _sky_residual(exposure: Exposure, wavelength: Array, rng: np.random.Generator) -> None:
    exposure.flux += exposure.continuum * _residual(wavelength, rng, OXYGEN + _SKY, 0.4)


def _cosmic_ray(exposure: Exposure, wavelength: Array, rng: np.random.Generator) -> None:
    """Hit one to three pixels of the window, one time in five close to Hα."""
    close = rng.random() < 0.2  # noqa: PLR2004 - told above
    centre = rng.normal(HALPHA, 6.0) if close else rng.uniform(6300.0, 6715.0)
    first = int(np.searchsorted(wavelength, centre))
    hit = slice(first, first + int(rng.integers(1, 4)))
    exposure.flux[hit] += exposure.continuum[hit] * rng.lognormal(0.0, 0.8)
    exposure.or_mask[hit] = 1.0


def _arm_step(exposure: Exposure, wavelength: Array, rng: np.random.Generator) -> None:
    """Scale the blue arm wrongly: a step, and a wiggle where the arms meet."""
    junction = rng.uniform(5750.0, 5950.0)
    step = np.where(wavelength < junction, rng.lognormal(0.0, 0.3), 1.0)
    wiggle = 0.3 * np.exp(-(((wavelength - junction) / 60.0) ** 2)) * rng.standard_normal()
    exposure.flux[:] *= step * (1.0 + wiggle)


def _zero_run(exposure: Exposure, wavelength: Array, rng: np.random.Generator) -> None:
    """Record nothing in a run of pixels of the window."""
    first = int(np.searchsorted(wavelength, rng.uniform(6300.0, 6650.0)))
    run = slice(first, first + int(rng.integers(4, 40)))
    exposure.flux[run] = 0.0
    exposure.ivar[run] = 0.0


def _no_signal(exposure: Exposure, _: Array, __: np.random.Generator) -> None:
    exposure.flux[:] = 0.0
    exposure.ivar[:] = 0.0


_FAULTS = {
    "sky_residual": _sky_residual,
    "cosmic_ray": _cosmic_ray,
    "arm_step": _arm_step,
    "zero_run": _zero_run,
    "no_signal": _no_signal,
}
