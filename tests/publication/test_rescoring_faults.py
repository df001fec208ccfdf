"""``vospec rescore`` killed anywhere: the old run stays served, the next job loses nothing."""

import hashlib
import json
import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, NoReturn
from unittest import mock

import psycopg
import pytest
import tomlkit
from psycopg import sql
from pyarrow import parquet

from tests.faulty import Failing, Moment, full, killed, read_only
from tests.night import job_of, put_back
from tests.publication.conftest import Connection
from tests.publication.rescored import N_LATE, arrive, rescore
from vospec import additions, config, publishing, rescoring, retention, scoring, store
from vospec.__main__ import main
from vospec.config import Settings
from vospec.errors import StoreError
from vospec.increment import increment
from vospec.plan import Plan
from vospec.publication import current_run, kept_runs, rollback
from vospec.verification import history, questions

pytestmark = pytest.mark.service

#: What holds times, and is compared without them.
_DATED = {"record", "labels", "simbad"}
#: What tells of jobs and not of spectra.
_OF_JOBS = {"reports", "scratch", rescoring.MARK, "_lock.json"}

Told = dict[str, object]


def seen(told: Told) -> Told:
    """What readers see of what is published: all but what is behind the views, or prepared."""
    behind = re.compile(r"pixels|(changed|gone|incoming)_.*|.*_records(_[0-9a-f]{16})?")
    return {name: value for name, value in told.items() if not behind.fullmatch(name)}


def published(connection: Connection) -> Told:
    """Number and checksum of the rows of every table and view, without times."""
    names = connection.execute(
        "SELECT relname, array_agg(attname ORDER BY attnum) FROM pg_class"
        " JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'vospec'::regnamespace AND relkind IN ('r', 'v', 'p')"
        " AND attnum > 0 AND NOT attisdropped AND atttypid <> 'timestamp'::regtype"
        " AND relname NOT IN ('loads', 'reports') GROUP BY relname"
    ).fetchall()
    return {str(name): _summed(connection, str(name), columns) for name, columns in names}


def _summed(connection: Connection, name: str, columns: Any) -> object:  # noqa: ANN401 - an array
    query = sql.SQL(
        "SELECT count(*), md5(string_agg(row, ' ' ORDER BY row))"
        " FROM (SELECT ROW({})::text AS row FROM {}) AS rows"
    )
    of = sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("vospec", name)
    return connection.execute(query.format(*of)).fetchone()


def stored(settings: Settings) -> Told:
    """What stands under each path of the store, without times."""
    root = Path(settings.store.folder)
    paths = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return {
        re.sub(r"/\d{8}T[^/]*/", "/TIME/", str(path)): _content(root / path, path.parts)
        for path in paths
        if not _OF_JOBS & set(path.parts)
    }


def _content(path: Path, parts: tuple[str, ...]) -> object:
    if path.suffix == ".json":
        return {name: v for name, v in json.loads(path.read_text()).items() if name != "completed"}
    if _DATED & set(parts):
        rows = parquet.read_table(path)
        dated = [field.name for field in rows.schema if str(field.type).startswith("timestamp")]
        return rows.drop(dated).to_pylist()
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Where a job is killed.


@dataclass(frozen=True)
class Marking:
    """Before or after the mark of a step is set; None is that of the end."""

    step: str | None
    when: Literal["before", "after"]

    def __call__(self) -> None:
        """Let it happen in this process."""
        mark = rescoring.Steps._mark

        def marked(steps: rescoring.Steps, step: str | None) -> None:
            if step == self.step and self.when == "before":
                killed()
            mark(steps, step)
            if step == self.step:
                killed()

        mock.patch.object(rescoring.Steps, "_mark", marked).start()


