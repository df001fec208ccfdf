"""How good the methods are on a store's own spectra: ``vospec evaluate``.

Two questions, see `vospec.learning.validation`. *By star*: the labelled spectra are
scored part by part by the others, no star on both sides. *Over the shift*: the labelled
training spectra teach, and survey spectra whose true class is known are scored. All
methods see the vectors of the graph, and their scores count half without a line, as
those that a run publishes.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec import learning, neighbourhood, runs, stars
from vospec.columns import CLASSES, TARGET_CLASSES, Column, Table
from vospec.errors import EvaluationError, StoreError
from vospec.learning.validation import (
    METHODS,
    Curve,
    MethodQuality,
    Problem,
    Split,
    by_star,
    over_shift,
    validate,
)
from vospec.plan import Plan
from vospec.store import arrow_schema

logger = logging.getLogger(__name__)

#: Parts of the cross-validation.
FOLDS = 5
TARGETS = tuple(CLASSES.index(name) for name in TARGET_CLASSES)

_OF_CLASS = {
    "precision": "Share of {0} among the spectra decided to be that",
    "recall": "Share of the spectra of {0} that are decided to be that",
    "f1": "Harmonic mean of precision and recall of {0}",
    "n": "Judged spectra of {0}",
}

#: One row a question and method. Classes that nobody judged has are NULL.
EVALUATIONS = Table(
    "evaluations",
    "Quality of the methods on spectra whose labels they have not seen",
    (
        Column("question", "text", "", "", "By_star or over_shift: who teaches, who is judged"),
        Column("method", "text", "", "", "Label Propagation, Label Spreading or a classifier"),
        Column("parameters", "text", "", "", "Those of every part, given or chosen, as JSON"),
        Column("n_parts", "integer", "", "", "Parts that were judged one by one"),
        Column("n_teaching", "integer", "", "", "Spectra that teach, in the part with the fewest"),
        Column("n_judged", "integer", "", "", "Spectra that are judged, all parts together"),
        Column("n_stars", "integer", "", "", "Stars of the judged spectra"),
        Column("n_targets", "integer", "", "", "Judged spectra of the target classes"),
        Column("average_precision", "double precision", "", "", "Of the target classes, by score"),
        Column(
            *("average_precision_shares", "double precision", "", ""),
            "The same by the shares of the classes alone, no score halved for want of a line",
        ),
        Column(
            *("precision_at_n", "double precision", "", ""),
            "Share of the target classes among the n_targets best",
        ),
        Column("precision_lower", "double precision", "", "", "Lower end of its 95 % interval"),
        Column("precision_upper", "double precision", "", "", "Upper end of its 95 % interval"),
        Column(
            *("calibration_error", "double precision", "", ""),
            "Mean difference of score and share of the target classes, in ten bins of score",
        ),
        *(
            Column(f"{measure}_{name}", kind, "", "", meaning.format(name))
            for name in CLASSES
            for measure, meaning in _OF_CLASS.items()
            for kind in ("integer" if measure == "n" else "double precision",)
        ),
        Column("recall_curve", "double precision[]", "", "", "Recall of the targets, falling"),
        Column("precision_curve", "double precision[]", "", "", "Precision at these recalls"),
    ),
    key=("question", "method"),
)


@dataclass(frozen=True, eq=False)
class _Question:
    """Who teaches and who is judged, and all that the methods are given."""

    name: str
    problem: Problem
    splits: list[Split]

    @property
    def judged(self) -> NDArray[np.intp]:
        return np.concatenate([split.test for split in self.splits])


def evaluate(plan: Plan) -> pa.Table:
    """Judge all methods on a plan's labels, and on the survey where its truth is known.

    What has been judged before is read from the store.

    Parameters
    ----------
    plan : Plan
        Its graph must be there.

    Returns
    -------
    Table
        Rows of :data:`EVALUATIONS`.

    Raises
    ------
    StoreError
        The graph of the plan is missing.
    EvaluationError
        No label, labels of one kind only, or of too few stars; or the truth tells no
        class, or none that is known.
    """
    if not plan.evaluations.is_complete():
        rows = [
            _row(question, found)
            for question in _questions(plan)
            for found in _tried(question, plan)
        ]
        table = pa.Table.from_pylist(rows, schema=arrow_schema(EVALUATIONS))
        inputs = {"nearest": plan.nearest.path, "labels": plan.labels.path}
        plan.evaluations.write(table, **inputs, truth=plan.settings.survey.truth)
    return plan.evaluations.table()


def _questions(plan: Plan) -> list[_Question]:
    for dataset in (plan.vertices, plan.nearest, plan.labels):
        if not dataset.is_complete():
            message = f"{dataset.uri}: the graph of these settings is not there: vospec score"
            raise StoreError(message)
    vertices = neighbourhood.vertices(plan)
    taught = vertices.classes
    if not (taught != runs.UNLABELLED).any():
        message = f"{plan.labels.uri}: no usable spectrum has a label, no method can be judged"
        raise EvaluationError(message)
    groups = _stars(plan, vertices)
    _refuse_few_stars(plan.labels.uri, taught, groups)
    truth = _with_truth(plan, vertices) if plan.settings.survey.truth else None
    problem = Problem(
        vectors=neighbourhood.vectors(plan),
        graph=neighbourhood.edges(plan),
        classes=taught,
        stars=groups,
        targets=TARGETS,
        factors=_factors(plan, vertices),
    )
    splits = by_star(taught, groups, n_splits=FOLDS)
    found = [_Question("by_star", problem, splits)]
    if truth is not None:
        splits = over_shift(truth, ~vertices.survey, groups)
        _refuse_one_kind(plan.settings.survey.truth, truth[splits[0].test])
        found.append(_Question("over_shift", replace(problem, classes=truth), splits))
    return found


def _stars(plan: Plan, vertices: runs.Vertices) -> NDArray[np.int_]:
    columns = ["spectrum_id", "object", "ra", "dec"]
    told = plan.spectra.table(columns)
    told = told.take(pc.index_in(vertices.spectrum_id, told.column("spectrum_id")))
    ra, dec = (pc.fill_null(told.column(name), np.nan).to_numpy() for name in ("ra", "dec"))
    return stars.groups(
        told.column("object").to_pylist(),
        *(ra, dec),
        anchors=vertices.classes != runs.UNLABELLED,
        radius_arcsec=plan.settings.pairs.radius_arcsec,
    )


def _factors(plan: Plan, vertices: runs.Vertices) -> NDArray[np.float64]:
    """What a run multiplies scores by, where Hα shows no line."""
    peaks, noise = vertices.peaks, vertices.noise
    significance = plan.settings.learning.line_significance
    return learning.tempered(np.ones(len(noise)), peaks, noise, significance=significance)


def _with_truth(plan: Plan, vertices: runs.Vertices) -> NDArray[np.int_]:
    """Labels of the training spectra, and true classes of the survey's."""
    path = plan.settings.survey.truth
    known = runs.read_truth(path)
    classes = np.where(vertices.survey, runs.UNLABELLED, vertices.classes)
    for row in np.flatnonzero(vertices.survey):
        name = vertices.spectrum_id[row].as_py()
        class_ = known.get(name)
        if class_ and class_ not in CLASSES:
            message = f"{path}: {name}: expected one of {', '.join(CLASSES)}, found {class_!r}"
            raise EvaluationError(message)
        if class_:
            classes[row] = CLASSES.index(class_)
    _refuse_one_kind(path, classes[vertices.survey])
    return classes


