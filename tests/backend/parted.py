"""Datasets of a graph in parts, as the stages before write them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vospec.backend import parts
from vospec.backend.frames import lists
from vospec.blocks import Blocks
from vospec.columns import Table
from vospec.store import Dataset, arrow_schema


def written(dataset: Dataset, table: Table, *columns: NDArray[Any]) -> Dataset:
    """Write matrices, a row a vertex, as the list columns of a table; one part a block."""
    schema, blocks = arrow_schema(table), Blocks(len(columns[0]))
    dataset.sweep(blocks.number)

    def content(block: int) -> Iterator[pa.RecordBatch]:
        rows = blocks.rows(block)
        every = np.ones(len(rows), dtype=bool)
        kinds = [field.type for field in schema][1:]
        some = [
            lists(values[rows.start : rows.stop], every, kind)
            for values, kind in zip(columns, kinds, strict=True)
        ]
        vertices = pa.array(np.arange(rows.start, rows.stop))
        yield pa.RecordBatch.from_arrays([vertices, *some], schema=schema)

    for block in range(blocks.number):
        parts._write_part(dataset, block, content(block), schema)
    return dataset
