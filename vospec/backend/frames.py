"""Between Arrow, numpy and Spark's DataFrames; looking at progress."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vospec.columns import Column

_SPARK = {
    "text": "string",
    "boolean": "boolean",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double precision": "double",
    "timestamp": "timestamp",
    "boolean[]": "array<boolean>",
    "integer[]": "array<int>",
    "real[]": "array<float>",
    "double precision[]": "array<double>",
}

#: Seconds between two looks at how far the executors are.
POLL = 0.3


def spark_schema(table: Iterable[Column]) -> str:
    """The Spark schema of columns of :mod:`vospec.columns`, as DDL."""
    return ", ".join(f"`{column.name}` {_SPARK[column.type]}" for column in table)


def lists(values: NDArray[Any], usable: NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    """Rows of a matrix as a list column; rows that are not usable are null."""
    lengths = np.where(usable, values.shape[1], 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    flat = pa.array(values[usable].ravel(), type=kind.value_type)
    return pa.ListArray.from_arrays(pa.array(offsets), flat, type=kind, mask=pa.array(~usable))


def _unpacked(values: pa.Array) -> NDArray[Any]:
    """Values without nulls as numpy has them."""
    if not pa.types.is_boolean(values.type):
        plain: NDArray[Any] = values.to_numpy()
        return plain
    # Arrow's own way takes ten times as long.
    bits = np.unpackbits(np.frombuffer(values.buffers()[1], np.uint8), bitorder="little")
    return bits[values.offset :][: len(values)].view(np.bool_)


class Ragged:
    """Some rows of a list column as one array; lists may differ in length, and hold no nulls.

    Attributes
    ----------
    values : (total,) array
        All lists of the column, one after the other.
    starts, lengths : (rows,) int
        Where the list of each row begins and how long it is; 0 where it is null.
    """

    def __init__(self, column: pa.ChunkedArray, chosen: NDArray[np.intp]) -> None:
        whole = column.combine_chunks()
        self.values = _unpacked(whole.values)
        offsets = whole.offsets.to_numpy()
        self.starts, self.lengths = offsets[chosen], np.diff(offsets)[chosen]

    def row(self, row: int) -> NDArray[Any]:
        """One of the lists."""
        return self.values[self.starts[row] :][: self.lengths[row]]

    def rows(self, rows: NDArray[np.intp], skip: NDArray[np.intp], length: int) -> NDArray[Any]:
        """Of some lists `length` values after the first `skip`, as (rows, length)."""
        window: NDArray[Any] = self.values[
            (self.starts[rows] + skip)[:, np.newaxis] + np.arange(length)
        ]
        return window


@contextmanager
def watched(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` every now and then while the body waits for Spark."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
