"""Exact k nearest neighbours.

Squared distances come in blocks from a matrix product,
|q - v|^2 = |q|^2 + |v|^2 - 2 q.v, in single precision. That sum cancels, so it
is used only as a pair of bounds: with e = 2 (d + 8) eps, the rounding of the
product, of the norms and of the centring (Higham 2002, *Accuracy and Stability
of Numerical Algorithms*, section 3.1) is below e (|q|^2 + |v|^2) for every pair.
Vectors whose lower bound exceeds the k-th smallest upper bound cannot be
neighbours; the few that remain are measured again by differences in double
precision. Hence the answer is exact, ties go to the lower row, and it is bit for
bit the same whatever the size of the blocks or the share of the queries that a
task owns.

Cost: N d operations a query in the product, and one comparison a pair; a sample
of about sqrt(8 k N) vectors gives the first limit, which on average
sqrt(k N / 8) vectors pass. Memory: a copy of the vectors and one block. The
product runs on as many threads as BLAS is given: one a task is best.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Queries and vectors in one matrix product: four megabytes, inside the cache.
BLOCK_SHAPE = (256, 4096)

#: Elements gathered at once to measure distances in double precision.
_GATHERED = 1 << 22

#: Squared norms above this would leave single precision on the way.
_LARGEST_NORM = 1e36

Vectors = NDArray[np.float32]
Indices = NDArray[np.int32]


class _Pairs(NamedTuple):
    """Pairs of query and vector, grouped by query, with a lower bound of distance squared."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    lower: Vectors

    def chosen(self, selection: NDArray[Any]) -> "_Pairs":
        """Return the pairs of a mask or in an order."""
        return _Pairs(self.rows[selection], self.columns[selection], self.lower[selection])


