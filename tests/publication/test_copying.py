"""Rows go into PostgreSQL as they are: PostgreSQL itself tells what arrived."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from psycopg import sql

from tests.publication.conftest import Connection
from vospec.columns import Column, Table, Type
from vospec.publication import copying

COLUMN = Column("value", "real", "", "", "")

#: Limits, zero, the ordinary and nothing, by type.
VALUES: dict[Type, list[Any]] = {
    "text": ["", "Hα 'quoted'\n\t\\N", "x" * 5000, None],
    "boolean": [True, False, None],
    "smallint": [-(2**15), 2**15 - 1, 0, None],
    "integer": [-(2**31), 2**31 - 1, 0, None],
    "bigint": [-(2**63), 2**63 - 1, 2**53 + 1, None],
    "real": [0.0, -1.5, float(np.finfo("f4").max), float("inf"), None],
    "double precision": [1 / 3, 1e300, float("-inf"), None],
    "timestamp": [
        datetime(1999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - the column has no zone
        datetime(2000, 1, 1),  # noqa: DTZ001 - as above
        datetime(2262, 4, 11, 1, 2, 3, 4),  # noqa: DTZ001 - as above
        None,
    ],
    "boolean[]": [[True, False, True], [], None],
    "real[]": [[1.5, -0.25, float("inf")], [], None, [3.0]],
    "double precision[]": [[1 / 3, 2.0], None, [], [1e-300]],
}


def _column(kind: Type) -> Column:
    return Column("value", kind, "", "", "")


def _load(
    connection: Connection, batch: pa.RecordBatch, column: Column, *, packed: bool = False
) -> list[Any]:
    """What a table holds after the rows went into it."""
    kind = sql.SQL("bytea" if packed else column.type)
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE loaded (value {})").format(kind))
    with connection.cursor() as cursor:
        with cursor.copy("COPY loaded FROM STDIN (FORMAT binary)") as copy:
            copy.write(copying.SIGNATURE)
            for rows in copying.rows(batch, [column], packed=packed):
                copy.write(rows)
            copy.write(copying.TRAILER)
        found = [row[0] for row in cursor.execute("SELECT value FROM loaded", binary=True)]
    connection.execute("DROP TABLE loaded")
    return found


@pytest.mark.service
@pytest.mark.parametrize("kind", VALUES)
def test_values_arrive(connection: Connection, kind: Type) -> None:
    batch = pa.record_batch({"value": pa.array(VALUES[kind])})
    assert _load(connection, batch, _column(kind)) == VALUES[kind]


@pytest.mark.service
def test_nan_arrives(connection: Connection) -> None:
    batch = pa.record_batch({"value": pa.array([[1.0, float("nan")]])})
    (found,) = _load(connection, batch, _column("real[]"))
    assert np.array_equal(found, [1.0, np.nan], equal_nan=True)


@pytest.mark.service
def test_time_zones_become_utc(connection: Connection) -> None:
    given = pa.array([datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)]).cast(
        pa.timestamp("us", tz="Europe/Prague")
    )
    found = _load(connection, pa.record_batch({"value": given}), _column("timestamp"))
    assert found == [datetime(2024, 1, 2, 3, 4, 5, 6)]  # noqa: DTZ001 - the column has no zone


@pytest.mark.service
def test_slices_and_other_arrow_types_arrive(connection: Connection) -> None:
    lists = [[float(i)] * (i % 3) for i in range(2000)]
    whole = pa.array(lists, pa.large_list(pa.float64()))
    batch = pa.record_batch({"value": whole}).slice(700, 1100)
    assert _load(connection, batch, _column("real[]")) == lists[700:1800]
    fixed = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float64(), 2))
    found = _load(connection, pa.record_batch({"value": fixed}), _column("real[]"))
    assert found == fixed.to_pylist()
    words = pa.array(["a", None, "a"]).dictionary_encode()
    found = _load(connection, pa.record_batch({"value": words}), _column("text"))
    assert found == words.to_pylist()


@pytest.mark.service
@pytest.mark.parametrize(
    ("kind", "dtype"), [("real[]", "<f4"), ("double precision[]", "<f8"), ("boolean[]", "?")]
)
def test_packed_arrays_are_little_endian_bytes(
    connection: Connection, kind: Type, dtype: str
) -> None:
    batch = pa.record_batch({"value": pa.array(VALUES[kind])})
    found = _load(connection, batch, _column(kind), packed=True)
    values = [None if b is None else np.frombuffer(b, dtype).tolist() for b in found]
    assert values == VALUES[kind]


@pytest.mark.service
@pytest.mark.parametrize("packed", [False, True])
def test_rows_of_many_columns_arrive(connection: Connection, packed: bool) -> None:  # noqa: FBT001 - a parameter
    # More rows than are laid out at once, with nulls and lengths that differ from row to row.
    n_rows = 20_000
    columns = {f"column{place}": kind for place, kind in enumerate((*VALUES, *VALUES))}
    values = {
        name: [VALUES[kind][(row * (place + 1)) % len(VALUES[kind])] for row in range(n_rows)]
        for place, (name, kind) in enumerate(columns.items())
    }
    table = Table(
        "many", "", tuple(Column(name, kind, "", "", "") for name, kind in columns.items()), ()
    )
    kinds = [
        sql.SQL("{} {}").format(
            sql.Identifier(name), sql.SQL("bytea" if packed and "[]" in kind else kind)
        )
        for name, kind in columns.items()
    ]
    connection.execute(sql.SQL("CREATE TABLE vospec.many ({})").format(sql.SQL(", ").join(kinds)))
    batch = pa.record_batch({name: pa.array(column) for name, column in values.items()})
    laid_out = copying.rows(batch, table, packed=packed)
    copying.copy(connection, laid_out, table, sql.Identifier("vospec", "many"))
    found = connection.execute("SELECT * FROM vospec.many", binary=True).fetchall()
    if not packed:
        assert found == list(zip(*values.values(), strict=True))
    assert len(found) == n_rows


def test_a_row_is_laid_out_as_documented() -> None:
    batch = pa.record_batch({"value": pa.array([1.0, None])})
    (rows,) = copying.rows(batch, [COLUMN])
    # One field of four bytes; one field that is NULL.
    assert rows == struct.pack("!hif", 1, 4, 1.0) + struct.pack("!hi", 1, -1)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match=r"columns \['value'\] expected, found \['other'\]"):
        list(copying.rows(pa.record_batch({"other": [1]}), [COLUMN]))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("smallint", pa.array([40000])),
        ("integer", pa.array([1.5])),
        ("real[]", pa.array([[1.0, None]])),
        ("double precision", pa.array(["many"])),
    ],
)
def test_what_does_not_fit_is_refused(kind: Type, values: pa.Array) -> None:
    with pytest.raises(ValueError, match=rf"column value: {kind.replace('[]', '..')} expected"):
        list(copying.rows(pa.record_batch({"value": values}), [_column(kind)]))


def test_one_item_is_taken_ahead_and_no_more() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            taken.append(number)
            yield number

    for seen, number in enumerate(copying.ahead(items())):
        assert number == seen
        assert len(taken) <= seen + 2
    assert taken == [0, 1, 2, 3, 4]
    assert list(copying.ahead([])) == []


def test_what_fails_ahead_is_told_in_its_turn() -> None:
    def items() -> Iterator[int]:
        yield 1
        message = "broken"
        raise ValueError(message)

    coming = copying.ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="broken"):
        next(coming)
