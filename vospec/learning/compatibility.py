"""Label Propagation and Label Spreading exactly as scikit-learn does them.

``sklearn.semi_supervised`` with ``kernel='knn'`` differs from the papers that
it cites: the graph is directed and each vector is its own first neighbour; Label
Spreading drops the diagonal and normalises by the in-degree on both sides, so
that the matrix is not symmetric; Label Propagation keeps the self-loop and
normalises the distributions again before it clamps; both stop on the sum of all
changes, which grows with the number of spectra and classes. These steps are here
for comparison with the tool that one would otherwise take.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from vospec.learning.solvers import Distributions, Solution


def directed_graph(indices: ArrayLike) -> Any:  # noqa: ANN401 -- scipy ships no types
    """Assemble scikit-learn's graph: an edge of weight 1 to itself and to each neighbour.

    Parameters
    ----------
    indices : array_like of int, shape (N, k - 1)
        Neighbours without the vector itself, which scikit-learn counts among its k.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (N, N)
    """
    indices = np.asarray(indices)
    n_vertices = len(indices)
    columns = np.column_stack([np.arange(n_vertices), indices])
    starts = np.arange(0, columns.size + 1, columns.shape[1])
    entries = (np.ones(columns.size), columns.ravel(), starts)
    return sparse.csr_array(entries, shape=(n_vertices, n_vertices))


def propagate(
    graph: Any,  # noqa: ANN401 -- as above
    targets: Distributions,
    *,
    tol: float,
    max_iter: int,
) -> Solution:
    """Iterate F <- P F, normalise its rows, and set the labelled rows back.

    Parameters
    ----------
    graph : sparse array, shape (n, n)
        Weights; P is the same with rows of sum 1.
    targets : ndarray of float64, shape (n, c)
        1 in the class of a labelled row, 0 elsewhere.
    tol : float
        Sum of all changes below which the iteration stops.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    Solution
    """
    transition = sparse.diags_array(_inverse(graph.sum(axis=1))) @ graph
    labelled = targets.any(axis=1, keepdims=True)

    def step(distributions: Distributions) -> Distributions:
        moved = transition @ distributions
        return np.where(labelled, targets, moved * _inverse(moved.sum(axis=1))[:, None])

    return _iterate(step, targets, tol=tol, max_iter=max_iter)


def spread(
    graph: Any,  # noqa: ANN401 -- as above
    targets: Distributions,
    *,
    alpha: float,
    tol: float,
    max_iter: int,
) -> Solution:
    """Iterate F <- alpha S F + (1 - alpha) Y.

    Parameters
    ----------
    graph, targets, tol, max_iter
        As for `propagate`; the diagonal is not looked at.
    alpha : float
        Share that comes from the neighbours.

    Returns
    -------
    Solution
    """
    loopless = graph - sparse.diags_array(graph.diagonal())
    scaling = sparse.diags_array(np.sqrt(_inverse(loopless.sum(axis=0))))
    similarity = scaling @ loopless @ scaling

    def step(distributions: Distributions) -> Distributions:
        return np.asarray(alpha * (similarity @ distributions) + (1 - alpha) * targets)

    return _iterate(step, targets, tol=tol, max_iter=max_iter)


def _iterate(
    step: Callable[[Distributions], Distributions],
    start: Distributions,
    *,
    tol: float,
    max_iter: int,
) -> Solution:
    previous, distributions = np.zeros_like(start), start
    for n_iter in range(max_iter):
        if np.abs(distributions - previous).sum() < tol:
            return Solution(distributions, n_iter, converged=True)
        previous, distributions = distributions, step(distributions)
    return Solution(distributions, max_iter, converged=False)


def _inverse(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / np.where(sums == 0, 1, sums)
