"""What scores are worth: conservation, Bayes' rule, and labels that do not judge themselves."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import logit

from vospec import probability
from vospec.columns import CLASSES, RELIABILITY, RUNS, THRESHOLDS
from vospec.config import LearningSettings, SelectionSettings
from vospec.probability import Curve, HeldOut, Worth
from vospec.runs import UNLABELLED, Vertices
from vospec.store import arrow_schema

N_LABELS, N_SURVEY = 80, 400
SELECTION = SelectionSettings()
SETTINGS = LearningSettings(tol=1e-9)


def vertices(classes: NDArray[np.int_], survey: NDArray[np.bool_]) -> Vertices:
    """Vertices that all show a line."""
    names = pa.array([f"lamost/dr1/{number}" for number in range(len(classes))])
    return Vertices(names, survey, classes, np.full(len(classes), 1.0), np.full(len(classes), 0.01))


@pytest.fixture(scope="module")
def scored() -> tuple[Vertices, NDArray[np.float64], HeldOut]:
    """Labels, half of them targets, and a survey in which one of twenty is."""
    rng = np.random.default_rng(5)
    wanted = np.append(np.arange(N_LABELS) % 2 == 0, np.arange(N_SURVEY) % 20 == 0)
    scores = np.where(wanted, rng.beta(6, 2, len(wanted)), rng.beta(2, 6, len(wanted)))
    is_label = np.arange(len(wanted)) < N_LABELS
    classes = np.where(is_label, np.where(wanted, 1, 0), UNLABELLED)
    rows = np.arange(N_LABELS)
    held = HeldOut(rows, rows, rows, wanted[:N_LABELS], scores[:N_LABELS].copy())
    # What is published of a labelled spectrum knows its label.
    scores[:N_LABELS] = wanted[:N_LABELS]
    return vertices(classes, ~is_label), scores, held


def worth(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
    artefacts: NDArray[np.bool_] | None = None,
    **changed: Any,  # noqa: ANN401 - of the selection
) -> Worth:
    placed, scores, held = scored
    return probability.worth(
        "run",
        placed,
        scores,
        held=held,
        artefacts=np.zeros(len(scores), bool) if artefacts is None else artefacts,
        selection=replace(SELECTION, **changed),
    )


def test_probabilities_add_up_to_the_share(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
) -> None:
    found = worth(scored)
    # One more of each kind is added to the survey.
    total = found.probabilities[N_LABELS:].sum() + 1
    assert total / (N_SURVEY + 2) == pytest.approx(found.facts["target_share"], rel=1e-6)


def test_the_record_tells_the_curve(scored: tuple[Vertices, NDArray[np.float64], HeldOut]) -> None:
    found, scores = worth(scored), scored[1].astype(np.float32)[N_LABELS:]
    slope, intercept = (found.facts[f"calibration_{name}"] for name in ("slope", "intercept"))
    expected = slope * logit(scores.astype(np.float64)) + intercept
    np.testing.assert_allclose(logit(found.probabilities[N_LABELS:]), expected, rtol=1e-9)
    curve = Curve.of(found.facts)
    np.testing.assert_array_equal(curve.predict(scores), found.probabilities[N_LABELS:])
    missing = Curve.of(dict.fromkeys(RUNS.names))
    assert np.isnan(missing.predict(scores.astype(np.float64))).all()


def test_labelled_spectra_have_the_probability_that_other_labels_give(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
) -> None:
    placed, scores, held = scored
    found = worth(scored)
    expected = Curve.of(found.facts).predict(held.scores)
    np.testing.assert_array_equal(found.probabilities[:N_LABELS], expected)
    some = np.arange(10, N_LABELS)
    fewer = HeldOut(held.labelled, some, held.stars[some], held.wanted[some], held.scores[some])
    found = worth((placed, scores, fewer))
    assert np.isnan(found.probabilities[:10]).all()
    assert not np.isnan(found.probabilities[10:]).any()


def test_a_survey_of_another_share_has_other_odds(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
) -> None:
    found = worth(scored)
    # Only those below 0.3: hardly any target.
    low = (scored[1] > 0.3) & scored[0].survey
    rare = worth(scored, artefacts=low)
    shares = [each.facts["target_share"] for each in (found, rare)]
    assert shares[1] < shares[0]
    odds = [logit(each.probabilities[N_LABELS:]) for each in (found, rare)]
    np.testing.assert_allclose(odds[1] - odds[0], logit(shares[1]) - logit(shares[0]), rtol=1e-6)


def test_thresholds_count_what_is_published(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
) -> None:
    found = worth(scored)
    assert found.thresholds.schema.equals(arrow_schema(THRESHOLDS))
    published, values = scored[1][N_LABELS:].astype(np.float32), found.probabilities[N_LABELS:]
    rows = found.thresholds.to_pylist()
    assert [row["threshold"] for row in rows] == list(probability.LIMITS)
    for row in rows:
        above = published >= row["threshold"]
        assert row["n"] == above.sum()
        if above.any():
            assert row["expected_precision"] == pytest.approx(values[above].mean())
            assert row["expected_recall"] == pytest.approx(values[above].sum() / values.sum())
            poisson = np.sqrt((values * (1 - values))[above].sum()) / above.sum()
            assert row["expected_precision_error"] > poisson
        else:
            assert row["expected_precision"] is None


@pytest.mark.parametrize("changed", [{"min_score": 0.5}, {"min_score": 0.2, "n_candidates": 7}])
def test_the_record_tells_the_precision_of_the_candidates(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut], changed: dict[str, Any]
) -> None:
    found = worth(scored, **changed)
    published, values = scored[1][N_LABELS:].astype(np.float32), found.probabilities[N_LABELS:]
    order = np.argsort(-published)[: changed.get("n_candidates")]
    chosen = order[published[order] > changed["min_score"]]
    assert found.facts["candidate_precision"] == pytest.approx(values[chosen].mean())


def test_no_candidates_have_no_precision(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
) -> None:
    found = worth(scored, min_score=1.0)
    assert found.facts["candidate_precision"] is None
    assert found.facts["target_share"] is not None


def test_reliability_is_that_of_all_labels(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
) -> None:
    found = worth(scored)
    table = found.reliability
    assert table.schema.equals(arrow_schema(RELIABILITY))
    rows = [row for row in table.to_pylist() if row["n"]]
    assert sum(row["n"] for row in rows) == N_LABELS
    assert sum(row["n"] * row["observed"] for row in rows) == pytest.approx(N_LABELS / 2)
    error = sum(row["n"] * abs(row["observed"] - row["predicted"]) for row in rows) / N_LABELS
    assert found.facts["calibration_error"] == pytest.approx(error)
    assert 0 < found.facts["brier"] < 0.25


def test_without_a_survey_there_is_no_share(
    scored: tuple[Vertices, NDArray[np.float64], HeldOut],
) -> None:
    placed, scores, held = scored
    found = worth((replace(placed, survey=np.zeros(len(scores), bool)), scores, held))
    assert list(found.facts) == ["calibration_note"]
    assert "no spectrum of the survey" in found.facts["calibration_note"]
    assert np.isnan(found.probabilities).all()
    assert (len(found.reliability), len(found.thresholds)) == (0, 0)


def pairs(n: int) -> tuple[sparse.csr_array, NDArray[np.int_], NDArray[np.int_]]:
    """Stars of two labelled spectra, near to each other, all joined by an unlabelled one."""
    size = 2 * n + 1
    rows = np.concatenate([np.arange(0, 2 * n, 2), np.arange(2 * n)])
    columns = np.concatenate([np.arange(1, 2 * n, 2), np.full(2 * n, 2 * n)])
    weights = np.concatenate([np.full(n, 1.0), np.full(2 * n, 0.01)])
    graph = sparse.csr_array((weights, (rows, columns)), shape=(size, size))
    classes = np.append(np.repeat(np.arange(n) % 2, 2), UNLABELLED)
    return (graph + graph.T).tocsr(), classes, np.repeat(np.arange(n), 2)


@pytest.mark.parametrize("method", ["label_propagation", "label_spreading"])
def test_a_star_does_not_judge_itself(method: str) -> None:
    graph, classes, stars = pairs(20)
    placed = vertices(classes, classes == UNLABELLED)
    held = probability.held_out(graph, placed, stars, method=method, settings=SETTINGS)
    assert isinstance(held, HeldOut)
    # The other spectrum of its star would tell nearly all: what is left is the mean of all others.
    np.testing.assert_allclose(held.scores, 0.5, atol=0.02)
    each = probability.held_out(graph, placed, np.arange(40), method=method, settings=SETTINGS)
    assert isinstance(each, HeldOut)
    assert np.abs(each.scores - each.wanted).mean() < 0.3


def test_scores_without_a_line_are_halved_here_too() -> None:
    graph, classes, stars = pairs(20)
    placed = vertices(classes, classes == UNLABELLED)
    dark = replace(placed, peaks=np.zeros(len(classes)))
    held, halved = (
        probability.held_out(graph, each, stars, method="label_propagation", settings=SETTINGS)
        for each in (placed, dark)
    )
    assert isinstance(held, HeldOut)
    assert isinstance(halved, HeldOut)
    np.testing.assert_allclose(halved.scores, held.scores / 2)


def test_too_few_stars_are_told() -> None:
    graph, classes, stars = pairs(9)
    placed = vertices(classes, classes == UNLABELLED)
    held = probability.held_out(graph, placed, stars, method="label_propagation", settings=SETTINGS)
    assert isinstance(held, str)
    assert held.endswith("found 4 and 5")


def test_labels_that_no_other_label_reaches_do_not_count() -> None:
    graph, classes, stars = pairs(20)
    # Without the spectrum that joins them, every star is alone.
    graph = sparse.block_diag([graph[:40, :40], np.zeros((1, 1))], format="csr")
    placed = vertices(classes, classes == UNLABELLED)
    held = probability.held_out(
        sparse.csr_array(graph), placed, stars, method="label_spreading", settings=SETTINGS
    )
    assert isinstance(held, str)
    assert held.endswith("found 0 and 0")


def test_classes_that_are_sought_are_those_of_the_columns() -> None:
    graph, classes, stars = pairs(20)
    double = np.where(classes == 1, CLASSES.index("double_peak"), classes)
    held = [
        probability.held_out(
            graph,
            vertices(each, each == UNLABELLED),
            stars,
            method="label_propagation",
            settings=SETTINGS,
        )
        for each in (classes, double)
    ]
    assert isinstance(held[0], HeldOut)
    assert isinstance(held[1], HeldOut)
    np.testing.assert_array_equal(held[0].wanted, held[1].wanted)
