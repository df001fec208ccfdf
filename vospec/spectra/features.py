"""Feature vectors: what the learning sees of a spectrum.

A spectrum on the common grid becomes flux over continuum, every element of it
measured: a few bad elements are interpolated from their neighbours and counted,
more of them make the spectrum unusable, and nothing is padded.

Cost: that of :func:`vospec.spectra.rectify`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.columns import UNUSABLE, Quality
from vospec.spectra.interpolation import interpolate
from vospec.spectra.rectification import rectify
from vospec.spectra.resampling import checked_batch, pixel_edges

#: Largest share of bad elements that neighbours may stand in for.
MAX_BAD_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class FeatureVectors:
    """Vectors of a batch.

    Attributes
    ----------
    flux : (n, n_elements) float64
        Flux over continuum; NaN in rows that the quality calls unusable.
    continuum_noise : (n,) float64
        Robust scatter of the flux outside the lines.
    n_interpolated : (n,) int
        Bad elements that were interpolated.
    quality : (n,) int
        Flags of :class:`vospec.columns.Quality`.
    variance : (n, n_elements) float64
        Variance of the flux over continuum; NaN where it is unknown.
    """

    flux: NDArray[np.float64]
    continuum_noise: NDArray[np.float64]
    n_interpolated: NDArray[np.int_]
    quality: NDArray[np.int_]
    variance: NDArray[np.float64]


def covers(spectral_axis: ArrayLike, grid: ArrayLike) -> bool:
    """Whether every element of a grid lies wholly inside the pixels of an axis."""
    axis_edges, grid_edges = pixel_edges(spectral_axis), pixel_edges(grid)
    return bool(axis_edges[0] <= grid_edges[0] and grid_edges[-1] <= axis_edges[-1])


def feature_vectors(
    flux: ArrayLike,
    grid: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    variance: ArrayLike | None = None,
) -> FeatureVectors:
    """Rectify spectra on the common grid and judge whether they can be used.

    Parameters
    ----------
    flux : (n, n_elements)
        Flux on the grid.
    grid : (n_elements,)
        Vacuum wavelengths in Å.
    mask : (n, n_elements)
        True where an element is bad.
    variance : (n, n_elements)
        Variance of the flux, NaN where it is unknown.

    Returns
    -------
    FeatureVectors
        One row a spectrum.
    """
    values, bad, spread = checked_batch(flux, grid, mask, variance)
    n_bad = bad.sum(axis=1)
    quality = np.zeros(len(values), dtype=int)
    quality[~np.any(~bad & (values > 0), axis=1)] |= Quality.NO_SIGNAL
    # A bad element at an end has no neighbour beyond it: nothing is extrapolated.
    useless = (n_bad > MAX_BAD_SHARE * values.shape[1]) | bad[:, 0] | bad[:, -1]
    quality[useless & (quality == 0)] |= Quality.BAD_PIXELS
    sound = quality == 0
    vectors, vector_spread = np.full((2, *values.shape), np.nan)
    noise = np.full(len(values), np.nan)
    if sound.any():
        filled = interpolate(values[sound], bad[sound], variance=_rows(spread, sound))
        rectified = rectify(filled.flux, grid, mask=bad[sound], variance=filled.variance)
        vectors[sound], noise[sound] = rectified.flux, rectified.noise
        if rectified.variance is not None:
            vector_spread[sound] = rectified.variance
    # Vectors are kept in single precision: what overflows there is no spectrum.
    single = np.abs(vectors) < np.finfo(np.float32).max
    quality[sound & ~single.all(axis=1)] |= Quality.NO_CONTINUUM
    unusable = (quality & UNUSABLE) != 0
    vectors[unusable] = vector_spread[unusable] = np.nan
    quality[(quality == 0) & (n_bad > 0)] |= Quality.INTERPOLATED
    return FeatureVectors(vectors, noise, n_bad, quality, vector_spread)


def _rows(
    values: NDArray[np.float64] | None, chosen: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    return None if values is None else values[chosen]
