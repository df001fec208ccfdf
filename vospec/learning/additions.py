"""A graph as it meets vectors that came after it.

Each takes over the weighted mean of the shares of the vertices near it (see `induction`),
whatever other new vectors there are: one by one or all at once, the answer is the same.

Cost: the search in cells, and a weight a neighbour.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.learning.graph import Weights, affinities, local_scales, mean_gamma
from vospec.learning.induction import induced
from vospec.learning.neighbours import Indices, Vectors
from vospec.learning.probing import CellSearch

#: Vectors that go through the search between two reports of progress.
BATCH = 8192


@dataclass(frozen=True, eq=False)
class KnownGraph:
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

    search: CellSearch
    distances: Vectors
    weights: Weights

    def nearest(
        self,
        vectors: Vectors,
        *,
        n_jobs: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Indices, Vectors]:
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
        self, indices: Indices, distances: Vectors, shares: ArrayLike
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
        inherited[:, taught] = induced(
            indices,
            distances,
            shares[:, taught],
            scales=local_scales(self.distances),
            weights=self.weights,
            gamma=mean_gamma(self.distances),
        )
        return inherited

    def edges(self, indices: Indices, distances: Vectors) -> NDArray[np.float64]:
        """Weights of the edges to the vertices near new vectors.

        Parameters
        ----------
        indices, distances : (n, k) arrays
            As :meth:`nearest` gives them.

        Returns
        -------
        (n, k) array
            From 1e-6 to 1.
        """
        return affinities(
            distances,
            weights=self.weights,
            scales=local_scales(distances),
            neighbour_scales=local_scales(self.distances)[indices],
            gamma=mean_gamma(self.distances),
        )
