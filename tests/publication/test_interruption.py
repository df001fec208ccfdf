"""A publication that dies at any step leaves the old run served, and the next one completes it."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from tests.publication.test_loading import seen
from vospec.errors import DatabaseError
from vospec.publication import Content, create_tables, current_run, publish

pytestmark = pytest.mark.service

#: Every so manieth statement is one before which a publisher dies.
STRIDE = 13

Seen = dict[str, list[dict[str, Any]]]
States = tuple[Seen, Seen, set[str]]


def second() -> dict[str, Content]:
    """Another run, with spectra that are new, changed and gone."""
    first, last = samples.spectra()
    place = first.schema.get_field_index("checksum")
    marked = first.set_column(place, "checksum", [f"{row:x}" * 8 for row in range(len(first))])
    given = samples.contents("second", scale=0.5)
    spectra = {name: Content([marked, last.slice(1)], "other") for name in ("spectra", "pixels")}
    return given | spectra


def _things(connection: Connection) -> set[str]:
    """Tables and what is noted of them."""
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'vospec'"
        " UNION ALL SELECT content || ' ' || fingerprint FROM vospec.loads"
        " UNION ALL SELECT spectrum_id || COALESCE(origin, '') FROM vospec.pixels"
    )
    return {str(row[0]) for row in found}


class _Mortal(psycopg.Connection[Any]):
    """Does something before one of its statements."""

    left = 0
    death: Callable[["_Mortal"], None]

    def execute(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the method itself
        self.left -= 1
        if self.left == 0:
            type(self).death(self)
        return super().execute(*arguments, **named)


def _restart(connection: Connection) -> None:
    connection.execute("DROP SCHEMA vospec CASCADE")
    create_tables(connection)
    publish(connection, run_id="first", contents=samples.contents("first"))


@pytest.fixture
def states(connection: Connection) -> States:
    """What readers see before and after, and what the database holds after."""
    _restart(connection)
    before = seen(connection)
    publish(connection, run_id="second", contents=second())
    after = seen(connection), _things(connection)
    _restart(connection)
    return before, *after


def _attempt(address: dict[str, Any], step: int) -> bool:
    """Publish in a process that kills itself before a statement; tells whether it came so far."""
    child = os.fork()
    if child == 0:
        opened = _open(address)
        opened.left = step
        _Mortal.death = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        publish(opened, run_id="second", contents=second())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def _open(address: dict[str, Any]) -> _Mortal:
    return _Mortal.connect(
        host=address["host"],
        port=address["port"],
        dbname=address["database"],
        user="gavoadmin",
        autocommit=True,
    )


def test_who_is_killed_leaves_the_old_run_and_the_next_completes(
    address: dict[str, Any], connection: Connection, reader: Connection, states: States
) -> None:
    before, after, things = states
    step = 1
    while _attempt(address, step):
        found = seen(reader)
        assert found in (before, after), step
        assert current_run(reader) == ("first" if found == before else "second")
        publish(connection, run_id="second", contents=second())
        assert seen(reader) == after, step
        assert _things(reader) == things, step
        _restart(connection)
        step += STRIDE
    # It is a long way.
    assert step > 100
    assert seen(reader) == after


def test_who_is_killed_again_and_again_comes_to_the_end(
    address: dict[str, Any], reader: Connection, states: States
) -> None:
    before, after, things = states
    step = 1
    while _attempt(address, step):
        assert seen(reader) in (before, after), step
        step += STRIDE
    assert seen(reader) == after
    assert _things(reader) == things


@pytest.mark.parametrize("step", range(5, 150, 16))
def test_a_broken_connection_leaves_the_old_run_and_the_next_completes(
    address: dict[str, Any], reader: Connection, states: States, step: int
) -> None:
    before, after, things = states

    def broken(connection: _Mortal) -> None:
        reader.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))

    _Mortal.death = broken
    with _open(address) as opened:
        opened.left = step
        with pytest.raises(DatabaseError, match="publishing run second: "):
            publish(opened, run_id="second", contents=second())
        opened.close()
    assert seen(reader) in (before, after)
    publish(reader, run_id="second", contents=second())
    assert seen(reader) == after
    assert _things(reader) == things


@pytest.mark.parametrize("name", ["spectra", "pixels", "scores", "candidates", "runs"])
def test_who_breaks_off_within_a_content_leaves_the_old_run(
    connection: Connection, reader: Connection, states: States, name: str
) -> None:
    before, after, things = states
    (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (None,)

    def killed() -> Iterator[pa.RecordBatch]:
        yield from second()[name].batches
        reader.execute("SELECT pg_terminate_backend(%s)", (backend,))
        yield from second()[name].batches

    broken = second() | {name: Content(killed(), "broken")}
    with pytest.raises(DatabaseError, match="publishing run second: "):
        publish(connection, run_id="second", contents=broken)
    assert seen(reader) == before
    publish(reader, run_id="second", contents=second())
    assert seen(reader) == after
    assert _things(reader) == things


def test_what_is_done_is_not_done_again(connection: Connection, reader: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (None,)

    def killed() -> Iterator[pa.RecordBatch]:
        reader.execute("SELECT pg_terminate_backend(%s)", (backend,))
        yield from samples.runs("second")

    def unread() -> Iterator[pa.RecordBatch]:
        message = "what was done must not be read again"
        raise AssertionError(message)
        yield

    with pytest.raises(DatabaseError):
        publish(
            connection, run_id="second", contents=second() | {"runs": Content(killed(), "broken")}
        )
    # The records come last, in the step that makes the run visible.
    done = ("spectra", "features", "simbad", "scores", "candidates", "neighbours")
    again = {name: Content(unread(), second()[name].fingerprint) for name in done}
    publish(reader, run_id="second", contents=second() | again)
    assert current_run(reader) == "second"


def test_a_run_that_is_given_up_is_cleared_away(connection: Connection, reader: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    things = _things(connection)
    broken = second() | {"runs": Content(samples.runs("other"), "broken")}
    with pytest.raises(ValueError, match="rows of"):
        publish(connection, run_id="second", contents=broken)
    assert _things(reader) > things
    publish(connection, run_id="first", contents=samples.contents("first"))
    assert _things(reader) == things
