"""Adaptation of one archive's spectra to the resolution and pixels of another.

Škoda, Palička, Koza & Shakurova (2017, IAU Symp. 325, section 4.2): a spectrum of
the finer instrument is convolved with a Gaussian and re-binned to the larger
pixels. Gaussian line-spread functions add in quadrature, so the kernel that takes
resolving power R to R_target has, at each wavelength λ,

    FWHM² = (λ / R_target)² - (λ / R)²

which is 3.6 Å at Hα from R = 13 000 to 1800. The paper's kernel of five pixels
(1.3 Å for CCD700) is kept by name for comparison.

The kernel is sampled at the pixels, cut at five standard deviations and
normalised, also at the ends of the axis, where it is one-sided. Convolution and
re-binning are one matrix of weights M for all spectra of an axis, and with the goodness
g and the variance σ² of the pixels

    f' = (M · g f) / (M · g),    Var(f') = (M² · g σ²) / (M · g)²

so that the variance is that of the sum over the measured pixels, however often a pixel
enters. Elements within a kernel's reach of each other are correlated afterwards; carried
on is the diagonal of their covariance. A variance that is not known stays within the
kernel's reach. The matrices of the axes met last are kept.

Cost: n_pixels x 10 σ/pixel weights (about 10⁵ for CCD700) for a new axis, and for a
spectrum two operations for each of 3·10⁴ weights of M.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from vospec.spectra.resampling import (
    Resampled,
    axis_key,
    checked_batch,
    good_weight,
    pixel_edges,
    resampling_matrix,
    weighted_mean,
)

#: FWHM of a Gaussian in units of its standard deviation.
FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
#: FWHM of the paper's kernel in pixels of the finer instrument.
PAPER_KERNEL_PIXELS = 5.0
_CUT_SIGMAS = 5.0


#: Matrices that are kept: of two megabytes each.
_KEPT = 16


def fwhm_difference(fwhm: ArrayLike, target_fwhm: ArrayLike) -> NDArray[np.float64]:
    """Return the FWHM of the kernel that widens one Gaussian into another.

    Parameters
    ----------
    fwhm, target_fwhm
        FWHM of the line-spread functions of the spectra and of those wanted, in Å:
        numbers or shape (n_pixels,) where they change with wavelength.

    Returns
    -------
    numpy.ndarray
        √(target_fwhm² − fwhm²) in Å, of the shape that both broadcast to.

    Raises
    ------
    ValueError
        If somewhere the wanted function is narrower, or a width is not positive.
    """
    given, target = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (fwhm, target_fwhm)))
    wrong = ~((given > 0) & (target >= given) & (target < np.inf))
    if wrong.any():
        msg = (
            "target_fwhm must be at least fwhm, and both positive, "
            f"given {target[wrong][0]} and {given[wrong][0]} Å"
        )
        raise ValueError(msg)
    return np.asarray(np.sqrt((target - given) * (target + given)))


def kernel_fwhm(
    spectral_axis: ArrayLike, *, resolving_power: float, target_resolving_power: float
) -> NDArray[np.float64]:
    """Return the FWHM of the kernel between two resolving powers.

    Parameters
    ----------
    spectral_axis
        Wavelengths in Å, any shape.
    resolving_power, target_resolving_power
        λ/Δλ of the spectra and the lower one that is wanted.

    Returns
    -------
    numpy.ndarray
        FWHM in Å, of the shape of spectral_axis.

    Raises
    ------
    ValueError
        If the target is not positive or resolves more than the spectra do.
    """
    if not 0 < target_resolving_power <= resolving_power:
        msg = (
            "target_resolving_power must be positive and at most resolving_power "
            f"({resolving_power}), given {target_resolving_power}"
        )
        raise ValueError(msg)
    inverse = np.sqrt(target_resolving_power**-2.0 - resolving_power**-2.0)
    return np.asarray(np.asarray(spectral_axis, dtype=np.float64) * inverse)


def convolution_matrix(spectral_axis: ArrayLike, fwhm: ArrayLike) -> csr_array:
    """Return the weights of a Gaussian whose width may change with wavelength.

    Parameters
    ----------
    spectral_axis
        Wavelengths of the pixels in Å, shape (n_pixels,), rising.
    fwhm
        FWHM in Å, a number or shape (n_pixels,); 0 leaves a pixel as it is.

    Returns
    -------
    scipy.sparse.csr_array
        Weights of shape (n_pixels, n_pixels), rows summing to 1.

    Raises
    ------
    ValueError
        If a width is negative or the axis does not rise.
    """
    axis = np.asarray(spectral_axis, dtype=np.float64)
    sigma = np.broadcast_to(np.asarray(fwhm, dtype=np.float64) / FWHM_PER_SIGMA, axis.shape)
    if not np.all(sigma >= 0):
        msg = f"fwhm must not be negative, given {np.min(sigma) * FWHM_PER_SIGMA} Å"
        raise ValueError(msg)
    first = np.searchsorted(axis, axis - _CUT_SIGMAS * sigma, side="left")
    count = np.searchsorted(axis, axis + _CUT_SIGMAS * sigma, side="right") - first
    start = np.concatenate(([0], np.cumsum(count)))
    j = np.arange(start[-1]) + np.repeat(first - start[:-1], count)
    # A pixel without a kernel has itself as its only neighbour, at distance 0.
    distance = (axis[j] - np.repeat(axis, count)) * np.repeat(
        1.0 / np.where(sigma > 0, sigma, 1.0), count
    )
    weight = np.exp(-0.5 * distance**2) * np.diff(pixel_edges(axis))[j]
    weight /= np.repeat(np.add.reduceat(weight, start[:-1]), count)
    return csr_array((weight, j, start), shape=(axis.size, axis.size))


@lru_cache(maxsize=_KEPT)
def _weights(old: bytes, new: bytes, fwhm: bytes) -> tuple[csr_array, csr_array]:
    """Weights of the re-binning alone and behind the convolution."""
    axis = np.frombuffer(old)
    binning = resampling_matrix(axis, np.frombuffer(new))
    weights = csr_array(binning @ convolution_matrix(axis, np.frombuffer(fwhm)))
    # Sums run in one order, today and after scipy has sorted what it is given.
    weights.sort_indices()
    return binning, weights


def adapt(  # noqa: PLR0913 - the two instruments have two resolving powers and two axes
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    new_spectral_axis: ArrayLike,
    *,
    resolving_power: float,
    target_resolving_power: float,
    mask: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    fwhm: ArrayLike | Literal["paper"] | None = None,
) -> Resampled:
    """Bring spectra to a lower resolving power and to other pixels.

    Parameters
    ----------
    flux
        Flux density, shape (n, n_old).
    spectral_axis, new_spectral_axis
        Wavelengths of the old and the new pixels in Å, shapes (n_old,) and (n_new,).
    resolving_power, target_resolving_power
        λ/Δλ of the spectra and the lower one that is wanted.
    mask
        True where a pixel is bad, shape (n, n_old): it has no weight.
    variance
        Variance of the flux, shape (n, n_old), NaN where it is unknown.
    fwhm
        FWHM of the kernel in Å, a number or shape (n_old,), in place of the one that
        follows from the resolving powers, or ``"paper"`` for five pixels. Instruments
        whose line-spread functions are known in Å take :func:`fwhm_difference`.

    Returns
    -------
    Resampled
        Flux, mask and variance of shape (n, n_new). Masked is an element that holds no
        good pixel, whatever the kernel might reach, or is not wholly inside the old pixels.

    Raises
    ------
    ValueError
        If shapes do not agree, an axis does not rise or the kernel has no real width.
    """
    values, bad, spread = checked_batch(flux, spectral_axis, mask, variance)
    if fwhm is None:
        width = kernel_fwhm(
            spectral_axis,
            resolving_power=resolving_power,
            target_resolving_power=target_resolving_power,
        )
    elif isinstance(fwhm, str):
        width = PAPER_KERNEL_PIXELS * np.gradient(np.asarray(spectral_axis, dtype=np.float64))
    else:
        width = np.asarray(fwhm, dtype=np.float64)
    keys = (axis_key(spectral_axis), axis_key(new_spectral_axis), np.atleast_1d(width).tobytes())
    binning, weights = _weights(*keys)
    adapted = weighted_mean(weights, values, bad, spread)
    empty = good_weight(binning, bad) == 0
    for result in (adapted.flux, adapted.variance):
        if result is not None:
            result[empty] = np.nan
    return adapted._replace(mask=empty)
