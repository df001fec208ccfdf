"""Publications are whole, repeatable and invisible until they are done."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from psycopg import sql

from tests.publication import samples
from tests.publication.conftest import Connection
from vospec.columns import (
    CANDIDATES,
    FEATURES,
    GRID,
    LABELS,
    NEIGHBOURS,
    OBJECT_TYPES,
    PAIRS,
    RELIABILITY,
    RUNS,
    SCORES,
    SIMBAD,
    SPECTRA,
    THRESHOLDS,
    VERDICT_RULES,
)
from vospec.errors import DatabaseError
from vospec.publication import Content, current_run, publish
from vospec.publication.contents import OF_A_RUN
from vospec.publication.database import names, qualified

pytestmark = pytest.mark.service

_TABLES = {
    "spectra": SPECTRA,
    "features": FEATURES,
    "grid": GRID,
    "labels": LABELS,
    "simbad": SIMBAD,
    "object_types": OBJECT_TYPES,
    "verdict_rules": VERDICT_RULES,
    "pairs": PAIRS,
    "runs": RUNS,
    "reliability": RELIABILITY,
    "thresholds": THRESHOLDS,
    "scores": SCORES,
    "candidates": CANDIDATES,
    "neighbours": NEIGHBOURS,
}


def stored_rows(connection: Connection, name: str) -> list[dict[str, Any]]:
    """All rows of a table or view, in the order of its key."""
    order = sql.SQL(", ").join(map(sql.Identifier, _TABLES[name].key))
    columns = names(_TABLES[name].published)
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(columns, qualified(name), order)
    # In binary: as text a real has only the digits that tell it from its neighbours.
    cursor = connection.execute(query, binary=True)
    assert cursor.description is not None
    found = [column.name for column in cursor.description]
    return [dict(zip(found, row, strict=True)) for row in cursor]


def expected_rows(batches: list[pa.RecordBatch], name: str) -> list[dict[str, Any]]:
    """Rows as they must be found in a table or view."""
    table = _TABLES[name]
    rows = pa.Table.from_batches(batches).select([column.name for column in table.published])
    naive = [
        field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field
        for field in rows.schema
    ]
    listed: list[dict[str, Any]] = rows.cast(pa.schema(naive)).to_pylist()
    return sorted(listed, key=lambda row: [row[name] for name in table.key])


def seen(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """All that readers see."""
    return {name: stored_rows(connection, name) for name in _TABLES}


@pytest.mark.parametrize("name", [name for name in _TABLES if name != "runs"])
def test_every_content_arrives(connection: Connection, name: str) -> None:
    contents = samples.contents("first")
    loaded = publish(connection, run_id="first", contents=contents)
    expected = expected_rows(list(contents[name].batches), name)
    assert stored_rows(connection, name) == expected
    assert loaded[name] == len(expected)


def test_run_is_current(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    assert current_run(connection) == "first"
    (expected,) = expected_rows(samples.runs("first"), "runs")
    assert stored_rows(connection, "runs") == [expected | {"state": "current"}]


def test_pixels_of_usable_spectra_arrive(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    found = connection.execute(
        "SELECT spectrum_id, spectral_axis, flux, ivar, mask FROM vospec.pixels"
    ).fetchall()
    assert {row[0] for row in found} == set(samples.USABLE)
    for spectrum_id, axis, flux, ivar, mask in found:
        assert np.array_equal(np.frombuffer(axis, "<f8"), samples.axis(spectrum_id))
        assert np.array_equal(np.frombuffer(flux, "<f4"), samples.flux(spectrum_id))
        assert np.array_equal(np.frombuffer(mask, "?"), samples.mask(spectrum_id))
        assert (ivar is None) == (spectrum_id == samples.TRAINING)


def test_publishing_again_reads_and_changes_nothing(connection: Connection) -> None:
    def unread() -> Iterator[pa.RecordBatch]:
        message = "what is loaded already must not be read"
        raise AssertionError(message)
        yield

    contents = samples.contents("first")
    publish(connection, run_id="first", contents=contents)
    again = {name: Content(unread(), content.fingerprint) for name, content in contents.items()}
    assert publish(connection, run_id="first", contents=again) == {}
    assert len(stored_rows(connection, "candidates")) == len(samples.SURVEY)


def test_changed_contents_replace_the_old_ones(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    changed = samples.contents("first", scale=0.5)
    loaded = publish(connection, run_id="first", contents=changed)
    assert set(loaded) == {*_TABLES, "pixels"}
    for name in ("spectra", "scores", "candidates"):
        expected = expected_rows(list(changed[name].batches), name)
        assert stored_rows(connection, name) == expected


def test_candidates_and_evidence_follow_the_current_run_and_scores_keep_all(
    connection: Connection,
) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    second = samples.contents("second", scale=0.5)
    publish(connection, run_id="second", contents=second, make_current=False)
    for name in ("candidates", "neighbours"):
        assert {row["run_id"] for row in stored_rows(connection, name)} == {"first"}
    publish(connection, run_id="second", contents=second)
    for name in ("candidates", "neighbours"):
        assert {row["run_id"] for row in stored_rows(connection, name)} == {"second"}
    assert {row["run_id"] for row in stored_rows(connection, "scores")} == {"first", "second"}
    states = {row["run_id"]: row["state"] for row in stored_rows(connection, "runs")}
    assert states == {"first": "kept", "second": "current"}


def test_several_runs_are_told_in_one_step(connection: Connection, reader: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    second, third = (samples.contents(name, scale=0.5) for name in ("second", "third"))
    other = {name: third[name] for name in OF_A_RUN}
    told: list[set[str]] = []
    loaded = publish(
        connection,
        run_id="second",
        contents=second,
        others={"third": other},
        progress=lambda *_: told.append(
            {str(row["run_id"]) for row in stored_rows(reader, "runs")}
        ),
    )
    assert loaded["scores"] == 2 * len(samples.SURVEY)
    assert set(map(frozenset, told)) == {frozenset({"first"})}
    states = {row["run_id"]: row["state"] for row in stored_rows(reader, "runs")}
    assert states == {"first": "kept", "second": "current", "third": "kept"}
    with pytest.raises(ValueError, match=r"contents \['grid'\] given"):
        publish(connection, run_id="second", contents=second, others={"x": {"grid": third["grid"]}})


def test_a_run_may_have_a_long_name(connection: Connection) -> None:
    one, other = "x" * 100 + "1", "x" * 100 + "2"
    publish(connection, run_id=one, contents=samples.contents(one))
    publish(connection, run_id=other, contents=samples.contents(other))
    assert {row["run_id"] for row in stored_rows(connection, "scores")} == {one, other}


def test_readers_see_the_old_run_until_the_new_one_is_whole(
    connection: Connection, reader: Connection
) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    seen = []

    def watched(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            # The rows of the batch before are in the database by now.
            seen.append((current_run(reader), len(stored_rows(reader, "scores"))))

    second = samples.contents("second", scale=0.5)
    slow = {
        name: Content(watched(list(content.batches)), content.fingerprint)
        for name, content in second.items()
    }
    publish(connection, run_id="second", contents=slow)
    n = len(samples.SURVEY)
    assert seen
    assert set(seen) == {("first", n)}
    assert (current_run(reader), len(stored_rows(reader, "scores"))) == ("second", 2 * n)


def test_a_fault_in_the_rows_changes_nothing(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    second = samples.contents("second")
    twice = Content([*second["scores"].batches, *second["scores"].batches], "twice")
    with pytest.raises(DatabaseError, match=r"publishing run second: .*could not create unique"):
        publish(connection, run_id="second", contents=second | {"scores": twice})
    assert current_run(connection) == "first"
    assert {row["run_id"] for row in stored_rows(connection, "scores")} == {"first"}


def test_rows_of_another_run_are_refused(connection: Connection) -> None:
    mixed = samples.contents("first") | {"scores": Content(samples.scores("other"), "x")}
    with pytest.raises(ValueError, match=r"scores of run first expected, found .*'other'"):
        publish(connection, run_id="first", contents=mixed)
    assert current_run(connection) is None
    assert stored_rows(connection, "spectra") == []


def test_a_run_without_record_cannot_be_current(connection: Connection) -> None:
    with pytest.raises(DatabaseError, match=r"publishing run ghost: .*current_run"):
        publish(connection, run_id="ghost", contents={})


def test_unknown_contents_are_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match=r"contents \['pictures'\] given, allowed are"):
        publish(connection, run_id="first", contents={"pictures": Content([], "x")})


def test_progress_is_told(connection: Connection) -> None:
    told: list[tuple[str, int]] = []
    publish(
        connection,
        run_id="first",
        contents=samples.contents("first"),
        progress=lambda name, count: told.append((name, count)),
    )
    assert [rows for name, rows in told if name == "spectra"] == [5, len(samples.USABLE) + 1]
    assert {name for name, _ in told} == {*_TABLES, "pixels"}
