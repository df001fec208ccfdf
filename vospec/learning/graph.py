"""The neighbour graph: who is near whom, and how strongly.

A weighted graph is a symmetric sparse matrix without self-loops. An edge stands
where either end counts the other among its nearest; its weight w(i, j) is

- ``local_scaling``: exp(-d^2 / (s_i s_j)), s_i the distance from i to its K-th
  neighbour (Zelnik-Manor & Perona 2004, *Self-tuning spectral clustering*,
  section 2.1), so that dense and sparse regions are linked alike;
- ``rbf``: exp(-gamma d^2), one scale for all;
- ``binary``: 1.

No weight is below 1e-6: that an edge stands is known from the lists, and a graph
whose parts hang together by weights of 1e-40 cannot be solved in double precision.

Cost: N k weights, and one transposition; see `symmetry`. Memory beside the lists and
the graph: 32 bytes for each entry of the lists.
"""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from vospec.learning import symmetry

Weights = Literal["local_scaling", "rbf", "binary"]

#: The weakest weight of an edge.
WEAKEST = 1e-6

#: Rows whose weights are computed at once.
_BLOCK = 65536
#: The largest number of 32 bits.
_LARGEST = np.iinfo(np.int32).max

#: Zelnik-Manor & Perona's K, in all their experiments.
SCALE_NEIGHBOR = 7


def local_scales(
    distances: ArrayLike, *, scale_neighbor: int = SCALE_NEIGHBOR
) -> NDArray[np.float64]:
    """Return each row's distance to its K-th neighbour, or to its last where it has fewer.

    Parameters
    ----------
    distances : array_like, shape (n, k)
        Distances to the nearest neighbours, ascending.
    scale_neighbor : int, optional
        K, from 1.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        When ``scale_neighbor`` is below 1.
    """
    if scale_neighbor < 1:
        message = f"scale_neighbor: expected 1 or more, found {scale_neighbor}"
        raise ValueError(message)
    distances = np.asarray(distances, dtype=np.float64)
    return distances[:, min(scale_neighbor, distances.shape[1]) - 1]


def affinities(
    distances: ArrayLike,
    *,
    weights: Weights,
    scales: ArrayLike = 1.0,
    neighbour_scales: ArrayLike = 1.0,
    gamma: float = 1.0,
) -> NDArray[np.float64]:
    """Turn distances into weights of edges, between 1e-6 and 1.

    Parameters
    ----------
    distances : array_like, shape (n, k)
        Distances from n vectors to their neighbours.
    weights : {'local_scaling', 'rbf', 'binary'}
        The formula, as the module tells.
    scales : array_like, shape (n,), optional
        Local scales of the vectors; only local scaling looks at them.
    neighbour_scales : array_like, shape (n, k), optional
        Local scales of their neighbours.
    gamma : float, optional
        Reciprocal of a squared distance, positive; only ``rbf`` looks at it.

    Returns
    -------
    ndarray of float64, shape (n, k)
        Where a scale is 0 (many equal vectors), a distance of 0 has weight 1 and
        any other the weakest.

    Raises
    ------
    ValueError
        When ``weights`` is none of the three or ``gamma`` is not positive.
    """
    if weights not in get_args(Weights):
        message = f"weights: expected one of {', '.join(get_args(Weights))}, found {weights!r}"
        raise ValueError(message)
    if not gamma > 0:
        message = f"gamma: expected a positive number, found {gamma}"
        raise ValueError(message)
    squares = np.square(np.asarray(distances, dtype=np.float64))
    if weights == "binary":
        return np.ones_like(squares)
    if weights == "rbf":
        return np.maximum(np.exp(-gamma * squares), WEAKEST)
    products = np.reshape(scales, (-1, 1)) * np.asarray(neighbour_scales, dtype=np.float64)
    ratios = np.where(squares > 0, np.inf, 0.0)
    np.divide(squares, products, out=ratios, where=products > 0)
    return np.maximum(np.exp(-ratios), WEAKEST)


def neighbour_graph(
    indices: ArrayLike,
    distances: ArrayLike,
    *,
    weights: Weights = "local_scaling",
    scale_neighbor: int = SCALE_NEIGHBOR,
    gamma: float | None = None,
) -> Any:  # noqa: ANN401 -- scipy ships no types
    """Assemble the symmetric graph of nearest neighbours.

    Parameters
    ----------
    indices : array_like of int, shape (N, k)
        Neighbours of every vector, row by row, as `nearest` gives them.
    distances : array_like, shape (N, k)
        Their distances, ascending.
    weights : {'local_scaling', 'rbf', 'binary'}, optional
        How a distance becomes a weight.
    scale_neighbor : int, optional
        The neighbour whose distance is the local scale, at most the last.
    gamma : float, optional
        Of ``rbf``; where it is not given, the reciprocal of the mean squared distance.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (N, N)
        w(i, j) = w(j, i) > 0, the greater of both directions; no diagonal, sorted indices.

    Raises
    ------
    ValueError
        When the shapes differ, an index is no row, a distance is not finite or
        negative, or a parameter is not allowed.
    """
    indices, distances = np.asarray(indices), np.asarray(distances)
    _check_lists(indices, distances)
    if gamma is None:
        gamma = mean_gamma(distances) if weights == "rbf" else 1.0
    indices = indices.astype(np.int32, copy=False)
    scales = local_scales(distances, scale_neighbor=scale_neighbor)
    values = np.empty(indices.shape)
    for start in range(0, len(indices), _BLOCK):
        rows = slice(start, start + _BLOCK)
        values[rows] = affinities(
            distances[rows],
            weights=weights,
            scales=scales[rows],
            neighbour_scales=scales[indices[rows]],
            gamma=gamma,
        )
    return _symmetric(indices, values)


def _symmetric(indices: NDArray[np.int32], values: NDArray[np.float64]) -> Any:  # noqa: ANN401 -- as above
    n_vertices, n_neighbors = indices.shape
    sources = np.repeat(np.arange(n_vertices, dtype=np.int32), n_neighbors)
    mentions = symmetry.mentioned(
        indices.ravel(), sources, values.ravel(), first=0, n_rows=n_vertices
    )
    del sources
    rows = symmetry.united(indices, values, mentions, first=0)
    # scipy keeps the columns in 32 bits only beside starts in 32 bits.
    starts = rows.starts.astype(np.int32 if rows.starts[-1] <= _LARGEST else np.int64)
    return sparse.csr_array((rows.values, rows.indices, starts), shape=(n_vertices, n_vertices))


def _check_lists(indices: NDArray[Any], distances: NDArray[np.float64]) -> None:
    if indices.ndim != 2 or indices.shape != distances.shape:  # noqa: PLR2004 -- rows, neighbours
        message = f"indices: expected shape {distances.shape}, found {indices.shape}"
        raise ValueError(message)
    if indices.size == 0 or indices.min() < 0 or indices.max() >= len(indices):
        message = f"indices: expected rows 0 to {len(indices) - 1}, found others or none"
        raise ValueError(message)
    if not np.all(np.isfinite(distances) & (distances >= 0)):
        message = "distances: expected finite numbers of 0 or more, found others"
        raise ValueError(message)


def mean_gamma(distances: ArrayLike) -> float:
    """Return the reciprocal of the mean squared distance, 1 where all are 0."""
    mean = float(np.square(np.asarray(distances, dtype=np.float64)).mean())
    return 1 / mean if mean > 0 else 1.0
