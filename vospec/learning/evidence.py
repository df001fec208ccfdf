"""Where a score comes from: neighbours, and the labels that flowed into it.

Both methods are linear in the labels, so that a distribution is a sum over the
labelled vertices, and each has its share in it. Y are the labels, W the weights,
D the degrees, U and L the vertices without and with a label:

- Label Propagation: a walk over the graph that steps along edges in proportion to
  their weights starts at vertex i and ends at the first labelled vertex; the share
  of label j is the probability that it ends there, row i of
  (D_UU - W_UU)^-1 W_UL (Zhu, Ghahramani & Lafferty 2003, *Semi-supervised learning
  using Gaussian fields and harmonic functions*, section 3).
- Label Spreading: the share of label j is row i of (1 - alpha S)^-1 with
  S = D^-1/2 W D^-1/2 (Zhou et al. 2004, section 2), divided by its sum over L.

The matrices are symmetric, so that a row is the solution for a unit vector:
conjugate gradients, one column a vertex, many columns a product. The shares of a
vertex have the sum 1, and those of one class have the sum that is its
``label_distributions_``.

What is still wrong is known. The exact solution for a residual R has, at the labels, a
sum of at most sum_k |R_k| m_k, with m_k what arrives from k at all labels: 1 for Label
Propagation; for Label Spreading it is found by one solution more. When this is below a
told share of what arrives from the vertex itself, single precision is enough as well.

Cost: a vertex takes about ten products with one column for Label Propagation, for Label
Spreading twenty.
"""

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from vospec.learning.multilevel import Multilevel
from vospec.learning.solvers import Product, Search
from vospec.learning.systems import MANY, checked_graph, inverse_roots, scaled_product, spread

#: Bytes that the columns of a block may take, and how many arrays of them there are.
_MEMORY, _ARRAYS = 1_200_000_000, 6
#: Most vertices of a block; from some on, more save nothing.
_BLOCK = 32
#: From this tolerance on single precision does.
_SINGLE = 1e-4
#: Tolerance of what the tolerance is compared with.
_COARSE = 1e-2

#: What stands where a vertex has fewer neighbours or labels than asked for.
NOBODY = -1

Rows = NDArray[np.float64]


class Partners(NamedTuple):
    """Vertices that belong to each of n vertices, the strongest first.

    Attributes
    ----------
    indices : ndarray of int64, shape (n, m)
        Vertices of the graph; -1 where there are fewer than m.
    values : ndarray of float64, shape (n, m)
        Weight of the edge, or share of the label; NaN where there is none.
    """

    indices: NDArray[np.int64]
    values: Rows


def strongest_edges(
    graph: Any,  # noqa: ANN401 -- scipy ships no types
    vertices: ArrayLike,
    *,
    n_neighbors: int,
) -> Partners:
    """Give the neighbours of some vertices in the graph, the strongest edge first.

    Parameters
    ----------
    graph : sparse array, shape (N, N), or operator
        Weights of the edges; an operator gives some rows by ``rows(vertices)``, as a
        csr_array of shape (n, N).
    vertices : array_like of int, shape (n,)
        Rows of the graph.
    n_neighbors : int
        How many at most; of equal weights the lower vertex comes first.

    Returns
    -------
    Partners
        Neighbours and weights.

    Raises
    ------
    ValueError
        When a vertex is no row of the graph or ``n_neighbors`` is below 1.
    """
    rows = _checked(graph, vertices, n_neighbors, "n_neighbors")
    found = sparse.csr_array(graph)[rows] if sparse.issparse(graph) else graph.rows(rows)
    chosen = [
        _greatest(found.indices[start:stop], found.data[start:stop], n_neighbors)
        for start, stop in pairwise(found.indptr)
    ]
    return _stacked(chosen, n_neighbors)


