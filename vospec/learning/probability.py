"""From scores to probabilities, and to what a threshold is worth.

A score orders spectra; it is not the probability that one is right. What it is
worth is learnt from scores of labelled spectra that were scored without their own
label: a monotone map, either a logistic curve (Platt 1999, *Probabilistic outputs
for support vector machines*) or steps (isotonic regression, Zadrozny & Elkan 2002,
KDD 8, 694), both scikit-learn's.

Half of the labels are emission, and less than one spectrum of a survey in a
hundred: probabilities must be carried from one share to the other. By Bayes' rule
the odds change by the ratio of the odds of the shares, if spectra of a class have
the same scores here and there; the survey's share itself is what the mean of the
carried probabilities reproduces, where the likelihood of the scores is greatest
(Saerens, Latinne & Decaestecker 2002, Neural Computation 14, 21).

Cost: one sort of the scores, and some thirty passes over them for the share.
"""

from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from vospec.learning.folds import star_folds
from vospec.learning.reliability import Values, matched

CalibrationMethod = Literal["isotonic", "platt"]

#: Scores of 0 and 1 are taken as this far from them.
_NEAREST = 1e-6


class Calibrator(BaseEstimator):  # type: ignore[misc] # no types there
    """The probability that belongs to a score.

    To the labelled spectra one more of each kind is added where it surprises most: a
    target of the lowest score, another of the highest. So no finite number of labels
    makes certain, as in Platt's 1999 targets; a probability of exactly 1 would stay 1
    however rare the targets are elsewhere.

    Parameters
    ----------
    method : {'isotonic', 'platt'}, optional
        Steps, or a logistic curve over the logit of the score (Kull, Silva Filho &
        Flach 2017, AISTATS 54, 623: with the logit, a score that is a probability
        already can stay what it is).

    Attributes
    ----------
    share_ : float
        Share of targets among the labels, which the probabilities are for.
    slope_, intercept_ : float
        Of the logistic curve, see `logistic`; NaN where the method is another.
    """

    share_: float
    slope_: float
    intercept_: float

    def __init__(self, method: CalibrationMethod = "platt") -> None:
        self.method = method

    def fit(self, scores: ArrayLike, wanted: ArrayLike) -> Self:
        """Learn from labelled spectra.

        Parameters
        ----------
        scores : array_like, shape (n,)
            Scores from 0 to 1 that do not know the label; NaN is left out.
        wanted : array_like of bool, shape (n,)
            Whether the label is a target class.

        Returns
        -------
        Calibrator
            The object itself.

        Raises
        ------
        ValueError
            When the method is none, the shapes differ, a score is not from 0 to 1, or
            one of both kinds is missing.
        """
        if self.method not in get_args(CalibrationMethod):
            allowed = ", ".join(get_args(CalibrationMethod))
            message = f"method: expected one of {allowed}, found {self.method}"
            raise ValueError(message)
        known, truth = _of_both_kinds(scores, wanted)
        self.share_, self.slope_, self.intercept_ = float(truth.mean()), np.nan, np.nan
        known = np.append(known, [known.min(), known.max()])
        truth = np.append(truth, [True, False])
        if self.method == "isotonic":
            self._map = IsotonicRegression(out_of_bounds="clip").fit(known, truth)
        else:
            # Without a penalty, but for the two spectra added above.
            curve = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
            curve.fit(_logits(known)[:, None], truth)
            self.slope_, self.intercept_ = float(curve.coef_[0, 0]), float(curve.intercept_[0])
        return self

    def predict(self, scores: ArrayLike, *, share: float | None = None) -> Values:
        """Return probabilities of scores.

        Parameters
        ----------
        scores : array_like, shape (n,)
            Scores from 0 to 1.
        share : float, optional
            Share of targets where these scores come from; the labels' own where it is
            not given.

        Returns
        -------
        ndarray of float64, shape (n,)
            NaN where the score is.
        """
        scores = np.asarray(scores, dtype=np.float64)
        probabilities = np.full(scores.shape, np.nan)
        known = ~np.isnan(scores)
        if known.any():
            probabilities[known] = self._mapped(scores[known])
        return probabilities if share is None else carried(probabilities, self.share_, share)

    def _mapped(self, scores: Values) -> Values:
        if self.method == "isotonic":
            return np.asarray(self._map.predict(scores))
        return logistic(scores, self.slope_, self.intercept_)


