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
conjugate gradients, one column a vertex, several columns a product. The shares of
a vertex have the sum 1, and those of one class have the sum that is its
``label_distributions_``.

Cost: for n vertices n / 8 times the iterations of a fit with eight classes.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.exceptions import ConvergenceWarning

from vospec.learning.solvers import Product
from vospec.learning.systems import checked_graph, inverse_roots, scaled_product

#: Vertices solved at once: their columns share the reading of the graph.
BLOCK = 8

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
    graph : sparse array, shape (N, N)
        Weights of the edges.
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
    graph = sparse.csr_array(graph)
    rows = _checked(graph, vertices, n_neighbors, "n_neighbors")
    chosen = [
        _greatest(graph.indices[place], graph.data[place], n_neighbors)
        for place in (slice(graph.indptr[row], graph.indptr[row + 1]) for row in rows)
    ]
    return _stacked(chosen, n_neighbors)


def contributions(  # noqa: PLR0913 -- named parameters of one method
    graph: Any,  # noqa: ANN401 -- as above
    y: ArrayLike,
    vertices: ArrayLike,
    *,
    alpha: float | None = None,
    n_labels: int = 10,
    tol: float = 1e-6,
    max_iter: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> Partners:
    """Give the labelled vertices from which the distributions of some vertices come.

    Parameters
    ----------
    graph : sparse array, shape (N, N)
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
        Norm of the residual over that of the right-hand side.
    max_iter : int, optional
        Largest number of products with the graph a block.
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
    flow = _hitting(graph, labelled) if alpha is None else _spreading(graph, labelled, alpha)
    chosen = []
    for block in np.split(rows, range(BLOCK, len(rows), BLOCK)):
        for masses in flow(block, tol, max_iter):
            total = masses.sum()
            shares = masses / total if total > 0 else masses
            chosen.append(_greatest(labelled, shares, n_labels))
        if progress is not None:
            progress(len(chosen))
    return _stacked(chosen, n_labels)


Flow = Callable[[NDArray[np.int64], float, int], Iterator[Rows]]


def _hitting(graph: Any, labelled: NDArray[np.int64]) -> Flow:  # noqa: ANN401 -- as above
    """Return what gives, for a block of vertices, the probabilities to end at each label."""
    scaling = inverse_roots(graph)
    scaling[labelled] = 0
    # Where no label is, a walk never ends and the system is singular.
    parts = connected_components(graph, directed=False)[1]
    scaling[~np.isin(parts, parts[labelled])] = 0
    product = scaled_product(graph, scaling)

    def flow(block: NDArray[np.int64], tol: float, max_iter: int) -> Iterator[Rows]:
        units = _units(len(scaling), block)
        visits = scaling * _solved(product, scaling * units, tol=tol, max_iter=max_iter)
        yield from (units + graph @ visits)[labelled].T

    return flow


def _spreading(graph: Any, labelled: NDArray[np.int64], alpha: float) -> Flow:  # noqa: ANN401 -- as above
    product = scaled_product(graph, np.sqrt(alpha) * inverse_roots(graph))

    def flow(block: NDArray[np.int64], tol: float, max_iter: int) -> Iterator[Rows]:
        units = _units(graph.shape[0], block)
        yield from _solved(product, units, tol=tol, max_iter=max_iter)[labelled].T

    return flow


def _solved(product: Product, constant: Rows, *, tol: float, max_iter: int) -> Rows:
    """Solve (1 - A) F = B, each column to the same relative norm of its residual."""
    solution, residual = np.zeros_like(constant), constant.copy()
    direction = residual.copy()
    squares = np.square(residual).sum(axis=0)
    enough = tol**2 * squares
    for _ in range(max_iter):
        if np.all(squares <= enough):
            break
        image = direction - product(direction)
        step = _ratio(squares, (direction * image).sum(axis=0))
        solution += step * direction
        residual -= step * image
        previous, squares = squares, np.square(residual).sum(axis=0)
        direction = residual + _ratio(squares, previous) * direction
    else:
        message = f"contributions: {max_iter} iterations did not reach tol = {tol}"
        warnings.warn(message, ConvergenceWarning, stacklevel=4)
    # Exact solutions are not negative; rounding may be.
    return np.maximum(solution, 0)


def _units(n_vertices: int, block: NDArray[np.int64]) -> Rows:
    units = np.zeros((n_vertices, len(block)))
    units[block, np.arange(len(block))] = 1
    return units


def _ratio(numerator: Rows, denominator: Rows) -> Rows:
    """Divide, with 0 where a column is already solved."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


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