class _Bounds:
    """Bounds of squared distance by one matrix product, norms carried as two more elements."""

    def __init__(self, vectors: Vectors) -> None:
        self.centre = vectors.mean(axis=0, dtype=np.float64)
        self.slack = 2 * (vectors.shape[1] + 8) * float(np.finfo(np.float32).eps)
        self.norms, centred = self._centred(vectors)
        ones = np.ones(len(vectors), dtype=np.float32)
        self.right = np.column_stack([centred, ones, self._shrunk(self.norms)])

    def _centred(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        centred = vectors - self.centre
        norms = np.square(centred).sum(axis=1)
        if norms.max(initial=0) > _LARGEST_NORM:
            message = f"vectors: expected squared norms below 1e36, found {norms.max():.1e}"
            raise ValueError(message)
        return norms.astype(np.float32), centred.astype(np.float32)

    def _shrunk(self, norms: Vectors) -> Vectors:
        return norms * np.float32(1 - self.slack)

    def left(self, points: Vectors) -> tuple[Vectors, Vectors]:
        """Norms of the queries, and the factor whose product with ``right`` is the lower bound."""
        norms, centred = self._centred(points)
        ones = np.ones(len(points), dtype=np.float32)
        return norms, np.column_stack([-2 * centred, self._shrunk(norms), ones])

    def widen(self, lower: Vectors, norms: Vectors, columns: NDArray[np.intp] | slice) -> Vectors:
        """Upper bound from the lower one, for queries of ``norms`` and vectors ``columns``."""
        return lower + np.float32(2 * self.slack) * (norms + self.norms[columns])


class NeighbourSearch:
    """Vectors made ready to be searched, for callers that ask more than once.

    Parameters
    ----------
    vectors : array_like, shape (N, d)
        The vectors that are searched, finite; taken as float32.
    block_shape : (int, int), optional
        Queries and vectors of one matrix product. Does not change the answer.

    Raises
    ------
    ValueError
        When the array is not two-dimensional and finite, or has no row.
    """

    def __init__(self, vectors: ArrayLike, *, block_shape: tuple[int, int] = BLOCK_SHAPE) -> None:
        self.vectors = checked_vectors(vectors, "vectors")
        if len(self.vectors) == 0:
            message = "vectors: expected at least one row, found none"
            raise ValueError(message)
        self.block_shape = block_shape
        self._bounds = _Bounds(self.vectors)

    def nearest(self, queries: range | ArrayLike, *, n_neighbors: int) -> tuple[Indices, Vectors]:
        """Find the nearest vectors, as the function `nearest` does.

        Parameters
        ----------
        queries : range or array_like, shape (n, d)
            Rows of the vectors, or other vectors.
        n_neighbors : int
            Number of neighbours of each query.

        Returns
        -------
        indices : ndarray of int32, shape (n, n_neighbors)
        distances : ndarray of float32, shape (n, n_neighbors)

        Raises
        ------
        ValueError
            As `nearest`.
        """
        points, selves = query_points(self.vectors, queries)
        available = len(self.vectors) - isinstance(queries, range)
        if not 1 <= n_neighbors <= available:
            message = f"n_neighbors: expected 1 to {available}, found {n_neighbors}"
            raise ValueError(message)
        indices = np.empty((len(points), n_neighbors), dtype=np.int32)
        distances = np.empty((len(points), n_neighbors), dtype=np.float32)
        for start in range(0, len(points), self.block_shape[0]):
            block = slice(start, start + self.block_shape[0])
            pairs = self._possible(points[block], selves[block], n_neighbors)
            found = _measured(self.vectors, points[block], pairs, n_neighbors)
            indices[block], distances[block] = found
        return indices, distances

    def _possible(self, points: Vectors, selves: NDArray[np.intp], n_neighbors: int) -> _Pairs:
        norms, left = self._bounds.left(points)
        limits = _sampled_limits(self._bounds, norms, left, n_neighbors)
        pairs = _within(self._bounds, left, limits, selves, self.block_shape[1])
        return _narrowed(self._bounds, norms, pairs, n_neighbors)


def nearest(
    vectors: ArrayLike, queries: range | ArrayLike, *, n_neighbors: int
) -> tuple[Indices, Vectors]:
    """Find the exact nearest neighbours of some vectors among all of them, or of others.

    Parameters
    ----------
    vectors : array_like, shape (N, d)
        The vectors that are searched, finite; taken as float32.
    queries : range or array_like, shape (n, d)
        A range of rows of ``vectors``, each of which is left out of its own
        answer by its index; or vectors that are not among them.
    n_neighbors : int
        Number of neighbours of each query.

    Returns
    -------
    indices : ndarray of int32, shape (n, n_neighbors)
        Rows of ``vectors``, nearest first, the lower row first where distances are equal.
    distances : ndarray of float32, shape (n, n_neighbors)
        Euclidean distances.

    Raises
    ------
    ValueError
        When an array is not two-dimensional and finite, shapes do not match, the
        range leaves the rows, or fewer vectors than ``n_neighbors`` are there.
    """
    return NeighbourSearch(vectors).nearest(queries, n_neighbors=n_neighbors)


def checked_vectors(array: ArrayLike, name: str) -> Vectors:
    """Return an array as float32, refusing one that is not a finite matrix."""
    vectors = np.ascontiguousarray(array, dtype=np.float32)
    if vectors.ndim != 2:  # noqa: PLR2004 -- rows and columns
        message = f"{name}: expected two dimensions, found {vectors.ndim}"
        raise ValueError(message)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        message = f"{name}: expected finite values, found others first in row {finite.argmin()}"
        raise ValueError(message)
    return vectors


def query_points(vectors: Vectors, queries: range | ArrayLike) -> tuple[Vectors, NDArray[np.int64]]:
    """Return the queries' vectors and their own rows, -1 where they have none."""
    if isinstance(queries, range):
        if queries.step != 1 or not 0 <= queries.start <= queries.stop <= len(vectors):
            message = f"queries: expected a range of step 1 in 0..{len(vectors)}, found {queries}"
            raise ValueError(message)
        return vectors[queries.start : queries.stop], np.arange(
            queries.start, queries.stop, dtype=np.int64
        )
    points = checked_vectors(queries, "queries")
    if points.shape[1] != vectors.shape[1]:
        message = f"queries: expected {vectors.shape[1]} elements, found {points.shape[1]}"
        raise ValueError(message)
    return points, np.full(len(points), -1, dtype=np.int64)


def _sampled_limits(bounds: _Bounds, norms: Vectors, left: Vectors, n_neighbors: int) -> Vectors:
    """Upper limits of the n-th smallest squared distance, from a regular sample of vectors."""
    n_vectors = len(bounds.right)
    size = max(int(np.sqrt(8 * n_neighbors * n_vectors)), 2 * n_neighbors)
    chosen = slice(None, None, max(1, n_vectors // size))
    upper = bounds.widen(left @ bounds.right[chosen].T, norms[:, None], chosen)
    # One more than n_neighbors, because the query itself may be in the sample.
    if upper.shape[1] <= n_neighbors:
        return np.full(len(left), np.inf, dtype=np.float32)
    return np.asarray(np.partition(upper, n_neighbors, axis=1)[:, n_neighbors])


def _within(
    bounds: _Bounds, left: Vectors, limits: Vectors, selves: NDArray[np.intp], width: int
) -> _Pairs:
    """Pairs whose lower bound does not exceed the query's limit, the query itself left out."""
    found = []
    for start in range(0, len(bounds.right), width):
        lower = left @ bounds.right[start : start + width].T
        flat = np.flatnonzero(lower <= limits[:, None])
        rows, columns = np.divmod(flat, lower.shape[1])
        columns += start
        other = selves[rows] != columns
        found.append(_Pairs(rows[other], columns[other], lower.ravel()[flat[other]]))
    rows, columns, lower = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _Pairs(rows, columns, lower).chosen(np.argsort(rows, kind="stable"))


def _narrowed(bounds: _Bounds, norms: Vectors, pairs: _Pairs, n_neighbors: int) -> _Pairs:
    """Pairs that stay possible once the n-th smallest upper bound over all vectors is known."""
    counts = np.bincount(pairs.rows, minlength=len(norms))
    places = np.arange(len(pairs.rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    upper = np.full((len(norms), counts.max()), np.inf, dtype=np.float32)
    upper[pairs.rows, places] = bounds.widen(pairs.lower, norms[pairs.rows], pairs.columns)
    limits = np.partition(upper, n_neighbors - 1, axis=1)[:, n_neighbors - 1]
    return pairs.chosen(pairs.lower <= limits[pairs.rows])


def _measured(
    vectors: Vectors, points: Vectors, pairs: _Pairs, n_neighbors: int
) -> tuple[Indices, Vectors]:
    """Measure the pairs in double precision and take each query's nearest."""
    squares = np.empty(len(pairs.rows))
    step = max(1, _GATHERED // vectors.shape[1])
    for start in range(0, len(squares), step):
        some = slice(start, start + step)
        differences = vectors[pairs.columns[some]].astype(np.float64) - points[pairs.rows[some]]
        squares[some] = np.square(differences).sum(axis=1)
    order = np.lexsort((pairs.columns, squares, pairs.rows))
    starts = np.searchsorted(pairs.rows, np.arange(len(points)))
    chosen = order[starts[:, None] + np.arange(n_neighbors)]
    return pairs.columns[chosen].astype(np.int32), np.sqrt(squares[chosen]).astype(np.float32)