@dataclass(frozen=True)
class Saying:
    """Before or after the database is told something."""

    words: str
    when: Literal["before", "after"]

    def __call__(self) -> None:
        """Let it happen in this process."""
        execute: Callable[..., Any] = psycopg.Connection.execute

        def executed(connection: Any, query: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as itself
            text = query if isinstance(query, str) else query.as_string(connection)
            if self.words in text and self.when == "before":
                killed()
            done = execute(connection, query, *given, **named)
            if self.words in text:
                killed()
            return done

        mock.patch.object(psycopg.Connection, "execute", executed).start()


@dataclass(frozen=True)
class Copying:
    """In the middle of a copy into a table, when some of its bytes are there."""

    table: str

    def __call__(self) -> None:
        """Let it happen in this process."""
        from vospec.publication import contents  # noqa: PLC0415 - where it is called

        copy = contents.copying.copy

        def copied(connection: Any, batch: Any, table: Any, target: Any, **given: Any) -> None:  # noqa: ANN401 - as itself
            if table.name == self.table:
                write = psycopg.Copy.write
                mock.patch.object(
                    psycopg.Copy,
                    "write",
                    lambda *some: killed() if len(some[1]) < 3 else write(*some),
                ).start()
            copy(connection, batch, table, target, **given)

        mock.patch.object(contents.copying, "copy", copied).start()


@dataclass(frozen=True)
class Sweeping:
    """In the middle of the deletion of a dataset."""

    def __call__(self) -> None:
        """Let it happen in this process."""

        def delete(_: Failing, path: str, *__: bool, **___: bool) -> None:
            parts = sorted(Path(path).glob("part-*"))
            for part in parts[:1]:
                part.unlink()
                killed()

        for name in ("delete_dir", "delete_dir_contents"):
            mock.patch.object(Failing, name, delete).start()
        Failing("nothing", "naming", killed)()


def _within(plan: Plan) -> Iterator[tuple[Any, bool]]:
    """Where a job is killed, in the order of its work, and whether the new run is served then."""
    run = plan.runs[0]
    for step, inside in (
        ("ingest", [Failing(f"{plan.spectra.path}/part-00003", "naming", killed)]),
        ("features", [Failing(f"{plan.features.path}/part-00003", "naming", killed)]),
        (
            "score",
            [
                Failing(f"{plan.nearest.path}/_manifest.json", "naming", killed),
                Failing(f"{run.record.path}/_manifest.json", "naming", killed),
            ],
        ),
        ("verify", [Failing("simbad/failures/", "writing", killed)]),
    ):
        yield Marking(step, "before"), False
        yield from ((where, False) for where in inside)
    yield Copying("score_records"), False
    yield Saying("INSERT INTO vospec.current_run", "after"), False
    yield Saying("ANALYZE vospec.current_run", "before"), True
    yield Failing("report.html", "writing", killed), True
    yield Saying("INSERT INTO vospec.reports", "before"), True
    yield Sweeping(), True
    yield Marking(None, "before"), True


# The command, in a process of its own.


def _alone() -> Any:  # noqa: ANN401 - a patch
    """Seem to have one core."""
    return mock.patch("os.sched_getaffinity", return_value={0})


Command = Callable[..., tuple[int, str]]


def _vospec_rescore(given: Path, told: Path, prepare: Callable[[], None] | None) -> None:
    """Be ``vospec rescore``, what it says written to a file."""
    with told.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    # Without processes of its own, which would have to know how they are to fail.
    _alone().start()
    # A store that fails is none of this machine, and its lock not the kernel's.
    mock.patch.multiple("vospec.lock", BEAT=0.02, SETTLED=0.0).start()
    if prepare:
        prepare()
    code = main(["rescore", "--config", str(given)])
    sys.stdout.flush()
    sys.stderr.flush()
    # Without what a test runner does at the end.
    os._exit(code)


@pytest.fixture
def vospec_rescore(tmp_path: Path) -> Command:
    """Run ``vospec rescore``; give its exit code and what it said."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.publication.test_rescoring_faults", "vospec.job"])

    def run(settings: Settings, prepare: Callable[[], None] | None = None) -> tuple[int, str]:
        given, told = tmp_path / "vospec.toml", tmp_path / "told"
        given.write_text(tomlkit.dumps(asdict(settings)), encoding="utf-8")
        process = processes.Process(target=_vospec_rescore, args=(given, told, prepare))
        process.start()
        process.join(120)
        assert process.exitcode is not None
        return process.exitcode, told.read_text(encoding="utf-8")

    return run


@dataclass(frozen=True)
class State:
    """A published run; what is there before and after a job that nobody disturbs."""

    settings: Settings
    before: Told
    after: Told
    kept: Told
    report: dict[str, Any]


@pytest.fixture
def one_core() -> Iterator[None]:
    """Work in this process alone, as the jobs that are killed do."""
    with _alone():
        yield


@pytest.fixture
def state(
    one_core: None,  # noqa: ARG001 - what it does
    scored: Settings,
    address: dict[str, Any],
    connection: Connection,
    tmp_path: Path,
) -> Iterator[State]:
    """Many spectra have come in after the run that is published."""
    narrow = replace(scored.rescore, max_added_share=0.01, keep_runs=1, keep_days=0.0)
    settings = replace(scored, publication=config.PublicationSettings(**address), rescore=narrow)
    with put_back(settings, tmp_path / "first"):
        rescore(settings)
        first = job_of(settings).plan
        # From now on it knows its files.
        assert first.runs
        arrive(settings, N_LATE)
        before = published(connection)
        with put_back(settings, tmp_path / "published"):
            made = rescore(settings).report
            after, kept = published(connection), stored(settings)
        connection.execute("DROP SCHEMA vospec CASCADE")
        publishing.publish(first)
        assert published(connection) == before
        yield State(settings, before, after, kept, json.loads(made.json))


def test_killed_at_every_step_and_started_again(
    state: State, connection: Connection, vospec_rescore: Command
) -> None:
    settings = state.settings
    for where, is_new in _within(Plan(settings)):
        code, said = vospec_rescore(settings, where)
        assert code == -signal.SIGKILL, (where, said)
        found = seen(published(connection))
        assert found == seen(state.after if is_new else state.before), where
    code, said = vospec_rescore(settings)
    assert code == 4, said
    assert published(connection) == state.after
    assert stored(settings) == state.kept
    # What the job that was killed has published is new to whoever reads the report.
    run_id = state.report["run_id"]
    told = connection.execute("SELECT facts FROM vospec.reports WHERE run_id = %s", (run_id,))
    report = json.loads(str(told.fetchall()[0][0]))
    for name in ("outcome", "entered", "left"):
        assert report[name] == state.report[name]
    assert report["entered"]


# A disk that is full, and one that cannot be written.


def _refused(settings: Settings, name: str, moment: Moment, fault: Callable[[], NoReturn]) -> str:
    """Score again where a file cannot be written; gives what is told."""
    failing = Failing(name, moment, fault)
    with mock.patch("vospec.store.locate", failing.locate), pytest.raises(StoreError) as refused:
        rescore(settings)
    return str(refused.value)


def _written(plan: Plan, added: Plan) -> Iterator[tuple[str, Moment]]:
    """What a job writes that adds spectra to a run, in its order."""
    vectors = additions.vectors_of(plan, added)
    found = additions.of_run(plan.runs[0], vectors)
    made = (added.files, added.spectra, added.features, vectors, found.scores, found.neighbours)
    yield rescoring.MARK, "naming"
    for dataset in made:
        yield f"{dataset.path}/", "writing"
        yield f"{dataset.path}/_manifest.json", "naming"
    yield "simbad/failures/", "writing"
    for name in ("report.json", "report.html", "report.txt"):
        yield name, "writing"


def test_a_disk_that_cannot_be_written_at_every_step(
    scored: Settings, address: dict[str, Any], connection: Connection, tmp_path: Path
) -> None:
    settings = replace(scored, publication=config.PublicationSettings(**address))
    with put_back(settings, tmp_path / "first"), _alone():
        rescore(settings)
        plan = increment(settings, max_added_share=1.0).plan
        arrive(settings, 4)
        before = published(connection)
        added = increment(settings, max_added_share=1.0).new
        assert added is not None
        faults = cycle([full, read_only])
        for (name, moment), fault in zip(_written(plan, added), faults, strict=False):
            told = _refused(settings, name, moment, fault)
            reason = "No space left on device" if fault is full else "Read-only file system"
            assert re.fullmatch(rf"/\S*{re.escape(name.rstrip('/'))}\S*: {reason}", told)
            is_new = name.startswith("report")
            assert (seen(published(connection)) == seen(before)) is not is_new, name
        outcome = rescore(settings)
    # What was published when the report could not be written is told in the next one.
    assert len(outcome.report.entered) == 1
    row = connection.execute("SELECT count(*), count(DISTINCT spectrum_id) FROM vospec.scores")
    assert row.fetchone() == (205, 205)
    assert not list(Path(settings.store.folder).rglob("*incoming"))


def test_a_store_that_cannot_be_locked_is_named(
    settings_of_nothing: Settings, vospec_rescore: Command
) -> None:
    code, said = vospec_rescore(settings_of_nothing, _unlocked)
    assert (code, said) == (
        1,
        f"vospec: {settings_of_nothing.store.folder}/_lock.json: Read-only file system\n",
    )


def _unlocked() -> None:
    """Let the lock not be opened, as a disk that is mounted for reading only does."""

    opening = Path.open

    def opened(path: Path, mode: str = "r", **given: Any) -> Any:  # noqa: ANN401 - as itself
        return read_only() if mode == "a+" else opening(path, mode, **given)

    mock.patch.object(Path, "open", opened).start()


@pytest.fixture
def settings_of_nothing(tmp_path: Path) -> Settings:
    """Settings of a store in which nothing is."""
    return Settings(store=config.StoreSettings(str(tmp_path / "store")))


# A clock that is set back.


class _Ahead(datetime):
    """A clock that is years ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        """The time that it tells."""
        return datetime.now(tz) + timedelta(days=1000)


def _set_ahead(connection: Connection) -> None:
    """Let it have been ahead for the database, too."""
    connection.execute("UPDATE vospec.loads SET loaded = loaded + interval '1000 days'")
    connection.execute("UPDATE vospec.reports SET made = made + interval '1000 days'")


def test_a_clock_that_was_set_back_changes_no_order(
    scored: Settings,
    address: dict[str, Any],
    connection: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = replace(scored.rescore, max_added_share=0.03, keep_runs=1, keep_days=0.0)
    place = config.PublicationSettings(**address, keep_runs=1)
    settings = replace(scored, publication=place, rescore=few)
    with put_back(settings, tmp_path / "before"), _alone():
        with monkeypatch.context() as ahead:
            for module in (store, history, questions, scoring, rescoring, retention):
                ahead.setattr(module, "datetime", _Ahead)
            arrive(settings, 1)
            first = rescoring.rescore(job_of(settings), in_full=True).report
        _set_ahead(connection)
        arrive(settings, 1)
        second = rescoring.rescore(job_of(settings), in_full=True).report
        assert second.run_id != first.run_id
        arrive(settings, 2)
        third = rescore(settings).report
    # What came was added to the last run, which was neither swept away nor pruned.
    assert third.why == "2 new files, 0 added before, 203 in the last run"
    assert third.run_id == second.run_id == current_run(connection)
    told = connection.execute("SELECT run_id FROM vospec.reports ORDER BY made DESC").fetchall()
    assert told == [(second.run_id,), (first.run_id,)]
    assert [run.run_id for run in kept_runs(connection)] == [second.run_id, first.run_id]
    assert rollback(connection) == first.run_id
