"""How good each method is on spectra whose labels it has not seen.

Two questions, two divisions of the spectra. *By star*: of the labelled spectra, part
by part is scored by the others, never with the same star on both sides, which a
method would recognise rather than classify. *Over the shift*: all labelled spectra
teach, and spectra of another instrument, whose truth is known otherwise, are scored:
what a survey meets. The first is nearly perfect for every method on labels of one
instrument and cannot choose between them; the second can.

The graph holds all vectors at once, with labels hidden: both methods learn from
vectors without labels too, and a vector does not tell its label.

Cost: a fit a method and part, and for the baselines those of `baselines.tuned`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import precision_recall_curve, precision_recall_fscore_support

from vospec.learning.baselines import Baseline, tuned
from vospec.learning.evaluation import Precision, average_precision, precision_at
from vospec.learning.folds import star_folds
from vospec.learning.propagation import UNLABELLED, LabelPropagation, LabelSpreading
from vospec.learning.reliability import reliability

GraphMethod = Literal["label_propagation", "label_spreading"]
Method = GraphMethod | Baseline
METHODS: tuple[Method, ...] = (*get_args(GraphMethod), *get_args(Baseline))


class Split(NamedTuple):
    """Rows that teach and rows that are judged, no row in both."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


class ClassQuality(NamedTuple):
    """How one class is decided: shares right of those found and of those there are."""

    class_: int
    precision: float
    recall: float
    f1: float
    n: int


