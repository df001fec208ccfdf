"""Compiled choice of the centroids that are nearest; `centroids` says what it is for.

Squares of distances are those of `lanes`, single precision, the same in whatever company
they are computed: the choice is the same for any share of the points. It lets go of
Python's lock; threads may share all arrays but the answers.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from vospec.learning.lanes import LANES, TILES, query_to_tiles

Vectors = NDArray[np.float32]
Indices = NDArray[np.int32]
Rows = NDArray[np.int64]

_compiled: Any = numba.njit(nogil=True, cache=True)


@_compiled  # type: ignore[untyped-decorator] # no types there
def _cut(values: Vectors, n: int) -> float:
    """Return a value that n values do not exceed, or more where they are equal; NaN is none."""
    low, high = np.float32(-1), np.float32(-1)
    for i in range(len(values)):
        high = max(high, values[i]) if values[i] == values[i] else high  # noqa: PLR0124 -- NaN
    count = len(values)
    while count != n:
        middle = low + (high - low) * np.float32(0.5)
        if middle <= low or middle >= high:
            break
        count = 0
        for i in range(len(values)):
            count += values[i] <= middle
        if count < n:
            low = middle
        else:
            high = middle
    return high


@_compiled  # type: ignore[untyped-decorator] # no types there
def choose(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    points: Vectors,
    groups: Indices,
    tiles: Vectors,
    tile_starts: Rows,
    starts: Rows,
    order: Rows,
    chosen: Indices,
    squares: Vectors,
) -> None:
    """Fill in the centroids nearest to each point and the squares, nearest first.

    ``groups`` (n, n_groups) says in which groups to look for them, ``order`` the number of
    each centroid as they stand group by group. Of equal squares the lower number comes
    first. Where the groups hold too few the rest is -1 and infinite.
    """
    n_groups, wanted = groups.shape[1], chosen.shape[1]
    widest = n_groups * np.max(tile_starts[1:] - tile_starts[:-1])
    values = np.empty((widest + TILES) * LANES, dtype=np.float32)
    bits = values.view(np.uint32)
    firsts = np.empty(widest, dtype=np.int64)
    keys = np.empty(len(values), dtype=np.uint64)
    own, limits = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.float32)
    found = squares.view(np.uint32)
    for row in range(len(points)):
        own[0], n_tiles = row, 0
        for group in groups[row]:
            if group < 0:
                continue
            first, last = tile_starts[group], tile_starts[group + 1]
            for tile in range(first, last, TILES):
                place = (n_tiles + tile - first) * LANES
                query_to_tiles(points, own, tiles, tile, limits, values[place:])
            for tile in range(first, last):
                firsts[n_tiles + tile - first] = starts[group] + (tile - first) * LANES
            n_tiles += last - first
        cut, count = _cut(values[: n_tiles * LANES], wanted), 0
        for i in range(n_tiles * LANES):
            if values[i] <= cut:
                number = order[firsts[i // LANES] + i % LANES]
                keys[count] = (np.uint64(bits[i]) << np.uint64(32)) | np.uint64(number)
                count += 1
        keys[:count].sort()
        for i in range(wanted):
            if i < count:
                chosen[row, i] = np.int32(keys[i] & np.uint64(0xFFFFFFFF))
                found[row, i] = np.uint32(keys[i] >> np.uint64(32))
            else:
                chosen[row, i], squares[row, i] = -1, np.inf
