"""How far an expected precision would move had other stars been labelled.

Expected precisions rest on a curve that some hundred labelled stars have drawn. The
stars are drawn anew, with replacement and as many of each kind (the bootstrap: Efron
1979, Annals of Statistics 7, 1), the curve is fitted, the survey's share estimated and
the precision expected again.

Cost: a fit of a curve a draw, and one pass over the survey's scores, which are counted
in narrow bins.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from vospec.learning.probability import CalibrationMethod, Calibrator, carried, survey_share
from vospec.learning.reliability import Values

#: Edges of the bins, evenly in the logit of the score, to 1e-6 from 0 and 1.
_EDGES = expit(np.linspace(-14, 14, 2000))


class _Counts(NamedTuple):
    """Scores in bins: their means, spectra of each, those that tell of the share."""

    scores: Values
    n: NDArray[np.int64]
    n_telling: NDArray[np.int64]


def precision_spread(  # noqa: PLR0913 -- named parameters of one method
    labelled: tuple[ArrayLike, ArrayLike, ArrayLike],
    scores: ArrayLike,
    thresholds: ArrayLike,
    *,
    telling: ArrayLike,
    method: CalibrationMethod = "platt",
    n_draws: int = 50,
    seed: int = 0,
) -> Values:
    """Return the standard deviation of the expected precision over draws of labelled stars.

    Parameters
    ----------
    labelled : (array_like of float, array_like of bool, array_like)
        Scores of labelled spectra that do not know their label, whether they are
        targets, and their stars.
    scores : array_like, shape (n,)
        Scores of the survey; NaN is left out.
    thresholds : array_like, shape (m,)
        Least scores.
    telling : array_like of bool, shape (n,)
        Spectra from which the share of targets is estimated.
    method : {'isotonic', 'platt'}, optional
        As for `Calibrator`.
    n_draws : int, optional
        Number of draws.
    seed : int, optional
        Of the draws.

    Returns
    -------
    ndarray of float64, shape (m,)
        NaN where no score is as high.
    """
    limits = np.asarray(thresholds, dtype=np.float64)
    edges = np.unique(np.concatenate([_EDGES, limits]))
    counts = _counted(np.asarray(scores, dtype=np.float64), np.asarray(telling, bool), edges)
    # A score as high as an edge stands above it.
    first = np.searchsorted(edges, limits) + 1
    known, wanted, stars = (np.asarray(each) for each in labelled)
    kinds = _rows_of_stars(wanted, stars)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n_draws):
        drawn = (kind[star] for kind in kinds for star in rng.integers(0, len(kind), len(kind)))
        rows = np.concatenate(list(drawn))
        calibrator = Calibrator(method).fit(known[rows], wanted[rows])
        found.append(_precision(calibrator, counts, first))
    return np.asarray(np.std(found, axis=0, ddof=1))


def _counted(scores: Values, telling: NDArray[np.bool_], edges: Values) -> _Counts:
    known = ~np.isnan(scores)
    values, size = scores[known], len(edges) + 1
    bins = np.searchsorted(edges, values, side="right")
    n = np.bincount(bins, minlength=size)
    sums = np.bincount(bins, weights=values, minlength=size)
    n_telling = np.bincount(bins[telling[known]], minlength=size)
    return _Counts(np.divide(sums, n, out=np.full(size, np.nan), where=n > 0), n, n_telling)


def _rows_of_stars(wanted: NDArray[np.bool_], stars: NDArray[Any]) -> list[list[NDArray[np.intp]]]:
    """Return the rows of every star: of those with a target, and of all others."""
    order = np.argsort(stars, kind="stable")
    rows_of = np.split(order, np.flatnonzero(stars[order][1:] != stars[order][:-1]) + 1)
    sought = [bool(wanted[rows].any()) for rows in rows_of]
    kinds = [
        [rows for rows, of in zip(rows_of, sought, strict=True) if of is kind]
        for kind in (True, False)
    ]
    return [kind for kind in kinds if kind]


def _precision(calibrator: Calibrator, counts: _Counts, first: NDArray[np.intp]) -> Values:
    known = calibrator.predict(counts.scores)
    share = survey_share(known, calibrator.share_, weights=counts.n_telling)
    wanted = np.nan_to_num(carried(known, calibrator.share_, share)) * counts.n
    sums, n = (np.append(np.cumsum(each[::-1])[::-1], 0)[first] for each in (wanted, counts.n))
    return np.asarray(np.divide(sums, n, out=np.full(first.shape, np.nan), where=n > 0))
