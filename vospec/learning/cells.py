"""Cells of vectors: who is looked at when a neighbour is sought.

The cells are the Voronoi regions of `centroids` that are found in a sample; `probing`
looks into the few nearest to a query. The centroids, the order in which vectors stand
cell by cell and where each cell begins are what tasks on several machines must share.

Cells are small, whatever the number of vectors: what a query is compared with then
hardly grows with them. Cost: N vectors are looked up, and `SAMPLED` a cell in each
iteration of k-means.
"""

from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from vospec.learning import centroids, scanning
from vospec.learning.centroids import SAMPLED, Centroids, sorted_by_cell
from vospec.learning.neighbours import Indices, NeighbourSearch, Vectors, checked_vectors
from vospec.learning.probing import CellSearch
from vospec.learning.scanning import Rows

#: How neighbours are sought: exactly, or in the cells that are near.
Search = Literal["auto", "exact", "cells"]

#: Vectors from which on ``auto`` seeks in cells.
MANY = 2000

#: Vectors of a cell.
VECTORS = 100


def default_cells(n_vectors: int) -> int:
    """Return the number of cells of `VECTORS` vectors each."""
    return max(1, round(n_vectors / VECTORS))


class Cells(BaseEstimator):  # type: ignore[misc] # no types there
    """A partition of space into the Voronoi regions of centroids.

    Parameters
    ----------
    n_cells : int
        Number of cells; fewer where the sample has fewer different vectors.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Attributes
    ----------
    centroids_ : ndarray of float32, shape (n_cells, d)
    """

    centroids_: Vectors

    def __init__(self, n_cells: int, *, n_jobs: int = 1) -> None:
        self.n_cells = n_cells
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002, N803 -- scikit-learn's
        """Find the centroids of a sample.

        `SAMPLED` vectors a cell are taken, those first by a hash of their elements:
        neither the order of the vectors nor copies among them change the centroids.

        Parameters
        ----------
        X : array_like, shape (n, d)
            The sample, finite; taken as float32.
        y : object, optional
            Not looked at; for scikit-learn's pipelines.

        Returns
        -------
        Cells
            The object itself.

        Raises
        ------
        ValueError
            When ``n_cells`` is below 1 or ``X`` is not a finite matrix with a row.
        """
        if self.n_cells < 1:
            message = f"n_cells: expected 1 or more, found {self.n_cells}"
            raise ValueError(message)
        sample = _sampled(checked_vectors(X, "X"), SAMPLED * self.n_cells)
        self.centroids_ = centroids.fitted(sample, self.n_cells, n_jobs=self.n_jobs)
        return self

    def assign(self, vectors: ArrayLike) -> Indices:
        """Return the cell of each vector: its nearest centroid, in single precision.

        Parameters
        ----------
        vectors : array_like, shape (n, d)
            Vectors, finite.

        Returns
        -------
        ndarray of int32, shape (n,)

        Raises
        ------
        ValueError
            When ``vectors`` is not a finite matrix of as many columns as the sample.
        """
        checked = checked_vectors(vectors, "queries")
        if checked.shape[1] != self.centroids_.shape[1]:
            expected, found = self.centroids_.shape[1], checked.shape[1]
            message = f"queries: expected {expected} elements, found {found}"
            raise ValueError(message)
        return Centroids(self.centroids_).nearest(checked, 1, n_jobs=self.n_jobs)[0][:, 0]


def cell_search(
    vectors: ArrayLike, *, n_cells: int | None = None, n_jobs: int = 1
) -> tuple[CellSearch, Rows]:
    """Sort vectors into cells and make them ready to be searched.

    Parameters
    ----------
    vectors : array_like, shape (N, d)
        The vectors, finite; taken as float32.
    n_cells : int, optional
        Number of cells; `default_cells` where it is not given.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    search : CellSearch
        Over the vectors in the order of their cells.
    order : ndarray of int64, shape (N,)
        Row of ``vectors`` of each row of the search.

    Raises
    ------
    ValueError
        As `Cells` and `CellSearch`.
    """
    checked = checked_vectors(vectors, "vectors")
    cells = Cells(n_cells or default_cells(len(checked)), n_jobs=n_jobs).fit(checked)
    order, starts = sorted_by_cell(cells.assign(checked), len(cells.centroids_))
    return CellSearch(checked[order], starts, cells.centroids_), order


def prepared_search(
    vectors: ArrayLike, *, search: Search = "auto", n_jobs: int = 1
) -> tuple[NeighbourSearch | CellSearch, Rows]:
    """Make vectors ready to be searched, exactly or in cells.

    Parameters
    ----------
    vectors : array_like, shape (N, d)
        The vectors, finite; taken as float32.
    search : {'auto', 'exact', 'cells'}, optional
        ``auto`` takes cells from `MANY` vectors on.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    search : NeighbourSearch or CellSearch
    order : ndarray of int64, shape (N,)
        Row of ``vectors`` of each row of the search.

    Raises
    ------
    ValueError
        As `cell_search` and `NeighbourSearch`, or when ``search`` is none of the three.
    """
    if search not in get_args(Search):
        message = f"search: expected one of {', '.join(get_args(Search))}, found {search!r}"
        raise ValueError(message)
    if search == "cells" or (search == "auto" and len(np.asarray(vectors)) >= MANY):
        return cell_search(vectors, n_jobs=n_jobs)
    exact = NeighbourSearch(vectors)
    return exact, np.arange(len(exact.vectors))


def _sampled(vectors: Vectors, size: int) -> Vectors:
    """Return different vectors, in the order of their hashes."""
    if len(vectors) == 0:
        message = "X: expected at least one row, found none"
        raise ValueError(message)
    # Adding 0 makes -0 the same as 0.
    hashes = np.empty(len(vectors), dtype=np.uint64)
    scanning.hashes((vectors + np.float32(0)).view(np.uint32), hashes)
    return vectors[np.unique(hashes, return_index=True)[1][:size]]
