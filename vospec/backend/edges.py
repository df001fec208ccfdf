"""The stage from lists of neighbours to the rows of the symmetric graph.

No node holds all edges. Each task weighs the arcs that leave its block, for which it is
given the local scales of all vertices (4 bytes each), and sends those that lead elsewhere
to the blocks of their ends, packed so that a row of Spark's shuffle is all that one block
has for another.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql
from scipy import sparse

from vospec import learning
from vospec.backend import parts
from vospec.blocks import Blocks
from vospec.columns import EDGES
from vospec.errors import StoreError
from vospec.learning import rows
from vospec.learning.graph import affinities
from vospec.learning.symmetry import Sparse
from vospec.progress import Progress
from vospec.store import Dataset, arrow_schema, matrix

_SCALES = "`block` bigint, `scales` binary, `squares` double"
_ARCS = "`block` bigint, `tails` binary, `heads` binary, `weights` binary"

#: Gives the neighbours of a block's vertices and the weights of the arcs to them.
Lists = Callable[[int], tuple[NDArray[np.int32], NDArray[np.float64]]]


def write(  # noqa: PLR0913 - named parameters of one method
    session: SparkSession,
    nearest: Dataset,
    made: Dataset,
    n_vertices: int,
    *,
    weights: learning.Weights,
    progress: Progress,
    gamma: float | None = None,
) -> parts.Made:
    """Make the missing parts of the graph's rows.

    Parameters
    ----------
    session : SparkSession
        The session.
    nearest : Dataset
        Rows of :data:`vospec.columns.NEAREST`, part by part the blocks of the vertices.
    made : Dataset
        Where to write rows of :data:`vospec.columns.EDGES`; it is not complete yet, that
        is the pipeline's to say.
    n_vertices : int
        Vertices of the graph.
    weights : {'local_scaling', 'rbf', 'binary'}
        How a distance becomes a weight (see :mod:`vospec.learning.graph`).
    progress : Progress
        Told of the rows of every part that is done.
    gamma : float, optional
        Of ``rbf``; where it is not given, the reciprocal of the mean squared distance.

    Returns
    -------
    Made
        Counts over all parts.

    Raises
    ------
    StoreError
        A part of the neighbours does not hold the vertices of its block.
    """
    blocks = Blocks(n_vertices)
    tasks = session.range(0, blocks.number, 1, blocks.number)
    scales, mean = _scales(tasks, nearest, blocks)
    shared = session.sparkContext.broadcast(scales)
    wide = gamma or (1 / mean if mean > 0 else 1.0)

    def weighed(block: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        indices, distances = _lists(nearest, block, blocks)
        return indices, affinities(
            distances,
            weights=weights,
            scales=shared.value[_slice(blocks.rows(block))],
            neighbour_scales=shared.value[indices],
            gamma=wide,
        )

    sent = tasks.mapInArrow(_sender(weighed, blocks), _ARCS)
    received = sent.repartitionById(blocks.number, sql.col("block").cast("int"))
    try:
        return parts.write(
            received, made, _content(weighed, blocks), table=EDGES, progress=progress
        )
    finally:
        shared.destroy()


def read(edges: Dataset, block: int, n_vertices: int) -> Any:  # noqa: ANN401 - scipy ships no types
    """The rows of a block as the graph's matrix has them.

    Parameters
    ----------
    edges : Dataset
        Rows of :data:`vospec.columns.EDGES` in parts.
    block : int
        The block, which is the part.
    n_vertices : int
        Vertices of the graph.

    Returns
    -------
    csr_array of float64, (rows of the block, n_vertices)
    """
    table = pa.concat_tables(parts.read(edges, block, EDGES.names))
    _check(edges, table, block, Blocks(n_vertices))
    neighbours, weights = (
        table.column(name).combine_chunks() for name in ("neighbours", "weights")
    )
    offsets = neighbours.offsets.to_numpy()
    entries = (weights.flatten().to_numpy(), neighbours.flatten().to_numpy(), offsets - offsets[0])
    return sparse.csr_array(entries, shape=(len(table), n_vertices))


def _scales(
    tasks: DataFrame, nearest: Dataset, blocks: Blocks
) -> tuple[NDArray[np.float32], float]:
    """Local scales of all vertices, and the mean squared distance, summed block by block."""

    def content(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for block in numbers(batches):
            distances = _lists(nearest, block, blocks)[1].astype(np.float64)
            scales = learning.local_scales(distances).astype(np.float32)
            mean = float(np.square(distances).sum()) / distances.shape[1]
            columns = [[block], [scales.tobytes()], [mean]]
            yield pa.RecordBatch.from_arrays(
                [pa.array(column) for column in columns], names=["block", "scales", "squares"]
            )

    found = tasks.mapInArrow(content, _SCALES).toArrow().sort_by("block")
    values = [np.frombuffer(some, np.float32) for some in found.column("scales").to_pylist()]
    return np.concatenate(values), sum(found.column("squares").to_pylist()) / blocks.n_vertices


def numbers(batches: Iterator[pa.RecordBatch]) -> Iterator[int]:
    """The blocks that a task is given, as :meth:`SparkSession.range` writes them."""
    for batch in batches:
        yield from batch.column("id").to_pylist()


def _lists(
    nearest: Dataset, block: int, blocks: Blocks
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Neighbours and distances of a block."""
    table = pa.concat_tables(parts.read(nearest, block, ("vertex", "neighbours", "distances")))
    _check(nearest, table, block, blocks)
    return (
        matrix(table.column("neighbours").combine_chunks()),
        matrix(table.column("distances").combine_chunks()),
    )


