"""Rectification: flux over continuum, for many spectra at once.

The continuum is a low-order Chebyshev polynomial in wavelength, fitted by least
squares to the elements outside the protected windows. It starts from the medians
of ten blocks, which a few lines and spikes do not move. Then elements that lie too
far below it (absorption lines) or above it (emission, cosmic rays) are left out and
the rest is fitted again; each fit judges all elements anew, until the choice is
settled. The scatter is 1.4826 times the median absolute residual (Rousseeuw & Croux
1993, JASA 88, 1273). The clip is asymmetric, as in IRAF's ``continuum`` (Tody 1986,
SPIE 627, 733), because absorption is the rule and emission the exception; of purely
normal noise, -2 and +3 lift the continuum by 0.06 of its scatter.

Of the degrees 1 to 4, two follows the continuum of A to K stars of LAMOST over the
435 Å of the default grid as well as the higher ones, varies less with noise, and
comes closer to what people drew through the same stars in CCD700 (mean difference
at Hα 0.5 %). No low degree follows the bands of M stars, and none should: they
stay in the features.

Protected are the windows where a clip would come too late: Hα with wings of ±25 Å
shifted by up to 400 km/s, He I 6680, and the residues of the night sky's [O I].

The variance is divided by the continuum squared. The continuum's own error is not in
it: with p = 3 coefficients on N = 160 or more elements the variance of a least-squares
fit is on average p/N of an element's (Draper & Smith 1998, section 5.1: the trace of the hat
matrix), here 2 %, and it is common to all elements, so that it has no place in a
diagonal. Who sums over elements adds it to the sum.

Cost: for a spectrum and iteration, one sort of its elements and (degree + 1)²
operations an element; about 2·10⁻⁴ s a spectrum of 290 elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.resampling import checked_batch

#: Windows (vacuum Å) that the continuum is not fitted in: [O I] 6302 and 6366 of
#: the sky, Hα, He I 6680.
PROTECTED = ((6297.0, 6308.0), (6361.0, 6371.0), (6530.0, 6600.0), (6673.0, 6687.0))
#: Degree of the continuum's polynomial.
DEGREE = 2
#: Elements further below or above the fit, in units of the scatter, are left out.
CLIP = (2.0, 3.0)
ITERATIONS = 10
#: Blocks of elements whose medians give the first continuum.
BLOCKS = 10
#: Standard deviation of a normal distribution over its median absolute deviation.
MAD_TO_SIGMA = 1.4826
#: A continuum that falls below this share of the median flux is none.
LOWEST_CONTINUUM = 0.05
#: A fit needs this share of the elements outside the protected windows.
FEWEST_ELEMENTS = 0.25


@dataclass(frozen=True, eq=False)
class Rectified:
    """Rectified spectra.

    Attributes
    ----------
    flux
        Flux over continuum, shape (n, n_elements); NaN in rows without continuum.
    continuum
        Continuum in the unit of the flux, shape (n, n_elements); NaN likewise.
    noise
        Robust scatter of the rectified flux outside the lines, shape (n,); NaN
        likewise. Read off the elements that the clip leaves, it is 4 % low.
    fitted
        False in rows for which no continuum could be fitted, shape (n,).
    variance
        Variance of the rectified flux, shape (n, n_elements), NaN where unknown; None
        where none was given. The continuum is taken as exact (see the module).
    """

    flux: NDArray[np.float64]
    continuum: NDArray[np.float64]
    noise: NDArray[np.float64]
    fitted: NDArray[np.bool_]
    variance: NDArray[np.float64] | None


def _median(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the median of the chosen elements of each row; NaN where there is none."""
    ordered = np.sort(np.where(chosen, values, np.inf), axis=1)
    count = chosen.sum(axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    middle = (ordered[rows, low] + ordered[rows, high]) / 2
    return np.where(count > 0, middle, np.nan)


def _outside(
    spectral_axis: NDArray[np.float64], windows: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    outside = np.ones(spectral_axis.shape, dtype=bool)
    for low, high in windows:
        outside &= (spectral_axis < low) | (spectral_axis > high)
    return outside


def _fit(
    flux: NDArray[np.float64], used: NDArray[np.bool_], basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the least-squares polynomials through the used elements of each row."""
    size = basis.shape[1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(-1, size * size)
    weight = used.astype(np.float64)
    normal = (weight @ products).reshape(-1, size, size)
    # Keeps rows without elements solvable; elsewhere it is below the rounding of float32.
    normal += 1e-9 * np.eye(size)
    right = (weight * flux) @ basis
    return np.linalg.solve(normal, right[..., None])[..., 0] @ basis.T


def _first_continuum(
    flux: NDArray[np.float64], candidates: NDArray[np.bool_], basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the polynomials through the medians of blocks of elements."""
    steps = np.zeros_like(flux)
    for block in np.array_split(np.arange(flux.shape[1]), BLOCKS):
        median = _median(flux[:, block], candidates[:, block])[:, None]
        steps[:, block] = np.nan_to_num(median)
    # A block without candidates has no weight, whatever stands there.
    return _fit(steps, candidates, basis)


def _continuum(
    flux: NDArray[np.float64],
    candidates: NDArray[np.bool_],
    basis: NDArray[np.float64],
    clip: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Clip and fit in turn; return the continuum and the elements that it rests on."""
    continuum, used = _first_continuum(flux, candidates, basis), candidates
    for _ in range(ITERATIONS):
        residual = flux - continuum
        scatter = MAD_TO_SIGMA * _median(np.abs(residual), candidates)[:, None]
        used = candidates & (residual >= -clip[0] * scatter) & (residual <= clip[1] * scatter)
        continuum = _fit(flux, used, basis)
    return continuum, used


def rectify(  # noqa: PLR0913 - three settings, each of which a test varies alone
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    protected: Sequence[tuple[float, float]] = PROTECTED,
    degree: int = DEGREE,
    clip: tuple[float, float] = CLIP,
) -> Rectified:
    """Divide spectra by their continuum.

    Parameters
    ----------
    flux
        Flux of any scale, shape (n, n_elements).
    spectral_axis
        Wavelengths of the elements in Å, shape (n_elements,).
    mask
        True where an element is bad, shape (n, n_elements): it takes no part in the
        fit, but is divided like the others. Elements that are not finite are bad as
        well and stay so.
    variance
        Variance of the flux, shape (n, n_elements), NaN where it is unknown. The fit
        does not weigh by it.
    protected
        Windows (first and last wavelength in Å) that take no part in the fit.
    degree
        Degree of the polynomial.
    clip
        How far below and above the fit an element may lie, in units of the scatter.

    Returns
    -------
    Rectified
        Rectified flux, continuum, noise, variance and which rows could be fitted. A row
        with too few good elements, without positive median flux, or whose
        continuum is not positive everywhere is NaN and not fitted.

    Raises
    ------
    ValueError
        If shapes do not agree, or the windows leave too few elements for the degree.
    """
    values, bad, spread = checked_batch(flux, spectral_axis, mask, variance)
    axis = np.asarray(spectral_axis, dtype=np.float64)
    outside = _outside(axis, protected)
    fewest = max(FEWEST_ELEMENTS * outside.sum(), degree + 2)
    if outside.sum() < fewest:
        msg = f"a fit of degree {degree} needs {fewest} elements outside the protected windows"
        raise ValueError(msg)
    candidates = ~bad & outside
    level = _median(values, candidates)
    positive = level > 0
    level = np.where(positive, level, 1.0)[:, None]
    scaled = values / level
    position = 2.0 * (axis - axis[0]) / (axis[-1] - axis[0]) - 1.0
    basis = chebyshev.chebvander(position, degree)
    continuum, used = _continuum(np.where(bad, 0.0, scaled), candidates, basis, clip)
    fitted = positive & (used.sum(axis=1) >= fewest) & (continuum.min(axis=1) > LOWEST_CONTINUUM)
    continuum[~fitted] = np.nan
    rectified = scaled / continuum
    noise = MAD_TO_SIGMA * _median(np.abs(rectified - 1.0), used & fitted[:, None])
    continuum *= level
    rectified_spread = None if spread is None else spread / continuum**2
    return Rectified(rectified, continuum, noise, fitted, rectified_spread)
