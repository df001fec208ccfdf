"""Rows of the symmetric graph, block by block.

The rows of a block are known without the rest of the graph as soon as the arcs that
lead into it are: vertex i counts j among its nearest, so row j has the entry i, too.
Each block sends these arcs to the blocks of their ends, and joins what it is sent to
its own. Every entry is the one of `graph.neighbour_graph`, bit for bit.

Cost: n k weights a block and one sort of the arcs that come in.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


class Arcs(NamedTuple):
    """Arcs of one direction: where from, where to, and how strong; shape (n,) each."""

    tails: NDArray[np.int32]
    heads: NDArray[np.int32]
    weights: NDArray[np.float64]

    def chosen(self, selection: NDArray[Any]) -> "Arcs":
        """Return the arcs of a mask or in an order."""
        return Arcs(self.tails[selection], self.heads[selection], self.weights[selection])


def arcs(vertices: range, indices: NDArray[Any], weights: NDArray[np.float64]) -> Arcs:
    """Turn lists of neighbours into arcs, without self-loops.

    Parameters
    ----------
    vertices : range
        The vertices of a block, of n.
    indices : ndarray of int, shape (n, k)
        Their neighbours, as vertices of the whole graph.
    weights : ndarray of float64, shape (n, k)
        Weights of the arcs, positive.

    Returns
    -------
    Arcs
        In the order of the lists.
    """
    tails = np.repeat(np.arange(vertices.start, vertices.stop, dtype=np.int32), indices.shape[1])
    heads = indices.ravel().astype(np.int32, copy=False)
    return Arcs(tails, heads, weights.ravel()).chosen(heads != tails)


def by_head(given: Arcs, block_size: int) -> Iterator[tuple[int, Arcs]]:
    """Part arcs by the blocks into which they lead.

    Parameters
    ----------
    given : Arcs
        Arcs.
    block_size : int
        Vertices of a block; block b begins at b times this.

    Yields
    ------
    (int, Arcs)
        A block and the arcs that lead into it, blocks ascending.
    """
    blocks = given.heads // block_size
    order = np.argsort(blocks, kind="stable")
    found, starts = np.unique(blocks[order], return_index=True)
    for block, chosen in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        yield block, given.chosen(chosen)


def symmetric_rows(vertices: range, n_vertices: int, leaving: Arcs, arriving: Arcs) -> Any:  # noqa: ANN401 -- scipy ships no types
    """Join the arcs of both directions to rows of the symmetric graph.

    Parameters
    ----------
    vertices : range
        The vertices of a block.
    n_vertices : int
        Those of the whole graph, N.
    leaving, arriving : Arcs
        All arcs with their tails, and all with their heads, in the block. None stands twice.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (len(vertices), N)
        The greater weight of both directions; indices ascend.
    """
    shape = (len(vertices), n_vertices)
    forth, back = (
        sparse.coo_array((weights, (rows - vertices.start, columns)), shape=shape).tocsr()
        for rows, columns, weights in (
            leaving,
            (arriving.heads, arriving.tails, arriving.weights),
        )
    )
    return forth.maximum(back).tocsr()
