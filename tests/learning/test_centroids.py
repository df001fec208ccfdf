"""Centroids and the sums in lanes against differences in double precision."""

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from vospec.learning import centroids, lanes
from vospec.learning.centroids import Centroids, fitted


def squares(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.square(one[:, None].astype(np.float64) - other).sum(axis=2)


@numba.njit
def in_lanes(points: Any, rows: Any, tiles: Any, limits: Any, one: Any) -> Any:  # noqa: ANN401
    """Return squares and bits of one query to four tiles, or of four queries to the first."""
    result = np.empty((1, 64) if one else (4, 16), dtype=np.float32)
    if one:
        bits = lanes.query_to_tiles(points, rows, tiles, 0, limits, result)
    else:
        bits = lanes.queries_to_tile(points, rows, tiles, 0, limits, result)
    return result, [bits >> np.uint64(i) & np.uint64(1) for i in range(64)]


@pytest.mark.parametrize("n_elements", [1, 3, 16, 65])
@pytest.mark.parametrize("one", [True, False])
def test_lanes_equal_differences(n_elements: int, one: bool) -> None:  # noqa: FBT001 -- a case
    rng = np.random.default_rng(n_elements)
    points = rng.normal(size=(9, n_elements)).astype(np.float32)
    vectors = rng.normal(size=(60, n_elements)).astype(np.float32)
    tiles, _ = lanes.tiles(vectors, np.array([0, 60]))
    rows = np.array([7, 2, 2, 5])[: 1 if one else 4]
    expected = squares(points[rows], vectors)[:, : 60 if one else 16]
    limits = np.median(expected, axis=1).astype(np.float32)
    found, bits = in_lanes(points, rows, tiles, limits, one)
    known = found[:, : expected.shape[1]]
    np.testing.assert_allclose(known, expected, rtol=(n_elements + 8) * 1.2e-7)
    # Where a tile has no vector there is no square, and no limit that it could be within.
    assert np.isnan(found[:, expected.shape[1] :]).all()
    np.testing.assert_array_equal(
        np.reshape(bits, found.shape)[:, : expected.shape[1]], known <= limits[:, None]
    )
    assert not np.reshape(bits, found.shape)[:, expected.shape[1] :].any()


def test_company_does_not_change_a_bit() -> None:
    rng = np.random.default_rng(4)
    points = rng.normal(size=(9, 37)).astype(np.float32)
    tiles, _ = lanes.tiles(rng.normal(size=(64, 37)).astype(np.float32), np.array([0, 64]))
    alone = in_lanes(points, np.array([3]), tiles, np.zeros(1, np.float32), True)[0]
    for rows in ([3, 0, 0, 0], [8, 7, 3, 1]):
        together = in_lanes(points, np.array(rows), tiles, np.zeros(4, np.float32), False)[0]
        np.testing.assert_array_equal(together[rows.index(3)], alone[0, :16])


def test_each_cell_begins_with_a_tile() -> None:
    vectors = np.arange(40, dtype=np.float32).reshape(20, 2)
    tiles, starts = lanes.tiles(vectors, np.array([0, 17, 17, 20]))
    np.testing.assert_array_equal(starts, [0, 2, 2, 3])
    np.testing.assert_array_equal(tiles[0], vectors[:16].T)
    np.testing.assert_array_equal(tiles[1, :, 0], vectors[16])
    np.testing.assert_array_equal(tiles[2, :, :3], vectors[17:].T)
    assert np.isfinite(tiles).sum() == vectors.size


@pytest.mark.parametrize("n_centroids", [1, 5, 200, centroids._ALL])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_few_centroids_are_all_looked_at(n_centroids: int, share: float) -> None:
    rng = np.random.default_rng(n_centroids)
    # Steps of a power of two: all squares are exact, and some are equal.
    some = np.round(16 * rng.normal(size=(n_centroids, 7))).astype(np.float32) / 16
    points = np.round(16 * rng.normal(size=(300, 7))).astype(np.float32) / 16
    n = max(1, round(share * n_centroids))
    found, measured = Centroids(some).nearest(points, n)
    expected = squares(points, some)
    np.testing.assert_array_equal(found, np.argsort(expected, axis=1, kind="stable")[:, :n])
    np.testing.assert_array_equal(measured, np.sort(expected, axis=1)[:, :n])


def test_many_centroids_are_looked_for_in_groups() -> None:
    rng = np.random.default_rng(2)
    some = rng.normal(size=(3000, 6)).astype(np.float32)
    points = rng.normal(size=(2000, 6)).astype(np.float32)
    made = Centroids(some)
    expected = squares(points, some)
    order = np.argsort(expected, axis=1)
    assert np.mean(made.nearest(points, 1)[0] == order[:, :1]) > 0.99
    near = made.nearest(points, 40)[0]
    shared = [len(set(one) & set(other)) for one, other in zip(near, order[:, :40], strict=True)]
    assert np.mean(shared) > 0.97 * 40
    # All that are asked for are there, each once.
    np.testing.assert_array_equal(np.sort(made.nearest(points[:9], 3000)[0]), [range(3000)] * 9)


def test_share_of_the_points_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(3)
    some = rng.normal(size=(1500, 5)).astype(np.float32)
    points = rng.normal(size=(9000, 5)).astype(np.float32)
    made = Centroids(some)
    whole = made.nearest(points, 20)
    shares = [made.nearest(points[start : start + 700], 20) for start in range(0, 9000, 700)]
    threads = made.nearest(points, 20, n_jobs=3)
    for one, parts, other in zip(whole, zip(*shares, strict=True), threads, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), one)
        np.testing.assert_array_equal(other, one)


def test_of_equal_squares_the_lower_number_comes_first() -> None:
    corners = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    some = np.tile(corners, (30, 1))
    found = Centroids(some).nearest(np.zeros((3, 2), dtype=np.float32), 70)[0]
    np.testing.assert_array_equal(found, [range(70)] * 3)


def test_centroids_go_where_the_vectors_are() -> None:
    # A dense clump, and a few vectors far from it and from each other.
    rng = np.random.default_rng(5)
    sample = np.concatenate([rng.normal(size=(1960, 8)), 500 * rng.normal(size=(40, 8))])
    sample = rng.permutation(sample.astype(np.float32))
    made = fitted(sample, 60)
    counts = np.bincount(Centroids(made).nearest(sample, 1)[0][:, 0], minlength=60)
    first = np.bincount(Centroids(sample[:60]).nearest(sample, 1)[0][:, 0], minlength=60)
    assert counts.max() < first.max()
    assert np.square(counts).sum() < 2 * 2000**2 / 60
