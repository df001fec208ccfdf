"""Arrow record batches as PostgreSQL's binary COPY.

A column is laid out at once and put into its places in all rows at once: millions of short
rows, and arrays of thousands of pixels, cost a memory copy and not a step of Python a value.

The format is that of the PostgreSQL documentation, "COPY, Binary Format"; an
array is a header (dimensions, null flag, element type, length, lower bound)
followed by its elements, each with its length in front.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from vospec.columns import Column, Table, Type
from vospec.publication.database import names

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)

#: PostgreSQL counts timestamps in µs from 2000-01-01, Arrow from 1970-01-01.
_EPOCH_MICROSECONDS = 946_684_800_000_000

#: Rows and bytes that are laid out at once; bound the memory.
_ROWS_AT_ONCE, _BYTES_AT_ONCE = 16384, 2_000_000

_T = TypeVar("_T")

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class _Scalar:
    """How a type looks in Arrow and on the wire, and PostgreSQL's number for it."""

    arrow: pa.DataType
    wire: str
    oid: int


@dataclass(frozen=True)
class _Fields:
    """The fields of a column: the bytes that each takes, and what puts them into their places.

    A field has its length in front; that of a NULL is -1.
    """

    sizes: Numbers
    put: Callable[[Bytes, Numbers], None]


_SCALARS: dict[Type, _Scalar] = {
    "boolean": _Scalar(pa.bool_(), "?", 16),
    "smallint": _Scalar(pa.int16(), ">i2", 21),
    "integer": _Scalar(pa.int32(), ">i4", 23),
    "bigint": _Scalar(pa.int64(), ">i8", 20),
    "real": _Scalar(pa.float32(), ">f4", 700),
    "double precision": _Scalar(pa.float64(), ">f8", 701),
    "timestamp": _Scalar(pa.timestamp("us"), ">i8", 1114),
}

_ELEMENTS: dict[Type, _Scalar] = {
    "boolean[]": _SCALARS["boolean"],
    "real[]": _SCALARS["real"],
    "double precision[]": _SCALARS["double precision"],
}


def copy(
    connection: psycopg.Connection[tuple[object, ...]],
    laid_out: Iterable[memoryview],
    table: Table,
    target: sql.Composable,
    *,
    freeze: bool = False,
) -> None:
    """Copy rows into a table that has the columns of another.

    Parameters
    ----------
    connection : psycopg.Connection
        Where to write.
    laid_out : iterable of memoryview
        What :func:`rows` gives.
    table : Table
        Names the columns.
    target : Composable
        The table that takes the rows.
    freeze : bool
        The target was made in this transaction: its rows need no clearing up later.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE {})").format(
        target, names(table), sql.SQL("on" if freeze else "off")
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copying:
        copying.write(SIGNATURE)
        for some in laid_out:
            copying.write(some)
        copying.write(TRAILER)


def ahead(items: Iterable[_T]) -> Iterator[_T]:
    """Take the next of some items, in a thread, while the last one is worked on.

    So rows are read and laid out while PostgreSQL takes those before.
    """
    remaining, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, remaining, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, remaining, end)
            yield cast("_T", item)


def rows(
    batch: pa.RecordBatch, columns: Iterable[Column], *, packed: bool = False
) -> Iterator[memoryview]:
    """Lay out the named columns of a batch as rows of a binary COPY.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Holds at least the columns; others are left out.
    columns : iterable of Column
        What to write, in the order of the COPY command.
    packed : bool
        Write an array as one ``bytea`` of little-endian values. PostgreSQL
        takes arrays element by element, six times slower.

    Yields
    ------
    memoryview
        Some rows, without the signature and trailer of the stream.

    Raises
    ------
    ValueError
        A column is missing, is of a type that does not convert without loss,
        or holds arrays with nulls among their elements.
    """
    columns = tuple(columns)
    missing = [column.name for column in columns if column.name not in batch.schema.names]
    if missing:
        message = f"columns {missing} expected, found {batch.schema.names}"
        raise ValueError(message)
    at_once = _rows_at_once(batch)
    for start in range(0, batch.num_rows, at_once):
        part = batch.slice(start, at_once)
        fields = [_fields(part.column(column.name), column, packed=packed) for column in columns]
        yield _joined(fields, part.num_rows)


def _rows_at_once(batch: pa.RecordBatch) -> int:
    row = batch.nbytes / max(batch.num_rows, 1)
    return int(min(_ROWS_AT_ONCE, max(1, _BYTES_AT_ONCE // max(row, 1))))


def _joined(fields: list[_Fields], n_rows: int) -> memoryview:
    """Rows of these fields; in front of a row stands the number of its fields."""
    header = np.frombuffer(struct.pack("!h", len(fields)), np.uint8)
    sizes = np.full(n_rows, header.size, np.int64)
    places = []
    for field in fields:
        places.append(sizes.copy())
        sizes += field.sizes
    ends = np.cumsum(sizes)
    starts = ends - sizes
    out = np.empty(ends[-1], np.uint8)
    _put(out, starts, np.broadcast_to(header, (n_rows, header.size)))
    for field, place in zip(fields, places, strict=True):
        field.put(out, starts + place)
    return out.data


def _put(out: Bytes, places: Numbers, values: Bytes) -> None:
    """Write the rows of a matrix of bytes, each to its place."""
    if values.size:
        windows = np.lib.stride_tricks.sliding_window_view(out, values.shape[1], writeable=True)
        windows[places] = values


def _put_lengths(out: Bytes, places: Numbers, lengths: Numbers) -> None:
    _put(out, places, lengths.astype(">i4").view(np.uint8).reshape(-1, 4))


def _fields(array: pa.Array, column: Column, *, packed: bool) -> _Fields:
    """The fields of one column."""
    try:
        if column.type == "text":
            return _texts(array)
        if column.type in _ELEMENTS:
            return _lists(array, _ELEMENTS[column.type], packed=packed)
        return _scalars(array, _SCALARS[column.type])
    except pa.ArrowInvalid as error:
        message = f"column {column.name}: {column.type} expected, found {array.type} ({error})"
        raise ValueError(message) from error


def _texts(array: pa.Array) -> _Fields:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not (pa.types.is_string(array.type) or pa.types.is_null(array.type)):
        message = "not a text"
        raise pa.ArrowInvalid(message)
    array = array.cast(pa.string())
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    content = np.frombuffer(data or b"", np.uint8)
    # What lies behind a null is not told.
    is_null = array.is_null().to_numpy(zero_copy_only=False)
    lengths = np.where(is_null, 0, np.diff(bounds)).astype(np.int64)

    def put(out: Bytes, places: Numbers) -> None:
        _put_lengths(out, places, np.where(is_null, -1, lengths))
        within = _counted(lengths)
        origin = np.repeat(bounds[:-1].astype(np.int64), lengths) + within
        out[np.repeat(places + 4, lengths) + within] = content[origin]

    return _Fields(4 + lengths, put)


def _counted(lengths: Numbers) -> Numbers:
    """0, 1, … for each length in turn."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _scalars(array: pa.Array, scalar: _Scalar) -> _Fields:
    values = _wire(array, scalar)
    is_null = array.is_null().to_numpy(zero_copy_only=False)
    sizes = np.where(is_null, 4, values.shape[1])

    def put(out: Bytes, places: Numbers) -> None:
        _put(out, places[~is_null], values[~is_null])
        nulls = places[is_null]
        _put_lengths(out, nulls, np.full(len(nulls), -1))

    return _Fields(sizes, put)


