"""Rows that are added to a published run: whole, repeatable, gone with what they were added to."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from tests.publication.test_loading import expected_rows, stored_rows
from vospec.errors import DatabaseError
from vospec.publication import Content, add, publish
from vospec.publication.adding import ADDED

pytestmark = pytest.mark.service


def late(run_id: str = "first", *, scale: float = 0.25, name: str = "late") -> dict[str, Content]:
    """The samples once more, as other spectra, which have no rank."""
    contents = samples.contents(run_id, scale=scale)
    return {
        key: Content([_late(batch, name) for batch in contents[key].batches], f"{name}-{scale}")
        for key in ADDED
    }


def _late(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    place = batch.schema.get_field_index("spectrum_id")
    names = pc.binary_join_element_wise(batch.column("spectrum_id"), name, "/")
    batch = batch.set_column(place, batch.schema.field(place), names)
    place = batch.schema.get_field_index("rank")
    nothing = pa.nulls(len(batch), pa.int32())
    return batch if place < 0 else batch.set_column(place, batch.schema.field(place), nothing)


def batches(*contents: dict[str, Content], name: str) -> list[pa.RecordBatch]:
    return [batch for content in contents for batch in content[name].batches]


#: What may be added and is seen.
SEEN = tuple(name for name in ADDED if name != "pixels")


def n_pixels(connection: Connection) -> Any:  # noqa: ANN401 - whatever SQL gives
    (number,) = connection.execute("SELECT count(*) FROM vospec.pixels").fetchone() or (None,)
    return number


def test_what_is_added_stands_beside_what_is_there(connection: Connection) -> None:
    first, added = samples.contents("first"), late()
    publish(connection, run_id="first", contents=first)
    told: list[tuple[str, int]] = []
    loaded = add(
        connection, run_id="first", contents=added, progress=lambda *done: told.append(done)
    )
    for name in SEEN:
        assert stored_rows(connection, name) == expected_rows(
            batches(first, added, name=name), name
        )
        assert loaded[name] == sum(len(batch) for batch in added[name].batches) > 0
        assert (name, loaded[name]) in told
    assert n_pixels(connection) == 2 * len(samples.USABLE)
    best = connection.execute("SELECT rank FROM vospec.candidates ORDER BY rank").fetchall()
    assert best[0] == (1,)
    assert best[-1] == (None,)


def test_adding_again_reads_and_changes_nothing(connection: Connection) -> None:
    def unread() -> Iterator[pa.RecordBatch]:
        message = "what is added already must not be read"
        raise AssertionError(message)
        yield

    publish(connection, run_id="first", contents=samples.contents("first"))
    added = late()
    add(connection, run_id="first", contents=added)
    again = {name: Content(unread(), content.fingerprint) for name, content in added.items()}
    assert add(connection, run_id="first", contents=again) == {}
    assert publish(connection, run_id="first", contents=samples.contents("first")) == {}
    assert n_pixels(connection) == 2 * len(samples.USABLE)


def test_of_two_additions_of_one_spectrum_the_later_stands(connection: Connection) -> None:
    first, newer = samples.contents("first"), late(scale=0.125)
    publish(connection, run_id="first", contents=first)
    add(connection, run_id="first", contents=late())
    other = late(name="other")
    add(connection, run_id="first", contents=other)
    add(connection, run_id="first", contents=newer)
    for name in SEEN:
        expected = expected_rows(batches(first, other, newer, name=name), name)
        assert stored_rows(connection, name) == expected


def test_additions_go_with_what_they_were_added_to(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    add(connection, run_id="first", contents=late())
    changed, added = samples.contents("first", scale=0.5), late()
    publish(connection, run_id="first", contents=changed)
    for name in SEEN:
        assert stored_rows(connection, name) == expected_rows(batches(changed, name=name), name)
    assert set(add(connection, run_id="first", contents=added)) == set(ADDED)
    assert n_pixels(connection) == 2 * len(samples.USABLE)


def test_another_run_leaves_the_additions_of_one_with_it(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    add(connection, run_id="first", contents=late())
    second = samples.contents("second", scale=0.5)
    publish(connection, run_id="second", contents=second)
    expected = expected_rows(batches(second, name="candidates"), "candidates")
    assert stored_rows(connection, "candidates") == expected
    kept = samples.contents("first"), late(), second
    expected = expected_rows(batches(*kept, name="scores"), "scores")
    assert stored_rows(connection, "scores") == expected


@pytest.mark.parametrize("name", ["spectra", "neighbours"])
def test_what_is_killed_half_way_leaves_no_trace(
    connection: Connection, reader: Connection, name: str
) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    before = [stored_rows(reader, table) for table in SEEN]
    (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (None,)
    added = late()

    def killed() -> Iterator[pa.RecordBatch]:
        yield from added[name].batches
        reader.execute("SELECT pg_terminate_backend(%s)", (backend,))
        yield from added[name].batches

    with pytest.raises(DatabaseError, match="publishing additions to run first: "):
        add(connection, run_id="first", contents=added | {name: Content(killed(), "broken")})
    assert [stored_rows(reader, table) for table in SEEN] == before
    assert set(add(reader, run_id="first", contents=added)) == set(ADDED)


def test_a_run_that_is_not_published_takes_nothing(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    with pytest.raises(DatabaseError, match="publishing additions to run ghost: no partition"):
        add(connection, run_id="ghost", contents=late("ghost"))
    assert n_pixels(connection) == len(samples.USABLE)


def test_rows_of_another_run_are_refused(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    with pytest.raises(ValueError, match=r"scores of run first expected, found .*'other'"):
        add(connection, run_id="first", contents={"scores": late("other")["scores"]})


def test_only_rows_of_spectra_can_be_added(connection: Connection) -> None:
    with pytest.raises(ValueError, match=r"contents \['grid'\] given, allowed are"):
        add(connection, run_id="first", contents={"grid": Content([], "x")})