def _check(dataset: Dataset, table: pa.Table, block: int, blocks: Blocks) -> None:
    expected, found = blocks.rows(block), table.column("vertex").to_numpy()
    if not np.array_equal(found, np.arange(expected.start, expected.stop)):
        message = (
            f"{dataset.uri}: part {block} does not hold the vertices from {expected.start} "
            f"to {expected.stop - 1}, as expected of {blocks.n_vertices} vertices"
        )
        raise StoreError(message)


def _sender(
    weighed: Lists, blocks: Blocks
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What one block has for the others: the arcs that lead into them."""

    def send(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for block in numbers(batches):
            own = rows.arcs(blocks.rows(block), *weighed(block))
            for target, arcs in rows.by_head(own, blocks.size):
                if target != block:
                    columns = [[target], *([values.tobytes()] for values in arcs)]
                    yield pa.RecordBatch.from_arrays(
                        [pa.array(column) for column in columns],
                        names=["block", "tails", "heads", "weights"],
                    )

    return send


def _content(weighed: Lists, blocks: Blocks) -> parts.Content:
    """The rows of a block, made from its own arcs and those that it is sent."""

    def content(block: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        lists, vertices = weighed(block), blocks.rows(block)
        own = rows.arcs(vertices, *lists)
        arriving = [own.chosen(own.heads // blocks.size == block), *_received(batches)]
        joined = rows.Arcs(*(np.concatenate(values) for values in zip(*arriving, strict=True)))
        yield _batch(rows.symmetric_rows(vertices, *lists, joined), vertices)

    return content


def _received(batches: Iterator[pa.RecordBatch]) -> Iterator[rows.Arcs]:
    kinds = {"tails": np.int32, "heads": np.int32, "weights": np.float64}
    for batch in batches:
        columns = [batch.column(name).to_pylist() for name in kinds]
        for row in zip(*columns, strict=True):
            yield rows.Arcs(*map(np.frombuffer, row, kinds.values()))


def _batch(found: Sparse, vertices: range) -> pa.RecordBatch:
    schema, offsets = arrow_schema(EDGES), pa.array(found.starts.astype(np.int32))
    columns = [pa.array(np.arange(vertices.start, vertices.stop))]
    for name, values in (("neighbours", found.indices), ("weights", found.values)):
        kind = schema.field(name).type
        columns.append(pa.ListArray.from_arrays(offsets, pa.array(values, kind.value_type), kind))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _slice(rows: range) -> slice:
    return slice(rows.start, rows.stop)
