"""Label Propagation and Label Spreading as symmetric linear systems.

W are the weights of the graph, D its degrees, Y the labels (1 in the class of a
labelled row, 0 elsewhere), U the rows without and L the rows with a label.

- Label Propagation (Zhu & Ghahramani 2002, CMU-CALD-02-107; Chapelle, Schölkopf
  & Zien 2006, *Semi-Supervised Learning*, chapter 11): labels hold, every other
  row is the weighted mean of its neighbours, F_U = (D_UU - W_UU)^-1 W_UL Y_L. It
  is solved for D^1/2 F_U, which makes the matrix symmetric.
- Label Spreading (Zhou et al. 2004, *Learning with local and global consistency*,
  section 2): labels hold in part, F = (1 - alpha) (1 - alpha S)^-1 Y with
  S = D^-1/2 W D^-1/2.

The first stands on all rows, with a scaling of 0 where a label holds. A row that no
path joins to a label stays exactly 0 at every step of either solver.

Several sets of labels are solved side by side where Y has more axes than two: shape
(N, ..., c), c classes of each set; one product with the graph serves all of them.

The graph may be any object with ``shape``, ``@`` on columns (N, m) and ``sum(axis=1)``;
a csr_array is multiplied by compiled loops, with threads, to the same bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vospec.learning import loops
from vospec.learning.multilevel import Multilevel
from vospec.learning.solvers import (
    Distributions,
    Product,
    Solution,
    Solver,
    conjugate_gradient,
    power,
)

#: Vertices from which on Label Propagation is preconditioned: below, it costs more than it saves.
MANY = 20_000


def is_graph(thing: Any) -> bool:  # noqa: ANN401 -- anything may be asked about
    """Return whether something is a sparse array, or multiplies columns without being an array."""
    return sparse.issparse(thing) or (
        hasattr(thing, "__matmul__") and not hasattr(thing, "__array__")
    )


def checked_graph(graph: Any, *, directed: bool = False) -> Any:  # noqa: ANN401 -- scipy ships no types
    """Return a graph as csr_array after looking whether it is one.

    An operator, into which nobody can look, is returned as it is.

    Parameters
    ----------
    graph : sparse array or operator, shape (N, N)
        Weights of the edges.
    directed : bool, optional
        Whether self-loops and edges of one direction are allowed.

    Returns
    -------
    scipy.sparse.csr_array

    Raises
    ------
    ValueError
        When it is not square, a weight is negative or not finite, or, unless it
        may be directed, it has self-loops or is not symmetric.
    """
    if not sparse.issparse(graph):
        if directed:
            message = "graph: expected a sparse array where it may be directed, found an operator"
            raise ValueError(message)
        return graph
    graph = sparse.csr_array(graph)
    least, largest = graph.data.min(initial=0), graph.data.max(initial=0)
    faults = {
        "square": graph.shape[0] != graph.shape[1],
        # Of what is no number neither holds.
        "of finite weights, 0 or more": not (least >= 0 and largest < np.inf),
    }
    if not directed and not any(faults.values()):
        faults["free of self-loops"] = bool(graph.diagonal().any())
        faults["symmetric"] = not _is_symmetric(graph)
    found = [quality for quality, missing in faults.items() if missing]
    if found:
        message = f"graph: expected one {' and '.join(found)}, found another"
        raise ValueError(message)
    return graph


def _is_symmetric(graph: Any) -> bool:  # noqa: ANN401 -- as above
    rows = graph.indptr, graph.indices, graph.data
    # A graph of unsorted rows, or with zeros in it, may be symmetric all the same.
    return bool(loops.is_mirrored(*rows)) or (graph != graph.T).nnz == 0


def propagate(  # noqa: PLR0913 -- named parameters of the method
    graph: Any,  # noqa: ANN401 -- as above
    targets: Distributions,
    *,
    solver: Solver,
    tol: float,
    max_iter: int,
    start: Distributions | None = None,
    n_jobs: int = 1,
) -> Solution:
    """Solve Label Propagation.

    Parameters
    ----------
    graph : csr_array, shape (N, N), or operator
        Symmetric weights without self-loops.
    targets : ndarray of float64, shape (N, ..., c)
        Y; each set may have labelled rows of its own.
    solver : {'conjugate_gradient', 'power'}
        How.
    tol, max_iter
        As for `solvers.power`.
    start : ndarray of float64, shape (N, ..., c), optional
        A known F near to the one that is sought, such as one for almost the same labels.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    Solution
        F, with rows of sum 1, or 0 where no label reaches.
    """
    roots = _beside(inverse_roots(graph), targets)
    labelled: NDArray[np.bool_] = np.asarray(np.any(targets, axis=-1, keepdims=True))
    product = masked_product(graph, roots, labelled, n_jobs=n_jobs)
    constant = _multiplied(graph, targets)
    constant *= roots
    constant[np.broadcast_to(labelled, constant.shape)] = 0
    if start is not None:
        start = np.divide(start, roots, out=np.zeros_like(start), where=(roots > 0) & ~labelled)
    solution = _solved(
        solver,
        product,
        constant,
        preconditioner=_preconditioner(graph, labelled, solver, n_jobs),
        tol=tol,
        max_iter=max_iter,
        start=start,
        n_jobs=n_jobs,
    )
    distributions = solution.distributions
    distributions *= roots
    distributions += targets
    return solution


def spread(  # noqa: PLR0913 -- named parameters of the method
    graph: Any,  # noqa: ANN401 -- as above
    targets: Distributions,
    *,
    alpha: float,
    solver: Solver,
    tol: float,
    max_iter: int,
    start: Distributions | None = None,
    n_jobs: int = 1,
) -> Solution:
    """Solve Label Spreading.

    Parameters
    ----------
    graph, targets, solver, tol, max_iter, start, n_jobs
        As for `propagate`.
    alpha : float
        Share that comes from the neighbours, above 0 and below 1.

    Returns
    -------
    Solution
        F, 0 where no label reaches.
    """
    product = scaled_product(graph, np.sqrt(alpha) * inverse_roots(graph), n_jobs=n_jobs)
    constant = (1 - alpha) * targets
    options = {"tol": tol, "max_iter": max_iter, "start": start, "n_jobs": n_jobs}
    return _solved(solver, product, constant, preconditioner=None, **options)


def inverse_roots(graph: Any) -> Distributions:  # noqa: ANN401 -- as above
    """Give 1 / sqrt(degree) of every vertex.

    Parameters
    ----------
    graph : csr_array, shape (N, N), or operator
        Weights.

    Returns
    -------
    ndarray of float64, shape (N, 1)
        A column; 0 for a vertex without edges.
    """
    degrees = graph.sum(axis=1)[:, None]
    roots = np.zeros(degrees.shape)
    np.divide(1, np.sqrt(degrees), out=roots, where=degrees > 0)
    return roots


def scaled_product(graph: Any, scaling: Distributions, *, n_jobs: int = 1) -> Product:  # noqa: ANN401 -- as above
    """Give the product with the scaled graph, without a copy of the graph.

    Parameters
    ----------
    graph : csr_array, shape (N, N), or operator
        Weights W.
    scaling : ndarray of float64, shape (N, 1)
        The diagonal c of a matrix C.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    callable
        From F, shape (N, ...), to C W C F.
    """

    def scaled(distributions: Distributions) -> Distributions:
        columns = distributions.reshape(len(distributions), -1)
        columns = scaling.astype(columns.dtype, copy=False) * columns
        if not sparse.issparse(graph):
            return np.asarray(scaling * (graph @ columns)).reshape(distributions.shape)
        result = np.empty_like(columns)
        arrays = graph.indptr, graph.indices, graph.data, scaling.ravel(), columns, result
        loops.over_rows(loops.product, len(columns), *arrays, n_jobs=n_jobs)
        return result.reshape(distributions.shape)

    return scaled


def masked_product(
    graph: Any,  # noqa: ANN401 -- as above
    roots: Distributions,
    labelled: NDArray[np.bool_],
    *,
    n_jobs: int = 1,
) -> Product:
    """Give the product of Label Propagation: 0 where a label holds, scaled elsewhere.

    Parameters
    ----------
    graph, n_jobs
        As for `scaled_product`.
    roots : ndarray of float64, shape (N, 1, ...)
        As `inverse_roots` gives them.
    labelled : ndarray of bool, shape (N, ..., 1)
        Labelled rows of each set; those of F must be 0.

    Returns
    -------
    callable
        From F, shape (N, ..., c), to C W C F.
    """
    everywhere = np.logical_and.reduce(labelled.reshape(len(labelled), -1), axis=1)
    scaling = np.where(everywhere[:, None], 0, roots.reshape(-1, 1))
    scaled = scaled_product(graph, scaling, n_jobs=n_jobs)
    # Few rows are labelled, and in but some of the sets still fewer.
    *places, _ = np.nonzero(labelled & ~_beside(everywhere[:, None], labelled))

    def masked(distributions: Distributions) -> Distributions:
        found = scaled(distributions)
        found[tuple(places)] = 0
        return found

    return masked


def _preconditioner(
    graph: Any,  # noqa: ANN401 -- as above
    labelled: NDArray[np.bool_],
    solver: Solver,
    n_jobs: int,
) -> Product | None:
    if solver != "conjugate_gradient" or not sparse.issparse(graph) or graph.shape[0] < MANY:
        return None
    # What holds in one set is held in all: a little less near, and the same for all of them.
    held = np.logical_or.reduce(labelled.reshape(len(labelled), -1), axis=1)
    return None if np.all(held) else Multilevel(graph, held, n_jobs=n_jobs)


def _solved(
    solver: Solver,
    product: Product,
    constant: Distributions,
    *,
    preconditioner: Product | None,
    **options: Any,  # noqa: ANN401 -- those of the solvers
) -> Solution:
    if solver == "power":
        return power(product, constant, **options)
    return conjugate_gradient(product, constant, preconditioner=preconditioner, **options)


def _beside(column: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
    """Give a column (N, 1) as many axes as columns (N, ..., c) have."""
    return column.reshape(-1, *[1] * (columns.ndim - 1))


def _multiplied(graph: Any, columns: Distributions) -> Distributions:  # noqa: ANN401 -- as above
    flat = columns.reshape(len(columns), -1)
    return np.asarray(graph @ flat, dtype=np.float64).reshape(columns.shape)