def _refuse_few_stars(origin: str, classes: NDArray[np.int_], groups: NDArray[np.int_]) -> None:
    """Every part needs a star that is sought and one that is not."""
    _refuse_one_kind(origin, classes)
    wanted, known = np.isin(classes, TARGETS), classes != runs.UNLABELLED
    counts = [len(np.unique(groups[known & rows])) for rows in (wanted, ~wanted)]
    if min(counts) < FOLDS:
        message = (
            f"{origin}: a cross-validation in {FOLDS} parts needs labels of {FOLDS} stars of "
            f"{' or '.join(TARGET_CLASSES)} and of {FOLDS} others, found {counts[0]} "
            f"and {counts[1]}"
        )
        raise EvaluationError(message)


def _refuse_one_kind(origin: str, classes: NDArray[np.int_]) -> None:
    found = set(np.unique(classes).tolist()) - {runs.UNLABELLED}
    if not found & set(TARGETS) or not found - set(TARGETS):
        names = ", ".join(CLASSES[number] for number in sorted(found)) or "no class"
        message = (
            f"{origin}: expected usable spectra of {' or '.join(TARGET_CLASSES)} and of other "
            f"classes, found {names} only"
        )
        raise EvaluationError(message)


def _tried(question: _Question, plan: Plan) -> Iterator[MethodQuality]:
    section = plan.settings.learning
    for method in METHODS:
        logger.info("%s: %s", question.name, method)
        try:
            yield from validate(
                question.problem,
                question.splits,
                methods=[method],
                alpha=section.alpha,
                max_iter=section.max_iter,
                tol=section.tol,
            )
        except ValueError as fault:
            message = f"{plan.labels.uri}: {question.name}: {method}: {fault}"
            raise EvaluationError(message) from fault


def _row(question: _Question, found: MethodQuality) -> dict[str, Any]:
    problem, rows = question.problem, question.judged
    truth, factors = problem.classes[rows], problem.factors
    shares = found.scores if factors is None else found.scores / factors[rows]
    recall, precision = steps(found.curve)
    row = {
        "question": question.name,
        "method": found.method,
        "parameters": json.dumps(found.parameters, default=dict),
        "n_parts": len(question.splits),
        "n_teaching": min(len(split.train) for split in question.splits),
        "n_judged": len(rows),
        "n_stars": len(np.unique(problem.stars[rows])),
        "n_targets": int(np.isin(truth, TARGETS).sum()),
        "average_precision": found.average_precision,
        "average_precision_shares": learning.average_precision(truth, shares, targets=TARGETS),
        "precision_at_n": found.precision_at.value,
        "precision_lower": found.precision_at.lower,
        "precision_upper": found.precision_at.upper,
        "calibration_error": found.calibration_error,
        "recall_curve": recall,
        "precision_curve": precision,
    }
    for each in found.classes:
        name = CLASSES[each.class_]
        row |= {f"n_{name}": each.n} | {
            # Nobody decided to be of a class has no precision.
            f"{measure}_{name}": None if np.isnan(value) else value
            for measure in ("precision", "recall", "f1")
            for value in (getattr(each, measure),)
        }
    return row


def steps(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision where recall changes: all that the average precision sums over."""
    kept = np.append(np.diff(curve.recall) != 0, True)
    return curve.recall[kept], curve.precision[kept]
