"""Near-exact nearest neighbours among vectors that stand in cells.

A query is compared with the vectors of the few cells whose centroids are nearest to it
(an inverted file, Jégou, Douze & Schmid 2011, IEEE TPAMI 33, 117, section IV). The border
of a cell with the nearest one is the plane half way between their centroids, and few
neighbours at a distance r in any direction lie beyond a plane at a distance b, the fewer
the more dimensions there are. Cells with b > `BORDER` r / d^(1/3) are left out, r being
the distance of the worst neighbour found so far; for vectors without structure the power
would be 1/2, but spectra vary in fewer directions than they have elements; 1/3 gives
recalls above 0.98 of 50 thousand in 16 components and in 276 elements. The squares of the
distances to the two centroids, s and s_0, give b = (s - s_0) / (2 sqrt(s + s_0)), where
they are taken to stand at right angles as seen from the query, as most do in many dimensions.

What is missed lies in cells that were not looked at; `CellSearch.recall` measures it.
Within the cells the answer is exact: squares in single precision, with a bound on their
rounding, tell what is measured again in double precision. Ties go to the lower row, and
the answer is bit for bit the same whatever the share of the queries that is asked for
and the number of threads.

Cost: N d operations for each centroid looked up, and p s of them a query for p cells
with s vectors each. Memory: the vectors twice, once by row and once in tiles.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vospec.learning import lanes, scanning
from vospec.learning.centroids import Centroids
from vospec.learning.neighbours import (
    Indices,
    NeighbourSearch,
    Vectors,
    checked_vectors,
    query_points,
)
from vospec.learning.scanning import Rows, Squares

#: Cells that are looked at, at least and at most, unless told otherwise.
PROBES = 16, 160
#: How far a border may be, over the distance of the worst neighbour and d^(-1/3).
BORDER = 1.15

#: Queries that go through the cells together.
_BLOCK = 2048
#: Elements larger than this over sqrt(d) would leave single precision on the way.
_LARGEST = 1e18


def default_probes(n_cells: int) -> int:
    """Return at how many cells to look at most: a quarter of them, within `PROBES`."""
    return int(np.clip(n_cells // 4, *PROBES))


class CellSearch:
    """Vectors sorted by cell, made ready to be searched.

    Parameters
    ----------
    vectors : array_like, shape (N, d)
        The vectors in the order of `sorted_by_cell`, finite; taken as float32.
    starts : array_like of int, shape (n_cells + 1,)
        Where each cell begins, and where the last one ends.
    centroids : array_like, shape (n_cells, d)
        Each vector must stand in the cell of its nearest centroid.

    Raises
    ------
    ValueError
        When an array is not as asked.
    """

    def __init__(self, vectors: ArrayLike, starts: ArrayLike, centroids: ArrayLike) -> None:
        self.vectors = checked_vectors(vectors, "vectors")
        self.centroids = checked_vectors(centroids, "centroids")
        self.starts = np.asarray(starts, dtype=np.int64)
        self._check()
        self._tiles, self._tile_starts = lanes.tiles(self.vectors, self.starts)
        self._factor = scanning.slack(self.vectors.shape[1])
        self._centroids = Centroids(self.centroids)

    def __reduce__(self) -> tuple[Any, ...]:
        # What is made ready anew need not travel to other processes.
        return CellSearch, (self.vectors, self.starts, self.centroids)

    def _check(self) -> None:
        shape, n_cells = self.vectors.shape, len(self.centroids)
        if shape[0] == 0 or self.centroids.shape[1] != shape[1]:
            message = f"centroids: expected {shape[1]} elements and vectors with a row, found other"
            raise ValueError(message)
        bounds = self.starts[[0, -1]].tolist() if self.starts.shape == (n_cells + 1,) else []
        if bounds != [0, shape[0]] or np.any(np.diff(self.starts) < 0):
            message = f"starts: expected {n_cells + 1} rows from 0 up to {shape[0]}, found others"
            raise ValueError(message)
        _check_size(self.vectors, "vectors")

    def nearest(
        self,
        queries: range | ArrayLike,
        *,
        n_neighbors: int,
        n_probes: int | None = None,
        n_jobs: int = 1,
    ) -> tuple[Indices, Vectors]:
        """Find near-exact nearest vectors; exact ones where all cells are probed.

        Parameters
        ----------
        queries : range or array_like, shape (n, d)
            A range of rows of the vectors, each of which is left out of its own answer
            by its index; or vectors that are not among them.
        n_neighbors : int
            Number of neighbours of each query.
        n_probes : int, optional
            Cells looked at, the nearest first (more for a query whose cells hold fewer
            than ``n_neighbors`` vectors); `default_probes` where it is not given.
        n_jobs : int, optional
            Threads. Does not change the answer.

        Returns
        -------
        indices : ndarray of int32, shape (n, n_neighbors)
            Rows of the vectors, nearest first, the lower row first where distances are equal.
        distances : ndarray of float32, shape (n, n_neighbors)
            Euclidean distances.

        Raises
        ------
        ValueError
            As `neighbours.nearest`, or when ``n_probes`` or ``n_jobs`` is below 1.
        """
        n_probes = default_probes(len(self.centroids)) if n_probes is None else n_probes
        points, selves = query_points(self.vectors, queries)
        available = len(self.vectors) - isinstance(queries, range)
        for name, value in {"n_probes": n_probes, "n_jobs": n_jobs}.items():
            if value < 1:
                message = f"{name}: expected 1 or more, found {value}"
                raise ValueError(message)
        if not 1 <= n_neighbors <= available:
            message = f"n_neighbors: expected 1 to {available}, found {n_neighbors}"
            raise ValueError(message)
        _check_size(points, "queries")
        return self._nearest(points, selves, n_neighbors, n_probes, n_jobs)

    def recall(
        self,
        *,
        n_neighbors: int,
        n_probes: int | None = None,
        n_queries: int = 1000,
        n_jobs: int = 1,
    ) -> float:
        """Return the share of exact neighbours that is found, measured on some vectors.

        Parameters
        ----------
        n_neighbors, n_probes, n_jobs
            As for `nearest`.
        n_queries : int, optional
            Vectors that are asked for, evenly spaced over the rows.

        Returns
        -------
        float
            From 0 to 1; a neighbour as near as the last exact one counts as found.

        Raises
        ------
        ValueError
            When ``n_neighbors`` is not below the number of vectors.
        """
        n_probes = default_probes(len(self.centroids)) if n_probes is None else n_probes
        last = len(self.vectors) - 1
        rows = np.unique(np.linspace(0, last, n_queries).astype(np.int64))
        points = self.vectors[rows]
        # The vector itself is the first of its exact neighbours.
        exact = NeighbourSearch(self.vectors).nearest(points, n_neighbors=n_neighbors + 1)[1]
        found = self._nearest(points, rows, n_neighbors, n_probes, n_jobs)[1]
        # The two sum their squares in different orders.
        return float(np.mean(found <= exact[:, -1:] * np.float32(1 + 1e-6)))

    def _nearest(
        self, points: Vectors, selves: Rows, n_neighbors: int, n_probes: int, n_jobs: int
    ) -> tuple[Indices, Vectors]:
        indices = np.empty((len(points), n_neighbors), dtype=np.int32)
        distances = np.empty((len(points), n_neighbors), dtype=np.float32)

        def fill(start: int) -> None:
            block = slice(start, start + _BLOCK)
            found, squares = self._found(points[block], selves[block], n_neighbors, n_probes)
            indices[block], distances[block] = found, np.sqrt(squares)

        with ThreadPoolExecutor(n_jobs) as threads:
            list(threads.map(fill, range(0, len(points), _BLOCK)))
        return indices, distances

    def _found(
        self, points: Vectors, selves: Rows, n_neighbors: int, n_probes: int
    ) -> tuple[Indices, Squares]:
        indices, squares = self._probed(points, selves, n_neighbors, n_probes)
        while n_probes < len(self.centroids):
            few = np.flatnonzero(np.isinf(squares[:, -1]))
            if few.size == 0:
                break
            n_probes *= 4
            indices[few], squares[few] = self._probed(
                points[few], selves[few], n_neighbors, n_probes
            )
        return indices, squares

    def _probed(
        self, points: Vectors, selves: Rows, n_neighbors: int, n_probes: int
    ) -> tuple[Indices, Squares]:
        n_probes = min(n_probes, len(self.centroids))
        probes, probe_squares = self._centroids.nearest(points, n_probes)
        squares = np.full((len(points), n_neighbors), np.inf)
        indices = np.full((len(points), n_neighbors), np.iinfo(np.int32).max, dtype=np.int32)
        # Where all cells are probed the answer is meant to be exact.
        exact = n_probes == len(self.centroids)
        scanning.scan(
            points,
            selves,
            self.vectors,
            self.starts,
            self._tiles,
            self._tile_starts,
            probes,
            probe_squares,
            np.inf if exact else BORDER / points.shape[1] ** (1 / 3),
            self._factor,
            squares,
            indices,
        )
        return indices, squares


def _check_size(vectors: Vectors, name: str) -> None:
    largest = max(vectors.max(initial=0), -vectors.min(initial=0))
    allowed = _LARGEST / np.sqrt(vectors.shape[1])
    if largest > allowed:
        message = f"{name}: expected elements up to {allowed:.1e}, found {largest:.1e}"
        raise ValueError(message)
