"""Distributions of vectors that came after the graph.

A function that is smooth over the graph and must be extended to one more vertex x is
smoothest there as the weighted mean of its neighbours (Delalleau, Bengio & Le Roux in
Chapelle, Schölkopf & Zien 2006, *Semi-Supervised Learning*, section 11.4):

    F(x) = sum_j w(x, x_j) F(x_j) / sum_j w(x, x_j),

over the nearest x_j of the graph, with the weights that edges of the graph have.
Nothing is propagated again, and nothing that is known changes.

Cost: the search, and a weight a neighbour.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.learning.graph import SCALE_NEIGHBOR, Weights, affinities, local_scales


def induced(  # noqa: PLR0913 -- named parameters of one method
    indices: ArrayLike,
    distances: ArrayLike,
    distributions: ArrayLike,
    *,
    scales: ArrayLike,
    weights: Weights = "local_scaling",
    gamma: float = 1.0,
    scale_neighbor: int = SCALE_NEIGHBOR,
) -> NDArray[np.float64]:
    """Give new vectors the weighted mean distribution of their nearest ones in the graph.

    Parameters
    ----------
    indices : array_like of int, shape (n, k)
        Nearest vertices of the graph to each new vector.
    distances : array_like, shape (n, k)
        Their distances, ascending.
    distributions : array_like, shape (N, n_classes)
        ``label_distributions_`` of the graph; rows of NaN, which no label reaches, give
        nothing.
    scales : array_like, shape (N,)
        Local scales of the graph's vertices; only local scaling looks at them.
    weights, gamma, scale_neighbor
        As the graph has them.

    Returns
    -------
    ndarray of float64, shape (n, n_classes)
        Shares of sum 1; NaN where no label reaches any of the neighbours.

    Raises
    ------
    ValueError
        When the shapes differ, an index is no vertex, or a parameter is not allowed.
    """
    indices, known = np.asarray(indices), np.asarray(distributions, dtype=np.float64)
    if indices.shape != np.shape(distances):
        message = f"indices: expected shape {np.shape(distances)}, found {indices.shape}"
        raise ValueError(message)
    if indices.size and not 0 <= indices.min() <= indices.max() < len(known):
        message = f"indices: expected vertices 0 to {len(known) - 1}, found others"
        raise ValueError(message)
    edges = affinities(
        distances,
        weights=weights,
        scales=local_scales(distances, scale_neighbor=scale_neighbor),
        neighbour_scales=np.asarray(scales)[indices],
        gamma=gamma,
    )
    reached = np.asarray(~np.isnan(known).any(axis=1))
    edges *= reached[indices]
    masses = np.einsum("ij,ijk->ik", edges, np.nan_to_num(known)[indices])
    totals = edges.sum(axis=1, keepdims=True)
    shares = np.full_like(masses, np.nan)
    np.divide(masses, totals, out=shares, where=totals > 0)
    return np.asarray(shares)
