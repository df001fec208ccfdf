"""How good and how sure a ranking is.

The score of a spectrum is the sum of the shares of the target classes. A score
that is NaN (no label reaches) stands behind all others.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from scipy.stats import norm
from sklearn.metrics import average_precision_score


class Precision(NamedTuple):
    """A share of successes and its Wilson interval."""

    value: float
    lower: float
    upper: float


def average_precision(classes: ArrayLike, scores: ArrayLike, *, targets: ArrayLike) -> float:
    """Return the average precision of the target classes against all others.

    The sum over the ranking of precision times the step of recall, without
    interpolation; spectra of equal score count as one step (scikit-learn's
    ``average_precision_score``). A ranking by chance has the share of targets.

    Parameters
    ----------
    classes : array_like, shape (n,)
        True classes, numbers or names.
    scores : array_like, shape (n,)
        Scores, larger is better; NaN stands behind all others.
    targets : array_like
        The classes that are sought.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        When the shapes differ or no spectrum is of a target class.
    """
    wanted, scores = _wanted(classes, scores, targets)
    if not wanted.any():
        message = f"classes: expected some of {np.asarray(targets).tolist()}, found none"
        raise ValueError(message)
    # scikit-learn refuses what is not finite; only the order of the scores matters.
    places = np.unique(scores, return_inverse=True)[1]
    places[np.isnan(scores)] = -1
    return float(average_precision_score(wanted, places))


def precision_at(
    k: int,
    classes: ArrayLike,
    scores: ArrayLike,
    *,
    targets: ArrayLike,
    confidence: float = 0.95,
) -> Precision:
    """Return the share of target classes among the best k, with its Wilson interval.

    The interval is that of Wilson 1927 (J. Am. Stat. Assoc. 22, 209): it holds
    also for few spectra and for shares of 0 and 1.

    Parameters
    ----------
    k : int
        How many of the best are taken, in the order of `ranks`.
    classes, scores, targets
        As for `average_precision`.
    confidence : float, optional
        Probability that the interval covers, above 0 and below 1.

    Returns
    -------
    Precision
        Value, lower and upper end.

    Raises
    ------
    ValueError
        When the shapes differ, ``k`` is not in 1..n or ``confidence`` is not a probability.
    """
    wanted, scores = _wanted(classes, scores, targets)
    if not 1 <= k <= len(scores):
        message = f"k: expected 1 to {len(scores)}, found {k}"
        raise ValueError(message)
    if not 0 < confidence < 1:
        message = f"confidence: expected a number above 0 and below 1, found {confidence}"
        raise ValueError(message)
    share = float(wanted[ranks(scores) <= k].mean())
    z = float(norm.ppf((1 + confidence) / 2))
    centre = share + z**2 / (2 * k)
    half = z * np.sqrt(share * (1 - share) / k + (z / (2 * k)) ** 2)
    scale = 1 + z**2 / k
    # Rounding must not carry an end beyond a probability.
    lower, upper = max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
    return Precision(share, float(lower), float(upper))


def ranks(scores: ArrayLike, identifiers: ArrayLike | None = None) -> NDArray[np.int64]:
    """Number spectra from the best score on.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Scores, larger is better; NaN stands behind all others.
    identifiers : array_like, shape (n,), optional
        What decides between equal scores, the lesser first; the place in the
        array where it is not given.

    Returns
    -------
    ndarray of int64, shape (n,)
        1 to n, each once. Where the score is missing the rank has no meaning, and
        whoever publishes it leaves it out.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    scores = np.asarray(scores, dtype=np.float64)
    keys = np.arange(len(scores)) if identifiers is None else np.asarray(identifiers)
    if keys.shape != scores.shape:
        message = f"identifiers: expected shape {scores.shape}, found {keys.shape}"
        raise ValueError(message)
    missing = np.isnan(scores)
    order = np.lexsort((keys, np.where(missing, 0, -scores), missing))
    result = np.empty(len(scores), dtype=np.int64)
    result[order] = np.arange(1, len(scores) + 1)
    return result


def entropy(distributions: ArrayLike) -> NDArray[np.float64]:
    """Return the entropy of class distributions in bits (Shannon 1948, section 6).

    Parameters
    ----------
    distributions : array_like, shape (n, n_classes)
        Shares of sum 1.

    Returns
    -------
    ndarray of float64, shape (n,)
        From 0 (one class) to log2 of the number of classes; NaN for a row of NaN.
    """
    shares = np.asarray(distributions, dtype=np.float64)
    return np.asarray(-xlogy(shares, shares).sum(axis=1) / np.log(2) + 0.0)


def _wanted(
    classes: ArrayLike, scores: ArrayLike, targets: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    wanted = np.isin(np.asarray(classes), np.asarray(targets))
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != wanted.shape:
        message = f"scores: expected shape {wanted.shape}, found {scores.shape}"
        raise ValueError(message)
    return wanted, scores
