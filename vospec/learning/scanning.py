"""Compiled loops over vectors in cells; `cells` says what they are for.

Vectors of a cell are kept element by element, so that one instruction measures several
vectors. Single precision only decides what is measured again: a sum of d squared
differences is off by less than 2 (d + 8) eps of itself, in whatever order it is summed
(Higham 2002, *Accuracy and Stability of Numerical Algorithms*, sections 3.1 and 4.2).
Double precision is summed in one order, with no licence for the compiler, so that all
machines find the same.

They let go of Python's lock; threads may share all arrays but the answers.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Squares = NDArray[np.float64]
Indices = NDArray[np.int32]
Rows = NDArray[np.int64]

#: Squares that are compared at once.
_GROUP = 32
#: FNV-1a of 64 bits (Fowler, Noll & Vo): start and factor, on words instead of bytes.
_START, _FACTOR = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)

_compiled: Any = numba.njit(nogil=True, cache=True)
# Any order of a sum is within the bound.
_estimating: Any = numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})


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
def by_element(vectors: Vectors, starts: Rows, result: Vectors) -> None:
    """Fill in the vectors of each cell element by element, one cell after the other."""
    n_elements = vectors.shape[1]
    for cell in range(len(starts) - 1):
        first, size = starts[cell], starts[cell + 1] - starts[cell]
        for row in range(size):
            for element in range(n_elements):
                place = first * n_elements + element * size + row
                result[place] = vectors[first + row, element]


@_estimating  # type: ignore[untyped-decorator] # no types there
def _estimate(query: Vectors, cell: Vectors, result: Vectors) -> None:
    """Fill in the squared distances to the vectors of a cell, in single precision."""
    size = len(result)
    result[:] = 0
    whole = len(query) - len(query) % 8
    for e in range(0, whole, 8):
        q0, q1, q2, q3 = query[e], query[e + 1], query[e + 2], query[e + 3]
        q4, q5, q6, q7 = query[e + 4], query[e + 5], query[e + 6], query[e + 7]
        v0, v1 = cell[e * size : (e + 1) * size], cell[(e + 1) * size : (e + 2) * size]
        v2, v3 = cell[(e + 2) * size : (e + 3) * size], cell[(e + 3) * size : (e + 4) * size]
        v4, v5 = cell[(e + 4) * size : (e + 5) * size], cell[(e + 5) * size : (e + 6) * size]
        v6, v7 = cell[(e + 6) * size : (e + 7) * size], cell[(e + 7) * size : (e + 8) * size]
        for i in range(size):
            d0, d1, d2, d3 = q0 - v0[i], q1 - v1[i], q2 - v2[i], q3 - v3[i]
            d4, d5, d6, d7 = q4 - v4[i], q5 - v5[i], q6 - v6[i], q7 - v7[i]
            left = (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)
            result[i] += left + ((d4 * d4 + d5 * d5) + (d6 * d6 + d7 * d7))
    for e in range(whole, len(query)):
        value, vectors = query[e], cell[e * size : (e + 1) * size]
        for i in range(size):
            difference = value - vectors[i]
            result[i] += difference * difference


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
def _take(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    query: Vectors,
    own: int,
    vectors: Vectors,
    first: int,
    estimates: Vectors,
    factor: float,
    squares: Squares,
    indices: Indices,
) -> None:
    """Measure what may be among the nearest of a query, given the estimates of a cell."""
    # What is below the smallest normal number has lost its relative precision.
    tiny = 1.2e-38
    limit = np.float32(squares[-1] * factor + tiny)
    for start in range(0, len(estimates), _GROUP):
        group = estimates[start : start + _GROUP]
        possible = 0
        for i in range(len(group)):
            possible += group[i] <= limit
        if possible == 0:
            continue
        for i in range(len(group)):
            row = first + start + i
            if group[i] <= limit and row != own:
                _insert(measure(query, vectors[row]), row, squares, indices)
                limit = np.float32(squares[-1] * factor + tiny)


@_compiled  # type: ignore[untyped-decorator] # no types there
def scan(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    queries: Vectors,
    selves: Rows,
    vectors: Vectors,
    elements: Vectors,
    starts: Rows,
    centroids: Vectors,
    probes: Indices,
    probe_squares: Squares,
    order: Rows,
    border: float,
    factor: float,
    squares: Squares,
    indices: Indices,
) -> None:
    """Fill in each query's nearest among the vectors of the cells that it probes.

    ``order`` (n_probes, n_queries) tells in which order the queries visit their p-th
    cell, so that those of the same cell come while it is in the cache. A cell is left
    out when its border with the nearest one, (s_p - s_0) / (2 |c_p - c_0|) away for
    squares s of distances to centroids c, is farther than ``border`` times the worst
    neighbour found so far.
    """
    n_elements = queries.shape[1]
    estimates = np.empty(np.max(starts[1:] - starts[:-1]), dtype=np.float32)
    for p in range(probes.shape[1]):
        for query in order[p]:
            cell = probes[query, p]
            first, last = starts[cell], starts[cell + 1]
            if p > 0:
                # Rounding of the squares must not leave out a cell that touches.
                gap = probe_squares[query, p] * (1 - 1e-12) - probe_squares[query, 0]
                width = measure(centroids[cell], centroids[probes[query, 0]])
                reach = 4 * border * border * squares[query, -1] * width
                if gap > 0 and gap * gap > reach * (1 + 1e-9):
                    continue
            some = estimates[: last - first]
            _estimate(queries[query], elements[first * n_elements : last * n_elements], some)
            _take(
                queries[query],
                selves[query],
                vectors,
                first,
                some,
                factor,
                squares[query],
                indices[query],
            )
