"""Whether probabilities hold, and what thresholds of a score are worth by them.

Cost: one sort.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


class Reliability(NamedTuple):
    """How well probabilities are kept, by bins of probability.

    Attributes
    ----------
    lower, upper : ndarray of float64, shape (n_bins,)
        Limits of the bins; the upper one belongs to the next.
    n : ndarray of int64, shape (n_bins,)
        Spectra within.
    predicted, observed : ndarray of float64, shape (n_bins,)
        Mean probability and share of targets; NaN in an empty bin.
    brier : float
        Mean squared difference of probability and truth (Brier 1950).
    calibration_error : float
        Mean over the spectra of the difference of both in their bin (Naeini, Cooper &
        Hauskrecht 2015, AAAI 29, 2901).
    """

    lower: Values
    upper: Values
    n: NDArray[np.int64]
    predicted: Values
    observed: Values
    brier: float
    calibration_error: float


def reliability(probabilities: ArrayLike, wanted: ArrayLike, *, n_bins: int = 10) -> Reliability:
    """Compare probabilities with what came true.

    Parameters
    ----------
    probabilities : array_like, shape (n,)
        Probabilities of being a target; NaN is left out.
    wanted : array_like of bool, shape (n,)
        Whether it is one.
    n_bins : int, optional
        Bins of equal width from 0 to 1.

    Returns
    -------
    Reliability
        One entry a bin.

    Raises
    ------
    ValueError
        When the shapes differ, no probability is given or one is not from 0 to 1.
    """
    values, truth = matched(probabilities, wanted)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.minimum(np.searchsorted(edges, values, side="right") - 1, n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    empty = np.full(n_bins, np.nan)
    predicted, observed = (
        np.divide(
            np.bincount(bins, weights=what, minlength=n_bins),
            counts,
            empty.copy(),
            where=counts > 0,
        )
        for what in (values, truth)
    )
    error = float(np.nansum(counts * np.abs(predicted - observed)) / len(values))
    brier = float(np.square(values - truth).mean())
    return Reliability(edges[:-1], edges[1:], counts, predicted, observed, brier, error)


class ExpectedPrecision(NamedTuple):
    """What thresholds of the score are worth, without knowing the truth.

    Attributes
    ----------
    threshold : ndarray of float64, shape (m,)
        Least scores.
    n : ndarray of int64, shape (m,)
        Spectra of at least this score.
    precision, error : ndarray of float64, shape (m,)
        Expected share of targets among them and its standard deviation, if the
        probabilities hold and spectra are independent; NaN where there are none.
    recall : ndarray of float64, shape (m,)
        Expected part of all targets that is among them.
    """

    threshold: Values
    n: NDArray[np.int64]
    precision: Values
    error: Values
    recall: Values


def expected_precision(
    probabilities: ArrayLike, scores: ArrayLike, thresholds: ArrayLike
) -> ExpectedPrecision:
    """Estimate the precision of a run at each threshold.

    The number of targets among spectra of probabilities p has the mean sum p and the
    variance sum p (1 - p) (Poisson's binomial).

    Parameters
    ----------
    probabilities : array_like, shape (n,)
        For the survey's share.
    scores : array_like, shape (n,)
        Scores of the same spectra; NaN is above no threshold.
    thresholds : array_like, shape (m,)
        Least scores.

    Returns
    -------
    ExpectedPrecision
        One entry a threshold.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    values, scores = np.asarray(probabilities, dtype=np.float64), np.asarray(scores)
    if values.shape != scores.shape:
        message = f"scores: expected shape {values.shape}, found {scores.shape}"
        raise ValueError(message)
    limits = np.asarray(thresholds, dtype=np.float64)
    known = ~np.isnan(scores) & ~np.isnan(values)
    order = np.argsort(scores[known])
    values = values[known][order]
    # Sums over all spectra from a place of the ranking on.
    first = np.searchsorted(scores[known][order], limits)
    sums, variances = (_sums_from(what, first) for what in (values, values * (1 - values)))
    counts = len(values) - first
    nobody = np.full(limits.shape, np.nan)
    some = counts > 0
    return ExpectedPrecision(
        limits,
        counts,
        np.divide(sums, counts, out=nobody.copy(), where=some),
        np.divide(np.sqrt(variances), counts, out=nobody.copy(), where=some),
        np.divide(sums, values.sum(), out=nobody.copy(), where=values.sum() > 0),
    )


def _sums_from(values: Values, first: NDArray[np.intp]) -> Values:
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)[first]


def matched(values: ArrayLike, wanted: ArrayLike) -> tuple[Values, NDArray[np.bool_]]:
    """Return the numbers that are given, and the truth beside them.

    Parameters
    ----------
    values : array_like, shape (n,)
        Numbers from 0 to 1; NaN is left out.
    wanted : array_like of bool, shape (n,)
        Truth.

    Returns
    -------
    (ndarray of float64, ndarray of bool)
        Both without the spectra whose number is NaN.

    Raises
    ------
    ValueError
        When the shapes differ, no number is given or one is not from 0 to 1.
    """
    values, truth = np.asarray(values, dtype=np.float64), np.asarray(wanted, dtype=bool)
    if values.shape != truth.shape:
        message = f"wanted: expected shape {values.shape}, found {truth.shape}"
        raise ValueError(message)
    known = ~np.isnan(values)
    if not known.any() or np.any((values[known] < 0) | (values[known] > 1)):
        message = "expected numbers from 0 to 1, found others or none"
        raise ValueError(message)
    return values[known], truth[known]
