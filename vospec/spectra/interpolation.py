"""Linear interpolation over bad elements, never beyond the good ones.

An element at share s of the way between two good ones takes (1 - s) of the first and s
of the second, and with (1 - s)² and s² their variances. That variance knows the noise,
not what the spectrum did in between, and it is correlated with both neighbours'.

Cost: a look at every element; some twenty operations for those of spectra with a bad one.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.resampling import Resampled, checked_batch


def interpolate(
    flux: ArrayLike, mask: ArrayLike | None = None, *, variance: ArrayLike | None = None
) -> Resampled:
    """Fill bad elements linearly between the nearest good ones.

    Parameters
    ----------
    flux
        Flux on evenly spaced elements, shape (n, n_elements).
    mask
        True where an element is bad, shape (n, n_elements). Elements that are not
        finite are bad as well.
    variance
        Variance of the flux, shape (n, n_elements), NaN where it is unknown.

    Returns
    -------
    Resampled
        Flux with the bad elements filled that lie between good ones. Those before the
        first and after the last good one stay masked and are NaN.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    values, bad, spread = checked_batch(flux, np.empty(np.shape(flux)[-1]), mask, variance)
    rows = np.flatnonzero(bad.any(axis=1))
    row, element = np.nonzero(bad[rows])
    before, after = (side[row, element] for side in _nearest_good(bad[rows]))
    row = rows[row]
    ends = (before < 0) | (after == values.shape[1])
    share = (element - before) / (after - before)
    left, right = np.where(ends, element, before), np.where(ends, element, after)

    def fill(of: NDArray[np.float64], one: NDArray[np.float64], two: NDArray[np.float64]) -> None:
        between = one * of[row, left] + two * of[row, right]
        of[row, element] = np.where(ends, np.nan, between)

    fill(values, 1 - share, share)
    if spread is not None:
        fill(spread, (1 - share) ** 2, share**2)
    bad[row[~ends], element[~ends]] = False
    return Resampled(values, bad, spread)


def _nearest_good(bad: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Index of the nearest good element before and after each; -1 and the length for none."""
    n_elements = bad.shape[1]
    index = np.arange(n_elements)
    before = np.maximum.accumulate(np.where(bad, -1, index), axis=1)
    after = np.minimum.accumulate(np.where(bad, n_elements, index)[:, ::-1], axis=1)[:, ::-1]
    return before, after
