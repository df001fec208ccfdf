"""The systems on graphs of any kind, for one set of labels and for many."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from tests.learning.profiles import profiles
from vospec.learning import LabelPropagation, LabelSpreading, loops, nearest, neighbour_graph
from vospec.learning.solvers import Solution
from vospec.learning.systems import checked_graph, propagate, scaled_product, spread

N = 300
METHODS = ("label_propagation", "label_spreading")


class Operator:
    """What a graph must be able to do, and nothing else."""

    def __init__(self, graph: sparse.csr_array) -> None:
        self._graph, self.shape = graph, graph.shape

    def __matmul__(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._graph @ columns)

    def sum(self, axis: int) -> NDArray[np.float64]:
        return np.asarray(self._graph.sum(axis=axis))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "BLOCK", 64)


def problem() -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Give a graph, and the labels of three sets, of two classes, which differ by the set."""
    vectors, classes = profiles(N)
    graph = neighbour_graph(*nearest(vectors, range(N), n_neighbors=8))
    targets = np.zeros((N, 3, 2))
    for part in range(3):
        rows = np.flatnonzero((np.arange(N) % 10 < 2) & (np.arange(N) % 3 != part))
        targets[rows, part, classes[rows]] = 1
    return graph, targets


def solve(
    method: str,
    graph: Any,  # noqa: ANN401 -- of any kind
    targets: NDArray[np.float64],
    **options: Any,  # noqa: ANN401 -- of their types
) -> Solution:
    options = {"solver": "conjugate_gradient", "tol": 1e-9, "max_iter": 1000} | options
    if method == "label_spreading":
        return spread(graph, targets, alpha=0.9, **options)
    return propagate(graph, targets, **options)


@pytest.mark.parametrize("solver", ["conjugate_gradient", "power"])
@pytest.mark.parametrize("method", METHODS)
def test_sets_side_by_side_are_each_alone(method: str, solver: str) -> None:
    graph, targets = problem()
    found = solve(method, graph, targets, solver=solver, max_iter=20_000)
    assert found.converged
    for part in range(3):
        alone = solve(method, graph, targets[:, part], solver=solver, max_iter=20_000)
        np.testing.assert_allclose(
            found.distributions[:, part], alone.distributions, rtol=1e-5, atol=1e-9
        )


@pytest.mark.parametrize("method", METHODS)
def test_a_known_solution_is_confirmed(method: str) -> None:
    graph, targets = problem()
    known = solve(method, graph, targets)
    again = solve(method, graph, targets, start=known.distributions, tol=1e-6)
    assert (again.n_iter, again.converged) == (2, True)
    np.testing.assert_allclose(again.distributions, known.distributions, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_what_can_only_multiply_is_a_graph(method: str) -> None:
    graph, targets = problem()
    found, expected = (solve(method, each, targets) for each in (Operator(graph), graph))
    np.testing.assert_array_equal(found.distributions, expected.distributions)
    y = np.where(np.arange(N) % 10 < 2, np.arange(N) % 2, -1)
    estimator = LabelPropagation if method == "label_propagation" else LabelSpreading
    fitted = [estimator().fit(each, y) for each in (Operator(graph), graph)]
    np.testing.assert_array_equal(*(each.label_distributions_ for each in fitted))


@pytest.mark.parametrize("n_columns", [1, 2, 4, 5, 11, 20])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_products_are_those_of_scipy_to_the_bit(n_columns: int, n_jobs: int) -> None:
    graph, _ = problem()
    rng = np.random.default_rng(4)
    columns, scaling = rng.random((N, n_columns)), rng.random((N, 1))
    scaling[::7] = 0
    found = scaled_product(graph, scaling, n_jobs=n_jobs)(columns)
    np.testing.assert_array_equal(found, scaling * (graph @ (scaling * columns)))


def test_symmetry_is_seen_whatever_the_order() -> None:
    graph, _ = problem()
    assert checked_graph(graph) is not None
    order = np.concatenate(
        [np.arange(a, b)[::-1] for a, b in zip(graph.indptr, graph.indptr[1:], strict=False)]
    )
    rows = graph.data[order], graph.indices[order], graph.indptr
    assert checked_graph(sparse.csr_array(rows, shape=graph.shape)).nnz == graph.nnz
    for fault in (np.nextafter(graph.data[5], 2), 0.0):
        broken = graph.copy()
        broken.data[5] = fault
        with pytest.raises(ValueError, match="graph: expected one symmetric, found another"):
            checked_graph(broken)
    missing = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 0, 0.0]]))
    with pytest.raises(ValueError, match="graph: expected one symmetric, found another"):
        checked_graph(missing)
    broken = graph.copy()
    broken.data[5] = np.nan
    with pytest.raises(ValueError, match="graph: expected one of finite weights"):
        checked_graph(broken)


def test_an_operator_is_no_directed_graph() -> None:
    graph, _ = problem()
    with pytest.raises(ValueError, match="expected a sparse array where it may be directed"):
        LabelSpreading(solver="scikit-learn").fit(Operator(graph), np.arange(N) % 2)
