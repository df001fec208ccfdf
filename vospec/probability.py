"""What a run's scores are worth: probabilities, how they hold, what thresholds promise.

The labels are divided by star, each part is scored by the others over the run's own
graph, by the run's own method, and halved where no line is seen, as published scores
are. A logistic curve through these scores gives probabilities for the labels' share of
targets; they are carried to the survey's share, which the survey's own scores tell.

What does not resemble any label has a score all the same, and here a probability:
spectra whose pixels tell of the sky, of cosmic rays or of the spectrograph are left
out where the share is estimated.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import logit

from vospec import learning
from vospec.columns import CLASSES, RELIABILITY, TARGET_CLASSES, THRESHOLDS, LineFlag
from vospec.config import LearningSettings, SelectionSettings
from vospec.runs import Graph, Vertices
from vospec.store import arrow_schema

#: Parts into which the labels are divided.
FOLDS = 5

#: A hundredth of a share is less than the labels tell of a probability; the rows far from
#: all labels, which take most iterations, do not matter here.
LOOSER = 100

#: Thresholds of the score whose worth is told.
LIMITS = (*(number / 20 for number in range(1, 20)), 0.975, 0.99, 0.995, 0.999)

#: What the pixels of a spectrum show that is not of a star.
ARTEFACTS = LineFlag.SKY_RESIDUAL | LineFlag.COSMIC_RAY | LineFlag.ARM_JUNCTION

Values = NDArray[np.float64]


class Aside(NamedTuple):
    """What else is known of the vertices.

    Attributes
    ----------
    stars : (m,) int
        Star of each labelled vertex, in the order of the graph.
    artefacts : (n,) bool
        Vertices with one of the flags :data:`ARTEFACTS`.
    """

    stars: NDArray[np.int_]
    artefacts: NDArray[np.bool_]


class Curve(NamedTuple):
    """The probability that belongs to a score, by columns of :data:`vospec.columns.RUNS`."""

    calibration_slope: float
    calibration_intercept: float
    target_share: float

    @classmethod
    def of(cls, record: dict[str, Any]) -> Self:
        """The curve of a run's record; that of a run without one gives no probabilities."""
        values = (record[name] for name in cls._fields)
        return cls(*(np.nan if value is None else value for value in values))

    def predict(self, scores: Values) -> Values:
        """Return the probabilities (n,) of scores (n,); NaN stays."""
        return learning.logistic(scores, self.calibration_slope, self.calibration_intercept)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Labelled spectra, scored without the labels of their part.

    Attributes
    ----------
    labelled : (l,) int
        All labelled vertices.
    rows, stars : (m,) int
        Those that a label of another part reaches, and the numbers of their stars.
    wanted : (m,) bool
        Whether their label is a target class.
    scores : (m,) float64
        From 0 to 1.
    """

    labelled: NDArray[np.intp]
    rows: NDArray[np.intp]
    stars: NDArray[np.int_]
    wanted: NDArray[np.bool_]
    scores: Values


@dataclass(frozen=True, eq=False)
class Worth:
    """What a run's scores are worth.

    Attributes
    ----------
    probabilities : (n,) float64
        Of every vertex; NaN where there is none.
    facts : dict
        Columns of :data:`vospec.columns.RUNS`.
    reliability, thresholds : Table
        Rows of :data:`vospec.columns.RELIABILITY` and :data:`vospec.columns.THRESHOLDS`;
        none where there are no probabilities.
    """

    probabilities: Values
    facts: dict[str, Any]
    reliability: pa.Table
    thresholds: pa.Table


def held_out(  # noqa: PLR0913 - all but three by name
    graph: Graph,
    vertices: Vertices,
    stars: NDArray[np.int_],
    *,
    method: str,
    settings: LearningSettings,
    n_jobs: int = 1,
) -> HeldOut | str:
    """Score the labelled spectra without the labels of their stars.

    Parameters
    ----------
    graph : sparse array, (n, n), or operator
        Weights of the edges.
    vertices : Vertices
        The spectra of the graph.
    stars : (m,) int
        Star of each labelled vertex, in the order of the graph.
    method : {'label_propagation', 'label_spreading'}
        How labels are spread.
    settings : LearningSettings
        With which parameters.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    HeldOut or str
        The scores, or why there are none.
    """
    rows = np.flatnonzero(vertices.is_labelled)
    wanted = np.isin(vertices.classes, [CLASSES.index(name) for name in TARGET_CLASSES])
    lacking = _too_few(wanted[rows], stars)
    if lacking:
        return lacking
    folds = learning.star_folds(vertices.classes[rows], stars, n_splits=FOLDS, seed=0)
    hidden = learning.hidden_shares(
        graph,
        wanted,
        [(rows[others], rows[part]) for others, part in folds],
        alpha=settings.alpha if method == "label_spreading" else None,
        tol=settings.tol,
        max_iter=settings.max_iter,
        n_jobs=n_jobs,
    )
    scores = learning.tempered(
        hidden.shares[rows],
        vertices.peaks[rows],
        vertices.noise[rows],
        significance=settings.line_significance,
    )
    known = ~np.isnan(scores)
    found = HeldOut(rows, rows[known], stars[known], wanted[rows[known]], scores[known])
    return _too_few(found.wanted, found.stars) or found


def worth(  # noqa: PLR0913 - all but three by name
    run_id: str,
    vertices: Vertices,
    scores: Values,
    *,
    held: HeldOut | str,
    artefacts: NDArray[np.bool_],
    selection: SelectionSettings,
) -> Worth:
    """Calibrate a run's scores.

    Parameters
    ----------
    run_id : str
        The run.
    vertices : Vertices
        The spectra of the graph.
    scores : (n,) float64
        Their scores; NaN where no label reached.
    held : HeldOut or str
        As :func:`held_out` gives it.
    artefacts : (n,) bool
        Spectra with one of the flags :data:`ARTEFACTS`.
    selection : SelectionSettings
        What makes a candidate.

    Returns
    -------
    Worth
        Of a run without probabilities, with the reason in its facts.
    """
    published = scores.astype(np.float32).astype(np.float64)
    telling = vertices.survey & ~vertices.is_labelled & ~artefacts & ~np.isnan(scores)
    if isinstance(held, HeldOut) and not telling.any():
        held = "no spectrum of the survey tells how frequent the target classes are there"
    if isinstance(held, str):
        return _worthless(held, len(scores))
    curve = _curve(held, published[telling])
    probabilities = curve.predict(published)
    probabilities[held.labelled] = np.nan
    probabilities[held.rows] = curve.predict(held.scores)
    crossed = learning.cross_calibrated(held.scores, held.wanted, held.stars, n_splits=FOLDS)
    found = learning.reliability(crossed, held.wanted)
    survey = vertices.survey
    expected = _expected(
        run_id, held, published[survey], probabilities[survey], telling[survey], selection
    )
    # The last threshold is that of the candidates.
    (candidates,) = expected.slice(len(LIMITS)).to_pylist()
    facts = curve._asdict() | {
        "brier": found.brier,
        "calibration_error": found.calibration_error,
        "candidate_precision": candidates["expected_precision"],
        "candidate_precision_error": candidates["expected_precision_error"],
    }
    table = _reliability_table(run_id, found)
    return Worth(probabilities, facts, table, expected.slice(0, len(LIMITS)))


def _curve(held: HeldOut, survey: Values) -> Curve:
    """Fit the curve to the labels, and carry it to what the survey's scores tell."""
    calibrator = learning.Calibrator().fit(held.scores, held.wanted)
    share = learning.survey_share(calibrator.predict(survey), calibrator.share_)
    shift = float(logit(share) - logit(calibrator.share_))
    return Curve(calibrator.slope_, calibrator.intercept_ + shift, share)