class Curve(NamedTuple):
    """Precision and recall of the targets at every score, recall falling."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MethodQuality:
    """What one method gave in all parts together.

    Attributes
    ----------
    method : str
        Its name.
    parameters : tuple of mappings
        Of every part: those given, or those chosen in inner folds.
    rows : (n,) int
        Judged rows, part after part.
    scores : (n,) float64
        Their scores, of graph methods in single precision, NaN where no label reaches; they
        do not know the label, which is what a calibration needs.
    average_precision : float
        Of the targets, over all parts.
    precision_at : Precision
        Share of targets among the best as many as there are targets, with its interval.
    calibration_error : float
        Mean distance of score and share of targets, by `reliability`.
    classes : tuple of ClassQuality
        One a class.
    curve : Curve
        Precision against recall.
    """

    method: Method
    parameters: tuple[Mapping[str, Any], ...]
    rows: NDArray[np.intp]
    scores: NDArray[np.float64]
    average_precision: float
    precision_at: Precision
    calibration_error: float
    classes: tuple[ClassQuality, ...]
    curve: Curve


@dataclass(frozen=True, eq=False)
class Problem:
    """What all methods are given.

    Attributes
    ----------
    vectors : (N, d) float32
        All vectors, labelled or not, as the graph sees them.
    graph : sparse array, (N, N)
        Their neighbour graph.
    classes : (N,) int
        True classes as far as they are known, -1 elsewhere.
    stars : (N,) any
        Star of each spectrum.
    targets : tuple of int
        Classes that are sought.
    factors : (N,) float64, optional
        By which every method's scores are multiplied, see `tempering`.
    """

    vectors: NDArray[np.float32]
    graph: Any
    classes: NDArray[np.int_]
    stars: NDArray[Any]
    targets: tuple[int, ...]
    factors: NDArray[np.float64] | None = None


def by_star(
    classes: ArrayLike, stars: ArrayLike, *, n_splits: int = 5, seed: int = 0
) -> list[Split]:
    """Divide the labelled rows into parts of like classes, no star in two of them.

    Parameters
    ----------
    classes : array_like of int, shape (N,)
        Classes, -1 where unlabelled; such rows are in no part.
    stars : array_like, shape (N,)
        Star of each spectrum.
    n_splits : int, optional
        Number of parts, at most that of stars.
    seed : int, optional
        Of the division.

    Returns
    -------
    list of Split
        One a part.

    Raises
    ------
    ValueError
        When there are fewer labelled stars than parts.
    """
    classes, stars = np.asarray(classes), np.asarray(stars)
    labelled = np.flatnonzero(classes != UNLABELLED)
    n_stars = len(np.unique(stars[labelled]))
    if n_stars < n_splits:
        message = f"stars: expected at least {n_splits} with labels, found {n_stars}"
        raise ValueError(message)
    parts = star_folds(classes[labelled], stars[labelled], n_splits=n_splits, seed=seed)
    return [Split(labelled[train], labelled[test]) for train, test in parts]


def over_shift(classes: ArrayLike, teaching: ArrayLike, stars: ArrayLike) -> list[Split]:
    """Let one set of spectra teach and another be judged.

    Parameters
    ----------
    classes : array_like of int, shape (N,)
        Classes as far as they are known, -1 elsewhere.
    teaching : array_like of bool, shape (N,)
        Spectra of the set that teaches.
    stars : array_like, shape (N,)
        Star of each spectrum; those that teach are not judged in the other set.

    Returns
    -------
    list of Split
        A single one.
    """
    known, teaching = np.asarray(classes) != UNLABELLED, np.asarray(teaching, dtype=bool)
    taught = np.isin(stars, np.asarray(stars)[known & teaching])
    return [Split(np.flatnonzero(known & teaching), np.flatnonzero(known & ~teaching & ~taught))]


def validate(  # noqa: PLR0913 -- named parameters of the methods
    problem: Problem,
    splits: Iterable[Split],
    *,
    methods: Sequence[Method] = METHODS,
    alpha: float = 0.9,
    max_iter: int = 1000,
    tol: float = 1e-6,
    seed: int = 0,
) -> list[MethodQuality]:
    """Judge methods on the same parts.

    Parameters
    ----------
    problem : Problem
        Vectors, graph, classes and stars.
    splits : iterable of Split
        Who teaches and who is judged, from `by_star` or `over_shift`.
    methods : sequence of str, optional
        Names among `METHODS`.
    alpha : float, optional
        That of Label Spreading.
    max_iter, tol : int, float, optional
        Those of both graph methods.
    seed : int, optional
        Of inner folds and forests.

    Returns
    -------
    list of MethodQuality
        In the order of the methods.

    Raises
    ------
    ValueError
        When a method is not known or nothing that is sought is among the judged.
    """
    unknown = sorted(set(methods) - set(METHODS))
    if unknown:
        message = f"methods: expected some of {', '.join(METHODS)}, found {', '.join(unknown)}"
        raise ValueError(message)
    parts = list(splits)
    options = {"alpha": alpha, "max_iter": max_iter, "tol": tol}
    return [_judged(problem, parts, method, options, seed) for method in methods]


def _judged(
    problem: Problem,
    parts: list[Split],
    method: Method,
    options: dict[str, Any],
    seed: int,
) -> MethodQuality:
    known = np.unique(problem.classes[problem.classes != UNLABELLED])
    found = [
        _shares(problem, part, method, known=known, options=options, seed=seed) for part in parts
    ]
    shares = np.vstack([each[0] for each in found])
    rows = np.concatenate([part.test for part in parts])
    reached = ~np.isnan(shares).any(axis=1)
    scores = shares[:, np.isin(known, problem.targets)].sum(axis=1)
    if problem.factors is not None:
        scores *= problem.factors[rows]
    if method in get_args(GraphMethod):
        # As they are published: what differs by less is where the iterations stopped.
        scores = scores.astype(np.float32).astype(np.float64)
    decided = np.where(reached, known[np.nan_to_num(shares).argmax(axis=1)], UNLABELLED)
    parameters = tuple(each[1] for each in found)
    return _measured(problem, method, parameters, rows=rows, scores=scores, decided=decided)


def _shares(  # noqa: PLR0913 -- the arguments of `validate` and the classes
    problem: Problem,
    part: Split,
    method: Method,
    *,
    known: NDArray[np.int_],
    options: dict[str, Any],
    seed: int,
) -> tuple[NDArray[np.float64], Mapping[str, Any]]:
    """Return shares (n_test, len(known)) of the judged rows, and the parameters."""
    shares = np.zeros((len(part.test), len(known)))
    if method in get_args(GraphMethod):
        hidden = np.full(len(problem.classes), UNLABELLED)
        hidden[part.train] = problem.classes[part.train]
        spreading = method == "label_spreading"
        given = {k: v for k, v in options.items() if spreading or k != "alpha"}
        model = LabelSpreading(**given) if spreading else LabelPropagation(**given)
        model.fit(problem.graph, hidden)
        shares[:, np.isin(known, model.classes_)] = model.label_distributions_[part.test]
        return shares, given
    teaching = (each[part.train] for each in (problem.vectors, problem.classes, problem.stars))
    search = tuned(method, *teaching, targets=problem.targets, seed=seed)  # type: ignore[arg-type] # a baseline
    shares[:, np.isin(known, search.classes_)] = search.predict_proba(problem.vectors[part.test])
    return shares, search.best_params_


def _measured(  # noqa: PLR0913 -- the parts of one result
    problem: Problem,
    method: Method,
    parameters: tuple[Mapping[str, Any], ...],
    *,
    rows: NDArray[np.intp],
    scores: NDArray[np.float64],
    decided: NDArray[np.int_],
) -> MethodQuality:
    truth, targets = problem.classes[rows], problem.targets
    wanted = np.isin(truth, targets)
    names = np.unique(truth)
    columns = precision_recall_fscore_support(truth, decided, labels=names, zero_division=np.nan)
    # A spectrum without a score is found at no threshold.
    curve = precision_recall_curve(wanted, np.nan_to_num(scores))
    return MethodQuality(
        method,
        parameters,
        rows,
        scores,
        average_precision(truth, scores, targets=targets),
        precision_at(int(wanted.sum()), truth, scores, targets=targets),
        # Rounding must not carry a sum of shares beyond 1.
        reliability(np.clip(scores, 0, 1), wanted).calibration_error,
        tuple(
            ClassQuality(int(name), float(p), float(r), float(f), int(n))
            for name, p, r, f, n in zip(names, *columns, strict=True)
        ),
        Curve(*(np.asarray(values, dtype=np.float64) for values in curve)),
    )
