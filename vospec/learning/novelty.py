"""How far a spectrum stands from all labelled ones."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.learning.neighbours import nearest


def novelty(queries: ArrayLike, labelled: ArrayLike, scales: ArrayLike) -> NDArray[np.float32]:
    """Tell how far spectra stand from all labelled ones, in units of their local scale.

    A graph gives every vertex that a label reaches a class, also one that
    resembles no label. The ratio of the distance to the nearest labelled vector
    over the distance to the k-th neighbour (the local scale of Zelnik-Manor &
    Perona 2004) is at most 1 where a labelled vector is among the k nearest and
    grows where all labels are far; it has no unit and does not change when all
    vectors are scaled.

    Parameters
    ----------
    queries : array_like, shape (n, d)
        Vectors to be judged.
    labelled : array_like, shape (m, d)
        All labelled vectors. A query that is one of them has novelty 0.
    scales : array_like, shape (n,)
        Distance of each query to its k-th neighbour: ``distances[:, -1]`` of `nearest`.

    Returns
    -------
    ndarray of float32, shape (n,)
        The ratio; infinite where the scale is 0 (k copies of the query) and no label
        is there.

    Raises
    ------
    ValueError
        As `nearest`, or when a scale is negative, not finite, or not one a query is given.
    """
    distances = nearest(labelled, queries, n_neighbors=1)[1][:, 0]
    scales = np.asarray(scales, dtype=np.float32)
    if scales.shape != distances.shape:
        message = f"scales: expected shape {distances.shape}, found {scales.shape}"
        raise ValueError(message)
    if not np.all(np.isfinite(scales) & (scales >= 0)):
        message = "scales: expected finite distances of 0 or more, found others"
        raise ValueError(message)
    ratios = np.full(scales.shape, np.inf, dtype=np.float32)
    np.divide(distances, scales, out=ratios, where=scales > 0)
    ratios[distances == 0] = 0
    return ratios
