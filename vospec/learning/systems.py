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
"""

from typing import Any

import numpy as np
from scipy import sparse

from vospec.learning.solvers import SOLVERS, Distributions, Product, Solution, Solver


def checked_graph(graph: Any, *, directed: bool = False) -> Any:  # noqa: ANN401 -- scipy ships no types
    """Return a graph as csr_array after looking whether it is one.

    Parameters
    ----------
    graph : sparse array, shape (N, N)
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
    graph = sparse.csr_array(graph)
    faults = {
        "square": graph.shape[0] != graph.shape[1],
        "of finite weights, 0 or more": not np.all((graph.data >= 0) & (graph.data < np.inf)),
    }
    if not directed and not any(faults.values()):
        faults["free of self-loops"] = bool(graph.diagonal().any())
        faults["symmetric"] = (graph != graph.T).nnz > 0
    found = [quality for quality, missing in faults.items() if missing]
    if found:
        message = f"graph: expected one {' and '.join(found)}, found another"
        raise ValueError(message)
    return graph


def propagate(
    graph: Any,  # noqa: ANN401 -- as above
    targets: Distributions,
    *,
    solver: Solver,
    tol: float,
    max_iter: int,
) -> Solution:
    """Solve Label Propagation.

    Parameters
    ----------
    graph : csr_array, shape (N, N)
        Symmetric weights without self-loops.
    targets : ndarray of float64, shape (N, c)
        Y.
    solver : {'conjugate_gradient', 'power'}
        How.
    tol, max_iter
        As for `solvers.power`.

    Returns
    -------
    Solution
        F, with rows of sum 1, or 0 where no label reaches.
    """
    labelled = np.any(targets, axis=1, keepdims=True)
    scaling = np.where(labelled, 0, inverse_roots(graph))
    solution = SOLVERS[solver](
        scaled_product(graph, scaling),
        scaling * (graph @ targets),
        tol=tol,
        max_iter=max_iter,
    )
    return solution._replace(distributions=targets + scaling * solution.distributions)


def spread(  # noqa: PLR0913 -- named parameters of the method
    graph: Any,  # noqa: ANN401 -- as above
    targets: Distributions,
    *,
    alpha: float,
    solver: Solver,
    tol: float,
    max_iter: int,
) -> Solution:
    """Solve Label Spreading.

    Parameters
    ----------
    graph, targets, solver, tol, max_iter
        As for `propagate`.
    alpha : float
        Share that comes from the neighbours, above 0 and below 1.

    Returns
    -------
    Solution
        F, 0 where no label reaches.
    """
    return SOLVERS[solver](
        scaled_product(graph, np.sqrt(alpha) * inverse_roots(graph)),
        (1 - alpha) * targets,
        tol=tol,
        max_iter=max_iter,
    )


def inverse_roots(graph: Any) -> Distributions:  # noqa: ANN401 -- as above
    """Give 1 / sqrt(degree) of every vertex.

    Parameters
    ----------
    graph : csr_array, shape (N, N)
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


def scaled_product(graph: Any, scaling: Distributions) -> Product:  # noqa: ANN401 -- as above
    """Give the product with the scaled graph, without a copy of the graph.

    Parameters
    ----------
    graph : csr_array, shape (N, N)
        Weights W.
    scaling : ndarray of float64, shape (N, 1)
        The diagonal c of a matrix C.

    Returns
    -------
    callable
        From columns F, shape (N, m), to C W C F.
    """

    def scaled(distributions: Distributions) -> Distributions:
        return np.asarray(scaling * (graph @ (scaling * distributions)))

    return scaled
