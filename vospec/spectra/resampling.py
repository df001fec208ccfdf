"""Flux-conserving re-binning of many spectra at once.

Flux is a density, constant within a pixel. A new element takes the mean of the
density over its extent, so that the integral over wavelength is conserved
(Carnall 2017, arXiv:1705.05165; specutils' ``FluxConservingResampler``):

    f'_i = Σ_j w_ij f_j,    w_ij = |new pixel i ∩ old pixel j| / |new pixel i|

The weights w are one sparse matrix for all spectra that share an axis. With the
goodness g_j of a pixel (1 or 0), differing by spectrum, two products serve:
f' = (w · g f) / (w · g).

Cost: O(n_old + n_new) for the weights, and for a spectrum two operations for each
of the at most n_old + n_new weights.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

#: Weights and gaps below this share of an element are rounding, not overlap.
_ROUNDING = 1e-9
_FEWEST_PIXELS = 3


def pixel_edges(spectral_axis: ArrayLike) -> NDArray[np.float64]:
    """Return the edges of pixels that are given by their centres.

    Inner edges lie half way between centres. The outer ones continue the steps
    as a geometric progression, which is exact on linear and logarithmic axes.

    Parameters
    ----------
    spectral_axis
        Wavelengths of the pixels in Å, shape (n,), strictly rising, n ≥ 3.

    Returns
    -------
    numpy.ndarray
        Edges in Å, shape (n + 1,).

    Raises
    ------
    ValueError
        If the axis is not one-dimensional, too short or not rising.
    """
    axis = np.asarray(spectral_axis, dtype=np.float64)
    if axis.ndim != 1 or axis.size < _FEWEST_PIXELS:
        msg = f"spectral_axis must have shape (n,) with n >= 3, given {axis.shape}"
        raise ValueError(msg)
    steps = np.diff(axis)
    if not np.all(steps > 0):
        msg = "spectral_axis must rise strictly from pixel to pixel"
        raise ValueError(msg)
    inner = axis[:-1] + steps / 2
    before = inner[0] - (inner[1] - inner[0]) * (steps[0] / steps[1])
    after = inner[-1] + (inner[-1] - inner[-2]) * (steps[-1] / steps[-2])
    return np.concatenate(([before], inner, [after]))


def resampling_matrix(spectral_axis: ArrayLike, new_spectral_axis: ArrayLike) -> csr_array:
    """Return the weights that take flux from one axis to another.

    Parameters
    ----------
    spectral_axis, new_spectral_axis
        Wavelengths of the old and the new pixels in Å, shapes (n_old,) and (n_new,).

    Returns
    -------
    scipy.sparse.csr_array
        Weights of shape (n_new, n_old). Every row sums to 1, but for new elements
        that are not wholly inside the old pixels: their rows are empty.

    Raises
    ------
    ValueError
        If an axis is not rising.
    """
    old, new = pixel_edges(spectral_axis), pixel_edges(new_spectral_axis)
    edges = np.union1d(old, new)
    middle = (edges[1:] + edges[:-1]) / 2
    i = np.searchsorted(new, middle) - 1
    j = np.searchsorted(old, middle) - 1
    both = (i >= 0) & (i < new.size - 1) & (j >= 0) & (j < old.size - 1)
    i, j = i[both], j[both]
    weight = np.diff(edges)[both] / np.diff(new)[i]
    covered = np.bincount(i, weight, minlength=new.size - 1) > 1 - _ROUNDING
    kept = (weight > _ROUNDING) & covered[i]
    i, j, weight = i[kept], j[kept], weight[kept]
    weight /= np.bincount(i, weight, minlength=new.size - 1)[i]
    return csr_array((weight, (i, j)), shape=(new.size - 1, old.size - 1))


def weighted_mean(
    matrix: csr_array, flux: NDArray[np.float64], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Apply a matrix of weights to spectra whose bad pixels have no weight.

    Parameters
    ----------
    matrix
        Weights, shape (n_new, n_old), rows summing to 1 or 0.
    flux
        Flux, shape (n, n_old).
    mask
        True where a pixel is bad, shape (n, n_old).

    Returns
    -------
    flux : numpy.ndarray
        Weighted means, shape (n, n_new); NaN where no good pixel has weight.
    weight : numpy.ndarray
        Sum of the weights of the good pixels, 0 … 1, shape (n, n_new).
    """
    total = (matrix @ np.where(mask, 0.0, flux).T).T
    weight = (matrix @ (~mask).astype(np.float64).T).T
    mean = np.full_like(total, np.nan)
    np.divide(total, weight, out=mean, where=weight > 0)
    return mean, weight


def checked_batch(
    flux: ArrayLike, spectral_axis: ArrayLike, mask: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return flux and mask as a batch of spectra; values that are not numbers are bad.

    Parameters
    ----------
    flux
        Flux, shape (n, n_pixels) or (n_pixels,).
    spectral_axis
        Wavelengths of the pixels, shape (n_pixels,).
    mask
        True where a pixel is bad, of the shape of flux or one that broadcasts to it.

    Returns
    -------
    flux : numpy.ndarray
        Float64, shape (n, n_pixels).
    mask : numpy.ndarray
        Bool, shape (n, n_pixels).

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    values = np.atleast_2d(np.asarray(flux, dtype=np.float64))
    n_pixels = np.shape(spectral_axis)[-1]
    if values.ndim != 2 or values.shape[1] != n_pixels:  # noqa: PLR2004 - spectra by pixels
        msg = f"flux must have shape (n, {n_pixels}) as spectral_axis, given {np.shape(flux)}"
        raise ValueError(msg)
    bad = ~np.isfinite(values)
    if mask is not None:
        bad |= np.asarray(mask, dtype=bool)
    return values, bad


def resample(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    new_spectral_axis: ArrayLike,
    *,
    mask: ArrayLike | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Bring spectra to another axis, conserving flux.

    Parameters
    ----------
    flux
        Flux density, shape (n, n_old).
    spectral_axis, new_spectral_axis
        Wavelengths of the old and the new pixels in Å, shapes (n_old,) and (n_new,).
    mask
        True where a pixel is bad, shape (n, n_old); it gets no weight. Pixels that
        are not finite are bad as well.

    Returns
    -------
    flux : numpy.ndarray
        Flux density, shape (n, n_new), NaN where masked.
    mask : numpy.ndarray
        True where a new element holds no good pixel or is not wholly inside the old
        pixels, shape (n, n_new): nothing is padded.

    Raises
    ------
    ValueError
        If the shapes do not agree or an axis is not rising.
    """
    values, bad = checked_batch(flux, spectral_axis, mask)
    resampled, weight = weighted_mean(
        resampling_matrix(spectral_axis, new_spectral_axis), values, bad
    )
    return resampled, weight == 0
