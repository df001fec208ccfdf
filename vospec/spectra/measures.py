"""The one door to all measures of Hα and its neighbours in rectified spectra."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.columns import LineFlag
from vospec.spectra.artefacts import cosmic_ray, sky_residual
from vospec.spectra.lines import (
    FORBIDDEN,
    HELIUM_WINDOW,
    equivalent_width,
    equivalent_width_error,
    is_nebular,
    pixel_variance,
    unresolved_line,
)
from vospec.spectra.profiles import measure_profiles, peak_height
from vospec.spectra.resampling import checked_batch, pixel_edges
from vospec.spectra.wavelengths import LIGHT_SPEED

Floats = NDArray[np.float64]

#: Other shapes of the continuum move it by half a percent (:mod:`vospec.spectra.rectification`).
CONTINUUM_ERROR = 0.005
#: Velocities of gas that forbidden lines are sought at, km/s; at rest first.
GAS_VELOCITIES = (0.0, -35.0, 35.0, -70.0, 70.0)


@dataclass(frozen=True, eq=False)
class LineMeasures:
    """Measures of a batch, named as the columns of :data:`vospec.columns.LINE_MEASURES`.

    Every attribute has shape (n,). NaN is what could not be measured; in a row without
    flux ``n_peaks`` and ``line_flags`` are 0.
    """

    equivalent_width: Floats
    equivalent_width_error: Floats
    peak_height: Floats
    fwhm: Floats
    n_peaks: NDArray[np.int_]
    peak_separation: Floats
    violet_to_red: Floats
    central_depth: Floats
    helium_6678: Floats
    nitrogen_6548: Floats
    nitrogen_6583: Floats
    sulphur_6716: Floats
    sulphur_6731: Floats
    line_flags: NDArray[np.int_]


def measure_lines(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    noise: ArrayLike,
    variance: ArrayLike | None = None,
    resolving_power: float = 1800.0,
) -> LineMeasures:
    """Measure Hα, He I 6678, forbidden lines and what mimics emission.

    The flag of the arms' junction is not among the flags here, for it needs the whole
    spectrum: :func:`vospec.spectra.arm_junction`.

    Parameters
    ----------
    flux
        Rectified flux on the common grid, shape (n, n_elements); a row of NaN is a
        spectrum without measures.
    spectral_axis
        Vacuum wavelengths in Å, shape (n_elements,).
    noise
        Scatter of the rectified flux outside the lines, shape (n,).
    variance
        Variance of the rectified flux, shape (n, n_elements), NaN where it is unknown.
    resolving_power
        λ/FWHM of the instrument, for lines that it does not resolve.

    Returns
    -------
    LineMeasures
        One row a spectrum.

    Raises
    ------
    ValueError
        If shapes do not agree or the grid does not hold Hα.
    """
    values, _, given = checked_batch(flux, spectral_axis, None, variance)
    axis, scatter = np.asarray(spectral_axis, dtype=np.float64), np.asarray(noise, dtype=np.float64)
    if scatter.shape != (len(values),):
        msg = (
            f"noise must have shape ({len(values)},), one number a spectrum, given {scatter.shape}"
        )
        raise ValueError(msg)
    # What counts as seen exceeds the noise, not the archive's word alone, and what is known
    # of the continuum.
    least = np.maximum(scatter, CONTINUUM_ERROR)
    spread = np.maximum(pixel_variance(values, scatter, given), least[:, None] ** 2)
    strengths, nebular = _forbidden(values, axis, spread, resolving_power)
    profiles = measure_profiles(values, axis, variance=spread)
    flags = {
        LineFlag.NEBULAR: nebular,
        LineFlag.SKY_RESIDUAL: sky_residual(
            values, axis, variance=spread, resolving_power=resolving_power
        ),
        LineFlag.COSMIC_RAY: cosmic_ray(values, axis, noise=least),
    }
    return LineMeasures(
        equivalent_width=equivalent_width(values, axis),
        equivalent_width_error=equivalent_width_error(values, axis, noise=scatter, variance=given),
        peak_height=peak_height(values, axis),
        fwhm=profiles.fwhm,
        n_peaks=profiles.n_peaks,
        peak_separation=profiles.peak_separation,
        violet_to_red=profiles.violet_to_red,
        central_depth=profiles.central_depth,
        helium_6678=_helium(values, axis),
        **strengths,
        line_flags=np.sum([int(flag) * hit for flag, hit in flags.items()], axis=0),
    )


def _helium(flux: Floats, axis: Floats) -> Floats:
    edges = pixel_edges(axis)
    if edges[0] <= HELIUM_WINDOW[0] and HELIUM_WINDOW[1] <= edges[-1]:
        return equivalent_width(flux, axis, window=HELIUM_WINDOW)
    return np.full(len(flux), np.nan)


def _forbidden(
    flux: Floats, axis: Floats, variance: Floats, resolving_power: float
) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """Strengths of the forbidden lines by name, NaN off the grid, and where they are gas.

    They are measured at rest, and where lines at another velocity are gas, and more
    significant, at that one.
    """
    best = np.full((len(FORBIDDEN), len(flux)), np.nan)
    nebular = np.zeros(len(flux), dtype=bool)
    strongest = np.zeros(len(flux))
    for velocity in GAS_VELOCITIES:
        shift = 1.0 + velocity / LIGHT_SPEED
        strength, error = np.full((2, *best.shape), np.nan)
        for i, wavelength in enumerate(FORBIDDEN.values()):
            weights = unresolved_line(tuple(axis), wavelength * shift, resolving_power)
            if weights is not None:
                near = slice(*np.flatnonzero(weights)[[0, -1]] + (0, 1))
                strength[i] = flux[:, near] @ weights[near]
                error[i] = np.sqrt(variance[:, near] @ weights[near] ** 2)
        named = (dict(zip(FORBIDDEN, values, strict=True)) for values in (strength, error))
        gas = is_nebular(*named)
        together = np.nansum(strength / error, axis=0)
        taken = gas & (together < strongest) if velocity else np.ones(len(flux), dtype=bool)
        best[:, taken] = strength[:, taken]
        strongest[gas & taken] = together[gas & taken]
        nebular |= gas
    return dict(zip(FORBIDDEN, best, strict=True)), nebular