def contributions(  # noqa: PLR0913 -- named parameters of one method
    graph: Any,  # noqa: ANN401 -- as above
    y: ArrayLike,
    vertices: ArrayLike,
    *,
    alpha: float | None = None,
    n_labels: int = 10,
    tol: float = 1e-3,
    max_iter: int = 1000,
    n_jobs: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Partners:
    """Give the labelled vertices from which the distributions of some vertices come.

    Parameters
    ----------
    graph : sparse array or operator, shape (N, N)
        Weights of the edges, symmetric, without self-loops.
    y : array_like of int, shape (N,)
        Classes; -1 is unlabelled.
    vertices : array_like of int, shape (n,)
        Whose distributions are explained.
    alpha : float, optional
        That of Label Spreading; Label Propagation where it is not given.
    n_labels : int, optional
        How many at most; of equal shares the lower vertex comes first.
    tol : float, optional
        How much of the sum of a vertex's shares may be wrong, all labels together; from
        1e-4 on single precision is taken.
    max_iter : int, optional
        Largest number of products with the graph a block.
    n_jobs : int, optional
        Threads. Does not change the answer.
    progress : callable, optional
        Called with the number of vertices done, after each block.

    Returns
    -------
    Partners
        Labelled vertices and their shares, of all labels' sum 1; -1 and NaN for a
        vertex that no label reaches.

    Raises
    ------
    ValueError
        When the graph is none, ``y`` has not N entries with a label among them, a
        vertex is no row, or a parameter is not allowed.

    Warns
    -----
    ConvergenceWarning
        When ``max_iter`` came before ``tol``.
    """
    graph = checked_graph(graph)
    rows = _checked(graph, vertices, n_labels, "n_labels")
    labelled = _labelled(graph, y)
    if alpha is not None and not 0 < alpha < 1:
        message = f"alpha: expected a number above 0 and below 1, found {alpha}"
        raise ValueError(message)
    dtype = np.float32 if sparse.issparse(graph) and tol >= _SINGLE else np.float64
    options = _Options(tol, max_iter, n_jobs, np.dtype(dtype))
    if alpha is None:
        flow = _hitting(graph, labelled, options)
    else:
        flow = _spreading(graph, labelled, alpha, options)
    size = min(_BLOCK, max(1, _MEMORY // (_ARRAYS * options.dtype.itemsize * len(flow.scaling))))
    chosen = []
    for block in np.split(rows, range(size, len(rows), size)):
        for masses in _arrived(flow, block, options):
            total = masses.sum()
            shares = masses / total if total > 0 else masses
            chosen.append(_greatest(labelled, shares, n_labels))
        if progress is not None:
            progress(len(chosen))
    return _stacked(chosen, n_labels)


class _Options(NamedTuple):
    """How a system is solved."""

    tol: float
    max_iter: int
    n_jobs: int
    dtype: np.dtype[Any]


class _Flow(NamedTuple):
    """The system of a method, whose solution for a unit vector tells what arrives at labels.

    Attributes
    ----------
    product, preconditioner : callable
        As for `solvers.conjugate_gradient`.
    scaling : ndarray of float64, shape (N, 1)
        Of the unit vectors.
    weights : ndarray, shape (N,)
        What may arrive, at most, at all labels of a residual of 1.
    arrivals : callable
        From unit vectors and solutions, shape (N, c), to shape (n_labels, c).
    """

    product: Product
    preconditioner: Product | None
    scaling: Rows
    weights: Rows
    arrivals: Callable[[Rows, Rows], Rows]


def _hitting(graph: Any, labelled: NDArray[np.int64], options: _Options) -> _Flow:  # noqa: ANN401 -- as above
    n_jobs, dtype = options.n_jobs, options.dtype
    scaling = inverse_roots(graph)
    scaling[labelled] = 0
    # Where no label is, a walk never ends and the system is singular.
    scaling[_arriving(graph, labelled, alpha=0.5, n_jobs=n_jobs) == 0] = 0
    free = scaling[:, 0] > 0
    weights = np.divide(1, scaling[:, 0], out=np.zeros(len(scaling)), where=free)
    preconditioner = None
    if sparse.issparse(graph) and graph.shape[0] >= MANY and free.any():
        preconditioner = Multilevel(graph, ~free, n_jobs=n_jobs, dtype=dtype)
    into = graph[labelled] if sparse.issparse(graph) else None

    def arrivals(units: Rows, found: Rows) -> Rows:
        visits = scaling * found
        inflow = (graph @ visits)[labelled] if into is None else into @ visits
        return np.asarray(units[labelled] + inflow)

    product = scaled_product(_single(graph, dtype), scaling, n_jobs=n_jobs)
    return _Flow(product, preconditioner, scaling, weights, arrivals)


def _spreading(
    graph: Any,  # noqa: ANN401 -- as above
    labelled: NDArray[np.int64],
    alpha: float,
    options: _Options,
) -> _Flow:
    n_jobs, dtype = options.n_jobs, options.dtype
    scaling = np.sqrt(alpha) * inverse_roots(graph)
    weights = _arriving(graph, labelled, alpha=alpha, n_jobs=n_jobs) / (1 - alpha)
    product = scaled_product(_single(graph, dtype), scaling, n_jobs=n_jobs)
    return _Flow(product, None, np.ones_like(scaling), weights, lambda _, found: found[labelled])


def _arriving(graph: Any, labelled: NDArray[np.int64], *, alpha: float, n_jobs: int) -> Rows:  # noqa: ANN401 -- as above
    """Return what arrives by Label Spreading from each vertex at all labels, 0 only if nothing."""
    targets = np.zeros((graph.shape[0], 1))
    targets[labelled] = 1
    solution = spread(
        graph,
        targets,
        alpha=alpha,
        solver="conjugate_gradient",
        tol=_COARSE,
        max_iter=1000,
        n_jobs=n_jobs,
    )
    return solution.distributions[:, 0]


def _single(graph: Any, dtype: DTypeLike) -> Any:  # noqa: ANN401 -- as above
    return graph.astype(dtype) if sparse.issparse(graph) else graph


def _arrived(flow: _Flow, block: NDArray[np.int64], options: _Options) -> Rows:
    """Return what arrives at the labels from each vertex of a block, shape (c, n_labels)."""
    units = np.zeros((len(flow.scaling), len(block)), dtype=options.dtype)
    places = block, np.arange(len(block))
    units[places] = 1
    constant = units * flow.scaling.astype(options.dtype)
    n_jobs = options.n_jobs
    search = Search(flow.product, constant, preconditioner=flow.preconditioner, n_jobs=n_jobs)
    enough = options.tol * flow.weights[block] * flow.scaling[block, 0]
    for _ in range(options.max_iter):
        if np.all(search.worth(flow.weights) <= enough):
            break
        search.advance()
    else:
        message = f"contributions: {options.max_iter} iterations did not reach tol = {options.tol}"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    # Exact solutions are not negative; rounding may be.
    return np.maximum(flow.arrivals(units, search.solution), 0).T.astype(np.float64)


def _greatest(indices: NDArray[Any], values: Rows, limit: int) -> tuple[NDArray[Any], Rows]:
    order = np.lexsort((indices, -values))[:limit]
    order = order[values[order] > 0]
    return indices[order], values[order]


def _stacked(chosen: list[tuple[NDArray[Any], Rows]], width: int) -> Partners:
    partners = Partners(
        np.full((len(chosen), width), NOBODY, dtype=np.int64), np.full((len(chosen), width), np.nan)
    )
    for row, (indices, values) in enumerate(chosen):
        partners.indices[row, : len(indices)] = indices
        partners.values[row, : len(values)] = values
    return partners


def _checked(graph: Any, vertices: ArrayLike, limit: int, name: str) -> NDArray[np.int64]:  # noqa: ANN401 -- as above
    if limit < 1:
        message = f"{name}: expected 1 or more, found {limit}"
        raise ValueError(message)
    rows = np.asarray(vertices, dtype=np.int64)
    if rows.ndim != 1 or np.any((rows < 0) | (rows >= graph.shape[0])):
        message = f"vertices: expected rows 0 to {graph.shape[0] - 1}, found others"
        raise ValueError(message)
    return rows


def _labelled(graph: Any, y: ArrayLike) -> NDArray[np.int64]:  # noqa: ANN401 -- as above
    labels = np.asarray(y)
    if labels.shape != (graph.shape[0],) or not np.any(labels != NOBODY):
        message = f"y: expected {graph.shape[0]} classes with a label among them, found others"
        raise ValueError(message)
    return np.flatnonzero(labels != NOBODY)
