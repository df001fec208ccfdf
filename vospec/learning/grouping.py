"""Groups of vertices, and the graph that has them as vertices; `multilevel` says what for.

A vertex without a group starts one with those of its neighbours without a group to which
its edges are strongest; where it has none, it joins the group of its strongest edge.
Cost: a pass over the edges, and two to add them up between groups.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import DTypeLike, NDArray

from vospec.learning import loops
from vospec.learning.loops import Columns, Vector

#: What stands for a vertex without a group.
NO_GROUP = -1
#: An edge is strong from this share of its vertex's strongest one on.
_STRONG = 0.25

_compiled: Any = numba.njit(nogil=True, cache=True)


class Graph(NamedTuple):
    """The matrix D - W of a graph with weights W.

    Attributes
    ----------
    starts, indices, weights : ndarray
        Rows of W, as a csr_array has them; nothing stands on its diagonal.
    diagonal : ndarray of float64, shape (n,)
        D.
    """

    starts: NDArray[Any]
    indices: NDArray[Any]
    weights: Vector
    diagonal: Vector

    @property
    def n_vertices(self) -> int:
        """How many vertices it has."""
        return len(self.diagonal)

    def astype(self, dtype: DTypeLike) -> "Graph":
        """Return it in another precision."""
        weights, diagonal = (values.astype(dtype, copy=False) for values in self[2:])
        return self._replace(weights=weights, diagonal=diagonal)

    def defect(self, target: Columns, columns: Columns, *, n_jobs: int) -> Columns:
        """Return B - (D - W) F for B and F of shape (n, c)."""
        result = np.empty_like(columns)
        loops.over_rows(loops.defect, len(columns), *self, target, columns, result, n_jobs=n_jobs)
        return result


class Groups(NamedTuple):
    """Which vertices belong together.

    Attributes
    ----------
    numbers : ndarray of int32, shape (n,)
        Group of each vertex, -1 where it has none.
    starts : ndarray of int64, shape (n_groups + 1,)
        Where the members of each group begin.
    members : ndarray of int32, shape (starts[-1],)
        Vertices, ascending in each group.
    """

    numbers: NDArray[np.int32]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]

    def sums(self, columns: Columns, scaling: Vector, *, n_jobs: int) -> Columns:
        """Return for each group the sum of its members' rows times their scaling."""
        n_groups = len(self.starts) - 1
        result = np.empty((n_groups, columns.shape[1]), dtype=columns.dtype)
        arrays = self.starts, self.members, scaling, columns, result
        loops.over_rows(_sum, n_groups, *arrays, n_jobs=n_jobs)
        return result

    def added(self, columns: Columns, values: Columns, scaling: Vector, *, n_jobs: int) -> Columns:
        """Return rows to which the value of their group, times their scaling, is added."""
        result = np.empty_like(columns)
        arrays = self.numbers, scaling, columns, values, result
        loops.over_rows(_add, len(columns), *arrays, n_jobs=n_jobs)
        return result


def grouped(graph: Graph, live: NDArray[np.bool_], *, size: int) -> Groups:
    """Put vertices together.

    Parameters
    ----------
    graph : Graph
        The graph.
    live : ndarray of bool, shape (n,)
        Vertices that get a group.
    size : int
        Most members of a group; with those that find none of their own, three times as many.

    Returns
    -------
    Groups
    """
    numbers = np.full(graph.n_vertices, NO_GROUP, dtype=np.int32)
    n_groups = _group(graph.starts, graph.indices, graph.weights, live, size, numbers)
    members = np.argsort(numbers, kind="stable")[np.count_nonzero(numbers == NO_GROUP) :]
    counts = np.bincount(numbers[members], minlength=n_groups)
    return Groups(numbers, np.concatenate([[0], np.cumsum(counts)]), members.astype(np.int32))


def coarser(graph: Graph, groups: Groups, *, n_jobs: int) -> Graph:
    """Give the graph of the groups.

    Parameters
    ----------
    graph : Graph
        The graph.
    groups : Groups
        Its groups; edges to vertices without one count in the diagonal only.
    n_jobs : int
        Threads. Does not change the answer.

    Returns
    -------
    Graph
        P^T (D - W) P, P with a 1 for each vertex in the column of its group.
    """
    n_groups = len(groups.starts) - 1
    starts, diagonal = np.zeros(n_groups + 1, dtype=np.int64), np.empty(n_groups)
    rows = *graph[:3], *groups
    loops.over_rows(_count, n_groups, *rows, starts, n_jobs=n_jobs)
    np.cumsum(starts, out=starts)
    indices, weights = np.empty(starts[-1], dtype=np.int32), np.zeros(starts[-1])
    found = starts, indices, weights
    loops.over_rows(_fill, n_groups, *rows, graph.diagonal, *found, diagonal, n_jobs=n_jobs)
    return Graph(*found, diagonal)


