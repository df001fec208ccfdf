"""Rows of the graph as executors keep them, and products with them.

Each node unpacks a block of rows once, into files that the operating system maps into the
memory of whichever process works on the block: nothing is held twice, and it does not
matter to which of a node's processes Spark gives a task.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark import SparkFiles
from pyspark.sql import SparkSession
from scipy import sparse

from vospec.backend import edges as rows_of
from vospec.backend import worker
from vospec.blocks import Blocks
from vospec.learning.rows import RowBlock, row_block
from vospec.store import Dataset

Values = NDArray[np.float64]

#: Blocks that a process keeps open; a file may not be open too often.
OPEN = 64
#: Tasks a core of one product: more of them cost more, fewer end less evenly.
TASKS = 3


def kept(edges: Dataset, block: int, blocks: Blocks) -> RowBlock:
    """A block of rows, unpacked on this node when first asked for.

    Parameters
    ----------
    edges : Dataset
        Rows of :data:`vospec.columns.EDGES` in parts.
    block : int
        The block, which is the part.
    blocks : Blocks
        The vertices in blocks.

    Returns
    -------
    RowBlock
        Mapped from files in Spark's own folder, which goes with the session.
    """
    worker.settle()
    name = hashlib.sha256(edges.uri.encode()).hexdigest()[:12]
    folder = _scratch() / f"rows-{name}" / f"{block}"
    if not folder.exists():
        _unpack(row_block(rows_of.read(edges, block, blocks.n_vertices), blocks.size), folder)
    return _opened(folder)


def _scratch() -> Path:
    """Where Spark lets this node's tasks write; deleted when it ends."""
    given = os.environ.get("SPARK_LOCAL_DIRS")
    return Path(given.split(",")[0] if given else SparkFiles.getRootDirectory())


def _unpack(rows: RowBlock, folder: Path) -> None:
    incoming = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.incoming")
    incoming.mkdir(parents=True)
    for name, values in rows._asdict().items():
        np.save(incoming / f"{name}.npy", values)
    try:
        incoming.rename(folder)
    except OSError:
        # Another process was faster.
        shutil.rmtree(incoming)


@lru_cache(OPEN)
def _opened(folder: Path) -> RowBlock:
    values: dict[str, Any] = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in RowBlock._fields
    }
    return RowBlock(**values)


class RowBlocks:
    """The matrix of a graph, its rows with the executors: for products and sums of rows.

    It gives what :mod:`vospec.learning.systems` asks of a graph, bit for bit as a csr_array
    does. Only the factor and the product stand on the driver.

    Parameters
    ----------
    session : SparkSession
        The session.
    edges : Dataset
        Rows of :data:`vospec.columns.EDGES` in parts.
    n_vertices : int
        Vertices of the graph.

    Attributes
    ----------
    shape : (int, int)
        Vertices twice.
    """

    def __init__(self, session: SparkSession, edges: Dataset, n_vertices: int) -> None:
        self.shape = n_vertices, n_vertices
        self._spark, self._edges, self._blocks = session.sparkContext, edges, Blocks(n_vertices)

    def __matmul__(self, values: Values) -> Values:
        """Give the product with columns, (n_vertices, m) float64."""
        shared = self._spark.broadcast(np.ascontiguousarray(values, dtype=np.float64))
        try:
            return self._rows(lambda rows: rows.graph @ shared.value[rows.touched], values.shape[1])
        finally:
            shared.destroy()

    def sum(self, axis: int) -> Values:
        """Give the sums of the rows, for axis 1."""
        if axis != 1:
            message = f"axis: expected 1, found {axis}"
            raise ValueError(message)
        return self._rows(lambda rows: rows.graph.sum(axis=1)[:, np.newaxis], 1)[:, 0]

    def rows(self, vertices: NDArray[np.integer[Any]]) -> Any:  # noqa: ANN401 - scipy ships no types
        """Give some rows as csr_array, (len(vertices), n_vertices), read from the store."""
        wanted = np.asarray(vertices)
        places, found = np.empty(len(wanted), dtype=np.intp), []
        n_found = 0
        for block in np.unique(wanted // self._blocks.size).tolist():
            chosen = np.flatnonzero(wanted // self._blocks.size == block)
            rows = rows_of.read(self._edges, block, self._blocks.n_vertices)
            found.append(rows[wanted[chosen] - self._blocks.rows(block).start])
            places[chosen] = n_found + np.arange(len(chosen))
            n_found += len(chosen)
        return sparse.vstack(found, format="csr")[places]

    def _rows(self, made: Callable[[RowBlock], Values], n_columns: int) -> Values:
        """Put together what is made of each block, on the driver."""
        edges, blocks, spark = self._edges, self._blocks, self._spark

        def task(numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
            for block in numbers:
                yield block, made(kept(edges, block, blocks)).tobytes()

        n_tasks = min(blocks.number, TASKS * spark.defaultParallelism)
        found = spark.parallelize(range(blocks.number), n_tasks).mapPartitions(task).collect()
        together = np.empty((blocks.n_vertices, n_columns))
        for block, content in found:
            rows = blocks.rows(block)
            together[rows.start : rows.stop] = np.frombuffer(content).reshape(len(rows), n_columns)
        return together
