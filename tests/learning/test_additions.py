"""Spectra that came after a run, against the graph's own weights and against each other."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.learning.profiles import profiles
from vospec import learning
from vospec.learning import KnownGraph
from vospec.learning.graph import SCALE_NEIGHBOR, WEAKEST, affinities, mean_gamma

WEIGHTS: tuple[learning.Weights, ...] = ("local_scaling", "rbf", "binary")


def space(n_spectra: int, *, seed: int = 1) -> NDArray[np.float32]:
    """Toy spectra in eight dimensions."""
    return profiles(n_spectra, 8, seed=seed)[0]


def graph_of(vectors: NDArray[Any], *, weights: learning.Weights = "local_scaling") -> KnownGraph:
    """The graph of vectors, which are put into the order of its search."""
    search, _ = learning.cell_search(vectors, n_cells=6)
    distances = search.nearest(range(len(vectors)), n_neighbors=10, n_probes=6)[1]
    return KnownGraph(search, distances, weights)


def shares_of(n_vertices: int) -> NDArray[np.float64]:
    return np.random.default_rng(1).dirichlet([1, 1, 1], n_vertices)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_edges_weigh_what_they_would_in_the_graph(weights: learning.Weights) -> None:
    cube = np.random.default_rng(5).uniform(size=(400, 3)).astype(np.float32)
    graph, shares = graph_of(cube, weights=weights), shares_of(400)
    # Outside, the new vector is nobody's neighbour: no other edge changes.
    new = np.array([[1.35, 0.5, 0.5]], np.float32)
    indices, distances = graph.nearest(new)
    found = graph.inherited(indices, distances, shares)
    together = np.vstack([graph.search.vectors, new])
    lists = learning.nearest(together, range(401), n_neighbors=10)
    assert 400 not in lists[0][:400]
    whole = learning.neighbour_graph(*lists, weights=weights, gamma=mean_gamma(graph.distances))
    edges = whole[[400], :400].toarray()
    assert edges[edges > 0].min() > WEAKEST
    np.testing.assert_allclose(graph.edges(indices, distances)[0], edges[0, indices[0]], rtol=1e-5)
    np.testing.assert_allclose(found, edges @ shares / edges.sum(), rtol=1e-5)


def test_a_copy_of_a_vertex_has_the_mean_of_its_neighbourhood() -> None:
    graph, shares, vertex = graph_of(space(400)), shares_of(400), 123
    found = graph.inherited(*graph.nearest(graph.search.vectors[[vertex]]), shares)
    around, distances = learning.nearest(
        graph.search.vectors, range(vertex, vertex + 1), n_neighbors=9
    )
    members = np.append(vertex, around)
    scales = graph.distances[:, SCALE_NEIGHBOR - 1]
    # It is its own nearest, so that its scale is the distance to one neighbour fewer.
    edges = affinities(
        np.append(0, distances)[None],
        weights="local_scaling",
        scales=distances[:, SCALE_NEIGHBOR - 2],
        neighbour_scales=scales[members][None],
    )
    assert edges[0, 0] == 1 > edges[0, 1:].max()
    np.testing.assert_allclose(found, edges @ shares[members] / edges.sum(), rtol=1e-5)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_new_spectra_do_not_know_of_each_other(weights: learning.Weights) -> None:
    graph, shares, new = graph_of(space(400), weights=weights), shares_of(400), space(60, seed=2)
    together = graph.inherited(*graph.nearest(new), shares)
    order = np.random.default_rng(3).permutation(60)
    np.testing.assert_array_equal(
        graph.inherited(*graph.nearest(new[order], n_jobs=2), shares), together[order]
    )
    for row in range(0, 60, 7):
        alone = graph.inherited(*graph.nearest(new[row : row + 1]), shares)
        np.testing.assert_array_equal(alone[0], together[row])


def test_many_come_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, new, told = graph_of(space(400)), space(60, seed=2), []
    indices, distances = graph.nearest(new, progress=told.append)
    assert told == [60]
    monkeypatch.setattr("vospec.learning.additions.BATCH", 25)
    told.clear()
    again = graph.nearest(new, progress=told.append)
    assert told == [25, 50, 60]
    np.testing.assert_array_equal(again[0], indices)
    np.testing.assert_array_equal(again[1], distances)


def test_what_all_vertices_agree_on_is_kept() -> None:
    graph = graph_of(space(400))
    found = graph.inherited(*graph.nearest(space(30, seed=2)), np.tile([0.2, 0.3, 0.5], (400, 1)))
    np.testing.assert_allclose(found, np.tile([0.2, 0.3, 0.5], (30, 1)), rtol=1e-12)


def test_a_class_without_labels_stays_without_shares() -> None:
    graph, new = graph_of(space(400)), space(30, seed=2)
    shares = np.insert(shares_of(400), 1, np.nan, axis=1)
    nearest = graph.nearest(new)
    found = graph.inherited(*nearest, shares)
    assert np.isnan(found[:, 1]).all()
    np.testing.assert_array_equal(
        np.delete(found, 1, axis=1), graph.inherited(*nearest, np.delete(shares, 1, axis=1))
    )


def test_what_no_label_reaches_stays_so() -> None:
    graph, new = graph_of(space(400)), space(30, seed=2)
    indices, distances = graph.nearest(new)
    shares = shares_of(400)
    shares[indices[4]] = np.nan
    found = graph.inherited(indices, distances, shares)
    assert np.isnan(found[4]).all()
    reached = ~np.isnan(shares[indices]).all(axis=(1, 2))
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), ~reached)
    np.testing.assert_allclose(found[reached].sum(axis=1), 1, rtol=1e-12)


def test_nothing_new_is_nothing_scored() -> None:
    graph = graph_of(space(400))
    found = graph.inherited(*graph.nearest(np.empty((0, 8), np.float32)), shares_of(400))
    assert found.shape == (0, 3)
