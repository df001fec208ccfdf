from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from tests.learning.profiles import profiles
from vospec.learning import NeighbourSearch, nearest


def by_differences(
    vectors: NDArray[np.float32], queries: range, n_neighbors: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """All distances in double precision, sorted by distance, then by row."""
    wide = vectors.astype(np.float64)
    distances = np.array([np.sqrt(np.square(wide - wide[row]).sum(axis=1)) for row in queries])
    distances[np.arange(len(queries)), list(queries)] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :n_neighbors]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize(("n_elements", "n_neighbors"), [(290, 10), (16, 1), (3, 40)])
def test_equals_differences_in_double_precision(n_elements: int, n_neighbors: int) -> None:
    vectors, _ = profiles(700, n_elements)
    indices, distances = nearest(vectors, range(700), n_neighbors=n_neighbors)
    expected_indices, expected = by_differences(vectors, range(700), n_neighbors)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected, rtol=1e-7)
    assert indices.dtype == np.int32
    assert distances.dtype == np.float32


def test_equals_scikit_learn() -> None:
    vectors, _ = profiles(900)
    indices, distances = nearest(vectors, range(900), n_neighbors=12)
    found = NearestNeighbors(n_neighbors=12, algorithm="brute").fit(vectors.astype(np.float64))
    expected, expected_indices = found.kneighbors()
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected, rtol=1e-5)


def test_holds_where_the_norm_dwarfs_the_distance() -> None:
    # In single precision |q|^2 + |v|^2 - 2 q.v is noise here: an outlier spoils the centring.
    rng = np.random.default_rng(3)
    vectors = (1000 + rng.normal(0, 0.01, (400, 20))).astype(np.float32)
    vectors[0] = 1e6
    indices, distances = nearest(vectors, range(400), n_neighbors=5)
    expected_indices, expected = by_differences(vectors, range(400), 5)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected, rtol=1e-6)


def test_equal_distances_go_to_the_lower_row() -> None:
    vectors = np.zeros((50, 4), dtype=np.float32)
    vectors[40:] = 1
    indices, distances = nearest(vectors, range(50), n_neighbors=3)
    np.testing.assert_array_equal(indices[[0, 2, 39]], [[1, 2, 3], [0, 1, 3], [0, 1, 2]])
    np.testing.assert_array_equal(indices[[40, 49]], [[41, 42, 43], [40, 41, 42]])
    assert not distances.any()


@pytest.mark.parametrize("block_shape", [(1, 7), (13, 64), (256, 300), (1000, 1000)])
def test_blocks_do_not_change_a_bit(block_shape: tuple[int, int]) -> None:
    # Rounded values give many equal distances.
    vectors = np.round(profiles(300, 24)[0], 1)
    expected = nearest(vectors, range(300), n_neighbors=9)
    search = NeighbourSearch(vectors, block_shape=block_shape)
    for found, whole in zip(search.nearest(range(300), n_neighbors=9), expected, strict=True):
        np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("n_tasks", [2, 3, 17])
def test_shares_of_the_queries_do_not_change_a_bit(n_tasks: int) -> None:
    vectors = np.round(profiles(300, 24)[0], 1)
    bounds = np.linspace(0, 300, n_tasks + 1).astype(int)
    shares = [
        nearest(vectors, range(start, stop), n_neighbors=9) for start, stop in pairwise(bounds)
    ]
    for found, whole in zip(
        zip(*shares, strict=True), nearest(vectors, range(300), n_neighbors=9), strict=True
    ):
        np.testing.assert_array_equal(np.concatenate(found), whole)


def test_order_of_the_vectors_does_not_matter() -> None:
    vectors, _ = profiles(400, 50)
    order = np.random.default_rng(5).permutation(400)
    indices, distances = nearest(vectors, range(400), n_neighbors=8)
    shuffled, shuffled_distances = nearest(vectors[order], range(400), n_neighbors=8)
    np.testing.assert_array_equal(order[shuffled], indices[order])
    np.testing.assert_array_equal(shuffled_distances, distances[order])


def test_other_vectors_are_not_left_out() -> None:
    vectors, _ = profiles(100, 50)
    indices, distances = nearest(vectors, vectors[20:30], n_neighbors=4)
    np.testing.assert_array_equal(indices[:, 0], np.arange(20, 30))
    assert not distances[:, 0].any()
    others = nearest(vectors, range(20, 30), n_neighbors=3)
    np.testing.assert_array_equal(indices[:, 1:], others[0])
    np.testing.assert_array_equal(distances[:, 1:], others[1])


def test_takes_all_neighbours_that_there_are() -> None:
    vectors = np.array([[0.0], [1.0], [3.0]])
    indices, distances = nearest(vectors, range(3), n_neighbors=2)
    np.testing.assert_array_equal(indices, [[1, 2], [0, 2], [1, 0]])
    np.testing.assert_array_equal(distances, [[1, 3], [1, 2], [2, 3]])
    assert nearest(vectors, np.array([[2.9]]), n_neighbors=3)[0].tolist() == [[2, 1, 0]]


def test_no_queries_have_no_neighbours() -> None:
    indices, distances = nearest(np.eye(3), range(1, 1), n_neighbors=2)
    assert indices.shape == distances.shape == (0, 2)


@pytest.mark.parametrize(
    ("vectors", "queries", "n_neighbors", "message"),
    [
        (np.eye(3), range(3), 3, "n_neighbors: expected 1 to 2, found 3"),
        (np.eye(3), range(3), 0, "n_neighbors: expected 1 to 2, found 0"),
        (np.eye(3), range(2, 5), 1, "queries: expected a range of step 1 in 0..3"),
        (np.eye(3), range(0, 3, 2), 1, "queries: expected a range of step 1"),
        (np.eye(3), np.eye(2), 1, "queries: expected 3 elements, found 2"),
        (np.ones(3), range(3), 1, "vectors: expected two dimensions, found 1"),
        (np.ones((0, 3)), range(0), 1, "vectors: expected at least one row"),
        (np.diag([1.0, np.nan, 1.0]), range(3), 1, "vectors: expected finite.* in row 1"),
        (np.eye(3) * 1e30, range(3), 1, "vectors: expected squared norms below 1e36"),
    ],
)
def test_refuses_what_it_cannot_search(
    vectors: NDArray[np.float64],
    queries: range | NDArray[np.float64],
    n_neighbors: int,
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        nearest(vectors, queries, n_neighbors=n_neighbors)
