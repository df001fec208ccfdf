import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from tests.learning.profiles import profiles
from vospec.learning import Weights, local_scales, nearest, neighbour_graph
from vospec.learning.graph import WEAKEST, affinities
from vospec.learning.symmetry import mentioned, united

WEIGHTS: tuple[Weights, ...] = ("local_scaling", "rbf", "binary")


def lists(n_spectra: int = 200) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    return nearest(profiles(n_spectra)[0], range(n_spectra), n_neighbors=8)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_is_symmetric_without_loops(weights: Weights) -> None:
    graph = neighbour_graph(*lists(), weights=weights)
    assert (graph != graph.T).nnz == 0
    assert not graph.diagonal().any()
    assert graph.has_sorted_indices
    assert graph.data.min() >= WEAKEST
    assert graph.data.max() <= 1


@pytest.mark.parametrize("weights", WEIGHTS)
def test_an_edge_stands_where_either_end_lists_the_other(weights: Weights) -> None:
    indices, distances = lists()
    expected = np.zeros((200, 200), dtype=bool)
    expected[np.arange(200)[:, None], indices] = True
    graph = neighbour_graph(indices, distances, weights=weights)
    np.testing.assert_array_equal(graph.toarray() > 0, expected | expected.T)


def test_weights_follow_their_formulas() -> None:
    # Three points at 0, 1 and 3; the scales are the distances to the second neighbours.
    indices, distances = nearest(np.array([[0.0], [1.0], [3.0]]), range(3), n_neighbors=2)
    scaled = neighbour_graph(indices, distances).toarray()
    expected = np.exp([-1 / (3 * 2), -4 / (2 * 3), -9 / (3 * 3)])
    np.testing.assert_allclose(scaled[[0, 1, 0], [1, 2, 2]], expected, rtol=1e-12)
    radial = neighbour_graph(indices, distances, weights="rbf", gamma=0.5).toarray()
    np.testing.assert_allclose(radial[[0, 1, 0], [1, 2, 2]], np.exp([-0.5, -2.0, -4.5]), rtol=1e-12)
    # Without gamma: the reciprocal of the mean of 1, 9, 1, 4, 4, 9.
    radial = neighbour_graph(indices, distances, weights="rbf").toarray()
    np.testing.assert_allclose(radial[0, 1], np.exp(-6 / 28), rtol=1e-12)
    binary = neighbour_graph(indices, distances, weights="binary").toarray()
    np.testing.assert_array_equal(binary, 1 - np.eye(3))


def test_local_scaling_knows_no_unit() -> None:
    indices, distances = lists()
    graph = neighbour_graph(indices, distances)
    scaled = neighbour_graph(indices, distances * 1024)
    np.testing.assert_array_equal(graph.toarray(), scaled.toarray())


def test_order_of_the_vectors_does_not_matter() -> None:
    vectors, _ = profiles(200)
    order = np.random.default_rng(5).permutation(200)
    graph = neighbour_graph(*nearest(vectors, range(200), n_neighbors=8))
    shuffled = neighbour_graph(*nearest(vectors[order], range(200), n_neighbors=8))
    np.testing.assert_array_equal(shuffled.toarray(), graph[order][:, order].toarray())


def test_equal_vectors_are_linked_fully_and_to_others_weakly() -> None:
    vectors = np.array([[0.0]] * 4 + [[1.0]])
    graph = neighbour_graph(*nearest(vectors, range(5), n_neighbors=3)).toarray()
    np.testing.assert_array_equal(graph[:4, :4], 1 - np.eye(4))
    np.testing.assert_array_equal(graph[4], [WEAKEST, WEAKEST, WEAKEST, 0, 0])


def test_a_vector_among_its_own_neighbours_makes_no_loop() -> None:
    indices = np.array([[0, 1], [1, 0]])
    graph = neighbour_graph(indices, np.array([[0.0, 1.0], [0.0, 1.0]]), weights="binary")
    np.testing.assert_array_equal(graph.toarray(), [[0, 1], [1, 0]])


