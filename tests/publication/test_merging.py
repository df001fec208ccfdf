"""Of what all runs share only rows that are new, changed or gone are touched."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from tests.publication.test_adding import late
from tests.publication.test_loading import expected_rows, stored_rows
from vospec.columns import FAILED, NOTHING, SIMBAD, Verdict
from vospec.errors import DatabaseError
from vospec.publication import Content, add, publish

pytestmark = pytest.mark.service

#: Tables that hold a row a spectrum.
_TABLES = ("spectra", "features", "pixels", "originals")


def _rows(connection: Connection, table: str) -> dict[str, tuple[Any, ...]]:
    """Where each row stands and who wrote it."""
    found = connection.execute(
        f"SELECT spectrum_id, ctid::text, xmin::text FROM vospec.{table}"  # type: ignore[arg-type]  # noqa: S608 - our own names
    )
    return {row[0]: row[1:] for row in found}


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    (batch,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return batch


def _with(batch: pa.RecordBatch, name: str, values: list[Any]) -> pa.RecordBatch:
    place = batch.schema.get_field_index(name)
    return batch.set_column(
        place, batch.schema.field(place), pa.array(values, batch.column(place).type)
    )


def _release() -> dict[str, Content]:
    """The samples with a spectrum that is gone, one that is changed, and others that are new."""
    contents = samples.contents("first")
    new = late()
    released = {}
    for name in ("spectra", "pixels", "features"):
        batch = _joined(list(contents[name].batches)).slice(1)
        if "object" in batch.schema.names:
            batch = _with(batch, "object", ["Changed", *batch.column("object").to_pylist()[1:]])
        released[name] = Content([batch, *new[name].batches], "release")
    return released


def test_a_new_release_touches_only_what_differs(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    before = {table: _rows(connection, table) for table in _TABLES}
    released = _release()
    publish(connection, run_id="first", contents=released)
    gone, changed = samples.SURVEY[0], samples.SURVEY[1]
    for table in _TABLES:
        after = _rows(connection, table)
        touched = {name for name in before[table] if after.get(name) != before[table][name]}
        assert touched == ({gone, changed} if table == "spectra" else {gone}), table
        assert gone not in after
    for name in ("spectra", "features"):
        batches = list(released[name].batches)
        assert stored_rows(connection, name) == expected_rows(batches, name)
    pixels = _rows(connection, "pixels")
    usable = {*samples.USABLE[1:], *(f"{name}/late" for name in samples.USABLE)}
    assert pixels.keys() == usable


def test_the_same_rows_under_another_fingerprint_touch_nothing(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    tables = (*_TABLES, "labels", "simbad", "verdicts")
    before = {table: _rows(connection, table) for table in tables}
    again = samples.contents("first")
    names = ("spectra", "pixels", "features", "grid", "labels", "simbad", "pairs")
    same = {name: Content(again[name].batches, "again") for name in names}
    assert publish(connection, run_id="first", contents=same)["spectra"] == len(samples.USABLE) + 1
    assert {table: _rows(connection, table) for table in tables} == before


def test_readers_see_a_release_in_one_step(connection: Connection, reader: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    before = {name: stored_rows(reader, name) for name in ("spectra", "features")}
    seen = 0

    def watched(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        nonlocal seen
        for batch in batches:
            yield batch
            assert {name: stored_rows(reader, name) for name in before} == before
            assert _products(reader) == len(samples.USABLE)
            seen += 1

    released = {
        name: Content(watched(list(content.batches)), content.fingerprint)
        for name, content in _release().items()
    }
    publish(connection, run_id="first", contents=released)
    assert seen > 5
    assert _products(reader) == 2 * len(samples.USABLE) - 1


def _products(connection: Connection) -> Any:  # noqa: ANN401 - whatever SQL gives
    """Spectra of which products can be made."""
    query = "SELECT count(*) FROM vospec.spectra JOIN vospec.pixels USING (spectrum_id)"
    (number,) = connection.execute(query).fetchone() or (None,)
    return number


@pytest.mark.parametrize("name", ["spectra", "features"])
def test_two_rows_of_one_key_are_refused(connection: Connection, name: str) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    batches = list(samples.contents("first")[name].batches)
    twice = {name: Content([*batches, *batches], "twice")}
    with pytest.raises(DatabaseError, match="could not create unique index"):
        publish(connection, run_id="first", contents=twice)
    assert stored_rows(connection, name) == expected_rows(batches, name)


def test_what_was_compared_is_compared_anew_after_an_addition(
    connection: Connection, reader: Connection
) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    released = _release()

    def added() -> Iterator[pa.RecordBatch]:
        # Comes after all comparisons, and its rows are none of the run.
        yield from samples.runs("other")

    broken = released | {"runs": Content(added(), "broken")}
    with pytest.raises(ValueError, match="rows of"):
        publish(connection, run_id="first", contents=broken)
    add(reader, run_id="first", contents=late(name="other"))
    publish(connection, run_id="first", contents=released)
    for name in ("spectra", "features"):
        batches = list(released[name].batches)
        assert stored_rows(connection, name) == expected_rows(batches, name)


def test_only_verdicts_that_follow_from_new_answers_change(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    before = _rows(connection, "verdicts")
    (known,) = samples.simbad()
    asked = datetime(2025, 1, 1, tzinfo=UTC)
    answer = {"spectrum_id": samples.SURVEY[3], "asked_at": asked, "radius": 3.0, "n_sources": 0}
    answer |= {"state": NOTHING, "verdict": Verdict.NOT_IN_SIMBAD}
    failed = {"spectrum_id": samples.SURVEY[1], "asked_at": asked, "state": FAILED}
    more = samples.batch(SIMBAD, [answer, failed])
    publish(connection, run_id="first", contents={"simbad": Content([known, more], "more")})
    after = _rows(connection, "verdicts")
    assert {name for name in after if after[name] != before.get(name)} == {samples.SURVEY[3]}


class _Arrays:
    """Gives pixels when asked for them, and remembers for which."""

    def __init__(self, batches: list[pa.RecordBatch]) -> None:
        self._table = pa.Table.from_batches(batches)
        self.asked: list[str] = []

    def __call__(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        self.asked += rows.column("spectrum_id").to_pylist()
        found = pc.index_in(rows.column("spectrum_id"), self._table.column("spectrum_id"))
        return _joined(self._table.take(found).to_batches())


def _pixels(batches: list[pa.RecordBatch], fingerprint: str) -> tuple[Content, _Arrays]:
    arrays = _Arrays(batches)
    narrow = [batch.select(["spectrum_id", "checksum", "n_pixels"]) for batch in batches]
    return Content(narrow, fingerprint, arrays), arrays


def test_only_pixels_that_are_not_there_are_read(connection: Connection) -> None:
    first, asked = _pixels(samples.spectra(), "first")
    publish(connection, run_id="first", contents=samples.contents("first") | {"pixels": first})
    assert sorted(asked.asked) == sorted(samples.USABLE)
    released = _release()
    batch = _joined(list(released["spectra"].batches))
    # One file is another by now.
    checksum = ["f" * 64, *batch.column("checksum").to_pylist()[1:]]
    again, asked = _pixels([_with(batch, "checksum", checksum)], "again")
    publish(connection, run_id="first", contents=released | {"pixels": again})
    new = [f"{name}/late" for name in samples.USABLE]
    assert sorted(asked.asked) == sorted([samples.SURVEY[1], *new])
    third, asked = _pixels([_with(batch, "checksum", checksum)], "third")
    publish(connection, run_id="first", contents={"pixels": third})
    assert asked.asked == []


def test_pixels_of_another_file_take_their_place(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    one, other = samples.SURVEY[0], samples.SURVEY[1]
    batch = _joined(samples.spectra()).slice(0, 1)
    (changed,) = (_joined([_joined(samples.spectra()).slice(1, 1)]),)
    swapped = _with(_with(changed, "spectrum_id", [one]), "checksum", ["f" * 64])
    rest = _joined(samples.spectra()).slice(1)
    contents = {
        "spectra": Content([_with(batch, "checksum", ["f" * 64]), rest], "swapped"),
        "pixels": Content([swapped, rest], "swapped"),
    }
    before = _rows(connection, "pixels")
    publish(connection, run_id="first", contents=contents)
    after = _rows(connection, "pixels")
    assert {name for name in after if after[name] != before[name]} == {one}
    row = connection.execute(
        "SELECT flux FROM vospec.pixels WHERE spectrum_id = %s", (one,)
    ).fetchone()
    assert row is not None
    assert np.array_equal(np.frombuffer(row[0], "<f4"), samples.flux(other))


def test_a_spectrum_that_has_no_pixels_any_more_loses_them(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    batch = _joined(samples.spectra())
    number = [None, *batch.column("n_pixels").to_pylist()[1:]]
    publish(
        connection,
        run_id="first",
        contents={
            name: Content([_with(batch, "n_pixels", number)], "less")
            for name in ("spectra", "pixels")
        },
    )
    assert _rows(connection, "pixels").keys() == set(samples.USABLE[1:])
