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

Floats = NDArray[np.float64]

#: Other shapes of the continuum move it by half a percent (:mod:`vospec.spectra.rectification`).
CONTINUUM_ERROR = 0.005


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
    strengths, errors = _forbidden(values, axis, spread, resolving_power)
    profiles = measure_profiles(values, axis, variance=spread)
    flags = {
        LineFlag.NEBULAR: is_nebular(strengths, errors),
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
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Strengths of the forbidden lines and their errors by name; NaN off the grid."""
    strengths, errors = {}, {}
    for name, wavelength in FORBIDDEN.items():
        weights = unresolved_line(tuple(axis), wavelength, resolving_power)
        if weights is None:
            strengths[name] = errors[name] = np.full(len(flux), np.nan)
        else:
            # A row without flux has no strength, though most of its weights are 0.
            strengths[name] = flux @ weights
            errors[name] = np.sqrt(variance @ weights**2)
    return strengths, errors
