"""Validation of the methods: what is hidden stays hidden, what is measured is scikit-learn's."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from tests.learning.profiles import profiles
from vospec.learning import (
    LabelPropagation,
    LabelSpreading,
    baselines,
    nearest,
    neighbour_graph,
)
from vospec.learning.baselines import GRIDS, tuned
from vospec.learning.validation import (
    METHODS,
    Method,
    MethodQuality,
    Problem,
    by_star,
    over_shift,
    validate,
)

N = 360


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try one forest instead of four."""
    monkeypatch.setitem(baselines.GRIDS, "random_forest", {"n_estimators": [10]})


def problem(*, separable: bool = True) -> Problem:
    """Give 360 spectra of 120 stars, two thirds of them with a class."""
    vectors, classes = profiles(N, 40)
    stars = np.arange(N) // 3
    if not separable:
        # Each star looks like itself alone, and its class is chance.
        rng = np.random.default_rng(7)
        vectors = (rng.normal(0, 1, (N // 3, 40))[stars] + rng.normal(0, 0.01, (N, 40))).astype(
            np.float32
        )
        classes = rng.integers(0, 2, N // 3)[stars]
    classes = np.where(classes == 1, 2, 0)
    classes[240:] = -1
    graph = neighbour_graph(*nearest(vectors, range(N), n_neighbors=8))
    return Problem(vectors, graph, classes, stars, targets=(1, 2))


def test_no_star_stands_on_both_sides_and_every_label_is_judged_once() -> None:
    given = problem()
    splits = by_star(given.classes, given.stars, n_splits=4)
    for train, test in splits:
        assert not set(given.stars[train]) & set(given.stars[test])
        assert set(given.classes[test]) == {0, 2}
    judged = np.concatenate([split.test for split in splits])
    np.testing.assert_array_equal(np.sort(judged), np.arange(240))


def test_over_the_shift_one_set_teaches_and_the_other_is_judged() -> None:
    classes = np.array([0, 1, -1, 0, 1, -1])
    teaching = np.array([True, True, True, False, False, False])
    # The fifth spectrum is of a star that teaches.
    stars = np.array(["a", "b", "c", "d", "b", "e"])
    ((train, test),) = over_shift(classes, teaching, stars)
    assert (train.tolist(), test.tolist()) == ([0, 1], [3])


@pytest.mark.parametrize("method", METHODS)
def test_judges_what_can_be_told(method: Method) -> None:
    given = problem()
    (found,) = validate(given, by_star(given.classes, given.stars, n_splits=2), methods=[method])
    assert found.average_precision > 0.95
    assert {each.class_ for each in found.classes} == {0, 2}
    assert len(found.parameters) == 2


@pytest.mark.parametrize("method", METHODS)
def test_nobody_knows_a_label_of_the_same_star(method: Method) -> None:
    # All that could be learnt is the star itself: with it on one side only, nothing is.
    given = problem(separable=False)
    (found,) = validate(given, by_star(given.classes, given.stars, n_splits=3), methods=[method])
    wanted = given.classes[found.rows] == 2
    assert abs(found.average_precision - wanted.mean()) < 0.17


def test_the_same_star_on_both_sides_would_tell() -> None:
    given = problem(separable=False)
    splits = by_star(given.classes, np.arange(N), n_splits=20)
    (found,) = validate(given, splits, methods=["label_propagation"])
    assert found.average_precision > 0.95


def test_labels_of_the_judged_are_hidden() -> None:
    given = problem()
    splits = by_star(given.classes, given.stars, n_splits=3)
    for name, model in (
        ("label_propagation", LabelPropagation()),
        ("label_spreading", LabelSpreading(alpha=0.5)),
    ):
        (found,) = validate(given, splits, methods=[name], alpha=0.5)  # type: ignore[list-item] # a name
        scores = []
        for train, test in splits:
            hidden = np.full(N, -1)
            hidden[train] = given.classes[train]
            model.fit(given.graph, hidden)
            scores.append(model.label_distributions_[test][:, model.classes_ == 2].sum(axis=1))
        np.testing.assert_array_equal(found.scores, np.concatenate(scores).astype(np.float32))


def test_factors_are_those_of_the_scores() -> None:
    given = problem()
    factors = np.where(np.arange(N) % 2, 1.0, 0.5)
    weighed = replace(given, factors=factors)
    splits = by_star(given.classes, given.stars, n_splits=2)
    methods: tuple[Method, ...] = ("label_spreading", "logistic_regression")
    for method in methods:
        (plain,), (found,) = (validate(p, splits, methods=[method]) for p in (given, weighed))
        np.testing.assert_array_equal(found.scores, plain.scores * factors[plain.rows])
        np.testing.assert_array_equal(found.classes, plain.classes)


def measured() -> tuple[MethodQuality, NDArray[np.int_]]:
    given = problem()
    rng = np.random.default_rng(8)
    classes = given.classes.copy()
    # Wrong labels, so that no figure is 0 or 1.
    wrong = rng.choice(240, 40, replace=False)
    classes[wrong] = 2 - classes[wrong]
    noisy = Problem(given.vectors, given.graph, classes, given.stars, given.targets)
    (found,) = validate(noisy, by_star(classes, given.stars), methods=["label_spreading"])
    return found, classes[found.rows]


def test_figures_are_scikit_learn_s() -> None:
    found, truth = measured()
    wanted = truth == 2
    assert found.average_precision == pytest.approx(average_precision_score(wanted, found.scores))
    decided = np.where(found.scores > 0.5, 2, 0)
    for each in found.classes:
        options = {"labels": [each.class_], "average": None}
        assert each.precision == precision_score(truth, decided, **options)
        assert each.recall == recall_score(truth, decided, **options)
        assert each.f1 == f1_score(truth, decided, **options)
        assert each.n == (truth == each.class_).sum()


def test_average_precision_is_the_area_under_the_curve() -> None:
    found, truth = measured()
    steps = -np.diff(found.curve.recall)
    assert (steps * found.curve.precision[:-1]).sum() == pytest.approx(found.average_precision)
    n_wanted = (truth == 2).sum()
    best = np.argsort(-found.scores, kind="stable")[:n_wanted]
    assert found.precision_at.value == pytest.approx((truth[best] == 2).mean())
    assert found.precision_at.lower < found.precision_at.value < found.precision_at.upper


def test_a_baseline_takes_what_its_inner_folds_prefer() -> None:
    given = problem()
    known = given.classes >= 0
    arrays = (each[known] for each in (given.vectors, given.classes, given.stars))
    search = tuned("k_neighbors", *arrays, targets=[2])
    results = search.cv_results_
    assert results["mean_test_score"].max() == search.best_score_
    assert len(results["params"]) == np.prod([len(v) for v in GRIDS["k_neighbors"].values()])


def test_few_labels_have_few_neighbours() -> None:
    vectors, _ = profiles(9, 40)
    search = tuned("k_neighbors", vectors, np.arange(9) % 2, np.arange(9), targets=[1])
    assert {each["n_neighbors"] for each in search.cv_results_["params"]} == {3, 5, 6}


def test_refuses_what_is_none() -> None:
    given = problem()
    with pytest.raises(ValueError, match="methods: expected some of label_propagation,"):
        validate(given, [], methods=["perceptron"])  # type: ignore[list-item] # that is the test
    with pytest.raises(ValueError, match="stars: expected at least 5 with labels, found 2"):
        by_star([0, 1, -1], [1, 2, 3])
    with pytest.raises(ValueError, match="baseline: expected one of random_forest"):
        tuned("perceptron", [[0.0]], [0], [0], targets=[0])  # type: ignore[arg-type] # that is the test
