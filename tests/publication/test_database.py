"""The tables are those of vospec.columns, and faults of PostgreSQL are one clear sentence."""

from pathlib import Path
from typing import Any

import pytest

from tests.publication.conftest import Connection
from vospec.columns import (
    CANDIDATES,
    FEATURES,
    GRID,
    LABELS,
    NEIGHBOURS,
    RUNS,
    SCORES,
    SPECTRA,
    Column,
)
from vospec.errors import DatabaseError
from vospec.publication import connect, create_tables, current_run

_EXPECTED = {
    "spectra": SPECTRA.published,
    "features": FEATURES.columns,
    "grid": GRID.columns,
    "labels": LABELS.columns,
    "runs": RUNS.columns,
    "scores": SCORES.columns,
    "candidates": CANDIDATES.columns,
    "neighbours": NEIGHBOURS.columns,
    "feature_summary": tuple(column for column in FEATURES if column.name != "flux"),
}


@pytest.mark.service
@pytest.mark.parametrize("name", _EXPECTED)
def test_tables_and_views_have_the_declared_columns(connection: Connection, name: str) -> None:
    found = connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 ORDER BY attnum",
        (f"vospec.{name}",),
    ).fetchall()
    assert found == [(column.name, _type(column)) for column in _EXPECTED[name]]


def _type(column: Column) -> str:
    return column.type.replace("timestamp", "timestamp without time zone")


@pytest.mark.service
def test_tables_are_made_once(connection: Connection) -> None:
    connection.execute("INSERT INTO vospec.grid VALUES (1, 2.0, 3.0)")
    create_tables(connection)
    assert connection.execute("SELECT * FROM vospec.grid").fetchall() == [(1, 2.0, 3.0)]
    assert current_run(connection) is None


@pytest.mark.service
def test_missing_pgsphere_is_named(address: dict[str, Any]) -> None:
    # The database postgres of the same server has no extension.
    with (
        connect(**(address | {"database": "postgres", "user": "dachsroot"})) as elsewhere,
        pytest.raises(DatabaseError, match=r"schema vospec cannot be made: .*spoint"),
    ):
        create_tables(elsewhere)


@pytest.mark.service
@pytest.mark.parametrize(("key", "value"), [("database", "nothing"), ("user", "nobody_here")])
def test_what_does_not_exist_is_named(address: dict[str, Any], key: str, value: str) -> None:
    with pytest.raises(DatabaseError, match=rf'{address["host"]}.*"{value}" does not exist'):
        connect(**(address | {key: value}))


def test_where_nobody_answers_the_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=rf"PostgreSQL at {tmp_path}, port 6000"):
        connect(host=str(tmp_path), port=6000)
