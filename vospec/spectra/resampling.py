"""Flux-conserving re-binning of many spectra at once, with masks and variances.

Flux is a density, constant within a pixel. A new element takes the mean of the
density over its extent, so that the integral over wavelength is conserved
(Carnall 2017, arXiv:1705.05165; specutils' ``FluxConservingResampler``):

    f'_i = Σ_j w_ij f_j,    w_ij = |new pixel i ∩ old pixel j| / |new pixel i|

The weights w are one sparse matrix for all spectra that share an axis. With the
goodness g_j of a pixel (1 or 0), differing by spectrum, and its variance σ_j²,

    f' = (w · g f) / (w · g),    Var(f') = (w² · g σ²) / (w · g)²

(uncertainty of a weighted mean of independent pixels: Carnall 2017, equation 3; Bevington
& Robinson 2003, section 4.1). Neighbouring elements that share a pixel are correlated
afterwards; carried on is the diagonal of their covariance alone. A variance that is not
known (NaN) makes that of the elements unknown which a good pixel of it enters, and
nothing else: neither their flux nor their mask.

Where the new elements are pixels of the old axis, nothing is computed: they are cut out.
The weights of the axes met last are kept.

Cost: O(n_old + n_new) for new weights, and for a spectrum two operations for each
of the at most n_old + n_new weights; for a cut, a copy.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

#: Weights and gaps below this share of an element are rounding, not overlap.
_ROUNDING = 1e-9
_FEWEST_PIXELS = 3
#: Weights that are kept, by pairs of axes: LAMOST's axes differ by their length alone,
#: within 160 pixels.
_KEPT = 256


class Resampled(NamedTuple):
    """Spectra on other elements.

    Attributes
    ----------
    flux : (n, n_elements) float64
        Flux density, NaN where masked.
    mask : (n, n_elements) bool
        True where an element is bad.
    variance : (n, n_elements) float64, or None
        Variance of the flux, NaN where masked or unknown; None where none was given.
    """

    flux: NDArray[np.float64]
    mask: NDArray[np.bool_]
    variance: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class _Weights:
    """Weights of the pixels that the new elements touch.

    ``matrix`` is None where the new elements are these pixels.
    """

    pixels: slice
    matrix: csr_array | None


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


def good_weight(matrix: csr_array, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the sum of the weights of the good pixels, shape (n, n_new).

    Parameters
    ----------
    matrix
        Weights, shape (n_new, n_old).
    mask
        True where a pixel is bad, shape (n, n_old).
    """
    # Most spectra have no bad pixel, and then all the same sums.
    weight = np.repeat(_product(matrix, np.ones((1, mask.shape[1]))), len(mask), axis=0)
    spoilt = mask.any(axis=1)
    weight[spoilt] = _product(matrix, ~mask[spoilt])
    return weight


def weighted_mean(
    matrix: csr_array,
    flux: NDArray[np.float64],
    mask: NDArray[np.bool_],
    variance: NDArray[np.float64] | None = None,
) -> Resampled:
    """Apply a matrix of weights to spectra whose bad pixels have no weight.

    Parameters
    ----------
    matrix
        Weights, shape (n_new, n_old), rows summing to 1 or 0.
    flux
        Flux, shape (n, n_old).
    mask
        True where a pixel is bad, shape (n, n_old).
    variance
        Variance of the flux, shape (n, n_old), NaN where unknown.

    Returns
    -------
    Resampled
        Weighted means, masked where no good pixel has weight, shape (n, n_new).
    """
    weight = good_weight(matrix, mask)
    bad = weight == 0
    weight[bad] = np.nan
    mean = _product(matrix, np.where(mask, 0.0, flux)) / weight
    if variance is None:
        return Resampled(mean, bad, None)
    # Only stored weights are multiplied: what is unknown stays where it enters.
    spread = _product(matrix.power(2), np.where(mask, 0.0, variance))
    return Resampled(mean, bad, spread / weight**2)