@_compiled  # type: ignore[untyped-decorator] # no types there
def _group(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    starts: NDArray[Any],
    indices: NDArray[Any],
    weights: Vector,
    live: NDArray[np.bool_],
    size: int,
    numbers: NDArray[np.int32],
) -> int:
    """Fill in the groups' numbers, and return how many there are."""
    sizes, n_groups = np.zeros(len(live), dtype=np.int32), 0
    for vertex in range(len(live)):
        if not live[vertex] or numbers[vertex] != NO_GROUP:
            continue
        row = slice(starts[vertex], starts[vertex + 1])
        members = _gather(vertex, n_groups, indices[row], weights[row], live, size, numbers)
        joined = NO_GROUP
        if members == 1:
            joined = _nearest(n_groups, indices[row], weights[row], 3 * size, numbers, sizes)
        if joined == NO_GROUP:
            sizes[n_groups] = members
            n_groups += 1
        else:
            numbers[vertex] = joined
            sizes[joined] += 1
    return n_groups


@_compiled  # type: ignore[untyped-decorator] # no types there
def _gather(  # noqa: PLR0913, PLR0917 -- as above
    vertex: int,
    number: int,
    indices: NDArray[Any],
    weights: Vector,
    live: NDArray[np.bool_],
    size: int,
    numbers: NDArray[np.int32],
) -> int:
    """Give a number to a vertex and its strongest free neighbours, and return how many."""
    numbers[vertex], members = number, 1
    enough = _STRONG * np.max(weights) if len(weights) else 0.0
    while members < size:
        chosen, largest = -1, enough
        for entry in range(len(indices)):
            other = indices[entry]
            if weights[entry] > largest and live[other] and numbers[other] == NO_GROUP:
                chosen, largest = other, weights[entry]
        if chosen < 0:
            break
        numbers[chosen] = number
        members += 1
    return members


@_compiled  # type: ignore[untyped-decorator] # no types there
def _nearest(  # noqa: PLR0913, PLR0917 -- as above
    own: int,
    indices: NDArray[Any],
    weights: Vector,
    size: int,
    numbers: NDArray[np.int32],
    sizes: NDArray[np.int32],
) -> int:
    """Return the group of the strongest edge that has room, or that there is none."""
    chosen, largest = NO_GROUP, 0.0
    for entry in range(len(indices)):
        number = numbers[indices[entry]]
        if weights[entry] <= largest or number == NO_GROUP or number == own:  # noqa: PLR1714, SIM109 -- as there
            continue
        if sizes[number] < size:
            chosen, largest = number, weights[entry]
    return chosen


@_compiled  # type: ignore[untyped-decorator] # no types there
def _count(  # noqa: PLR0913, PLR0917 -- as above
    first: int,
    last: int,
    starts: NDArray[Any],
    indices: NDArray[Any],
    weights: Vector,  # noqa: ARG001 -- as those of `_fill`
    numbers: NDArray[np.int32],
    group_starts: NDArray[np.int64],
    members: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Fill in, one place behind each group, how many others it has edges to."""
    seen = np.full(len(group_starts) - 1, NO_GROUP, dtype=np.int32)
    for group in range(first, last):
        for member in members[group_starts[group] : group_starts[group + 1]]:
            for entry in range(starts[member], starts[member + 1]):
                other = numbers[indices[entry]]
                # A set would be made for each edge.
                if other != NO_GROUP and other != group and seen[other] != group:  # noqa: PLR1714
                    seen[other] = group
                    counts[group + 1] += 1


@_compiled  # type: ignore[untyped-decorator] # no types there
def _fill(  # noqa: PLR0913, PLR0917 -- as above
    first: int,
    last: int,
    starts: NDArray[Any],
    indices: NDArray[Any],
    weights: Vector,
    numbers: NDArray[np.int32],
    group_starts: NDArray[np.int64],
    members: NDArray[np.int32],
    diagonal: Vector,
    coarse_starts: NDArray[np.int64],
    coarse_indices: NDArray[np.int32],
    coarse_weights: Vector,
    coarse_diagonal: Vector,
) -> None:
    """Fill in rows of the graph of the groups."""
    places = np.full(len(group_starts) - 1, -1, dtype=np.int64)
    for group in range(first, last):
        begin = place = coarse_starts[group]
        total = 0.0
        for member in members[group_starts[group] : group_starts[group + 1]]:
            total += diagonal[member]
            for entry in range(starts[member], starts[member + 1]):
                other = numbers[indices[entry]]
                if other == group:
                    total -= weights[entry]
                elif other != NO_GROUP:
                    if places[other] < begin:
                        places[other] = place
                        coarse_indices[place] = other
                        place += 1
                    coarse_weights[places[other]] += weights[entry]
        coarse_diagonal[group] = total


@_compiled  # type: ignore[untyped-decorator] # no types there
def _sum(  # noqa: PLR0913, PLR0917 -- as above
    first: int,
    last: int,
    starts: NDArray[np.int64],
    members: NDArray[np.int32],
    scaling: Vector,
    columns: Columns,
    result: Columns,
) -> None:
    for group in range(first, last):
        result[group] = 0
        for member in members[starts[group] : starts[group + 1]]:
            for c in range(columns.shape[1]):
                result[group, c] += scaling[member] * columns[member, c]


@_compiled  # type: ignore[untyped-decorator] # no types there
def _add(  # noqa: PLR0913, PLR0917 -- as above
    first: int,
    last: int,
    numbers: NDArray[np.int32],
    scaling: Vector,
    columns: Columns,
    values: Columns,
    result: Columns,
) -> None:
    for row in range(first, last):
        number = numbers[row]
        for c in range(columns.shape[1]):
            added = scaling[row] * values[number, c] if number != NO_GROUP else 0.0
            result[row, c] = columns[row, c] + added
