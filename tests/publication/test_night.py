"""From new files into the database, as ``vospec additions`` and ``vospec publish`` do it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.night import STAGES, Night, observed
from vospec import config, pipeline
from vospec.__main__ import main
from vospec.columns import UNUSABLE
from vospec.job import Job
from vospec.publication import current_run, kept_runs, prune

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


@pytest.fixture
def settings(job: Job, tmp_path: Path) -> list[str]:
    """How a person names the settings of the job."""
    section = job.settings.publication
    path = tmp_path / "vospec.toml"
    path.write_text(
        f'[store]\nfolder = "{job.settings.store.folder}"\n[publication]\nkeep_runs = 2\n'
        f'host = "{section.host}"\nport = {section.port}\ndatabase = "{section.database}"\n'
    )
    return ["--config", str(path)]


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


def test_a_person_looks_at_the_runs_and_goes_back(
    job: Job, settings: list[str], connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    def told() -> list[list[str]]:
        assert main(["runs", *settings]) == 0
        return [line.split() for line in capsys.readouterr().out.splitlines()]

    pipeline.publish(job)
    first, second = (run.run_id for run in job.plan.runs)
    head, *lines = told()
    assert head == ["run", "method", "state", "candidates", "loaded", "(UTC)", "size"]
    assert {tuple(line[:3]) for line in lines} == {
        (first, "label_propagation", "current"),
        (second, "label_spreading", "kept"),
    }
    candidates = column(connection, "SELECT count(*) FROM vospec.candidates")
    assert [line[3] for line in lines if line[0] == first] == list(map(str, candidates))
    assert all(line[-1] == "MB" and float(line[-2]) > 0 for line in lines)
    assert main(["publish", "--run", second, *settings]) == 0
    assert {(line[0], line[2]) for line in told()[1:]} == {(first, "previous"), (second, "current")}
    assert main(["rollback", *settings]) == 0
    assert current_run(connection) == first
    assert main(["rollback", "--to", "ghost", *settings]) == 1
    assert "has no run ghost" in capsys.readouterr().err
    assert current_run(connection) == first


def test_runs_come_out_of_the_store_by_name(
    night: Night, job: Job, settings: list[str], connection: Connection
) -> None:
    pipeline.publish(job)
    first, second = job.plan.runs
    before = connection.execute("SELECT * FROM vospec.candidates ORDER BY spectrum_id").fetchall()
    assert prune(connection, keep=1) == [second.run_id]
    publication = replace(job.settings.publication, keep_runs=1)
    folders = (*job.settings.survey.folders, str(night.folder / "new"))
    full = replace(job.settings, survey=config.SurveySettings(folders), publication=publication)
    for _ in range(2):
        for stage in (*STAGES, pipeline.publish):
            stage(Job(full, job.engine))
    kept = {run.run_id for run in kept_runs(connection)}
    assert kept == {first.run_id, *(run.run_id for run in Job(full, job.engine).plan.runs)}
    assert main(["rollback", *settings]) == 0
    assert main(["publish", "--run", first.run_id, *settings]) == 0
    assert current_run(connection) == first.run_id
    # What was added to it came with it.
    again = connection.execute("SELECT * FROM vospec.candidates ORDER BY spectrum_id").fetchall()
    assert again == before
    # It was not there at all.
    assert main(["publish", "--run", second.run_id, *settings]) == 0
    assert current_run(connection) == second.run_id
    assert main(["publish", "--run", "ghost", *settings]) == 1
    assert current_run(connection) == second.run_id
