"""The tables are those of vospec.columns, and faults of PostgreSQL are one clear sentence."""

from pathlib import Path
from typing import Any

import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from tests.publication.test_loading import stored_rows
from vospec.columns import (
    FEATURES,
    GRID,
    LABELS,
    NEIGHBOURS,
    OBJECT_TYPES,
    PAIRS,
    PUBLISHED_CANDIDATES,
    RELIABILITY,
    RUNS,
    SCORE_CHANGES,
    SCORES,
    SIMBAD,
    SPECTRA,
    THRESHOLDS,
    VERDICT_RULES,
    Column,
)
from vospec.errors import DatabaseError
from vospec.publication import (
    Content,
    connect,
    create_tables,
    current_run,
    kept_runs,
    publish,
    rollback,
)

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
    "object_types": OBJECT_TYPES.columns,
    "verdict_rules": VERDICT_RULES.columns,
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
def test_the_planner_learns_what_it_needs(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    known = connection.execute(
        "SELECT relname, reltuples FROM pg_class WHERE relnamespace = 'vospec'::regnamespace"
    ).fetchall()
    rows: dict[str, float] = dict(known)  # type: ignore[arg-type]
    assert rows["current_run"] == 1
    assert rows["score_records"] == len(samples.SURVEY)
    assert rows["spectra"] == len(samples.USABLE) + 1
    # Of thousands of array elements statistics would take longer than their copy.
    told = connection.execute(
        "SELECT tablename, attname FROM pg_stats WHERE schemaname = 'vospec'"
        " AND tablename = 'features' AND attname IN ('flux', 'peak_height')"
    )
    assert told.fetchall() == [("features", "peak_height")]


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
def test_tables_of_an_earlier_version_are_taken_over(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    before = stored_rows(connection, "scores")
    # Scores were a table of their own name, with other keys; there were no originals.
    connection.execute("DROP VIEW vospec.scores, vospec.score_changes")
    connection.execute("ALTER TABLE vospec.score_records RENAME TO scores")
    for name in _partitions(connection, "scores"):
        new = name.replace("score_records", "scores")
        connection.execute(f"ALTER TABLE vospec.{name} RENAME TO {new}")  # type: ignore[arg-type]
    connection.execute("ALTER INDEX vospec.score_records_index_0 RENAME TO scores_index_0")
    connection.execute("ALTER TABLE vospec.scores DROP CONSTRAINT score_records_pkey")
    connection.execute("ALTER TABLE vospec.scores ADD PRIMARY KEY (run_id, spectrum_id)")
    connection.execute("ALTER TABLE vospec.current_run DROP left_run_id, DROP previous_run_id")
    connection.execute("DROP TABLE vospec.originals")
    connection.execute("ALTER TABLE vospec.pixels DROP origin")
    connection.execute("UPDATE vospec.loads SET fingerprint = split_part(fingerprint, ' ', 1)")
    with pytest.raises(DatabaseError, match="of an earlier version; vospec publish makes them"):
        kept_runs(connection)
    create_tables(connection)
    assert stored_rows(connection, "scores") == before
    publish(connection, run_id="second", contents=samples.contents("second"))
    assert {row["run_id"] for row in stored_rows(connection, "scores")} == {"first", "second"}
    assert len(_partitions(connection, "score_records")) == 2
    (indexes,) = connection.execute(
        "SELECT count(*) FROM pg_indexes"
        " WHERE schemaname = 'vospec' AND tablename = 'score_records'"
    ).fetchone() or (0,)
    assert indexes == 2
    (n_originals,) = connection.execute("SELECT count(*) FROM vospec.originals").fetchone() or (0,)
    assert n_originals == len(samples.USABLE)
    assert rollback(connection) == "first"


def _partitions(connection: Connection, table: str) -> list[str]:
    found = connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = to_regclass(%s) AND relkind = 'r'",
        (f"vospec.{table}",),
    )
    return [row[0] for row in found]


@pytest.mark.service
def test_nobody_waits_for_tables_that_are_there(connection: Connection, reader: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    connection.execute("SET lock_timeout = '1s'")
    with reader.transaction():
        for name in (*_EXPECTED, "pixels", "current_run", "verdicts"):
            reader.execute(f"SELECT FROM vospec.{name}")  # type: ignore[arg-type]
        create_tables(connection)


@pytest.mark.service
def test_missing_pgsphere_is_named(address: dict[str, Any]) -> None:
    # The database postgres of the same server has no extension.
    with (
        connect(**(address | {"database": "postgres", "user": "dachsroot"})) as elsewhere,
        pytest.raises(DatabaseError, match=r"making the tables of schema vospec: .*spoly"),
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
