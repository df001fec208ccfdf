"""Solve F = A F + B, where A is symmetric, non-negative and of spectral radius below 1.

Both ways ask for nothing but the product A F, so that whoever holds the graph
(one process, or many) computes it: each iteration moves only class distributions.

- ``power``: F <- A F + B (Zhou et al. 2004, *Learning with local and global
  consistency*, section 2). The error shrinks by the spectral radius a step.
- ``conjugate_gradient``: on (1 - A) F = B (Hestenes & Stiefel 1952), one column
  a class, sharing the product; the error shrinks by (sqrt(c) - 1) / (sqrt(c) + 1)
  with c the condition number, of M (1 - A) where M is a preconditioner. Its rounding
  error is a share of the largest row, which would swamp rows far from any label; a few
  power steps, whose rounding error is a share of each row, end the work and confirm it.

Both stop when a step changes no row of F by more than ``tol`` times that row's
sum: what is asked of a distribution, whatever the number of rows and classes.

F may have more axes than two: shape (n, ..., c) holds several distributions a row, each
of sum 1 over the last axis, solved side by side for little more than one of them.

Memory: F, B and, for the conjugate gradients, three more arrays of their shape.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vospec.learning import loops

Distributions = NDArray[np.float64]
Product = Callable[[Distributions], Distributions]
Solver = Literal["conjugate_gradient", "power"]

#: Residual over right-hand side, as norms, below which double precision has no more to give.
ROUNDING = 1e-14


class Solution(NamedTuple):
    """What a solver found, after how many products, and whether it met the tolerance."""

    distributions: Distributions
    n_iter: int
    converged: bool


def power(  # noqa: PLR0913 -- named parameters of the method
    product: Product,
    constant: Distributions,
    *,
    tol: float,
    max_iter: int,
    start: Distributions | None = None,
    n_jobs: int = 1,
) -> Solution:
    """Iterate F <- A F + B.

    Parameters
    ----------
    product : callable
        Takes F, shape (n, ..., c), returns A F, a new array.
    constant : ndarray of float64, shape (n, ..., c)
        B, non-negative. Rows that A does not join to one where B is positive stay 0.
    tol : float
        Largest change of a row over the row's sum.
    max_iter : int
        Largest number of products.
    start : ndarray of float64, shape (n, ..., c), optional
        First F, non-negative; B where it is not given.
    n_jobs : int, optional
        Threads. Does not change the answer.

    Returns
    -------
    Solution
        F, non-negative.
    """
    distributions = (constant if start is None else start).copy()
    for n_iter in range(1, max_iter + 1):
        change, distributions = distributions, _contiguous(product(distributions))
        _over_rows(loops.step, constant, change, distributions, n_jobs=n_jobs)
        if is_settled(change, distributions, tol, n_jobs=n_jobs):
            return Solution(distributions, n_iter, converged=True)
    return Solution(distributions, max_iter, converged=False)


def conjugate_gradient(  # noqa: PLR0913 -- as above
    product: Product,
    constant: Distributions,
    *,
    tol: float,
    max_iter: int,
    start: Distributions | None = None,
    preconditioner: Product | None = None,
    n_jobs: int = 1,
) -> Solution:
    """Solve (1 - A) F = B by conjugate gradients, and end with power steps.

    Parameters
    ----------
    product, constant, tol, max_iter, start, n_jobs
        As for `power`, which counts the same products; two are always made.
    preconditioner : callable, optional
        Takes R, shape (n, ..., c), returns M R with M symmetric and positive definite,
        near to (1 - A)^-1; a new array.

    Returns
    -------
    Solution
        F, non-negative.
    """
    search = Search(product, constant, start, preconditioner, n_jobs)
    n_iter = 1
    while n_iter < max_iter - 1 and not search.is_over(tol):
        search.advance()
        n_iter += 1
    first = np.maximum(search.solution, 0, out=search.solution)
    del search
    left = max(1, max_iter - n_iter)
    end = power(product, constant, tol=tol, max_iter=left, start=first, n_jobs=n_jobs)
    return end._replace(n_iter=n_iter + end.n_iter)


class Search:
    """Conjugate gradients on (1 - A) F = B, a step at a time, in the precision of B.

    Parameters
    ----------
    product, constant, start, preconditioner, n_jobs
        As for `conjugate_gradient`; making it takes a product.

    Attributes
    ----------
    solution : ndarray of float64, shape (n, ..., c)
        F so far.
    residual : ndarray of float64, shape (n, ..., c)
        B - (1 - A) F, what a power step would change.
    squares : ndarray of float64
        Squared norms of the columns of the residual.
    """

    def __init__(
        self,
        product: Product,
        constant: Distributions,
        start: Distributions | None = None,
        preconditioner: Product | None = None,
        n_jobs: int = 1,
    ) -> None:
        self._product, self._preconditioner, self._n_jobs = product, preconditioner, n_jobs
        self.solution = (constant if start is None else start).copy()
        self.residual = _contiguous(product(self.solution))
        if start is not None:
            self.residual += constant - start
        self.squares = self._dots(self.residual, self.residual)
        self._enough = ROUNDING**2 * self._dots(constant, constant)
        self._direction = self._towards().copy()
        self._gain = self._dots(self.residual, self._direction)

    def is_over(self, tol: float) -> bool:
        """Return whether ``tol`` is met, or double precision has no more to give."""
        if np.all(self.squares <= self._enough):
            return True
        return is_settled(self.residual, self.solution, tol, n_jobs=self._n_jobs)

    def worth(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of each column of the residual, absolute and with weights, shape (n,)."""
        parts = _over_rows(loops.worth, self.residual, before=(weights,), n_jobs=self._n_jobs)
        return _summed(parts)

    def advance(self) -> None:
        """Take a step, one product."""
        image, n_jobs = _contiguous(self._product(self._direction)), self._n_jobs
        curvature = _summed(_over_rows(loops.look, self._direction, image, n_jobs=n_jobs))
        arrays = self._direction, image, self.solution, self.residual
        length = ratio(self._gain, curvature)
        self.squares = _summed(_over_rows(loops.move, *arrays, before=(length,), n_jobs=n_jobs))
        del image
        towards, previous = self._towards(), self._gain
        self._gain = (
            self.squares if towards is self.residual else self._dots(self.residual, towards)
        )
        turn = ratio(self._gain, previous)
        _over_rows(loops.turn, towards, self._direction, before=(turn,), n_jobs=n_jobs)

    def _towards(self) -> Distributions:
        return (
            self.residual if self._preconditioner is None else self._preconditioner(self.residual)
        )

    def _dots(self, left: Distributions, right: Distributions) -> NDArray[np.float64]:
        return column_dots(left, right, n_jobs=self._n_jobs)


