"""What labelled spectra are scored as by the labels of others.

The labels are divided into parts, each part is hidden in turn and the labels of all
other parts are spread. The parts are solved side by side, so that one product with
the graph serves all of them; and of the classes only one matters, whether it is
sought: both methods are linear in the labels, so that two columns a part, targets
and others, give the same score as one column a class.

Cost: about as many products as one propagation, each with two columns a part.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.learning import systems
from vospec.learning.folds import Part
from vospec.learning.solvers import Solver


class HiddenShares(NamedTuple):
    """Shares of the targets, and how they were found.

    Attributes
    ----------
    shares : ndarray of float64, shape (N,)
        From 0 to 1; NaN where a row is in no part, or no label of another reaches it.
    n_iter : int
        Products with the graph.
    converged : bool
        Whether the tolerance was met.
    """

    shares: NDArray[np.float64]
    n_iter: int
    converged: bool


def hidden_shares(  # noqa: PLR0913 -- named parameters of the method
    graph: Any,  # noqa: ANN401 -- scipy ships no types
    wanted: ArrayLike,
    parts: Sequence[Part],
    *,
    alpha: float | None = None,
    solver: Solver = "conjugate_gradient",
    tol: float = 1e-6,
    max_iter: int = 1000,
    n_jobs: int = 1,
) -> HiddenShares:
    """Score every part of the labelled rows by the labels of the others.

    Parameters
    ----------
    graph : sparse array, shape (N, N), or operator
        Symmetric weights without self-loops.
    wanted : array_like of bool, shape (N,)
        Whether the label of a row is sought; read at rows of the parts only.
    parts : sequence of (ndarray of int, ndarray of int)
        For each part the rows whose labels are spread, and the rows that are scored.
    alpha : float, optional
        That of Label Spreading; Label Propagation where it is not given.
    solver, tol, max_iter : optional
        As for `LabelPropagation`.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    HiddenShares
        One share a row.
    """
    kinds = np.asarray(wanted, dtype=np.intp)
    targets = np.zeros((len(kinds), len(parts), 2))
    for number, (teaching, _) in enumerate(parts):
        targets[teaching, number, kinds[teaching]] = 1
    options: dict[str, Any] = {
        "solver": solver,
        "tol": tol,
        "max_iter": max_iter,
        "n_jobs": n_jobs,
    }
    if alpha is None:
        solution = systems.propagate(graph, targets, **options)
    else:
        solution = systems.spread(graph, targets, alpha=alpha, **options)
    shares = np.full(len(kinds), np.nan)
    for number, (_, judged) in enumerate(parts):
        masses = solution.distributions[judged, number]
        sums = masses.sum(axis=1)
        shares[judged] = np.divide(
            masses[:, 1], sums, out=np.full(len(judged), np.nan), where=sums > 0
        )
    return HiddenShares(shares, solution.n_iter, solution.converged)
