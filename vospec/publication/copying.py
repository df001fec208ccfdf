"""Arrow record batches as PostgreSQL's binary COPY.

Loading arrays of thousands of pixels through text, or value by value, takes
minutes where this takes seconds: the values of a column are laid out at once,
and a row is a join of slices.

The format is that of the PostgreSQL documentation, "COPY, Binary Format"; an
array is a header (dimensions, null flag, element type, length, lower bound)
followed by its elements, each with its length in front.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vospec.columns import Column, Type

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)

#: PostgreSQL counts timestamps in µs from 2000-01-01, Arrow from 1970-01-01.
_EPOCH_MICROSECONDS = 946_684_800_000_000

#: Rows that are laid out at once; bounds the memory for long arrays.
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class _Scalar:
    """How a type looks in Arrow and on the wire, and PostgreSQL's number for it."""

    arrow: pa.DataType
    wire: str
    oid: int


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


def rows(
    batch: pa.RecordBatch, columns: Iterable[Column], *, packed: bool = False
) -> Iterator[bytes]:
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
    bytes
        Some hundreds of rows, without the signature and trailer of the stream.

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
    count = struct.pack("!h", len(columns))
    for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
        part = batch.slice(start, _ROWS_AT_ONCE)
        fields = [_fields(part.column(column.name), column, packed=packed) for column in columns]
        yield b"".join(piece for row in zip(*fields, strict=True) for piece in (count, *row))


def _fields(array: pa.Array, column: Column, *, packed: bool) -> list[bytes]:
    """The fields of one column, each with its length in front, NULL as length -1."""
    try:
        if column.type == "text":
            return _texts(array)
        if column.type in _ELEMENTS:
            return _lists(array, _ELEMENTS[column.type], packed=packed)
        return _scalars(array, _SCALARS[column.type])
    except pa.ArrowInvalid as error:
        message = f"column {column.name}: {column.type} expected, found {array.type} ({error})"
        raise ValueError(message) from error


def _texts(array: pa.Array) -> list[bytes]:
    encoded = (None if text is None else text.encode() for text in array.to_pylist())
    return [_NULL if text is None else struct.pack("!i", len(text)) + text for text in encoded]


def _scalars(array: pa.Array, scalar: _Scalar) -> list[bytes]:
    values = _wire(array, scalar)
    width = values.dtype.itemsize
    buffer = values.tobytes()
    fields = [buffer[i : i + width] for i in range(0, len(buffer), width)]
    for i in np.flatnonzero(array.is_null()):
        fields[i] = _NULL
    return fields


def _lists(array: pa.Array, element: _Scalar, *, packed: bool) -> list[bytes]:
    array = array.cast(pa.list_(element.arrow))
    flat = array.flatten()
    if flat.null_count:
        message = f"{flat.null_count} nulls among the elements"
        raise pa.ArrowInvalid(message)
    values = flat.to_numpy(zero_copy_only=False) if packed else _wire(flat, element)
    width = values.dtype.itemsize
    buffer = values.tobytes()
    fields, start = [], 0
    for length in array.value_lengths().to_pylist():
        if length is None:
            fields.append(_NULL)
            continue
        size = length * width
        header = struct.pack("!i", size) if packed else _array_header(length, width, element.oid)
        fields.append(header + buffer[start : start + size])
        start += size
    return fields


def _array_header(length: int, width: int, oid: int) -> bytes:
    """Field length, dimensions, null flag, element type; length and bound unless empty."""
    if length == 0:
        return struct.pack("!iiii", 12, 0, 0, oid)
    return struct.pack("!iiiiii", 20 + length * width, 1, 0, oid, length, 1)


def _wire(array: pa.Array, scalar: _Scalar) -> NDArray[np.void]:
    """The values, each with its length in front; a null is any value."""
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
    return wire