def directed(indices: NDArray[np.int32], distances: NDArray[np.float32]) -> sparse.csr_array:
    """Give the lists as a matrix, row by row."""
    scales = local_scales(distances)
    values = affinities(
        distances, weights="local_scaling", scales=scales, neighbour_scales=scales[indices]
    )
    starts = np.arange(0, indices.size + 1, indices.shape[1])
    return sparse.csr_array((values.ravel(), indices.ravel(), starts), shape=(len(indices),) * 2)


def test_is_the_greater_of_the_matrix_and_its_transpose() -> None:
    indices, distances = lists()
    # Distances that differ by direction, as rounding makes them.
    distances = np.sort(distances * np.random.default_rng(2).uniform(0.9, 1, distances.shape))
    graph, matrix = neighbour_graph(indices, distances), directed(indices, distances)
    assert (matrix != matrix.T).nnz > 0
    expected = matrix.maximum(matrix.T).tocsr()
    expected.sort_indices()
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(graph, name), getattr(expected, name))


def test_blocks_of_rows_are_those_of_the_whole() -> None:
    indices, distances = lists()
    graph, matrix = neighbour_graph(indices, distances), directed(indices, distances)
    sources = np.repeat(np.arange(200, dtype=np.int32), 8)
    values = matrix.data.reshape(indices.shape)
    for rows in (range(70), range(70, 71), range(71, 200)):
        own = slice(rows.start, rows.stop)
        mentions = mentioned(
            indices.ravel(), sources, matrix.data, first=rows.start, n_rows=len(rows)
        )
        block = united(indices[own], values[own], mentions, first=rows.start)
        expected = graph[own]
        for found, name in zip(block, ("indptr", "indices", "data"), strict=True):
            np.testing.assert_array_equal(found, getattr(expected, name))


def test_a_neighbour_listed_twice_is_one_edge() -> None:
    indices, distances = np.array([[1, 1], [0, 2], [1, 0]]), np.array([[1.0, 1.0], [1, 3], [3, 4]])
    graph = neighbour_graph(indices, distances, weights="rbf", gamma=0.5).toarray()
    expected = np.exp([-0.5, -4.5, -8.0])
    np.testing.assert_allclose(graph[[0, 1, 0], [1, 2, 2]], expected, rtol=1e-12)
    np.testing.assert_array_equal(graph, graph.T)


def test_scale_is_the_distance_to_the_neighbour_asked_for_or_the_last() -> None:
    distances = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(local_scales(distances, scale_neighbor=2), [2, 5])
    np.testing.assert_array_equal(local_scales(distances), [3, 6])


@pytest.mark.parametrize(
    ("indices", "distances", "message"),
    [
        ([[1], [2]], [[1.0], [1.0]], "indices: expected rows 0 to 1"),
        ([[1], [-1]], [[1.0], [1.0]], "indices: expected rows 0 to 1"),
        ([[1], [0]], [[1.0, 2.0], [1.0, 2.0]], r"indices: expected shape \(2, 2\)"),
        ([[1], [0]], [[1.0], [np.nan]], "distances: expected finite"),
        ([[1], [0]], [[1.0], [-1.0]], "distances: expected finite"),
    ],
)
def test_refuses_lists_that_are_none(
    indices: list[list[int]], distances: list[list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        neighbour_graph(indices, distances)


def test_refuses_parameters_that_are_none() -> None:
    indices, distances = np.array([[1], [0]]), np.ones((2, 1))
    with pytest.raises(ValueError, match="gamma: expected a positive number, found -1"):
        neighbour_graph(indices, distances, weights="rbf", gamma=-1)
    with pytest.raises(ValueError, match="scale_neighbor: expected 1 or more, found 0"):
        neighbour_graph(indices, distances, scale_neighbor=0)
    with pytest.raises(ValueError, match="weights: expected one of local_scaling, rbf, binary"):
        affinities(distances, weights="cosine")  # type: ignore[arg-type] # that is the test