def logistic(scores: ArrayLike, slope: float, intercept: float) -> Values:
    """Return the probabilities of a logistic curve over the logit of the score.

    Parameters
    ----------
    scores : array_like, shape (n,)
        From 0 to 1, taken as at least 1e-6 from both; NaN stays.
    slope, intercept : float
        Of the logit of the probability.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    values = _logits(np.asarray(scores, dtype=np.float64))
    return np.asarray(expit(slope * values + intercept))


def cross_calibrated(  # noqa: PLR0913 -- named parameters of one method
    scores: ArrayLike,
    wanted: ArrayLike,
    groups: ArrayLike,
    *,
    method: CalibrationMethod = "platt",
    n_splits: int = 5,
    seed: int = 0,
) -> Values:
    """Give labelled spectra the probability that the others would give them.

    Parameters
    ----------
    scores, wanted
        As for `Calibrator.fit`.
    groups : array_like, shape (n,)
        What must not be on both sides, such as the star.
    method
        As for `Calibrator`.
    n_splits : int, optional
        Parts, each judged by the others.
    seed : int, optional
        Of the division into parts.

    Returns
    -------
    ndarray of float64, shape (n,)
        Probabilities, NaN where the score is; what `reliability` is for.
    """
    scores, wanted = np.asarray(scores, dtype=np.float64), np.asarray(wanted, dtype=bool)
    probabilities = np.full(scores.shape, np.nan)
    for others, part in star_folds(wanted, groups, n_splits=n_splits, seed=seed):
        calibrator = Calibrator(method).fit(scores[others], wanted[others])
        probabilities[part] = calibrator.predict(scores[part])
    return probabilities


def carried(probabilities: ArrayLike, share: float, new_share: float) -> Values:
    """Carry probabilities of one share of targets to another, by Bayes' rule.

    The odds p / (1 - p) are multiplied by those of the new share over those of the
    old one (Saerens et al. 2002, equation 4, for two classes).

    Parameters
    ----------
    probabilities : array_like, shape (n,)
        For the old share.
    share, new_share : float
        Above 0 and below 1.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        When a share is not between 0 and 1.
    """
    _check_shares(share=share, new_share=new_share)
    values = np.asarray(probabilities, dtype=np.float64)
    return np.asarray(expit(logit(values) + logit(new_share) - logit(share)))


def survey_share(
    probabilities: ArrayLike, share: float, *, weights: ArrayLike | None = None
) -> float:
    """Estimate the share of targets among spectra without labels.

    The share that is the mean of the probabilities carried to it, where the likelihood
    of the scores is greatest (Saerens et al. 2002, section 2.2; there it is approached
    by expectation and maximisation, here it is the root of a monotone function). One
    more spectrum of each kind is added, as to the labels: no survey has certainly none.

    Parameters
    ----------
    probabilities : array_like, shape (n,)
        Calibrated for the labels' share; NaN is left out.
    share : float
        That of the labels, above 0 and below 1.
    weights : array_like, shape (n,), optional
        Number of spectra that each stands for; 1 where it is not given.

    Returns
    -------
    float
        Above 0 and below 1. It is right as far as the spectra of a class have the same
        scores in the survey as among the labels; what no label resembles raises it.

    Raises
    ------
    ValueError
        When no probability is given, or the share is not between 0 and 1.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    counts = np.ones(values.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    known = ~np.isnan(values)
    values, counts = values[known], counts[known]
    if values.size == 0:
        message = "probabilities: expected at least one number, found none"
        raise ValueError(message)
    _check_shares(share=share)
    total = counts.sum() + 2

    def surplus(new: float) -> float:
        wanted, others = values * (new / share), (1 - values) * ((1 - new) / (1 - share))
        return float(counts @ (wanted / (wanted + others)) + 1 - new * total)

    return float(brentq(surplus, 0.5 / total, 1 - 0.5 / total, xtol=1e-9 / total))


def _logits(scores: Values) -> Values:
    return np.asarray(logit(np.clip(scores, _NEAREST, 1 - _NEAREST)))


def _check_shares(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 < value < 1:
            message = f"{name}: expected a number above 0 and below 1, found {value}"
            raise ValueError(message)


def _of_both_kinds(scores: ArrayLike, wanted: ArrayLike) -> tuple[Values, NDArray[np.bool_]]:
    known, truth = matched(scores, wanted)
    if truth.all() or not truth.any():
        message = "wanted: expected spectra of both kinds, found one kind only"
        raise ValueError(message)
    return known, truth
