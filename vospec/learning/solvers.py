"""Solve F = A F + B, where A is symmetric, non-negative and of spectral radius below 1.

Both ways ask for nothing but the product A F, so that whoever holds the graph
(one process, or many) computes it: each iteration moves only class distributions.

- ``power``: F <- A F + B (Zhou et al. 2004, *Learning with local and global
  consistency*, section 2). The error shrinks by the spectral radius a step.
- ``conjugate_gradient``: on (1 - A) F = B (Hestenes & Stiefel 1952), one column
  a class, sharing the product; the error shrinks by (sqrt(c) - 1) / (sqrt(c) + 1)
  with c the condition number. Its rounding error is a share of the largest row,
  which would swamp rows far from any label; a few power steps, whose rounding
  error is a share of each row, end the work and confirm it.

Both stop when a step changes no row of F by more than ``tol`` times that row's
sum: what is asked of a distribution, whatever the number of rows and classes.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Distributions = NDArray[np.float64]
Product = Callable[[Distributions], Distributions]
Solver = Literal["conjugate_gradient", "power"]

#: Residual over right-hand side, as norms, below which double precision has no more to give.
_ROUNDING = 1e-14


class Solution(NamedTuple):
    """What a solver found, after how many products, and whether it met the tolerance."""

    distributions: Distributions
    n_iter: int
    converged: bool


def power(
    product: Product,
    constant: Distributions,
    *,
    tol: float,
    max_iter: int,
    start: Distributions | None = None,
) -> Solution:
    """Iterate F <- A F + B.

    Parameters
    ----------
    product : callable
        Takes F, shape (n, c), returns A F.
    constant : ndarray of float64, shape (n, c)
        B, non-negative. Rows that A does not join to one where B is positive stay 0.
    tol : float
        Largest change of a row over the row's sum.
    max_iter : int
        Largest number of products.
    start : ndarray of float64, shape (n, c), optional
        First F, non-negative; B where it is not given.

    Returns
    -------
    Solution
        F, non-negative.
    """
    distributions = constant if start is None else start
    for n_iter in range(1, max_iter + 1):
        previous = distributions
        distributions = product(previous) + constant
        if _is_settled(distributions - previous, distributions, tol):
            return Solution(distributions, n_iter, converged=True)
    return Solution(distributions, max_iter, converged=False)


def conjugate_gradient(
    product: Product, constant: Distributions, *, tol: float, max_iter: int
) -> Solution:
    """Solve (1 - A) F = B by conjugate gradients, and end with power steps.

    Parameters
    ----------
    product, constant, tol, max_iter
        As for `power`, which counts the same products; two are always made.

    Returns
    -------
    Solution
        F, non-negative.
    """
    distributions = constant.copy()
    residual = product(distributions)
    direction = residual.copy()
    squares = _column_dots(residual, residual)
    enough = _ROUNDING**2 * _column_dots(constant, constant)
    n_iter = 1
    while n_iter < max_iter - 1:
        if np.all(squares <= enough) or _is_settled(residual, distributions, tol):
            break
        image = direction - product(direction)
        n_iter += 1
        step = _ratio(squares, _column_dots(direction, image))
        distributions += step * direction
        residual -= step * image
        previous, squares = squares, _column_dots(residual, residual)
        direction = residual + _ratio(squares, previous) * direction
    start = np.maximum(distributions, 0)
    end = power(product, constant, tol=tol, max_iter=max(1, max_iter - n_iter), start=start)
    return end._replace(n_iter=n_iter + end.n_iter)


#: The solvers by the name that callers give.
SOLVERS: dict[Solver, Callable[..., Solution]] = {
    "conjugate_gradient": conjugate_gradient,
    "power": power,
}


def _is_settled(change: Distributions, distributions: Distributions, tol: float) -> bool:
    sums = distributions.sum(axis=1)
    # While some row has not been reached, one that just was has changed by all of its sum.
    return bool(np.all(np.abs(change).max(axis=1, initial=0) <= tol * sums))


def _column_dots(left: Distributions, right: Distributions) -> Distributions:
    return np.asarray(np.einsum("ij,ij->j", left, right))


def _ratio(numerator: Distributions, denominator: Distributions) -> Distributions:
    """Divide, with 0 where a column is already solved."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)
