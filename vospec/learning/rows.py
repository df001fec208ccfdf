"""Rows of the symmetric graph, block by block: how they are made, how they are multiplied.

The rows of a block are known without the rest of the graph as soon as the arcs that
lead into it are: vertex i counts j among its nearest, so row j has the entry i, too.
Each block sends these arcs to the blocks of their ends, and joins what it is sent to
its own. Every entry is the one of `graph.neighbour_graph`, bit for bit.

A product of a block needs the values of the vertices that its rows touch, no others.
The graph is symmetric: each block knows from its own rows which of its vertices the
others touch, and offers them these.

Cost: n k weights a block and one sort of the arcs; then a sparse product.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vospec.learning import symmetry


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


def symmetric_rows(
    vertices: range, indices: NDArray[Any], weights: NDArray[np.float64], arriving: Arcs
) -> symmetry.Sparse:
    """Join the arcs of both directions to rows of the symmetric graph.

    Parameters
    ----------
    vertices, indices, weights
        As for `arcs`.
    arriving : Arcs
        All arcs with their heads in the block, in any order.

    Returns
    -------
    Sparse
        The greater weight of both directions; columns ascend.
    """
    ordered = arriving.chosen(np.argsort(arriving.tails, kind="stable"))
    mentions = symmetry.mentioned(
        ordered.heads, ordered.tails, ordered.weights, first=vertices.start, n_rows=len(vertices)
    )
    return symmetry.united(indices, weights, mentions, first=vertices.start)


class RowBlock(NamedTuple):
    """The rows of a block, of which the columns are the vertices that they touch.

    Attributes
    ----------
    starts : ndarray of int32, shape (n + 1,)
        Where each row begins.
    columns : ndarray of int32, shape (starts[-1],)
        Places in ``touched``.
    weights : ndarray of float64, shape (starts[-1],)
        Weights of the edges.
    touched : ndarray of int32, shape (m,)
        Vertices of the whole graph that the rows have as neighbours, ascending.
    targets : ndarray of int64, shape (t,)
        Blocks that touch rows of this one, ascending.
    offers : ndarray of int32, shape (offer_starts[-1],)
        Rows of this block that they touch, ascending for each.
    offer_starts : ndarray of int64, shape (t + 1,)
        Where the offers to each of them begin.
    """

    starts: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: NDArray[np.float64]
    touched: NDArray[np.int32]
    targets: NDArray[np.int64]
    offers: NDArray[np.int32]
    offer_starts: NDArray[np.int64]

    @property
    def graph(self) -> Any:  # noqa: ANN401 -- scipy ships no types
        """The rows as csr_array of shape (n, m)."""
        shape = len(self.starts) - 1, len(self.touched)
        return sparse.csr_array((self.weights, self.columns, self.starts), shape=shape)

    def offered(self, values: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Give each block the rows of ``values``, shape (n, c), that it touches."""
        for number, target in enumerate(self.targets.tolist()):
            rows = self.offers[self.offer_starts[number] : self.offer_starts[number + 1]]
            yield target, values[rows]

    def gathered(
        self, block_size: int, received: Iterable[tuple[int, NDArray[np.float64]]], n_columns: int
    ) -> NDArray[np.float64]:
        """Put what blocks have offered, this one too, in the places of the touched vertices.

        Parameters
        ----------
        block_size : int
            Vertices of a block.
        received : iterable of (int, ndarray of float64, shape (r, c))
            A block and the rows that it has offered, in any order.
        n_columns : int
            c.

        Returns
        -------
        ndarray of float64, shape (m, c)

        Raises
        ------
        ValueError
            When blocks have offered more or less than what is touched: the graph is
            not symmetric, or something is missing.
        """
        values = np.full((len(self.touched), n_columns), np.nan)
        n_rows = 0
        for block, rows in received:
            start, stop = np.searchsorted(
                self.touched, np.array([0, block_size]) + block * block_size
            )
            if stop - start == len(rows):
                values[start:stop] = rows
            n_rows += len(rows)
        if n_rows != len(values) or np.isnan(values).any():
            message = f"expected the rows of {len(values)} touched vertices, found others"
            raise ValueError(message)
        return values


def row_block(rows: Any, block_size: int) -> RowBlock:  # noqa: ANN401 -- scipy ships no types
    """Prepare the rows of a block for products.

    Parameters
    ----------
    rows : csr_array of float64, shape (n, N)
        Rows of a symmetric graph, indices ascending.
    block_size : int
        Vertices of a block.

    Returns
    -------
    RowBlock
        With the edges of each row in their order, so that sums are the same bit for bit.
    """
    touched, columns = np.unique(rows.indices, return_inverse=True)
    sources = np.repeat(np.arange(rows.shape[0], dtype=np.int32), np.diff(rows.indptr))
    blocks = (rows.indices // block_size).astype(np.int64)
    # Neighbours ascend: those in one block stand side by side.
    new = np.ones(len(blocks), dtype=bool)
    new[1:] = (blocks[1:] != blocks[:-1]) | (sources[1:] != sources[:-1])
    order = np.argsort(blocks[new], kind="stable")
    targets, counts = np.unique(blocks[new], return_counts=True)
    return RowBlock(
        starts=rows.indptr.astype(np.int32),
        columns=columns.astype(np.int32),
        weights=rows.data,
        touched=touched.astype(np.int32),
        targets=targets,
        offers=sources[new][order],
        offer_starts=np.concatenate([[0], np.cumsum(counts)]),
    )
