"""From new files into the database, as ``vospec additions`` and ``vospec publish`` do it."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from tests.night import STAGES, Night, observed
from vospec import config, pipeline
from vospec.columns import UNUSABLE
from vospec.job import Job

pytestmark = pytest.mark.service

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Runs, and what came in afterwards."""
    return observed(tmp_path_factory.mktemp("night"))


@pytest.fixture
def job(night: Night, address: dict[str, Any], connection: Connection) -> Job:
    """A job that publishes into empty tables."""
    assert not connection.closed
    publication = config.PublicationSettings(**address)
    return Job(replace(night.job.settings, publication=publication), night.job.engine)


def column(connection: Connection, query: str) -> list[Any]:
    return [value for (value,) in connection.execute(query)]  # type: ignore[call-overload]


def test_additions_are_published_with_their_run(
    night: Night, job: Job, connection: Connection
) -> None:
    pipeline.publish(job)
    (run, added), *others = night.added()
    candidates = column(
        connection, "SELECT spectrum_id FROM vospec.candidates ORDER BY rank, score DESC"
    )
    first, more = run.candidates.table(), added.candidates.table()
    known = first.column("spectrum_id").to_pylist()
    assert candidates[: len(known)] == known
    assert sorted(candidates[len(known) :]) == sorted(more.column("spectrum_id").to_pylist())
    for one, its in ((run, added), *others):
        rows = one.scores.manifest["rows"] + its.scores.manifest["rows"]
        query = f"SELECT count(*) FROM vospec.scores WHERE run_id = '{one.run_id}'"  # noqa: S608
        assert column(connection, query) == [rows]
    told = run.neighbours.manifest["rows"] + added.neighbours.manifest["rows"]
    assert column(connection, "SELECT count(*) FROM vospec.neighbours") == [told]


def test_every_new_file_has_its_row_and_the_run_its_own(
    night: Night, job: Job, connection: Connection
) -> None:
    pipeline.publish(job)
    names = [
        plan.spectra.table(["spectrum_id"]).column(0).to_pylist() for plan in (job.plan, night.new)
    ]
    assert len(set(names[0]) & set(names[1])) == 1
    published = column(connection, "SELECT spectrum_id FROM vospec.spectra")
    assert sorted(published) == sorted({*names[0], *names[1]})
    usable = column(
        connection,
        f"SELECT spectrum_id FROM vospec.spectra WHERE (quality & {int(UNUSABLE)}) = 0",  # noqa: S608
    )
    assert sorted(column(connection, "SELECT spectrum_id FROM vospec.features")) == sorted(usable)
    scored = column(connection, "SELECT DISTINCT spectrum_id FROM vospec.scores")
    assert sorted(scored) == sorted(usable)


def test_publishing_twice_changes_nothing(job: Job, connection: Connection) -> None:
    pipeline.publish(job)
    query = "SELECT content, loaded FROM vospec.loads ORDER BY content"
    before = connection.execute(query).fetchall()
    pipeline.publish(job)
    assert connection.execute(query).fetchall() == before


def test_a_full_run_takes_the_place_of_additions(
    night: Night, job: Job, connection: Connection
) -> None:
    pipeline.publish(job)
    folders = (*job.settings.survey.folders, str(night.folder / "new"))
    full = Job(replace(job.settings, survey=config.SurveySettings(folders)), job.engine)
    for stage in (*STAGES, pipeline.publish):
        stage(full)
    run = full.plan.runs[0]
    candidates = column(connection, "SELECT spectrum_id FROM vospec.candidates ORDER BY rank")
    assert candidates == run.candidates.table().column("spectrum_id").to_pylist()
    assert column(connection, "SELECT count(*) FROM vospec.candidates WHERE rank IS NULL") == [0]
    rows = full.plan.spectra.manifest["rows"]
    assert column(connection, "SELECT count(*) FROM vospec.spectra") == [rows]
