"""Datasets of a graph in parts, as the stages before write them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from vospec.backend import parts
from vospec.backend.frames import lists
from vospec.blocks import Blocks
from vospec.columns import EDGES, Table
from vospec.store import Dataset, arrow_schema


def written(dataset: Dataset, table: Table, *columns: NDArray[Any]) -> Dataset:
    """Write matrices, a row a vertex, as the list columns of a table; one part a block."""
    schema = arrow_schema(table)

    def content(rows: range) -> Iterator[pa.RecordBatch]:
        every = np.ones(len(rows), dtype=bool)
        kinds = [field.type for field in schema][1:]
        some = [
            lists(values[rows.start : rows.stop], every, kind)
            for values, kind in zip(columns, kinds, strict=True)
        ]
        vertices = pa.array(np.arange(rows.start, rows.stop))
        yield pa.RecordBatch.from_arrays([vertices, *some], schema=schema)

    return _written(dataset, schema, len(columns[0]), content)


def edges_written(dataset: Dataset, graph: sparse.csr_array) -> Dataset:
    """Write the rows of a graph; one part a block."""
    schema = arrow_schema(EDGES)

    def content(rows: range) -> Iterator[pa.RecordBatch]:
        some = graph[rows.start : rows.stop]
        columns = [
            pa.ListArray.from_arrays(
                pa.array(some.indptr, pa.int32()), pa.array(values), schema.field(name).type
            )
            for name, values in (("neighbours", some.indices), ("weights", some.data))
        ]
        vertices = pa.array(np.arange(rows.start, rows.stop))
        yield pa.RecordBatch.from_arrays([vertices, *columns], schema=schema)

    return _written(dataset, schema, graph.shape[0], content)


def _written(
    dataset: Dataset,
    schema: pa.Schema,
    n_vertices: int,
    content: Callable[[range], Iterator[pa.RecordBatch]],
) -> Dataset:
    blocks = Blocks(n_vertices)
    dataset.sweep(blocks.number)
    for block in range(blocks.number):
        parts._write_part(dataset, block, content(blocks.rows(block)), schema)
    return dataset
