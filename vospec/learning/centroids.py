"""Centroids of vectors, and which of them are near.

k-means (Lloyd 1982, IEEE Trans. Inf. Theory 28, 129) finds the centroids of a sample. It
minimises squared distances, not the work of a search, and spends many centroids on few
distant vectors, while thousands share another. So centroids that few vectors are nearest
to are moved to where most are, and vectors of many elements are divided by their
principal components: noise in hundreds of elements would make nearly every vector distant.

Many centroids are divided into groups in turn; near ones are sought in the groups near.

Cost: a point is compared with the groups and with some `_PER_GROUP` centroids in each of
those that are looked at, d operations each.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.learning import choosing, lanes
from vospec.learning.projection import PrincipalComponents

Vectors = NDArray[np.float32]
Indices = NDArray[np.int32]
Rows = NDArray[np.int64]

#: Sample vectors a centroid; with more they hardly move.
SAMPLED = 16
#: Lloyd's iterations: cells must be compact, not optimal. Centroids are moved between them,
#: but not before the last two.
ITERATIONS = 6
#: A centroid is moved from a cell of less than this share of the mean number of vectors
#: to one of more than its inverse.
FEW = 0.5
#: Vectors of more elements than the first are divided by as many components as the second.
_MANY_ELEMENTS, _COMPONENTS = 32, 16

#: As many centroids are all looked at.
_ALL = 512
#: Centroids of a group.
_PER_GROUP = 64
#: Groups that are looked at for one centroid, and how many more for each further one.
_GROUPS, _GROUPS_EACH = 8, 0.2
#: Points that are looked up at once.
_BLOCK = 4096


class Sorted(NamedTuple):
    """Vectors in the order of their cells.

    Attributes
    ----------
    order : ndarray of int64, shape (n,)
        Rows of the vectors as they were, cell by cell, in each cell as they stood.
    starts : ndarray of int64, shape (n_cells + 1,)
        Where in that order each cell begins, and where the last one ends.
    """

    order: Rows
    starts: Rows


def sorted_by_cell(cells: ArrayLike, n_cells: int) -> Sorted:
    """Return the order in which vectors stand cell by cell.

    Parameters
    ----------
    cells : array_like of int, shape (n,)
        Cell of each vector, from 0.
    n_cells : int
        Number of cells; some may be empty.

    Returns
    -------
    Sorted
    """
    cells = np.asarray(cells)
    counts = np.bincount(cells, minlength=n_cells)
    return Sorted(np.argsort(cells, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))


class Centroids:
    """Centroids made ready to be looked up.

    Parameters
    ----------
    centroids : ndarray of float32, shape (n_centroids, d)
    """

    def __init__(self, centroids: Vectors) -> None:
        n_groups = 1 if len(centroids) <= _ALL else -(-len(centroids) // _PER_GROUP)
        self._groups = (
            Centroids(fitted(centroids[: SAMPLED * n_groups], n_groups)) if n_groups > 1 else None
        )
        home = np.zeros(len(centroids), dtype=np.int32)
        if self._groups is not None:
            home = self._groups.nearest(centroids, 1)[0][:, 0]
        self._order, self._starts = sorted_by_cell(home, n_groups)
        self._tiles, self._tile_starts = lanes.tiles(centroids[self._order], self._starts)

    def nearest(self, points: Vectors, n: int, *, n_jobs: int = 1) -> tuple[Indices, Vectors]:
        """Return near centroids of each point, nearest first, in single precision.

        They are the nearest where there are no more than `_ALL` or all are asked for;
        otherwise those in groups that are far may be missed.

        Parameters
        ----------
        points : ndarray of float32, shape (m, d)
        n : int
            How many, not more than there are.
        n_jobs : int, optional
            Threads. Does not change the answer.

        Returns
        -------
        centroids : ndarray of int32, shape (m, n)
            The lower one first where squares are equal; -1 where the groups held too few.
        squares : ndarray of float32, shape (m, n)
            Squared distances.
        """
        chosen = np.empty((len(points), n), dtype=np.int32)
        squares = np.empty((len(points), n), dtype=np.float32)

        def fill(start: int) -> None:
            block = slice(start, start + _BLOCK)
            choosing.choose(
                points[block],
                self._near(points[block], n),
                self._tiles,
                self._tile_starts,
                self._starts,
                self._order,
                chosen[block],
                squares[block],
            )

        with ThreadPoolExecutor(n_jobs) as threads:
            list(threads.map(fill, range(0, len(points), _BLOCK)))
        return chosen, squares

    def _near(self, points: Vectors, n: int) -> Indices:
        """Return the groups to look into."""
        if self._groups is None:
            return np.zeros((len(points), 1), dtype=np.int32)
        n_groups = len(self._starts) - 1
        wanted = n_groups if n == len(self._order) else round(_GROUPS + _GROUPS_EACH * n)
        return self._groups.nearest(points, min(wanted, n_groups))[0]


def fitted(sample: Vectors, n_centroids: int, *, n_jobs: int = 1) -> Vectors:
    """Find the centroids of a sample.

    Parameters
    ----------
    sample : ndarray of float32, shape (n, d)
        Different vectors, the first ``n_centroids`` of them as good as any.
    n_centroids : int
        Number of centroids; not more than n are found.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    ndarray of float32, shape (n_centroids, d)
    """
    reduced = _reduced(sample)
    centroids = reduced[:n_centroids].copy()
    for left in reversed(range(ITERATIONS)):
        cells = Centroids(centroids).nearest(reduced, 1, n_jobs=n_jobs)[0][:, 0]
        order = sorted_by_cell(cells, len(centroids))
        centroids = _means(reduced, order, centroids)
        if left > 1:
            _spread(reduced, order, centroids)
    return centroids if reduced is sample else _means(sample, order, sample[:n_centroids])


def _reduced(sample: Vectors) -> Vectors:
    if sample.shape[1] <= _MANY_ELEMENTS or len(sample) <= _COMPONENTS:
        return sample
    return PrincipalComponents(_COMPONENTS).fit(sample).transform(sample)


def _means(sample: Vectors, cells: Sorted, centroids: Vectors) -> Vectors:
    """Return the mean of each cell, or the centroid as it was where the cell is empty."""
    counts = np.diff(cells.starts)
    taken = np.flatnonzero(counts)
    sums = np.add.reduceat(sample[cells.order].astype(np.float64), cells.starts[taken], axis=0)
    means = centroids.copy()
    means[taken] = sums / counts[taken, None]
    return means


def _spread(sample: Vectors, cells: Sorted, centroids: Vectors) -> None:
    """Move the centroids of the smallest cells half way to a vector of the largest."""
    counts, mean = np.diff(cells.starts), len(sample) / len(centroids)
    ranked = np.argsort(counts, kind="stable")
    n_moved = min(np.sum(counts < FEW * mean), np.sum(counts > mean / FEW))
    small, large = ranked[:n_moved], ranked[::-1][:n_moved]
    firsts = sample[cells.order[cells.starts[large]]]
    centroids[small] = (centroids[large] + firsts) / 2
