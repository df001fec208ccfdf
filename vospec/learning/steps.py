"""The systems of `systems`, solved in steps that each block of rows takes on its own.

What `solvers` does to distributions that one process holds happens here to those of a
block. A step is told what the block has, may ask for values of the vertices that its
rows touch, and gives what has changed and a few sums. Sums are added in the order of
the blocks: the numbers depend neither on who works nor on how many do. They are those of
`solvers` but for the rounding of these sums.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vospec.learning.solvers import ROUNDING, Distributions, column_dots, is_settled, ratio

Method = Literal["label_propagation", "label_spreading"]

#: What a block has, by name: arrays with one row a vertex.
State = dict[str, Distributions]
#: Sums over the rows of a block, shape (number of sums, c).
Sums = NDArray[np.float64]


class Labels(NamedTuple):
    """The labelled vertices, ascending, each with the place of its class among them all."""

    vertices: NDArray[np.int64]
    places: NDArray[np.int64]
    n_classes: int

    def targets(self, vertices: range) -> Distributions:
        """Return Y of a block, shape (n, c): 1 in the class of a labelled vertex, 0 elsewhere."""
        start, stop = np.searchsorted(self.vertices, [vertices.start, vertices.stop])
        targets = np.zeros((len(vertices), self.n_classes))
        targets[self.vertices[start:stop] - vertices.start, self.places[start:stop]] = 1
        return targets


class Step(Protocol):
    """A step of all blocks.

    Attributes
    ----------
    reads : tuple of str
        Names of the arrays that it is given.
    writes : tuple of str
        Names of those that it changes.
    asks : bool
        Whether it multiplies by the graph.
    """

    reads: ClassVar[tuple[str, ...]]
    writes: ClassVar[tuple[str, ...]]
    asks: ClassVar[bool]

    def asked(self, state: State) -> Distributions:
        """Return what is to be multiplied by the graph; other blocks may need rows of it."""

    def taken(self, state: State, product: Distributions) -> tuple[State, Sums]:
        """Return the arrays that change, and sums; the graph's product is with what was asked."""


#: Takes a step with all blocks and adds up their sums.
Advance = Callable[[Step], Sums]


@dataclass(frozen=True)
class Prepare:
    """Turn labels Y into the scaling C and the constant B of F = C W C F + B."""

    method: Method
    alpha: float
    reads: ClassVar[tuple[str, ...]] = ("targets",)
    writes: ClassVar[tuple[str, ...]] = ("scaling", "constant")
    asks: ClassVar[bool] = True

    def asked(self, state: State) -> Distributions:
        """See `Step`; the last column gives the degrees."""
        return np.column_stack([state["targets"], np.ones(len(state["targets"]))])

    def taken(self, state: State, product: Distributions) -> tuple[State, Sums]:
        """See `Step`."""
        targets, degrees = state["targets"], product[:, -1:]
        scaling = np.zeros_like(degrees)
        np.divide(1, np.sqrt(degrees), out=scaling, where=degrees > 0)
        if self.method == "label_propagation":
            scaling[targets.any(axis=1)] = 0
            constant = scaling * product[:, :-1]
        else:
            scaling *= np.sqrt(self.alpha)
            constant = (1 - self.alpha) * targets
        return {"scaling": scaling, "constant": constant}, np.empty((0, targets.shape[1]))


@dataclass(frozen=True)
class Start:
    """Set F to B, the residual to A B; sums: squares of the residual and of B, unsettled blocks."""

    tol: float
    reads: ClassVar[tuple[str, ...]] = ("scaling", "constant")
    writes: ClassVar[tuple[str, ...]] = ("distributions", "residual", "direction")
    asks: ClassVar[bool] = True

    def asked(self, state: State) -> Distributions:
        """See `Step`."""
        return state["scaling"] * state["constant"]

    def taken(self, state: State, product: Distributions) -> tuple[State, Sums]:
        """See `Step`."""
        residual, constant = state["scaling"] * product, state["constant"]
        squares = column_dots(residual, residual), column_dots(constant, constant)
        changed = {"distributions": constant, "residual": residual, "direction": 0 * residual}
        return changed, np.stack([*squares, _unsettled(residual, constant, self.tol)])


