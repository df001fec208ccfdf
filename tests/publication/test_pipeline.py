"""From the store into the database, as ``vospec publish`` does it."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import tomlkit

from vospec import config, pipeline
from vospec.__main__ import main
from vospec.columns import ANSWERS, NOTHING, PAIRS
from vospec.job import Job
from vospec.publication import current_run
from vospec.store import arrow_schema
from vospec.verification.history import History

pytestmark = [pytest.mark.spark, pytest.mark.service]

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def job(done: Job, address: dict[str, Any], connection: Connection) -> Job:
    assert current_run(connection) is None
    return Job(
        replace(done.settings, publication=config.PublicationSettings(**address)), done.engine
    )


def _one(connection: Connection, query: str) -> Any:  # noqa: ANN401 - whatever SQL gives
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_what_is_stored_is_published(job: Job, connection: Connection) -> None:
    pipeline.publish(job)
    plan, first = job.plan, job.plan.runs[0]
    assert current_run(connection) == first.run_id
    rows = plan.spectra.manifest["rows"]
    usable = plan.features.manifest["usable"]
    assert _one(connection, "SELECT count(*) FROM vospec.spectra") == rows
    assert _one(connection, "SELECT count(*) FROM vospec.features") == usable
    assert _one(connection, "SELECT count(*) FROM vospec.scores") == usable * len(plan.runs)
    assert _one(connection, "SELECT count(*) FROM vospec.runs") == len(plan.runs)
    published = connection.execute("SELECT spectrum_id FROM vospec.candidates ORDER BY rank")
    stored = first.candidates.table().column("spectrum_id").to_pylist()
    assert [name for (name,) in published] == stored
    reliability = sum(run.reliability.manifest["rows"] for run in plan.runs)
    thresholds = sum(run.thresholds.manifest["rows"] for run in plan.runs)
    assert _one(connection, "SELECT count(*) FROM vospec.reliability") == reliability > 0
    assert _one(connection, "SELECT count(*) FROM vospec.thresholds") == thresholds > 0
    evidence = first.neighbours.manifest["rows"]
    assert _one(connection, "SELECT count(*) FROM vospec.neighbours") == evidence > 0


def test_pairs_are_published_once_they_are_found(job: Job, connection: Connection) -> None:
    pipeline.publish(job)
    assert _one(connection, "SELECT count(*) FROM vospec.loads WHERE content = 'pairs'") == 0
    both = {
        role: job.plan.spectra.table(["spectrum_id"], where=pc.field("role") == role)
        for role in ("training", "survey")
    }
    row = {f"{role}_id": found["spectrum_id"][0].as_py() for role, found in both.items()}
    job.plan.pairs.write(pa.Table.from_pylist([row], schema=arrow_schema(PAIRS)))
    pipeline.publish(job)
    published = connection.execute("SELECT training_id, survey_id FROM vospec.pairs").fetchall()
    assert published == [(row["training_id"], row["survey_id"])]
    job.plan.pairs.clear()


def test_spectra_tell_the_quality_that_they_have_at_the_end(
    job: Job, connection: Connection
) -> None:
    pipeline.publish(job)
    judged = job.plan.features.table(["spectrum_id", "quality"]).to_pylist()
    expected = {row["spectrum_id"]: row["quality"] for row in judged}
    published = connection.execute("SELECT spectrum_id, quality FROM vospec.spectra")
    found: dict[str, int] = dict(published.fetchall())  # type: ignore[arg-type]
    assert found == expected


def test_publishing_twice_changes_nothing(job: Job, connection: Connection) -> None:
    pipeline.publish(job)
    query = "SELECT content, loaded FROM vospec.loads ORDER BY content"
    before = connection.execute(query).fetchall()
    pipeline.publish(job)
    assert connection.execute(query).fetchall() == before


@pytest.fixture
def history(job: Job) -> Iterator[History]:
    """What the job keeps of SIMBAD, nothing before the test and nothing after it."""
    yield History(job.plan.store)
    shutil.rmtree(Path(job.plan.store.root, "simbad"), ignore_errors=True)


#: A service that nobody gives.
_SILENT = {"services": ("http://127.0.0.1:9/tap",), "patience_seconds": 0.0}
_VERDICTS = "SELECT verdict, count(*) FROM vospec.candidates GROUP BY verdict ORDER BY verdict"


def test_answers_of_simbad_are_published(
    job: Job, connection: Connection, history: History
) -> None:
    pipeline.publish(job)
    total = len(job.plan.runs[0].candidates.table())
    assert connection.execute(_VERDICTS).fetchall() == [("not_asked", total)]
    name = job.plan.runs[0].candidates.table()["spectrum_id"][0].as_py()
    asked = {"asked_at": datetime(2025, 1, 1, tzinfo=UTC), "state": NOTHING, "radius": 3.0}
    rows = [{"spectrum_id": name} | asked]
    history.keep_answers(pa.Table.from_pylist(rows, schema=arrow_schema(ANSWERS)))
    pipeline.publish(job)
    assert connection.execute(_VERDICTS).fetchall() == [
        ("not_asked", total - 1),
        ("not_in_simbad", 1),
    ]
    assert _one(connection, "SELECT count(*) FROM vospec.verdict_rules") > 0


def test_a_run_is_published_whatever_happens_to_simbad(
    job: Job, connection: Connection, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    section = replace(job.settings.verification, **_SILENT)
    failing = Job(replace(job.settings, verification=section), job.engine)
    caplog.set_level(logging.INFO, "vospec")
    assert not pipeline.verify(failing)
    assert "failed" in caplog.text
    pipeline.publish(failing)
    total = len(job.plan.runs[0].candidates.table())
    assert connection.execute(_VERDICTS).fetchall() == [("service_failed", total)]
    with history.alone():
        # Another call is at work.
        assert not pipeline.verify(failing)
    pipeline.publish(failing)
    assert _one(connection, "SELECT count(*) FROM vospec.candidates") == total


@pytest.mark.usefixtures("history")
def test_the_exit_code_tells_that_simbad_failed(
    job: Job, connection: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sections: dict[str, dict[str, Any]] = asdict(job.settings)
    sections["verification"] |= _SILENT | {"with_run": True}
    path = tmp_path / "vospec.toml"
    path.write_text(tomlkit.dumps(sections), encoding="utf-8")
    assert main(["verify", "--config", str(path)]) == 1
    told = capsys.readouterr().out
    assert "0 answered" in told
    assert "failed: http://127.0.0.1:9/tap" in told
    assert main(["run", "--config", str(path)]) == 1
    assert current_run(connection) == job.plan.runs[0].run_id
    sections["verification"]["with_run"] = False
    path.write_text(tomlkit.dumps(sections), encoding="utf-8")
    assert main(["run", "--config", str(path)]) == 0
