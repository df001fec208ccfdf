"""From the store into the database, as ``vospec publish`` does it."""

from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from vospec import config, pipeline
from vospec.columns import PAIRS
from vospec.job import Job
from vospec.publication import current_run
from vospec.store import arrow_schema

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
