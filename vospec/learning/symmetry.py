"""Compiled loops that make a symmetric graph of lists of neighbours.

Row i of the graph holds whom i lists and who lists i. The first stands in the list; the
second, its *mentions*, come from a counting sort of all lists by the vertex they name.
Both functions work on any contiguous block of rows, so that a graph of many blocks is
bit for bit the same as one made at once. Cost: one pass each over lists and mentions.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]
Values = NDArray[np.float64]
Starts = NDArray[np.int64]

_compiled: Any = numba.njit(nogil=True, cache=True)


class Sparse(NamedTuple):
    """Rows of a sparse matrix one after the other, columns ascending in each.

    Attributes
    ----------
    starts : ndarray of int64, shape (n + 1,)
        Where each row begins, and where the last one ends.
    indices : ndarray of int32, shape (starts[-1],)
        Columns.
    values : ndarray of float64, shape (starts[-1],)
        What stands there.
    """

    starts: Starts
    indices: Indices
    values: Values


def mentioned(
    targets: Indices, sources: Indices, values: Values, *, first: int, n_rows: int
) -> Sparse:
    """Sort directed edges by the vertex at which they end.

    Parameters
    ----------
    targets, sources : ndarray of int32, shape (m,)
        End and beginning of each edge; the beginnings ascending.
    values : ndarray of float64, shape (m,)
        Weights.
    first, n_rows : int
        The vertices whose edges are wanted; those of others are left out.

    Returns
    -------
    Sparse
        For each of the vertices its edges' beginnings and weights.
    """
    starts = np.zeros(n_rows + 1, dtype=np.int64)
    _count(targets, first, starts)
    sorted_edges = Sparse(starts, np.empty(starts[-1], np.int32), np.empty(starts[-1]))
    _place(targets, sources, values, first, starts[:-1].copy(), *sorted_edges[1:])
    return sorted_edges


def united(indices: Indices, values: Values, mentions: Sparse, *, first: int) -> Sparse:
    """Give rows of the symmetric graph: whom vertices list, and who lists them.

    Parameters
    ----------
    indices : ndarray of int32, shape (n, k)
        Lists of a block of vertices, in any order.
    values : ndarray of float64, shape (n, k)
        Their weights, 0 or more.
    mentions : Sparse
        Of the same vertices, as `mentioned` gives them.
    first : int
        Number of the first vertex of the block.

    Returns
    -------
    Sparse
        Without the vertex itself; the greatest weight of those that two vertices share.
    """
    indices, values = indices.copy(), values.copy()
    _sort(indices, values)
    widest = indices.shape[1] + int(np.diff(mentions.starts).max(initial=0))
    starts = np.zeros(len(indices) + 1, dtype=np.int64)
    _measure(
        indices, values, *mentions, first, np.empty(widest, np.int32), np.empty(widest), starts
    )
    rows = Sparse(starts, np.empty(starts[-1], np.int32), np.empty(starts[-1]))
    _fill(indices, values, *mentions, first, *rows)
    return rows


@_compiled  # type: ignore[untyped-decorator] # no types there
def _count(targets: Indices, first: int, starts: Starts) -> None:
    n_rows = len(starts) - 1
    for target in targets:
        if first <= target < first + n_rows:
            starts[target - first + 1] += 1
    for row in range(n_rows):
        starts[row + 1] += starts[row]


@_compiled  # type: ignore[untyped-decorator] # no types there
def _place(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    targets: Indices,
    sources: Indices,
    values: Values,
    first: int,
    places: Starts,
    sorted_sources: Indices,
    sorted_values: Values,
) -> None:
    n_rows = len(places)
    for edge in range(len(targets)):
        row = targets[edge] - first
        if 0 <= row < n_rows:
            place = places[row]
            sorted_sources[place], sorted_values[place] = sources[edge], values[edge]
            places[row] = place + 1


@_compiled  # type: ignore[untyped-decorator] # no types there
def _sort(indices: Indices, values: Values) -> None:
    """Sort each list by the vertices that it names; lists are short."""
    for row in range(len(indices)):
        for place in range(1, indices.shape[1]):
            index, value, free = indices[row, place], values[row, place], place
            while free > 0 and indices[row, free - 1] > index:
                indices[row, free] = indices[row, free - 1]
                values[row, free] = values[row, free - 1]
                free -= 1
            indices[row, free], values[row, free] = index, value


@_compiled  # type: ignore[untyped-decorator] # no types there
def _measure(  # noqa: PLR0913, PLR0917 -- as above
    indices: Indices,
    values: Values,
    starts: Starts,
    sources: Indices,
    weights: Values,
    first: int,
    row_indices: Indices,
    row_values: Values,
    ends: Starts,
) -> None:
    """Fill in where each row of the union ends."""
    for row in range(len(indices)):
        own = slice(starts[row], starts[row + 1])
        ends[row + 1] = ends[row] + _unite(
            first + row,
            indices[row],
            values[row],
            sources[own],
            weights[own],
            row_indices,
            row_values,
        )


@_compiled  # type: ignore[untyped-decorator] # no types there
def _fill(  # noqa: PLR0913, PLR0917 -- as above
    indices: Indices,
    values: Values,
    starts: Starts,
    sources: Indices,
    weights: Values,
    first: int,
    row_starts: Starts,
    row_indices: Indices,
    row_values: Values,
) -> None:
    for row in range(len(indices)):
        own, place = slice(starts[row], starts[row + 1]), row_starts[row]
        _unite(
            first + row,
            indices[row],
            values[row],
            sources[own],
            weights[own],
            row_indices[place:],
            row_values[place:],
        )


@_compiled  # type: ignore[untyped-decorator] # no types there
def _unite(  # noqa: PLR0913, PLR0917 -- as above
    vertex: int,
    indices: Indices,
    values: Values,
    sources: Indices,
    weights: Values,
    row_indices: Indices,
    row_values: Values,
) -> int:
    """Fill in one row of the union, and give its length."""
    length = listed = mention = 0
    while listed < len(indices) or mention < len(sources):
        if mention == len(sources) or (
            listed < len(indices) and indices[listed] <= sources[mention]
        ):
            index, value = indices[listed], values[listed]
            listed += 1
        else:
            index, value = sources[mention], weights[mention]
            mention += 1
        if length > 0 and row_indices[length - 1] == index:
            row_values[length - 1] = max(row_values[length - 1], value)
        elif index != vertex:
            row_indices[length], row_values[length] = index, value
            length += 1
    return length
