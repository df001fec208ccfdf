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

Of the degrees 1 to 4, three is the lowest that holds up to M stars over the 415 Å of
the default grid. Beside Hα (6530 … 6545 and 6585 … 6600 Å), M stars of LAMOST lie 1.7 %
above a cubic and 3.9 % above a parabola, K stars within 0.5 % of either; the same stars
in CCD700 and LAMOST differ by 0.030 against 0.031. From F to K the cubic is as good as
the parabola; it follows the wings of Hα in A stars 0.4 % further down, and its noise at
Hα is 15 % larger. A quartic follows what people left in the stars of CCD700 when they
normalised them. No low degree follows the bands of M stars, and none should: they stay
in the features.

Protected are the windows where a clip would come too late: Hα with wings of ±25 Å
shifted by up to 400 km/s, He I 6680, and the residues of the night sky's [O I].

The variance is divided by the continuum squared. The continuum's own error is not in
it: with p = 4 coefficients on N = 160 or more elements the variance of a least-squares
fit is on average p/N of an element's (Draper & Smith 1998, section 5.1: the trace of the hat
matrix), here 3 %, and it is common to all elements, so that it has no place in a
diagonal. Who sums over elements adds it to the sum.

No sum runs over more than one row, so that a spectrum's numbers do not depend on those
beside it. Rows whose choice is settled take no further part: half of them after two
fits, nearly all after five.

Cost: for a spectrum and fit, one sort of its elements and (degree + 1)² operations an
element; about 4·10⁻⁵ s a spectrum of 275 elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.resampling import checked_batch

#: Windows (vacuum Å) that the continuum is not fitted in: [O I] 6302 and 6366 of
#: the sky, Hα, He I 6680.
PROTECTED = ((6297.0, 6308.0), (6361.0, 6371.0), (6530.0, 6600.0), (6673.0, 6687.0))
#: Degree of the continuum's polynomial.
DEGREE = 3
#: Elements further below or above the fit, in units of the scatter, are left out.
CLIP = (2.0, 3.0)
ITERATIONS = 10
#: Blocks of elements whose medians give the first continuum.
BLOCKS = 10
#: Standard deviation of a normal distribution over its median absolute deviation.
MAD_TO_SIGMA = 1.4826
#: So many rows are worked on together as stay in a processor's cache.
ROWS_AT_ONCE = 192
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


def _median(values: NDArray[np.float64], count: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return the median of the ``count`` lowest values of each row; NaN where there is none."""
    ordered = np.sort(values, axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    return np.where(count > 0, (ordered[rows, low] + ordered[rows, high]) / 2, np.nan)


def _outside(
    spectral_axis: NDArray[np.float64], windows: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    outside = np.ones(spectral_axis.shape, dtype=bool)
    for low, high in windows:
        outside &= (spectral_axis < low) | (spectral_axis > high)
    return outside


def _basis(position: NDArray[Any], degree: int) -> NDArray[np.float64]:
    """Return the polynomials at positions, shape (degree + 1, n)."""
    return np.ascontiguousarray(chebyshev.chebvander(position, degree).T, dtype=np.float64)


def _fit(
    flux: NDArray[np.float64], used: NDArray[np.bool_], basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the coefficients of the least-squares polynomials through the used elements.

    Every sum is one product of two vectors: that of matrices, which is faster still,
    would round a row differently with the number of rows beside it.
    """
    size = len(basis)
    products = (basis[:, None] * basis).reshape(size * size, -1)
    weight = used.astype(np.float64)
    normal = np.vecdot(weight[:, None], products).reshape(-1, size, size)
    # Keeps rows without elements solvable; elsewhere it is below the rounding of float32.
    normal += 1e-9 * np.eye(size)
    right = np.vecdot((weight * flux)[:, None], basis)
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0])


def _first_fit(
    flux: NDArray[np.float64],
    good: NDArray[np.bool_],
    position: NDArray[np.float64],
    degree: int,
) -> NDArray[np.float64]:
    """Return the polynomials through the medians of blocks of elements, at their centres."""
    n, n_elements = flux.shape
    size = -(-n_elements // BLOCKS)
    blocks = np.full((n, BLOCKS * size), np.inf)
    blocks[:, :n_elements] = np.where(good, flux, np.inf)
    blocks = blocks.reshape(n * BLOCKS, size)
    median = _median(blocks, np.isfinite(blocks).sum(axis=1)).reshape(n, BLOCKS)
    centres = [position[i : i + size].mean() for i in range(0, n_elements, size)]
    basis = _basis(np.array(centres), degree)
    median = median[:, : len(centres)]
    return _fit(np.nan_to_num(median), np.isfinite(median), basis)


def _clipped_fit(
    flux: NDArray[np.float64],
    good: NDArray[np.bool_],
    position: NDArray[np.float64],
    degree: int,
    clip: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Clip and fit in turn; return the coefficients and the elements that they rest on."""
    basis = _basis(position, degree)
    coefficients, used = _first_fit(flux, good, position, degree), np.zeros_like(good)
    hidden, count = np.where(good, 0.0, np.inf), good.sum(axis=1)
    rows = np.arange(len(flux))
    for _ in range(ITERATIONS):
        residual = flux[rows] - chebyshev.chebval(position, coefficients[rows].T)
        scatter = MAD_TO_SIGMA * _median(np.abs(residual) + hidden[rows], count[rows])[:, None]
        kept = (residual >= -clip[0] * scatter) & (residual <= clip[1] * scatter) & good[rows]
        # The same elements would give the same fit for ever.
        changed = (kept != used[rows]).any(axis=1)
        rows, kept = rows[changed], kept[changed]
        if not rows.size:
            break
        used[rows], coefficients[rows] = kept, _fit(flux[rows], kept, basis)
    return coefficients, used


def _continuum(  # noqa: PLR0913, PLR0917 - rectify's settings, made ready
    flux: NDArray[np.float64],
    bad: NDArray[np.bool_],
    position: NDArray[np.float64],
    outside: NDArray[np.bool_],
    fewest: float,
    degree: int,
    clip: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return continuum and relative noise; NaN in rows that have none."""
    continuum, noise = np.full_like(flux, np.nan), np.full(len(flux), np.nan)
    good = ~bad[:, outside]
    count = good.sum(axis=1)
    level = _median(np.where(good, flux[:, outside], np.inf), count)[:, None]
    rows = np.flatnonzero((level[:, 0] > 0) & (count >= fewest))
    visible = np.where(good, flux[:, outside], 0.0)[rows] / level[rows]
    coefficients, used = _clipped_fit(visible, good[rows], position[outside], degree, clip)
    shape, count = chebyshev.chebval(position, coefficients.T), used.sum(axis=1)
    sound = (count >= fewest) & (shape.min(axis=1) > LOWEST_CONTINUUM)
    rows, shape = rows[sound], shape[sound]
    continuum[rows] = shape * level[rows]
    distance = np.abs(visible[sound] / shape[:, outside] - 1.0)
    distance[~used[sound]] = np.inf
    noise[rows] = MAD_TO_SIGMA * _median(distance, count[sound])
    return continuum, noise


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
    position = 2.0 * (axis - axis[0]) / (axis[-1] - axis[0]) - 1.0
    continuum, noise = np.empty_like(values), np.empty(len(values))
    for first in range(0, len(values), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        continuum[rows], noise[rows] = _continuum(
            values[rows], bad[rows], position, outside, fewest, degree, clip
        )
    return Rectified(
        flux=values / continuum,
        continuum=continuum,
        noise=noise,
        fitted=np.isfinite(noise),
        variance=None if spread is None else spread / continuum**2,
    )
