"""Both methods against the closed forms, solved densely, and against what they promise."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tests.learning.profiles import profiles
from vospec.learning import (
    ConvergenceWarning,
    LabelPropagation,
    LabelSpreading,
    Solver,
    Weights,
    nearest,
    neighbour_graph,
)
from vospec.learning.cells import MANY

SOLVERS: tuple[Solver, ...] = ("conjugate_gradient", "power")
WEIGHTS: tuple[Weights, ...] = ("local_scaling", "rbf", "binary")
Estimator = LabelPropagation | LabelSpreading


def problem(weights: Weights = "local_scaling") -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Give a graph of 300 spectra, and labels of three classes, every tenth one known."""
    vectors, classes = profiles(300)
    classes[np.arange(300) % 7 == 1] = 5
    graph = neighbour_graph(*nearest(vectors, range(300), n_neighbors=8), weights=weights)
    return graph, np.where(np.arange(300) % 10 < 2, classes, -1)


def one_hot(y: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(y[:, None] == np.unique(y[y >= 0]), dtype=np.float64)


def closed_form_of_spreading(
    graph: sparse.csr_array, y: NDArray[np.int64], alpha: float
) -> NDArray[np.float64]:
    """Return (1 - alpha) (1 - alpha S)^-1 Y (Zhou et al. 2004, equation 4)."""
    weights = graph.toarray()
    roots = np.sqrt(weights.sum(axis=1))
    similarity = weights / np.outer(roots, roots)
    return np.asarray(
        (1 - alpha) * np.linalg.solve(np.eye(len(y)) - alpha * similarity, one_hot(y))
    )


def closed_form_of_propagation(
    graph: sparse.csr_array, y: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the harmonic solution (D_UU - W_UU)^-1 W_UL Y_L (Chapelle et al. 2006, chapter 11)."""
    weights, free = graph.toarray(), y < 0
    laplacian = np.diag(weights.sum(axis=1)) - weights
    distributions = one_hot(y)
    inflow = weights[np.ix_(free, ~free)] @ distributions[~free]
    distributions[free] = np.linalg.solve(laplacian[np.ix_(free, free)], inflow)
    return distributions


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("alpha", [0.2, 0.9, 0.99])
def test_spreading_is_the_closed_form(weights: Weights, solver: Solver, alpha: float) -> None:
    graph, y = problem(weights)
    expected = closed_form_of_spreading(graph, y, alpha)
    found = LabelSpreading(alpha=alpha, solver=solver, tol=1e-11, max_iter=5000).fit(graph, y)
    mass = expected.sum(axis=1)
    np.testing.assert_allclose(found.mass_, mass, rtol=1e-8)
    np.testing.assert_allclose(found.label_distributions_, expected / mass[:, None], atol=1e-8)
    assert found.converged_


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_propagation_is_the_closed_form(weights: Weights, solver: Solver) -> None:
    graph, y = problem(weights)
    found = LabelPropagation(solver=solver, tol=1e-11, max_iter=50_000).fit(graph, y)
    expected = closed_form_of_propagation(graph, y)
    np.testing.assert_allclose(found.label_distributions_, expected, atol=1e-7)
    np.testing.assert_array_equal(found.classes_, [0, 1, 5])
    np.testing.assert_array_equal(found.transduction_, found.classes_[expected.argmax(axis=1)])
    np.testing.assert_allclose(found.mass_, 1, rtol=1e-7)


@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
def test_conjugate_gradients_take_fewer_products(estimator: Estimator) -> None:
    graph, y = problem()
    fast = clone(estimator).fit(graph, y)
    slow = clone(estimator).set_params(solver="power").fit(graph, y)
    assert fast.n_iter_ < slow.n_iter_
    np.testing.assert_array_equal(fast.transduction_, slow.transduction_)


@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
def test_order_of_the_vectors_does_not_matter(estimator: Estimator) -> None:
    vectors, classes = profiles(300)
    y = np.where(np.arange(300) % 7 == 0, classes, -1)
    order = np.random.default_rng(5).permutation(300)
    found = clone(estimator).set_params(tol=1e-10).fit(vectors, y)
    shuffled = clone(estimator).set_params(tol=1e-10).fit(vectors[order], y[order])
    np.testing.assert_allclose(
        shuffled.label_distributions_, found.label_distributions_[order], atol=1e-8
    )


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading(alpha=0.2)])
def test_far_rows_are_as_exact_as_near_ones(estimator: Estimator, solver: Solver) -> None:
    # A chain of 120 vertices, labelled at its ends: half way, what arrives of the labels by
    # spreading with alpha 0.2 is below 1e-50.
    chain = sparse.diags_array([np.ones(119), np.ones(119)], offsets=[1, -1]).tocsr()
    y = np.full(120, -1)
    y[[0, 119]] = 0, 1
    estimator = clone(estimator).set_params(solver=solver, tol=1e-12, max_iter=100_000)
    found = estimator.fit(chain, y)
    shares = found.label_distributions_[:, 0]
    assert found.converged_
    np.testing.assert_allclose(shares, 1 - shares[::-1], atol=1e-7)
    if isinstance(estimator, LabelPropagation):
        # Harmonic on a chain is linear: the gambler's ruin.
        np.testing.assert_allclose(shares, np.linspace(1, 0, 120), atol=1e-6)
    else:
        # Away from the ends F falls by (1 - sqrt(1 - alpha^2)) / alpha a step.
        ratio = found.mass_[30:50] / found.mass_[29:49]
        np.testing.assert_allclose(ratio, (1 - np.sqrt(1 - 0.2**2)) / 0.2, rtol=1e-9)


@pytest.mark.parametrize("solver", [*SOLVERS, "scikit-learn"])
@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
def test_rows_that_no_label_reaches_have_no_class(estimator: Estimator, solver: Solver) -> None:
    # Two pairs and a vertex alone; the second pair and the lonely one have no label.
    edges = np.zeros((5, 5))
    edges[[0, 1, 2, 3], [1, 0, 3, 2]] = 1
    y = np.array([4, -1, -1, -1, -1])
    found = clone(estimator).set_params(solver=solver).fit(sparse.csr_array(edges), y)
    np.testing.assert_array_equal(found.transduction_, [4, 4, -1, -1, -1])
    np.testing.assert_array_equal(found.label_distributions_, [[1], [1], *[[np.nan]] * 3])
    np.testing.assert_array_equal(found.mass_[2:], 0)


@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
def test_a_label_without_edges_keeps_its_class(estimator: Estimator) -> None:
    edges = np.zeros((3, 3))
    edges[[0, 1], [1, 0]] = 1
    found = clone(estimator).fit(sparse.csr_array(edges), np.array([0, -1, 1]))
    np.testing.assert_array_equal(found.label_distributions_, [[1, 0], [1, 0], [0, 1]])


def test_propagation_holds_labels_and_spreading_may_change_them() -> None:
    # A vertex labelled 1 amid five labelled 0.
    edges = np.zeros((6, 6))
    edges[0, 1:] = edges[1:, 0] = 1
    graph, y = sparse.csr_array(edges), np.array([1, 0, 0, 0, 0, 0])
    assert LabelPropagation().fit(graph, y).transduction_.tolist() == [1, 0, 0, 0, 0, 0]
    assert LabelSpreading(alpha=0.9).fit(graph, y).transduction_[0] == 0


def test_everything_labelled_is_left_as_it_is() -> None:
    graph, _ = problem()
    y = np.arange(300) % 4
    np.testing.assert_array_equal(LabelPropagation().fit(graph, y).transduction_, y)


@pytest.mark.parametrize("solver", [*SOLVERS, "scikit-learn"])
def test_warns_when_iterations_run_out(solver: Solver) -> None:
    graph, y = problem()
    estimator = LabelSpreading(alpha=0.99, solver=solver, max_iter=4, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match="LabelSpreading: 4 iterations did not reach tol"):
        estimator.fit(graph, y)
    assert not estimator.converged_
    assert estimator.n_iter_ == 4


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
def test_vectors_and_their_graph_are_the_same_problem(
    estimator: Estimator, weights: Weights
) -> None:
    graph, y = problem(weights)
    estimator = clone(estimator).set_params(weights=weights, n_neighbors=8)
    from_graph = clone(estimator).fit(graph, y)
    from_vectors = clone(estimator).fit(profiles(300)[0], y)
    np.testing.assert_array_equal(
        from_graph.label_distributions_, from_vectors.label_distributions_
    )


@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
def test_recovers_the_classes_of_spectra(estimator: Estimator) -> None:
    vectors, classes = profiles(1000)
    known = np.arange(1000) < 100
    found = clone(estimator).fit(vectors, np.where(known, classes, -1))
    assert np.mean(found.transduction_ == classes) > 0.97
    others, other_classes = profiles(200, seed=9)
    assert np.mean(found.predict(others) == other_classes) > 0.97
    np.testing.assert_allclose(found.predict_proba(others).sum(axis=1), 1)


def test_other_vectors_get_the_weighted_mean_of_their_nearest() -> None:
    # Neighbours of 0.5: rows 0 and 1, of classes 0 and 1; the third row is far.
    vectors, y = np.array([[0.0], [2.0], [9.0]]), np.array([0, 1, 1])
    found = LabelPropagation(n_neighbors=2, weights="rbf").fit(vectors, y)
    # Squared distances in the graph: 4, 81, 4, 49, 49, 81.
    weights = np.exp(-np.array([0.25, 2.25]) * 6 / 268)
    np.testing.assert_allclose(found.predict_proba([[0.5]]), [weights / weights.sum()])
    binary = LabelPropagation(n_neighbors=2, weights="binary").fit(vectors, y)
    np.testing.assert_allclose(binary.predict_proba([[0.5]]), [[0.5, 0.5]])


def test_other_vectors_near_nothing_reached_have_no_class() -> None:
    vectors = np.array([[0.0], [1.0], [50.0], [51.0]])
    found = LabelPropagation(n_neighbors=1).fit(vectors, np.array([0, -1, -1, -1]))
    np.testing.assert_array_equal(found.predict([[0.2], [50.2]]), [0, -1])
    np.testing.assert_array_equal(found.predict_proba([[50.2]]), [[np.nan]])


def test_other_vectors_need_vectors() -> None:
    graph, y = problem()
    with pytest.raises(NotFittedError, match="LabelPropagation: fit it on vectors"):
        LabelPropagation().fit(graph, y).predict([[1.0]])
    refitted = LabelPropagation().fit(profiles(300)[0], y).fit(graph, y)
    with pytest.raises(NotFittedError, match="LabelPropagation: fit it on vectors"):
        refitted.predict(profiles(1)[0])


def test_follows_scikit_learn() -> None:
    estimator = LabelSpreading(alpha=0.5, n_neighbors=3)
    assert clone(estimator).get_params() == estimator.get_params()
    assert estimator.set_params(alpha=0.3).alpha == 0.3


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[0, 1, 0], [1, 0, 1]], "expected one square,"),
        ([[0, -1], [-1, 0]], "expected one of finite weights, 0 or more,"),
        ([[0, np.nan], [np.nan, 0]], "expected one of finite weights, 0 or more,"),
        ([[0, 1], [0.5, 0]], "expected one symmetric,"),
        ([[1, 1], [0, 0]], "expected one free of self-loops and symmetric,"),
    ],
)
def test_refuses_graphs_that_are_none(edges: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelSpreading().fit(sparse.csr_array(edges, dtype=np.float64), np.array([0, -1]))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([-1, -1], "y: expected at least one label, found only -1"),
        ([0, -1, -1], "y: expected 2 integers, found int64 of"),
        ([0.0, -1.0], "y: expected 2 integers, found float64 of"),
    ],
)
def test_refuses_labels_that_are_none(y: list[float], message: str) -> None:
    graph = sparse.csr_array([[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match=message):
        LabelPropagation().fit(graph, np.array(y))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": 1.0}, "alpha: expected a number above 0 and below 1, found 1.0"),
        ({"solver": "jacobi"}, "solver: expected one of conjugate_gradient, power, scikit-learn"),
        ({"max_iter": 0}, "expected max_iter >= 1 and tol > 0, found 0 and"),
        ({"tol": 0.0}, "expected max_iter >= 1 and tol > 0, found 1000 and 0.0"),
    ],
)
def test_refuses_parameters_that_are_none(parameters: dict[str, Any], message: str) -> None:
    graph, y = problem()
    with pytest.raises(ValueError, match=message):
        LabelSpreading(**parameters).fit(graph, y)


def test_refuses_a_search_that_is_none() -> None:
    message = "search: expected one of auto, exact, cells, found 'some'"
    with pytest.raises(ValueError, match=message):
        LabelSpreading(search="some").fit(np.eye(3), np.array([0, 1, -1]))  # type: ignore[arg-type]


@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
@pytest.mark.parametrize("n_jobs", [None, 1, 3])
def test_search_in_few_cells_is_the_exact_search(estimator: Estimator, n_jobs: int | None) -> None:
    # 16 cells are all probed.
    vectors, classes = profiles(250)
    y = np.where(np.arange(250) % 7 == 0, classes, -1)
    options = {"tol": 1e-10, "n_jobs": n_jobs}
    exact = clone(estimator).set_params(search="exact", **options).fit(vectors, y)
    cells = clone(estimator).set_params(search="cells", **options).fit(vectors, y)
    shares = exact.label_distributions_
    np.testing.assert_allclose(cells.label_distributions_, shares, atol=1e-8)
    np.testing.assert_allclose(cells.mass_, exact.mass_, rtol=1e-6)
    np.testing.assert_array_equal(cells.transduction_, exact.transduction_)
    others = profiles(40, seed=9)[0]
    np.testing.assert_allclose(cells.predict_proba(others), exact.predict_proba(others), atol=1e-6)


def test_many_vectors_are_sought_in_cells_and_few_exactly() -> None:
    vectors, classes = profiles(MANY, 4)
    y = np.where(np.arange(MANY) % 7 == 0, classes, -1)
    auto, cells = (
        LabelSpreading(search=search).fit(vectors, y).label_distributions_
        for search in ("auto", "cells")
    )
    np.testing.assert_array_equal(auto, cells)
    few = LabelSpreading().fit(vectors[1:], y[1:]).label_distributions_
    exact = LabelSpreading(search="exact").fit(vectors[1:], y[1:]).label_distributions_
    np.testing.assert_array_equal(few, exact)
    # One vector less is another graph, but hardly.
    assert np.mean(auto[1:].argmax(axis=1) == exact.argmax(axis=1)) > 0.99
