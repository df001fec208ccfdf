"""The tables are those of vospec.columns, and faults of PostgreSQL are one clear sentence."""

from pathlib import Path
from typing import Any

import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from vospec.columns import (
    FEATURES,
    GRID,
    LABELS,
    NEIGHBOURS,
    PAIRS,
    PUBLISHED_CANDIDATES,
    RELIABILITY,
    RUNS,
    SCORE_CHANGES,
    SCORES,
    SIMBAD,
    SPECTRA,
    THRESHOLDS,
    Column,
)
from vospec.errors import DatabaseError
from vospec.publication import Content, connect, create_tables, current_run, publish

_EXPECTED = {
    "spectra": SPECTRA.published,
    "features": FEATURES.columns,
    "grid": GRID.columns,
    "labels": LABELS.columns,
    "runs": RUNS.columns,
    "reliability": RELIABILITY.columns,
    "thresholds": THRESHOLDS.columns,
    "scores": SCORES.columns,
    "candidates": PUBLISHED_CANDIDATES.columns,
    "neighbours": NEIGHBOURS.columns,
    "simbad": SIMBAD.columns,
    "score_changes": SCORE_CHANGES.columns,
    "pairs": PAIRS.columns,
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
def test_columns_of_a_later_version_are_added(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    for view in ("runs", "candidates"):
        connection.execute(f"DROP VIEW vospec.{view}")
    connection.execute("ALTER TABLE vospec.run_records DROP COLUMN target_share")
    connection.execute("ALTER TABLE vospec.candidate_records DROP COLUMN snr")
    connection.execute("CREATE VIEW vospec.runs AS SELECT run_id, n_iter FROM vospec.run_records")
    create_tables(connection)
    found = connection.execute("SELECT run_id, n_iter, target_share FROM vospec.runs").fetchall()
    assert found == [("first", 20, None)]
    assert connection.execute("SELECT count(snr), count(*) FROM vospec.candidates").fetchall() == [
        (0, len(samples.SURVEY))
    ]
    again = {
        name: Content(each.batches, "again") for name, each in samples.contents("first").items()
    }
    publish(connection, run_id="first", contents=again)
    assert connection.execute("SELECT target_share FROM vospec.runs").fetchall() == [(0.01,)]


@pytest.mark.service
def test_missing_pgsphere_is_named(address: dict[str, Any]) -> None:
    # The database postgres of the same server has no extension.
    with (
        connect(**(address | {"database": "postgres", "user": "dachsroot"})) as elsewhere,
        pytest.raises(DatabaseError, match=r"schema vospec cannot be made: .*spoly"),
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
