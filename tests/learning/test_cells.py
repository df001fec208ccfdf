from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.learning.profiles import profiles
from vospec.learning import Cells, CellSearch, cell_search, default_probes, nearest, sorted_by_cell


def by_differences(
    vectors: NDArray[np.float32], n_neighbors: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """All squared distances in double precision, sorted by distance, then by row."""
    wide = vectors.astype(np.float64)
    squares = np.array([np.square(wide - one).sum(axis=1) for one in wide])
    np.fill_diagonal(squares, np.inf)
    order = np.argsort(squares, axis=1, kind="stable")[:, :n_neighbors]
    return order, np.sqrt(np.take_along_axis(squares, order, axis=1))


def clusters(n_vectors: int, n_elements: int = 16, *, seed: int = 1) -> NDArray[np.float32]:
    """Give vectors in 30 clumps of very different size and number."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 4, (30, n_elements))
    clump = np.minimum(rng.geometric(0.15, n_vectors) - 1, 29)
    sizes = rng.lognormal(0, 0.7, 30)[clump, None]
    return (centres[clump] + sizes * rng.normal(size=(n_vectors, n_elements))).astype(np.float32)


@pytest.mark.parametrize("n_cells", [1, 2, 20, 150])
@pytest.mark.parametrize(("n_elements", "n_neighbors"), [(290, 10), (16, 1), (3, 40), (13, 7)])
def test_equals_differences_where_all_cells_are_probed(
    n_elements: int, n_neighbors: int, n_cells: int
) -> None:
    vectors = profiles(500, n_elements)[0]
    search, _ = cell_search(vectors, n_cells=n_cells)
    indices, distances = search.nearest(range(500), n_neighbors=n_neighbors, n_probes=n_cells)
    expected_indices, expected = by_differences(search.vectors, n_neighbors)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected, rtol=1e-7)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("n_cells", [1, 17])
def test_equals_the_exact_search_also_where_distances_are_equal(n_cells: int) -> None:
    # Steps of a power of two: all squares are exact, and many are equal.
    vectors = np.round(profiles(700, 6)[0] * 8) / 8
    search, _ = cell_search(vectors, n_cells=n_cells)
    found = search.nearest(range(700), n_neighbors=12, n_probes=n_cells)
    expected = nearest(search.vectors, range(700), n_neighbors=12)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_holds_where_the_norm_dwarfs_the_distance() -> None:
    rng = np.random.default_rng(3)
    vectors = (1000 + rng.normal(0, 0.01, (400, 20))).astype(np.float32)
    vectors[0] = 1e6
    search, _ = cell_search(vectors, n_cells=12)
    indices, distances = search.nearest(range(400), n_neighbors=5, n_probes=12)
    expected_indices, expected = by_differences(search.vectors, 5)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-19, 1e-22, 1e16])
def test_holds_at_the_ends_of_single_precision(scale: float) -> None:
    vectors = (clusters(300) * scale).astype(np.float32)
    search, _ = cell_search(vectors, n_cells=9)
    indices, _ = search.nearest(range(300), n_neighbors=5, n_probes=9)
    np.testing.assert_array_equal(indices, by_differences(search.vectors, 5)[0])


@pytest.mark.parametrize("n_tasks", [2, 3, 17])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_shares_and_threads_do_not_change_a_bit(n_tasks: int, n_jobs: int) -> None:
    vectors = np.round(clusters(3000), 1)
    search, _ = cell_search(vectors)
    whole = search.nearest(range(3000), n_neighbors=9, n_probes=4)
    bounds = np.linspace(0, 3000, n_tasks + 1).astype(int)
    shares = [
        search.nearest(range(start, stop), n_neighbors=9, n_probes=4, n_jobs=n_jobs)
        for start, stop in pairwise(bounds)
    ]
    for found, expected in zip(zip(*shares, strict=True), whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(found), expected)


def test_threads_do_not_change_the_cells() -> None:
    vectors = clusters(5000)
    one, other = Cells(70).fit(vectors), Cells(70, n_jobs=3).fit(vectors)
    np.testing.assert_array_equal(one.centroids_, other.centroids_)
    np.testing.assert_array_equal(one.assign(vectors), other.assign(vectors))


@pytest.mark.parametrize("n_elements", [4, 16, 40])
def test_most_neighbours_are_found(n_elements: int) -> None:
    vectors = clusters(6000, n_elements)
    search, order = cell_search(vectors)
    distances = search.nearest(range(6000), n_neighbors=10)[1]
    exact = nearest(vectors, range(6000), n_neighbors=10)[1][order]
    found = np.mean(distances <= exact[:, -1:] * np.float32(1 + 1e-6))
    assert found >= 0.98
    measured = search.recall(n_neighbors=10, n_queries=6000)
    assert measured == pytest.approx(found, abs=1e-12)
    assert search.recall(n_neighbors=10, n_probes=1) < search.recall(n_neighbors=10, n_probes=3)
    assert search.recall(n_neighbors=10, n_probes=len(search.centroids)) == 1


def test_more_cells_are_probed_the_more_there_are() -> None:
    probes = [default_probes(n_cells) for n_cells in (1, 16, 300, 1000, 10_000)]
    assert probes == sorted(probes)
    assert probes[1] == 16 < probes[-1]
    search, _ = cell_search(clusters(9000, 24), n_cells=900)
    default = search.nearest(range(9000), n_neighbors=5)
    for one, other in zip(
        default,
        search.nearest(range(9000), n_neighbors=5, n_probes=default_probes(900)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_order_of_the_vectors_changes_nothing_but_their_numbers() -> None:
    vectors = clusters(2000)
    shuffle = np.random.default_rng(5).permutation(2000)
    search, order = cell_search(vectors)
    shuffled, shuffled_order = cell_search(vectors[shuffle])
    np.testing.assert_array_equal(shuffled.centroids, search.centroids)
    numbers = np.empty(2000, dtype=np.int64)
    numbers[order] = np.arange(2000)
    indices, distances = search.nearest(range(2000), n_neighbors=8, n_probes=3)
    other, other_distances = shuffled.nearest(range(2000), n_neighbors=8, n_probes=3)
    rows = numbers[shuffle[shuffled_order]]
    np.testing.assert_array_equal(rows[other], indices[rows])
    np.testing.assert_array_equal(other_distances, distances[rows])


def test_centroids_are_the_means_of_their_cells_once_nothing_moves() -> None:
    # Three clumps far apart, a third of the vectors in each: they settle at once.
    rng = np.random.default_rng(2)
    corners = 1000 * np.repeat(np.eye(3), 30, axis=0)
    vectors = (corners + rng.normal(size=(90, 3))).astype(np.float32)
    cells = Cells(12).fit(vectors)
    assigned = cells.assign(vectors)
    taken = np.unique(assigned)
    means = [vectors[assigned == cell].mean(axis=0) for cell in taken]
    np.testing.assert_allclose(cells.centroids_[taken], means, atol=1e-3)
    assert len(taken) > 3


def test_cells_are_those_of_the_nearest_centroid() -> None:
    vectors = clusters(800)
    cells = Cells(30).fit(vectors)
    squares = np.square(vectors[:, None].astype(np.float64) - cells.centroids_).sum(axis=2)
    np.testing.assert_array_equal(cells.assign(vectors), squares.argmin(axis=1))


def test_sorted_by_cell_keeps_the_order_within_a_cell() -> None:
    order, starts = sorted_by_cell([2, 0, 2, 3, 0], 5)
    assert order.tolist() == [1, 4, 0, 2, 3]
    assert starts.tolist() == [0, 2, 2, 4, 5, 5]


def test_looks_further_where_the_cells_hold_too_few() -> None:
    # Cells 0, 1 and 3 hold one vector each, cell 2 none.
    vectors = np.array([[0.0], [1.0], [9.0]])
    search = CellSearch(vectors, [0, 1, 2, 2, 3], [[0.0], [1.0], [5.0], [9.0]])
    indices, distances = search.nearest(range(3), n_neighbors=2, n_probes=1)
    np.testing.assert_array_equal(indices, [[1, 2], [0, 2], [1, 0]])
    np.testing.assert_array_equal(distances, [[1, 9], [1, 8], [8, 9]])


def test_copies_are_their_own_neighbours() -> None:
    vectors = np.repeat(clusters(40), 20, axis=0)
    search, _ = cell_search(vectors, n_cells=100)
    assert len(search.centroids) == 40
    indices, distances = search.nearest(range(800), n_neighbors=19, n_probes=1)
    assert not distances.any()
    assert not np.any(indices == np.arange(800)[:, None])
    first = np.arange(800) // 20 * 20
    expected = [sorted({*range(start, start + 20)} - {row}) for row, start in enumerate(first)]
    np.testing.assert_array_equal(indices, expected)


def test_all_vectors_equal() -> None:
    search, _ = cell_search(np.ones((50, 4)), n_cells=7)
    indices, distances = search.nearest(range(50), n_neighbors=3)
    np.testing.assert_array_equal(indices[[0, 1, 49]], [[1, 2, 3], [0, 2, 3], [0, 1, 2]])
    assert not distances.any()


def test_zeros_of_both_signs_are_one_vector() -> None:
    vectors = np.zeros((6, 2), dtype=np.float32)
    vectors[::2] *= -1
    assert len(Cells(4).fit(vectors).centroids_) == 1


def test_other_vectors_are_not_left_out() -> None:
    search, _ = cell_search(clusters(500), n_cells=20)
    indices, distances = search.nearest(search.vectors[20:30], n_neighbors=4)
    np.testing.assert_array_equal(indices[:, 0], np.arange(20, 30))
    own_indices, own_distances = search.nearest(range(20, 30), n_neighbors=3)
    np.testing.assert_array_equal(indices[:, 1:], own_indices)
    np.testing.assert_array_equal(distances[:, 1:], own_distances)


def test_no_queries_have_no_neighbours() -> None:
    search, _ = cell_search(np.eye(3))
    indices, distances = search.nearest(range(1, 1), n_neighbors=2)
    assert indices.shape == distances.shape == (0, 2)


@settings(max_examples=60, deadline=None)
@given(
    n_vectors=st.integers(2, 60),
    n_elements=st.integers(1, 19),
    n_cells=st.integers(1, 30),
    levels=st.integers(1, 6),
    seed=st.integers(0, 1000),
)
def test_any_small_set_equals_the_exact_search(
    n_vectors: int, n_elements: int, n_cells: int, levels: int, seed: int
) -> None:
    vectors = np.random.default_rng(seed).integers(0, levels, (n_vectors, n_elements))
    search, _ = cell_search(vectors, n_cells=n_cells)
    k = min(n_vectors - 1, 7)
    found = search.nearest(range(n_vectors), n_neighbors=k, n_probes=n_cells)
    expected = nearest(search.vectors, range(n_vectors), n_neighbors=k)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_neighbors": 3}, "n_neighbors: expected 1 to 2, found 3"),
        ({"n_neighbors": 1, "n_probes": 0}, "n_probes: expected 1 or more, found 0"),
        ({"n_neighbors": 1, "n_jobs": 0}, "n_jobs: expected 1 or more, found 0"),
    ],
)
def test_refuses_what_it_cannot_ask(options: dict[str, int], message: str) -> None:
    search, _ = cell_search(np.eye(3))
    with pytest.raises(ValueError, match=message):
        search.nearest(range(3), **options)


@pytest.mark.parametrize(
    ("vectors", "starts", "centroids", "message"),
    [
        (np.eye(3), [0, 2], np.eye(3)[:1], "starts: expected 2 rows from 0 up to 3"),
        (np.eye(3), [0, 2, 1, 3], np.eye(3), "starts: expected 4 rows from 0 up to 3"),
        (np.eye(3), [0, 3], np.eye(2)[:1], "centroids: expected 3 elements"),
        (np.eye(3) * 1e30, [0, 3], np.eye(3)[:1], "vectors: expected elements up to"),
        (np.diag([1.0, np.nan, 1.0]), [0, 3], np.eye(3)[:1], "vectors: expected finite.* row 1"),
    ],
)
def test_refuses_what_is_not_sorted_into_cells(
    vectors: NDArray[np.float64], starts: list[int], centroids: NDArray[np.float64], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        CellSearch(vectors, starts, centroids)


def test_refuses_what_gives_no_cells() -> None:
    with pytest.raises(ValueError, match="n_cells: expected 1 or more, found 0"):
        Cells(0).fit(np.eye(3))
    with pytest.raises(ValueError, match="X: expected at least one row, found none"):
        Cells(1).fit(np.ones((0, 3)))
    with pytest.raises(ValueError, match="queries: expected 3 elements, found 2"):
        Cells(2).fit(np.eye(3)).assign(np.eye(2))