#: The solvers by the name that callers give.
SOLVERS: dict[Solver, Callable[..., Solution]] = {
    "conjugate_gradient": conjugate_gradient,
    "power": power,
}


def is_settled(
    change: Distributions, distributions: Distributions, tol: float, *, n_jobs: int = 1
) -> bool:
    """Return whether no row changes by more than ``tol`` times its sum.

    While some row has not been reached, one that just was has changed by all of its sum.
    """
    width = distributions.shape[-1]
    return all(
        _over_rows(
            loops.settled, change, distributions, before=(width,), after=(tol,), n_jobs=n_jobs
        )
    )


def column_dots(
    left: Distributions, right: Distributions, *, n_jobs: int = 1
) -> NDArray[np.float64]:
    """Return the scalar product of each pair of columns."""
    return _summed(_over_rows(loops.dots, left, right, n_jobs=n_jobs))


def ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> Distributions:
    """Divide, with 0 where a column is already solved."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def _contiguous(array: Distributions) -> Distributions:
    # The loops fill in what reshaping must not have copied.
    return np.ascontiguousarray(array)


def _over_rows(
    loop: Callable[..., Any],
    *arrays: Distributions,
    before: tuple[Any, ...] = (),
    after: tuple[Any, ...] = (),
    n_jobs: int,
) -> list[Any]:
    """Run a loop over arrays of shape (n, ..., c), taken as matrices."""
    n_rows = len(arrays[0])
    flat = (array.reshape(n_rows, -1) for array in arrays)
    return loops.over_rows(loop, n_rows, *before, *flat, *after, n_jobs=n_jobs)


def _summed(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Add up sums in the order of the blocks."""
    total = np.zeros_like(parts[0])
    for part in parts:
        total += part
    return total
