"""Compiled loops over vectors in cells; `probing` says what they are for.

Squares in single precision (`lanes`) only decide what is measured again: a sum of d
squared differences is off by less than 2 (d + 8) eps of itself (Higham 2002, *Accuracy
and Stability of Numerical Algorithms*, sections 3.1 and 4.2). Double precision is summed
in one order, with no licence for the compiler, so that all machines find the same.

They let go of Python's lock; threads may share all arrays but the answers.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from vospec.learning.lanes import LANES, QUERIES, lowest, queries_to_tile

Vectors = NDArray[np.float32]
Squares = NDArray[np.float64]
Indices = NDArray[np.int32]
Rows = NDArray[np.int64]

#: A query looks into its nearest cell, then into those up to each of these places: what it
#: has found by then tells which of the next it needs.
_ROUNDS = (1, 8, 32)
#: FNV-1a of 64 bits (Fowler, Noll & Vo): start and factor, on words instead of bytes.
_START, _FACTOR = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)

_compiled: Any = numba.njit(nogil=True, cache=True)


def slack(n_elements: int) -> float:
    """Return the factor by which a square in single precision may exceed the true one."""
    return 1 + 2 * (n_elements + 8) * float(np.finfo(np.float32).eps)


@_compiled  # type: ignore[untyped-decorator] # no types there
def hashes(words: NDArray[np.uint32], result: NDArray[np.uint64]) -> None:
    """Fill in a hash of each row, equal for equal rows."""
    for row in range(len(words)):
        value = _START
        for element in range(words.shape[1]):
            value = (value ^ np.uint64(words[row, element])) * _FACTOR
        # The product carries upwards only.
        result[row] = value ^ (value >> np.uint64(32))


@_compiled  # type: ignore[untyped-decorator] # no types there
def measure(one: Vectors, other: Vectors) -> float:
    """Return a squared distance in double precision, always summed in the same order."""
    s0 = s1 = s2 = s3 = 0.0
    whole = len(one) - len(one) % 4
    for e in range(0, whole, 4):
        d0 = np.float64(one[e]) - np.float64(other[e])
        d1 = np.float64(one[e + 1]) - np.float64(other[e + 1])
        d2 = np.float64(one[e + 2]) - np.float64(other[e + 2])
        d3 = np.float64(one[e + 3]) - np.float64(other[e + 3])
        s0 += d0 * d0
        s1 += d1 * d1
        s2 += d2 * d2
        s3 += d3 * d3
    for e in range(whole, len(one)):
        d0 = np.float64(one[e]) - np.float64(other[e])
        s0 += d0 * d0
    return (s0 + s1) + (s2 + s3)


@_compiled  # type: ignore[untyped-decorator] # no types there
def _insert(square: float, row: int, squares: Squares, indices: Indices) -> None:
    """Put a row in its place among the nearest, the lower row first where squares are equal."""
    last = len(squares) - 1
    if square > squares[last] or (square == squares[last] and row > indices[last]):
        return
    place = last
    while place > 0 and (
        squares[place - 1] > square or (squares[place - 1] == square and indices[place - 1] > row)
    ):
        squares[place], indices[place] = squares[place - 1], indices[place - 1]
        place -= 1
    squares[place], indices[place] = square, row


@_compiled  # type: ignore[untyped-decorator] # no types there
def _limit(worst: float, factor: float) -> np.float32:
    """Return the square in single precision up to which a vector may be among the nearest."""
    # What is below the smallest normal number has lost its relative precision.
    return np.float32(worst * factor + 1.2e-38)


@_compiled  # type: ignore[untyped-decorator] # no types there
def _end_of_round(begin: int, n_probes: int) -> int:
    for end in _ROUNDS:
        if begin < end < n_probes:
            return end
    return n_probes


@_compiled  # type: ignore[untyped-decorator] # no types there
def _visits(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    probes: Indices,
    probe_squares: Vectors,
    begin: int,
    end: int,
    border: float,
    squares: Squares,
    n_cells: int,
) -> tuple[Rows, Rows]:
    """Return which queries visit which cell in one round: rows by cell, and where each begins."""
    cells = np.empty(len(probes) * (end - begin), dtype=np.int64)
    rows, starts, count = np.empty_like(cells), np.zeros(n_cells + 1, dtype=np.int64), 0
    for row in range(len(probes)):
        nearest, worst = np.float64(probe_squares[row, 0]), squares[row, -1]
        for place in range(begin, end):
            square = np.float64(probe_squares[row, place])
            gap, reach = square - nearest, 4 * border * border * worst * (square + nearest)
            if probes[row, place] < 0 or gap * gap > reach:
                # What follows is farther.
                break
            cells[count], rows[count] = probes[row, place], row
            starts[cells[count] + 1] += 1
            count += 1
    for cell in range(n_cells):
        starts[cell + 1] += starts[cell]
    sorted_rows, free = np.empty(count, dtype=np.int64), starts.copy()
    for i in range(count):
        sorted_rows[free[cells[i]]] = rows[i]
        free[cells[i]] += 1
    return sorted_rows, starts


@_compiled  # type: ignore[untyped-decorator] # no types there
def _take(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    query: Vectors,
    own: int,
    vectors: Vectors,
    first: int,
    possible: np.uint64,
    estimates: Vectors,
    factor: float,
    squares: Squares,
    indices: Indices,
) -> np.float32:
    """Measure what may be among the nearest of a query, and return its new limit."""
    limit: np.float32 = _limit(squares[-1], factor)
    while possible:
        lane = lowest(possible)
        possible &= possible - np.uint64(1)
        row = first + lane
        if row != own and estimates[lane] <= limit:
            _insert(measure(query, vectors[row]), row, squares, indices)
            limit = _limit(squares[-1], factor)
    return limit


@_compiled  # type: ignore[untyped-decorator] # no types there
def scan(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    queries: Vectors,
    selves: Rows,
    vectors: Vectors,
    starts: Rows,
    tiles: Vectors,
    tile_starts: Rows,
    probes: Indices,
    probe_squares: Vectors,
    border: float,
    factor: float,
    squares: Squares,
    indices: Indices,
) -> None:
    """Fill in each query's nearest among the vectors of the cells that it probes.

    A cell is left out when (s - s_0) / (2 sqrt(s + s_0)), for squares s and s_0 of the
    distances to its centroid and to the nearest one, exceeds ``border`` times the
    distance to the worst neighbour that the rounds before have found.
    """
    together, limits = np.empty(QUERIES, dtype=np.int64), np.empty(QUERIES, dtype=np.float32)
    estimates = np.empty((QUERIES, LANES), dtype=np.float32)
    end = 0
    while end < probes.shape[1]:
        begin, end = end, _end_of_round(end, probes.shape[1])
        rows, visited = _visits(probes, probe_squares, begin, end, border, squares, len(starts) - 1)
        for cell in range(len(starts) - 1):
            for some in range(visited[cell], visited[cell + 1], QUERIES):
                for k in range(QUERIES):
                    together[k] = rows[min(some + k, visited[cell + 1] - 1)]
                    # The last is repeated, and nothing found for it twice.
                    limits[k] = _limit(squares[together[k], -1], factor)
                    if some + k >= visited[cell + 1]:
                        limits[k] = -1
                for tile in range(tile_starts[cell], tile_starts[cell + 1]):
                    bits = queries_to_tile(queries, together, tiles, tile, limits, estimates)
                    if bits == 0:
                        continue
                    first = starts[cell] + (tile - tile_starts[cell]) * LANES
                    for k in range(QUERIES):
                        possible = (bits >> np.uint64(LANES * k)) & np.uint64(0xFFFF)
                        if possible:
                            row = together[k]
                            limits[k] = _take(
                                queries[row],
                                selves[row],
                                vectors,
                                first,
                                possible,
                                estimates[k],
                                factor,
                                squares[row],
                                indices[row],
                            )
