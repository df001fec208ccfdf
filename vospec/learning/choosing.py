"""Compiled choice of the centroids that are nearest; `centroids` says what it is for.

Squares of distances are those of `lanes`, single precision, the same in whatever company
they are computed: the choice is the same for any share of the points. It lets go of
Python's lock; threads may share all arrays but the answers.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from vospec.learning.lanes import LANES, TILES, lowest, query_to_tiles

Vectors = NDArray[np.float32]
Indices = NDArray[np.int32]
Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]

_HALF = np.uint64(32)

_compiled: Any = numba.njit(nogil=True, cache=True)


@_compiled  # type: ignore[untyped-decorator] # no types there
def _cut(keys: Keys, n: int) -> int:
    """Move keys whose squares are the n smallest, or some more, to the front; return how many."""
    low, high, count = np.uint64(0), np.uint64(0), len(keys)
    for key in keys:
        high = max(high, key >> _HALF)
    # The bits of numbers that are not negative are in the order of the numbers.
    while count > n + n // 4 and high - low > np.uint64(1):
        middle = (low + high) >> np.uint64(1)
        within = 0
        for key in keys:
            within += (key >> _HALF) <= middle
        if within < n:
            low = middle
        else:
            high, count = middle, within
    place = 0
    for key in keys:
        keys[place] = key
        place += (key >> _HALF) <= high
    return place


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
    wanted = chosen.shape[1]
    widest = np.max(tile_starts[1:] - tile_starts[:-1]) + TILES
    # Square and number in one, so that they can be sorted together.
    keys = np.empty(groups.shape[1] * widest * LANES, dtype=np.uint64)
    values = np.empty(TILES * LANES, dtype=np.float32)
    bits, found = values.view(np.uint32), squares.view(np.uint32)
    own, limits = np.zeros(1, dtype=np.int64), np.empty(1, dtype=np.float32)
    limit_bits = limits.view(np.uint32)
    for row in range(len(points)):
        own[0], limits[0] = row, np.inf
        count, full = 0, max(3 * wanted, TILES * LANES)
        for group in groups[row]:
            if group < 0:
                continue
            first, last = tile_starts[group], tile_starts[group + 1]
            for tile in range(first, last, TILES):
                near = query_to_tiles(points, own, tiles, tile, limits, values)
                begin = starts[group] + (tile - first) * LANES
                while near:
                    lane = lowest(near)
                    near &= near - np.uint64(1)
                    if begin + lane < starts[group + 1]:
                        number = np.uint64(order[begin + lane])
                        keys[count] = (np.uint64(bits[lane]) << _HALF) | number
                        count += 1
                if count >= full:
                    count = _cut(keys[:count], wanted)
                    full = count + max(3 * wanted, TILES * LANES)
                    limit_bits[0] = np.max(keys[:count]) >> _HALF
        count = _cut(keys[:count], wanted)
        keys[:count].sort()
        for i in range(wanted):
            if i < count:
                chosen[row, i] = np.int32(keys[i] & np.uint64(0xFFFFFFFF))
                found[row, i] = np.uint32(keys[i] >> _HALF)
            else:
                chosen[row, i], squares[row, i] = -1, np.inf
