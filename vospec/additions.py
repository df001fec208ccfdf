"""Spectra that came after a run, scored by its graph between two full runs.

A new spectrum takes over the weighted mean of the class shares that its nearest vertices
have (see :mod:`vospec.learning.induction`). Nothing is propagated again and nothing of the
run changes; so many new spectra may come in one by one or all at once, their scores are
the same. New spectra do not teach each other: that is what the next full run is for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec import learning
from vospec.learning.graph import mean_gamma

#: Spectra that go through the search between two reports of progress.
BATCH = 8192

Indices = NDArray[np.int32]
Distances = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph as it meets new vectors.

    Attributes
    ----------
    search : CellSearch
        Over its vertices.
    distances : (n_vertices, k) array
        From every vertex to its nearest ones, ascending: how edges were weighted.
    weights : {'local_scaling', 'rbf', 'binary'}
        In which way.
    """

    search: learning.CellSearch
    distances: Distances
    weights: learning.Weights

    def nearest(
        self,
        vectors: Distances,
        *,
        n_jobs: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Indices, Distances]:
        """Find as many vertices near new vectors as every vertex has neighbours.

        Parameters
        ----------
        vectors : (n, d) array
            In the space of the graph.
        n_jobs : int
            Threads. Does not change the answer.
        progress : callable, optional
            Called with the number of vectors done so far.

        Returns
        -------
        indices : (n, k) int array
            Vertices, nearest first.
        distances : (n, k) array
        """
        n_neighbors = self.distances.shape[1]
        shape = len(vectors), n_neighbors
        indices, distances = np.empty(shape, np.int32), np.empty(shape, np.float32)
        for start in range(0, len(vectors), BATCH):
            some = slice(start, start + BATCH)
            found = self.search.nearest(vectors[some], n_neighbors=n_neighbors, n_jobs=n_jobs)
            indices[some], distances[some] = found
            if progress is not None:
                progress(min(start + BATCH, len(vectors)))
        return indices, distances

    def inherited(
        self, indices: Indices, distances: Distances, shares: ArrayLike
    ) -> NDArray[np.float64]:
        """Give new vectors the shares of the vertices near them, weighted as edges are.

        Parameters
        ----------
        indices, distances : (n, k) arrays
            As :meth:`nearest` gives them.
        shares : (n_vertices, n_classes) array
            Of the vertices; a column of NaN is a class without labels, a row of NaN a
            vertex that no label reaches.

        Returns
        -------
        (n, n_classes) array
            NaN where the shares say so, and where no label reaches any of the vertices.
        """
        shares = np.asarray(shares, dtype=np.float64)
        inherited = np.full((len(indices), shares.shape[1]), np.nan)
        taught = ~np.isnan(shares).all(axis=0)
        inherited[:, taught] = learning.induced(
            indices,
            distances,
            shares[:, taught],
            scales=learning.local_scales(self.distances),
            weights=self.weights,
            gamma=mean_gamma(self.distances),
        )
        return inherited
