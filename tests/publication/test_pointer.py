"""Which run is current, how one goes back, and which runs stay."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from tests.publication.test_loading import seen
from vospec.errors import DatabaseError
from vospec.publication import (
    Content,
    connect,
    current_run,
    kept_runs,
    make_current,
    partitions,
    prune,
    publish,
    rollback,
)
from vospec.publication.publisher import LOCK, alone

pytestmark = pytest.mark.service


def _publish(connection: Connection, *runs: str) -> None:
    for number, run_id in enumerate(runs, start=1):
        publish(connection, run_id=run_id, contents=samples.contents(run_id, scale=1 / number))


def _states(connection: Connection) -> dict[str, str]:
    return {run.run_id: run.state for run in kept_runs(connection)}


def _tables(connection: Connection) -> set[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'vospec'")
    return {str(row[0]) for row in found}


def _partitions(*runs: str) -> set[str]:
    return {
        partitions.name_of(table, run_id) for table in partitions.PARTITIONED for run_id in runs
    }


def test_one_goes_back_to_the_run_before(connection: Connection) -> None:
    _publish(connection, "first")
    before = seen(connection)
    _publish(connection, "first", "second")
    assert rollback(connection) == "first"
    for name in ("candidates", "neighbours"):
        assert seen(connection)[name] == before[name]
    assert _states(connection) == {"first": "current", "second": "previous"}
    assert rollback(connection) == "second"
    assert _states(connection) == {"first": "previous", "second": "current"}


def test_one_goes_back_to_any_run(connection: Connection) -> None:
    _publish(connection, "first", "second", "third")
    assert rollback(connection, "first") == "first"
    assert _states(connection) == {"first": "current", "second": "kept", "third": "previous"}
    assert rollback(connection, "first") == "first"
    assert _states(connection) == {"first": "current", "second": "kept", "third": "previous"}


def test_there_must_be_something_to_go_back_to(connection: Connection) -> None:
    with pytest.raises(DatabaseError, match="no run to go back to"):
        rollback(connection)
    _publish(connection, "first")
    with pytest.raises(DatabaseError, match="no run to go back to"):
        rollback(connection)
    with pytest.raises(DatabaseError, match="has no run ghost; it has first"):
        rollback(connection, "ghost")
    with pytest.raises(DatabaseError, match="has no run ghost; it has first"):
        make_current(connection, "ghost")
    assert current_run(connection) == "first"


def test_a_run_that_was_left_comes_back_by_name_only(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    _publish(connection, "first", "second")
    rollback(connection)
    _publish(connection, "first", "second")
    assert current_run(connection) == "first"
    assert "run second is not made current: somebody went back from it" in caplog.text
    _publish(connection, "third")
    assert current_run(connection) == "third"
    make_current(connection, "second")
    assert _states(connection) == {"first": "kept", "second": "current", "third": "previous"}
    _publish(connection, "third")
    make_current(connection, "second")
    _publish(connection, "second")
    assert current_run(connection) == "second"


def test_runs_are_told(connection: Connection) -> None:
    _publish(connection, "first", "second")
    last, first = kept_runs(connection)
    assert (last.run_id, last.method, last.state) == ("second", "label_spreading", "current")
    assert (first.run_id, first.state) == ("first", "previous")
    assert last.n_candidates == len(samples.SURVEY)
    assert isinstance(last.loaded, datetime)
    size = 0
    for name in _partitions("second"):
        row = connection.execute(
            "SELECT pg_total_relation_size(%s::regclass)", (f"vospec.{name}",)
        ).fetchone()
        assert row is not None
        size += row[0]
    assert last.size == size > 0


def test_old_runs_go_with_all_that_is_theirs(connection: Connection) -> None:
    _publish(connection, "first", "second", "third", "fourth")
    rollback(connection, "second")
    kept = {"second", "fourth", "first"}
    assert prune(connection, keep=1, spare=["first"]) == ["third"]
    assert set(_states(connection)) == kept
    for name in ("runs", "reliability", "thresholds", "scores"):
        assert {row["run_id"] for row in seen(connection)[name]} == kept
    assert not _partitions("third") & _tables(connection)
    assert _partitions(*kept) < _tables(connection)
    noted = connection.execute("SELECT content FROM vospec.loads WHERE content LIKE '%%third%%'")
    assert noted.fetchall() == []
    _publish(connection, "third")
    assert current_run(connection) == "third"


def test_as_many_runs_stay_as_are_wanted(connection: Connection) -> None:
    _publish(connection, "first", "second", "third", "fourth")
    assert prune(connection, keep=4) == []
    assert prune(connection, keep=3) == ["first"]
    # The current one and the one before stay in any case.
    assert prune(connection, keep=1) == ["second"]
    assert set(_states(connection)) == {"third", "fourth"}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "PATIENCE", 0.2)


@pytest.mark.usefixtures("hurried")
def test_who_reads_an_old_run_is_waited_for_and_keeps_nobody_waiting(
    connection: Connection, reader: Connection, address: dict[str, Any]
) -> None:
    _publish(connection, "first", "second", "third")
    with reader.transaction():
        everything = reader.execute("SELECT count(*) FROM vospec.scores").fetchone()
        assert everything == (3 * len(samples.SURVEY),)
        assert prune(connection, keep=1) == ["first"]
        # Its rows are still there for the one who reads, and others do not wait.
        assert _partitions("first") & _tables(connection)
        with connect(**address) as other:
            other.execute("SET lock_timeout = '1s'")
            found = other.execute("SELECT DISTINCT run_id FROM vospec.scores ORDER BY 1")
            assert found.fetchall() == [("second",), ("third",)]
        # Who wants it again must wait, too.
        with pytest.raises(DatabaseError, match="first was dropped and somebody is still reading"):
            _publish(connection, "first")
        assert current_run(connection) == "third"
    _publish(connection, "third")
    assert not _partitions("first") & _tables(connection)
    assert _partitions("second", "third") < _tables(connection)


def test_who_drops_old_runs_forgets_what_was_half_loaded(connection: Connection) -> None:
    _publish(connection, "first")
    second = samples.contents("second")
    broken = second | {"runs": Content(samples.runs("other"), "broken")}
    with pytest.raises(ValueError, match="rows of"):
        publish(connection, run_id="second", contents=broken)
    assert _partitions("second") < _tables(connection)
    prune(connection, keep=9)
    assert not _partitions("second") & _tables(connection)
    publish(connection, run_id="second", contents=second)
    assert _states(connection) == {"first": "previous", "second": "current"}
    assert len(seen(connection)["scores"]) == 2 * len(samples.SURVEY)


def test_a_query_that_began_before_is_waited_for(
    connection: Connection, reader: Connection
) -> None:
    _publish(connection, "first")
    started = time.monotonic()
    partitions.settle(connection)
    assert time.monotonic() - started < partitions.SETTLED / 2
    with reader.transaction():
        reader.execute("SELECT count(*) FROM vospec.candidates")
        started = time.monotonic()
        partitions.settle(connection)
        # Not for ever.
        assert partitions.SETTLED <= time.monotonic() - started < 5 * partitions.SETTLED
    with reader.transaction():
        reader.execute("SELECT count(*) FROM vospec.candidates")
        timer = threading.Timer(0.2, reader.cancel)
        timer.start()
        settled = threading.Thread(target=partitions.settle, args=(connection,))
        settled.start()
        assert settled.is_alive()
        timer.join()
    settled.join(timeout=5 * partitions.SETTLED)
    assert not settled.is_alive()


def test_no_reader_sees_a_mixture_or_nothing(
    connection: Connection, address: dict[str, Any]
) -> None:
    _publish(connection, "run0")
    query = (
        "SELECT c.run_id, r.state, count(*), count(s.score), min(s.run_id), max(s.run_id)"
        " FROM vospec.candidates AS c JOIN vospec.runs AS r USING (run_id)"
        " JOIN vospec.scores AS s ON s.run_id = r.run_id AND s.spectrum_id = c.spectrum_id"
        " GROUP BY c.run_id, r.state"
    )
    n, answers, stop = len(samples.SURVEY), set(), threading.Event()

    def read() -> None:
        with connect(**address) as opened:
            while not stop.is_set():
                answers.update(map(tuple, [opened.execute(query).fetchall()]))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for each in readers:
        each.start()
    try:
        for number in range(1, 13):
            _publish(connection, f"run{number}")
            rollback(connection)
            make_current(connection, f"run{number}")
    finally:
        stop.set()
        for each in readers:
            each.join()
    runs = {f"run{number}" for number in range(13)}
    assert {answer[0][0] for answer in answers} == runs
    assert answers == {((run, "current", n, n, run, run),) for run in runs}


def test_who_must_wait_is_told(
    connection: Connection, address: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with connect(**address) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        waiting = threading.Thread(target=_publish, args=(connection, "first"))
        waiting.start()
        deadline = time.monotonic() + 30
        while "another publisher is at work" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.01)
        assert waiting.is_alive()
        assert current_run(other) is None
        # Who goes back does not wait for a load.
        with pytest.raises(DatabaseError, match="no run to go back to"):
            rollback(other)
    waiting.join()
    assert "publishing run first: another publisher is at work" in caplog.text
    assert current_run(connection) == "first"


def test_the_lock_goes_with_the_work(connection: Connection, reader: Connection) -> None:
    def is_free() -> Any:  # noqa: ANN401 - whatever SQL gives
        (found,) = reader.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() or (None,)
        reader.execute("SELECT pg_advisory_unlock_all()")
        return found

    def work() -> Iterator[bool]:
        with alone(connection, "this"):
            with alone(connection, "that"):
                yield is_free()
            yield is_free()
        yield is_free()

    assert list(work()) == [False, False, True]
    with pytest.raises(DatabaseError, match="this: relation"), alone(connection, "this"):
        connection.execute("SELECT FROM nothing")
    assert is_free()