@dataclass(frozen=True)
class Look:
    """Turn to the next direction d and find its image (1 - A) d; sum: their product."""

    turn: NDArray[np.float64]
    reads: ClassVar[tuple[str, ...]] = ("scaling", "residual", "direction")
    writes: ClassVar[tuple[str, ...]] = ("direction", "image")
    asks: ClassVar[bool] = True

    def asked(self, state: State) -> Distributions:
        """See `Step`."""
        return state["scaling"] * self._direction(state)

    def taken(self, state: State, product: Distributions) -> tuple[State, Sums]:
        """See `Step`."""
        direction = self._direction(state)
        image = direction - state["scaling"] * product
        return {"direction": direction, "image": image}, column_dots(direction, image)[None]

    def _direction(self, state: State) -> Distributions:
        return state["residual"] + self.turn * state["direction"]


@dataclass(frozen=True)
class Move:
    """Go along the direction; sums: squares of the residual, unsettled blocks."""

    length: NDArray[np.float64]
    tol: float
    reads: ClassVar[tuple[str, ...]] = ("distributions", "residual", "direction", "image")
    writes: ClassVar[tuple[str, ...]] = ("distributions", "residual")
    asks: ClassVar[bool] = False

    def asked(self, state: State) -> Distributions:
        """See `Step`."""
        raise NotImplementedError

    def taken(self, state: State, product: Distributions) -> tuple[State, Sums]:  # noqa: ARG002 - none was asked
        """See `Step`."""
        distributions = state["distributions"] + self.length * state["direction"]
        residual = state["residual"] - self.length * state["image"]
        unsettled = _unsettled(residual, distributions, self.tol)
        sums = np.stack([column_dots(residual, residual), unsettled])
        return {"distributions": distributions, "residual": residual}, sums


@dataclass(frozen=True)
class Settle:
    """Set F to A F + B, its negative values taken for 0; sum: unsettled blocks."""

    tol: float
    reads: ClassVar[tuple[str, ...]] = ("scaling", "constant", "distributions")
    writes: ClassVar[tuple[str, ...]] = ("distributions",)
    asks: ClassVar[bool] = True

    def asked(self, state: State) -> Distributions:
        """See `Step`."""
        return state["scaling"] * np.maximum(state["distributions"], 0)

    def taken(self, state: State, product: Distributions) -> tuple[State, Sums]:
        """See `Step`."""
        distributions = state["scaling"] * product + state["constant"]
        change = distributions - np.maximum(state["distributions"], 0)
        return {"distributions": distributions}, _unsettled(change, distributions, self.tol)[None]


def solve(advance: Advance, *, tol: float, max_iter: int) -> tuple[int, bool]:
    """Solve F = A F + B by conjugate gradients, and end with power steps.

    Parameters
    ----------
    advance : callable
        Takes a step with all blocks, which are prepared.
    tol, max_iter
        As for `solvers.conjugate_gradient`, which goes the same way.

    Returns
    -------
    (int, bool)
        How many products were made, and whether the tolerance was met.
    """
    squares, constant, unsettled = advance(Start(tol))
    enough = ROUNDING**2 * constant
    turn = np.zeros_like(squares)
    n_iter = 1
    while n_iter < max_iter - 1 and unsettled.any() and np.any(squares > enough):
        (curvature,) = advance(Look(turn))
        n_iter += 1
        previous = squares
        squares, unsettled = advance(Move(ratio(squares, curvature), tol))
        turn = ratio(squares, previous)
    for n_made in range(n_iter + 1, max(n_iter + 1, max_iter) + 1):
        (unsettled,) = advance(Settle(tol))
        if not unsettled.any():
            return n_made, True
    return max(n_iter + 1, max_iter), False


#: What `masses` looks at.
SOLVED = ("targets", "scaling", "distributions")


def masses(method: Method, state: State) -> Distributions:
    """Return F of a block, rows of sum 0 where no label reaches, as `systems` gives it."""
    if method == "label_propagation":
        return state["targets"] + state["scaling"] * state["distributions"]
    return state["distributions"]


def _unsettled(change: Distributions, distributions: Distributions, tol: float) -> Sums:
    return np.full(change.shape[1], float(not is_settled(change, distributions, tol)))
