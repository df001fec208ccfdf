"""Where scores come from, against the inverses of the dense matrices."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from tests.learning.profiles import profiles
from vospec.learning import (
    ConvergenceWarning,
    LabelPropagation,
    LabelSpreading,
    contributions,
    evidence,
    nearest,
    neighbour_graph,
    strongest_edges,
)

ALPHAS = [None, 0.2, 0.9, 0.99]


def problem() -> tuple[sparse.csr_array, NDArray[np.int64]]:
    vectors, classes = profiles(300)
    classes[np.arange(300) % 7 == 1] = 5
    graph = neighbour_graph(*nearest(vectors, range(300), n_neighbors=8))
    return graph, np.where(np.arange(300) % 10 < 2, classes, -1)


def dense_shares(
    graph: sparse.csr_array, y: NDArray[np.int64], alpha: float | None
) -> NDArray[np.float64]:
    """Return the share of every label in every vertex, from the inverse matrix."""
    weights, free = graph.toarray(), y < 0
    degrees = weights.sum(axis=1)
    shares = np.eye(len(y))
    if alpha is None:
        laplacian = np.diag(degrees) - weights
        inverse = np.linalg.inv(laplacian[np.ix_(free, free)])
        shares[np.ix_(free, ~free)] = inverse @ weights[np.ix_(free, ~free)]
    else:
        similarity = weights / np.sqrt(np.outer(degrees, degrees))
        shares = np.linalg.inv(np.eye(len(y)) - alpha * similarity)
    shares[:, free] = 0
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_shares_are_rows_of_the_inverse(alpha: float | None) -> None:
    graph, y = problem()
    vertices = np.array([3, 8, 0, 299, 55, 56, 57, 58, 59, 118])
    found = contributions(graph, y, vertices, alpha=alpha, n_labels=300, tol=1e-12)
    expected = dense_shares(graph, y, alpha)
    for row, vertex in enumerate(vertices):
        known = found.indices[row] >= 0
        shares = np.zeros(300)
        shares[found.indices[row, known]] = found.values[row, known]
        np.testing.assert_allclose(shares, expected[vertex], atol=1e-9)
        assert np.all(np.diff(found.values[row, known]) <= 0)
        assert np.isnan(found.values[row, ~known]).all()


@pytest.mark.parametrize("alpha", ALPHAS)
def test_shares_of_a_class_are_its_distribution(alpha: float | None) -> None:
    graph, y = problem()
    estimator = (
        LabelPropagation(tol=1e-10) if alpha is None else LabelSpreading(alpha=alpha, tol=1e-10)
    ).fit(graph, y)
    found = contributions(graph, y, np.arange(300), alpha=alpha, n_labels=60, tol=1e-12)
    shares, labels = np.nan_to_num(found.values), y[found.indices]
    for column, class_ in enumerate(estimator.classes_):
        total = (shares * (labels == class_)).sum(axis=1)
        np.testing.assert_allclose(total, estimator.label_distributions_[:, column], atol=1e-7)


def test_a_chain_is_the_gambler_s_ruin() -> None:
    chain = sparse.diags_array([np.ones(10), np.ones(10)], offsets=[1, -1]).tocsr()
    y = np.full(11, -1)
    y[[0, 10]] = 4, 7
    found = contributions(chain, y, [3, 0, 10], n_labels=2)
    np.testing.assert_array_equal(found.indices, [[0, 10], [0, -1], [10, -1]])
    np.testing.assert_allclose(found.values, [[0.7, 0.3], [1, np.nan], [1, np.nan]], atol=1e-6)


@pytest.mark.parametrize("alpha", [None, 0.9])
def test_where_no_label_reaches_nothing_flowed(alpha: float | None) -> None:
    edges = np.zeros((5, 5))
    edges[[0, 1, 2, 3], [1, 0, 3, 2]] = 1
    y = np.array([4, -1, -1, -1, -1])
    found = contributions(sparse.csr_array(edges), y, [1, 2, 4], alpha=alpha, n_labels=2)
    np.testing.assert_array_equal(found.indices, [[0, -1], [-1, -1], [-1, -1]])
    np.testing.assert_allclose(found.values, [[1, np.nan], [np.nan] * 2, [np.nan] * 2])


@pytest.mark.parametrize("alpha", [None, 0.9])
def test_order_of_the_vertices_does_not_matter(alpha: float | None) -> None:
    graph, y = problem()
    order = np.random.default_rng(5).permutation(300)
    places = np.argsort(order)
    shuffled = sparse.csr_array(graph[order][:, order])
    found = contributions(graph, y, [3, 8], alpha=alpha, n_labels=5, tol=1e-12)
    other = contributions(shuffled, y[order], places[[3, 8]], alpha=alpha, n_labels=5, tol=1e-12)
    np.testing.assert_array_equal(order[other.indices], found.indices)
    np.testing.assert_allclose(other.values, found.values, atol=1e-10)


def test_edges_are_those_of_the_graph_strongest_first() -> None:
    graph, _ = problem()
    weights = graph.toarray()
    found = strongest_edges(graph, [7, 250], n_neighbors=40)
    for row, vertex in enumerate([7, 250]):
        expected = np.lexsort((np.arange(300), -weights[vertex]))
        expected = expected[weights[vertex, expected] > 0]
        known = found.indices[row] >= 0
        np.testing.assert_array_equal(found.indices[row, known], expected)
        np.testing.assert_array_equal(found.values[row, known], weights[vertex, expected])
    first = strongest_edges(graph, [7], n_neighbors=3)
    np.testing.assert_array_equal(first.indices[0], found.indices[0, :3])


class Operator:
    """A graph that can multiply, and give some rows."""

    def __init__(self, graph: sparse.csr_array) -> None:
        self.rows, self.shape = graph.__getitem__, graph.shape
        self.sum, self._product = graph.sum, graph.__matmul__

    def __matmul__(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._product(columns))


@pytest.mark.parametrize("alpha", [None, 0.9])
def test_what_can_only_multiply_is_a_graph(alpha: float | None) -> None:
    graph, y = problem()
    kinds = (Operator(graph), graph)
    shares = [contributions(each, y, [3, 8], alpha=alpha, tol=1e-9) for each in kinds]
    np.testing.assert_array_equal(shares[0].indices, shares[1].indices)
    np.testing.assert_allclose(shares[0].values, shares[1].values, rtol=1e-12)
    edges = [strongest_edges(each, [3, 8], n_neighbors=4) for each in kinds]
    np.testing.assert_array_equal(edges[0].indices, edges[1].indices)


@pytest.mark.parametrize("many", [1, 1000])
@pytest.mark.parametrize("alpha", [None, 0.9])
@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-8])
def test_shares_are_wrong_by_no_more_than_told(
    monkeypatch: pytest.MonkeyPatch, alpha: float | None, tol: float, many: int
) -> None:
    monkeypatch.setattr(evidence, "MANY", many)
    graph, y = problem()
    vertices = np.arange(0, 300, 7)
    found = contributions(graph, y, vertices, alpha=alpha, n_labels=60, tol=tol, n_jobs=2)
    shares = np.zeros((len(vertices), 300))
    rows, places = np.nonzero(found.indices >= 0)
    shares[rows, found.indices[rows, places]] = found.values[rows, places]
    errors = np.abs(shares - dense_shares(graph, y, alpha)[vertices]).sum(axis=1)
    # Twice: what is missing, and what the rest is divided by.
    assert errors.max() < 2 * tol


def test_warns_when_iterations_run_out() -> None:
    graph, y = problem()
    with pytest.warns(ConvergenceWarning, match="contributions: 2 iterations did not reach"):
        contributions(graph, y, [3], max_iter=2)


def test_refuses_what_is_none() -> None:
    graph, y = problem()
    with pytest.raises(ValueError, match="vertices: expected rows 0 to 299, found others"):
        contributions(graph, y, [300])
    with pytest.raises(ValueError, match="n_labels: expected 1 or more, found 0"):
        contributions(graph, y, [3], n_labels=0)
    with pytest.raises(ValueError, match="n_neighbors: expected 1 or more, found 0"):
        strongest_edges(graph, [3], n_neighbors=0)
    with pytest.raises(ValueError, match="alpha: expected a number above 0 and below 1, found 1"):
        contributions(graph, y, [3], alpha=1)
    with pytest.raises(ValueError, match="y: expected 300 classes with a label among them"):
        contributions(graph, np.full(300, -1), [3])
