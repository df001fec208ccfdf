"""Adaptation of one archive's spectra to the resolution and pixels of another.

Škoda, Palička, Koza & Shakurova (2017, IAU Symp. 325, section 4.2): a spectrum of
the finer instrument is convolved with a Gaussian and re-binned to the larger
pixels. Gaussian line-spread functions add in quadrature, so the kernel that takes
resolving power R to R_target has, at each wavelength λ,

    FWHM² = (λ / R_target)² - (λ / R)²

which is 3.6 Å at Hα from R = 13 000 to 1800. The paper's kernel of five pixels
(1.3 Å for CCD700) is kept by name for comparison.

The kernel is sampled at the pixels, cut at five standard deviations and
normalised, also at the ends of the axis, where it is one-sided.

Cost: n_pixels x 10 σ/pixel weights (about 10⁵ for CCD700), each used twice a spectrum.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, diags_array

from vospec.spectra.resampling import checked_batch, pixel_edges, resample, weighted_mean

#: FWHM of a Gaussian in units of its standard deviation.
FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
#: FWHM of the paper's kernel in pixels of the finer instrument.
PAPER_KERNEL_PIXELS = 5.0
_CUT_SIGMAS = 5.0


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
    i = np.repeat(np.arange(axis.size), count)
    start = np.concatenate(([0], np.cumsum(count)))
    j = np.arange(i.size) - start[i] + first[i]
    # A pixel without a kernel has itself as its only neighbour, at distance 0.
    distance = (axis[j] - axis[i]) / np.where(sigma > 0, sigma, 1.0)[i]
    weight = np.exp(-0.5 * distance**2) * np.diff(pixel_edges(axis))[j]
    matrix = csr_array((weight, j, start), shape=(axis.size, axis.size))
    return diags_array(1.0 / matrix.sum(axis=1), format="csr") @ matrix


def adapt(  # noqa: PLR0913 - the two instruments have two resolving powers and two axes
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    new_spectral_axis: ArrayLike,
    *,
    resolving_power: float,
    target_resolving_power: float,
    mask: ArrayLike | None = None,
    fwhm: float | Literal["paper"] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
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
        True where a pixel is bad, shape (n, n_old): it does not enter the convolution
        and gets no weight in the re-binning.
    fwhm
        FWHM of the kernel in Å in place of the one that follows from the resolving
        powers, or ``"paper"`` for five pixels.

    Returns
    -------
    flux : numpy.ndarray
        Flux density, shape (n, n_new), NaN where masked.
    mask : numpy.ndarray
        True where a new element holds no good pixel or is not wholly inside the old
        pixels, shape (n, n_new).

    Raises
    ------
    ValueError
        If shapes do not agree, an axis does not rise or the kernel has no real width.
    """
    values, bad = checked_batch(flux, spectral_axis, mask)
    if fwhm is None:
        width: ArrayLike = kernel_fwhm(
            spectral_axis,
            resolving_power=resolving_power,
            target_resolving_power=target_resolving_power,
        )
    elif fwhm == "paper":
        width = PAPER_KERNEL_PIXELS * np.gradient(np.asarray(spectral_axis, dtype=np.float64))
    else:
        width = fwhm
    smooth, _ = weighted_mean(convolution_matrix(spectral_axis, width), values, bad)
    return resample(smooth, spectral_axis, new_spectral_axis, mask=bad)
