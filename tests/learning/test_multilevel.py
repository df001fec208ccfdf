"""The preconditioner, against what it stands for."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from tests.learning.profiles import profiles
from vospec.learning import LabelPropagation, grouping, loops, multilevel, nearest, systems
from vospec.learning import neighbour_graph as graph_of
from vospec.learning.multilevel import Multilevel

N = 300


@pytest.fixture(autouse=True)
def several_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multilevel, "_SMALL", 4)
    monkeypatch.setattr(multilevel, "_SIZE", 4)
    monkeypatch.setattr(systems, "MANY", 1)
    monkeypatch.setattr(loops, "BLOCK", 64)


def problem() -> tuple[sparse.csr_array, NDArray[np.int64]]:
    vectors, classes = profiles(N)
    graph = graph_of(*nearest(vectors, range(N), n_neighbors=8))
    return graph, np.where(np.arange(N) % 30 < 2, classes, -1)


def matrix(approximate: Multilevel) -> NDArray[np.float64]:
    return np.asarray(approximate(np.eye(N)))


def test_is_symmetric_and_positive_definite() -> None:
    graph, y = problem()
    approximate = Multilevel(graph, y >= 0)
    assert len(approximate._levels) >= 2
    found = matrix(approximate)
    np.testing.assert_allclose(found, found.T, atol=1e-9 * np.abs(found).max())
    assert np.linalg.eigvalsh(found).min() > 0.5


def test_brings_the_eigenvalues_together() -> None:
    graph, y = problem()
    free = y < 0
    roots = np.where(free, systems.inverse_roots(graph)[:, 0], 0)
    system = np.eye(N) - roots[:, None] * graph.toarray() * roots
    preconditioned = matrix(Multilevel(graph, ~free)) @ system
    before, after = (
        np.sort(np.linalg.eigvals(each[np.ix_(free, free)]).real)
        for each in (system, preconditioned)
    )
    assert after[-1] / after[0] < 0.2 * before[-1] / before[0]


def test_the_groups_graph_is_the_sum_over_members() -> None:
    graph, y = problem()
    live = y < 0
    diagonal = graph.sum(axis=1) * 1.5
    fine = grouping.Graph(graph.indptr, graph.indices, graph.data, diagonal)
    groups = grouping.grouped(fine, live, size=4)
    assert np.array_equal(groups.numbers >= 0, live)
    n_groups = len(groups.starts) - 1
    assert np.bincount(groups.numbers[live]).max() <= 12
    places = np.zeros((N, n_groups))
    places[np.flatnonzero(live), groups.numbers[live]] = 1
    np.testing.assert_array_equal(
        places[groups.members].argmax(axis=1), np.sort(groups.numbers[live])
    )
    coarse = grouping.coarser(fine, groups, n_jobs=1)
    rows = coarse.weights, coarse.indices, coarse.starts
    found = np.diag(coarse.diagonal) - sparse.csr_array(rows, shape=(n_groups,) * 2).toarray()
    expected = places.T @ (np.diag(diagonal) - graph.toarray()) @ places
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_propagation_with_it_is_the_closed_form() -> None:
    graph, y = problem()
    weights, free = graph.toarray(), y < 0
    laplacian = np.diag(weights.sum(axis=1)) - weights
    expected = np.asarray(y[:, None] == [0, 1], dtype=np.float64)
    inflow = weights[np.ix_(free, ~free)] @ expected[~free]
    expected[free] = np.linalg.solve(laplacian[np.ix_(free, free)], inflow)
    found = LabelPropagation(tol=1e-11).fit(graph, y)
    np.testing.assert_allclose(found.label_distributions_, expected, atol=1e-8)


def test_saves_products(monkeypatch: pytest.MonkeyPatch) -> None:
    # A chain without labels but at its ends: news would take a product a vertex.
    chain = sparse.diags_array([np.ones(N - 1)] * 2, offsets=[1, -1]).tocsr()
    y = np.full(N, -1)
    y[[0, -1]] = 0, 1
    found = LabelPropagation(tol=1e-6).fit(chain, y)
    monkeypatch.setattr(systems, "MANY", N + 1)
    plain = LabelPropagation(tol=1e-6).fit(chain, y)
    assert found.n_iter_ < 0.5 * plain.n_iter_
    expected = np.linspace(1, 0, N)
    np.testing.assert_allclose(found.label_distributions_[:, 0], expected, atol=1e-3)


def test_what_no_label_reaches_stays_without() -> None:
    graph, y = problem()
    apart = sparse.csr_array(sparse.block_diag([graph, graph, np.zeros((2, 2))]))
    found = LabelPropagation(tol=1e-6).fit(apart, np.concatenate([y, np.full(N + 2, -1)]))
    assert np.isnan(found.label_distributions_[N:]).all()
    np.testing.assert_array_equal(found.mass_[N:], 0)
    alone = LabelPropagation(tol=1e-6).fit(graph, y)
    np.testing.assert_allclose(
        found.label_distributions_[:N], alone.label_distributions_, atol=1e-4
    )


@pytest.mark.parametrize("y", [np.full(4, -1), np.array([0, 1, 0, 1])])
def test_nothing_free_or_nothing_joined_is_no_fault(y: NDArray[np.int64]) -> None:
    graph = sparse.csr_array(np.zeros((4, 4)))
    residual = np.eye(4)
    np.testing.assert_array_equal(Multilevel(graph, y >= 0)(residual), residual)


def test_threads_do_not_change_a_bit() -> None:
    graph, y = problem()
    one, two = (LabelPropagation(n_jobs=n_jobs).fit(graph, y) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one.label_distributions_, two.label_distributions_)
    assert one.n_iter_ == two.n_iter_
    options: dict[str, Any] = {"dtype": np.float32}
    single = Multilevel(graph, y >= 0, **options)(np.eye(N, dtype=np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, matrix(Multilevel(graph, y >= 0)), rtol=1e-3, atol=1e-3)