def _lists(array: pa.Array, element: _Scalar, *, packed: bool) -> _Fields:
    array = array.cast(pa.list_(element.arrow))
    flat = array.flatten()
    if flat.null_count:
        message = f"{flat.null_count} nulls among the elements"
        raise pa.ArrowInvalid(message)
    values = flat.to_numpy(zero_copy_only=False) if packed else _wire(flat, element)
    content = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
    lengths = array.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
    width = content.size // len(flat) if len(flat) else 0
    inside = np.maximum(lengths, 0).astype(np.int64) * width
    starts = np.cumsum(inside) - inside
    kinds, kind = np.unique(lengths, return_inverse=True)
    oid = None if packed else element.oid
    heads = [np.frombuffer(_header(int(length), width, oid), np.uint8) for length in kinds]
    sizes = np.array([head.size for head in heads], np.int64)[kind] + inside

    def put(out: Bytes, places: Numbers) -> None:
        if len(heads) == 1:
            # All are of one length.
            head = np.broadcast_to(heads[0], (len(places), heads[0].size))
            _put(out, places, head)
            _put(out, places + heads[0].size, content.reshape(len(places), inside[0]))
            return
        # Arrays are long: a step for each is little against the copy of its elements.
        for row, place in enumerate(places):
            head, start, size = heads[kind[row]], starts[row], inside[row]
            body = place + head.size
            out[place:body] = head
            out[body : body + size] = content[start : start + size]

    return _Fields(sizes, put)


def _header(length: int, width: int, oid: int | None) -> bytes:
    """What stands before the elements of an array; without `oid` they are packed."""
    if length < 0:
        return struct.pack("!i", -1)
    if oid is None:
        return struct.pack("!i", length * width)
    if length == 0:
        return struct.pack("!iiii", 12, 0, 0, oid)
    return struct.pack("!iiiiii", 20 + length * width, 1, 0, oid, length, 1)


def _wire(array: pa.Array, scalar: _Scalar) -> Bytes:
    """The values, each with its length in front, as a matrix of bytes; a null is any value."""
    array = array.cast(scalar.arrow)
    if scalar.wire == ">i8":
        array = array.cast(pa.int64())
    if array.null_count:
        array = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    values = array.to_numpy(zero_copy_only=False)
    if pa.types.is_timestamp(scalar.arrow):
        values = values - _EPOCH_MICROSECONDS
    wire = np.empty(values.size, dtype=[("length", ">i4"), ("value", scalar.wire)])
    wire["length"] = np.dtype(scalar.wire).itemsize
    wire["value"] = values
    return wire.view(np.uint8).reshape(values.size, wire.itemsize)