def _product(matrix: csr_array, values: NDArray[Any]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = (matrix @ values.T.astype(np.float64)).T
    return product


def checked_batch(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    mask: ArrayLike | None,
    variance: ArrayLike | None = None,
    pixels: slice = slice(None),
) -> Resampled:
    """Return flux, mask and variance as a batch; values that are not numbers are bad.

    Parameters
    ----------
    flux
        Flux, shape (n, n_pixels) or (n_pixels,).
    spectral_axis
        Wavelengths of the pixels, shape (n_pixels,).
    mask
        True where a pixel is bad, of the shape of flux or one that broadcasts to it.
    variance
        Variance of the flux, likewise; negative or not finite where it is unknown.
    pixels
        The pixels that are wanted.

    Returns
    -------
    Resampled
        The wanted pixels, flux as it is given also where bad.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    given, shape = np.atleast_2d(np.asarray(flux)), np.shape(flux)
    n_pixels = np.shape(spectral_axis)[-1]
    if given.ndim != 2 or given.shape[1] != n_pixels:  # noqa: PLR2004 - spectra by pixels
        msg = f"flux must have shape (n, {n_pixels}) as spectral_axis, given {shape}"
        raise ValueError(msg)

    def wanted(name: str, values: ArrayLike) -> NDArray[Any]:
        try:
            return np.broadcast_to(values, given.shape)[:, pixels]
        except ValueError as fault:
            msg = f"{name} must have the shape of flux, {given.shape}, given {np.shape(values)}"
            raise ValueError(msg) from fault

    values = given[:, pixels].astype(np.float64)
    bad = ~np.isfinite(values)
    if mask is not None:
        bad |= wanted("mask", mask).astype(bool)
    if variance is None:
        return Resampled(values, bad, None)
    spread = wanted("variance", variance).astype(np.float64)
    known = (spread >= 0) & (spread < np.inf)
    return Resampled(values, bad, np.where(known, spread, np.nan))


def axis_key(spectral_axis: ArrayLike) -> bytes:
    """Return what tells one axis from another: its bits.

    Raises
    ------
    ValueError
        If the axis is not one-dimensional.
    """
    axis = np.asarray(spectral_axis, dtype=np.float64)
    if axis.ndim != 1:
        msg = f"spectral_axis must have shape (n,), given {axis.shape}"
        raise ValueError(msg)
    return axis.tobytes()


@lru_cache(maxsize=_KEPT)
def _weights(old: bytes, new: bytes) -> _Weights:
    matrix = resampling_matrix(np.frombuffer(old), np.frombuffer(new))
    if matrix.nnz == 0:
        return _Weights(slice(0, 0), matrix[:, :0])
    pixels = slice(int(matrix.indices.min()), int(matrix.indices.max()) + 1)
    matrix = matrix[:, pixels]
    diagonal = np.arange(matrix.shape[0])
    same = np.array_equal(matrix.indices, diagonal) and np.array_equal(
        matrix.indptr[1:], 1 + diagonal
    )
    return _Weights(pixels, None if same else matrix)


def resample(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    new_spectral_axis: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    variance: ArrayLike | None = None,
) -> Resampled:
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
    variance
        Variance of the flux, shape (n, n_old); NaN where it is unknown, which says
        nothing against the flux.

    Returns
    -------
    Resampled
        Flux, mask and variance of shape (n, n_new). Masked is an element that holds
        no good pixel or is not wholly inside the old pixels: nothing is padded.

    Raises
    ------
    ValueError
        If the shapes do not agree or an axis is not rising.
    """
    weights = _weights(axis_key(spectral_axis), axis_key(new_spectral_axis))
    batch = checked_batch(flux, spectral_axis, mask, variance, weights.pixels)
    if weights.matrix is not None:
        return weighted_mean(weights.matrix, *batch)
    for values in (batch.flux, batch.variance):
        if values is not None:
            values[batch.mask] = np.nan
    return batch