def _worthless(reason: str, n_vertices: int) -> Worth:
    return Worth(
        np.full(n_vertices, np.nan),
        {"calibration_note": reason},
        arrow_schema(RELIABILITY).empty_table(),
        arrow_schema(THRESHOLDS).empty_table(),
    )


def _too_few(wanted: NDArray[np.bool_], stars: NDArray[np.int_]) -> str:
    """Tell what the labels lack to be divided; nothing where they can be."""
    counts = [len(np.unique(stars[rows])) for rows in (wanted, ~wanted)]
    if min(counts) >= FOLDS:
        return ""
    return (
        f"labels of {FOLDS} stars of {' or '.join(TARGET_CLASSES)} and of {FOLDS} others are "
        f"needed that labels of other stars reach, found {counts[0]} and {counts[1]}"
    )


def _expected(  # noqa: PLR0913, PLR0917 - what the run and its survey tell
    run_id: str,
    held: HeldOut,
    scores: Values,
    probabilities: Values,
    telling: NDArray[np.bool_],
    selection: SelectionSettings,
) -> pa.Table:
    """Rows of THRESHOLDS, the last one for the candidates."""
    limits = [*LIMITS, _lowest(scores, selection)]
    found = learning.expected_precision(probabilities, scores, limits)
    labelled = held.scores, held.wanted, held.stars
    spread = learning.precision_spread(labelled, scores, limits, telling=telling)
    columns = {
        "run_id": pa.repeat(run_id, len(limits)),
        "threshold": found.threshold,
        "n": found.n,
        "expected_precision": _nullable(found.precision),
        "expected_precision_error": _nullable(np.hypot(found.error, spread)),
        "expected_recall": _nullable(found.recall),
    }
    return pa.table(columns).cast(arrow_schema(THRESHOLDS))


def _lowest(scores: Values, selection: SelectionSettings) -> float:
    """The least score of a candidate; beyond all scores where there is no candidate."""
    chosen = np.sort(scores[scores > selection.min_score])[::-1][: selection.n_candidates]
    return float(chosen[-1]) if chosen.size else np.inf


def _reliability_table(run_id: str, found: learning.Reliability) -> pa.Table:
    columns = {
        "run_id": pa.repeat(run_id, len(found.n)),
        "bin_start": found.lower,
        "bin_stop": found.upper,
        "n": found.n,
        "predicted": _nullable(found.predicted),
        "observed": _nullable(found.observed),
    }
    return pa.table(columns).cast(arrow_schema(RELIABILITY))


def _nullable(values: Values) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
