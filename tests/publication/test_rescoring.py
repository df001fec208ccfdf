"""From what has come in to what is served: additions, new runs, the gate, kills, the report."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomlkit

from tests.night import put_back
from tests.publication.conftest import Connection
from tests.publication.rescored import arrive, rescore
from vospec import config, pipeline, rescoring
from vospec.__main__ import main
from vospec.commands import rescore as command
from vospec.config import Settings
from vospec.errors import DatabaseError, StoreError
from vospec.lock import locked
from vospec.publication import current_run
from vospec.store import Store
from vospec.verification.history import History

pytestmark = pytest.mark.service


@pytest.fixture
def settings(
    scored: Settings, address: dict[str, Any], connection: Connection, tmp_path: Path
) -> Iterator[Settings]:
    """Of a run before an empty database; what a test changes is put back."""
    assert current_run(connection) is None
    with put_back(scored, tmp_path / "before"):
        yield replace(scored, publication=config.PublicationSettings(**address))


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _easier(settings: Settings) -> Settings:
    """Settings with which far more spectra are candidates than before."""
    return replace(settings, selection=config.SelectionSettings(min_score=0.0))


def test_what_is_new_is_published_and_reported(settings: Settings, connection: Connection) -> None:
    outcome = rescore(settings)
    assert outcome.published
    assert current_run(connection) == outcome.report.run_id
    (folder,) = Path(settings.store.folder, "reports").iterdir()
    page = (folder / "report.html").read_text()
    assert page.count('src="data:image/png') == 1
    told = json.loads((folder / "report.json").read_text())
    assert told["outcome"] == f"run {outcome.report.run_id} is served"
    assert {"ingest", "features", "score", "verify", "publish"} <= set(told["seconds"])
    row = connection.execute("SELECT run_id, outcome, page, facts FROM vospec.reports").fetchone()
    assert row is not None
    assert row[:3] == (outcome.report.run_id, told["outcome"], page)


def test_a_silent_simbad_stops_nothing_and_is_told(
    settings: Settings, connection: Connection
) -> None:
    outcome = rescore(settings)
    assert not outcome.verified
    verdicts = connection.execute("SELECT DISTINCT verdict FROM vospec.candidates").fetchall()
    assert verdicts == [("service_failed",)]
    assert outcome.report.verdicts == {"service_failed": len(outcome.report.entered)}


def test_somebody_else_who_asks_simbad_stops_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with History(Store(settings.store.folder)).alone():
        outcome = rescore(settings)
    assert outcome.published
    assert not outcome.verified
    assert outcome.report.verdicts == {"not_asked": len(outcome.report.entered)}
    assert "the store is held by vospec verify" in caplog.text


def test_nothing_new_changes_nothing(settings: Settings, connection: Connection) -> None:
    first = rescore(settings).report
    scores = _count(connection, "SELECT count(*) FROM vospec.scores")
    again = rescore(settings).report
    assert again.run_id == first.run_id == current_run(connection)
    assert "is served as before" in again.outcome
    assert (again.entered, again.left) == ([], [])
    assert _count(connection, "SELECT count(*) FROM vospec.scores") == scores


def test_few_new_spectra_join_the_run(settings: Settings, connection: Connection) -> None:
    first = rescore(settings).report
    before = _count(connection, "SELECT count(*) FROM vospec.scores")
    arrive(settings, 4)
    outcome = rescore(settings)
    assert outcome.report.run_id == first.run_id == current_run(connection)
    assert outcome.report.why.startswith("4 new files")
    assert "additions" in outcome.report.seconds
    assert "score" not in outcome.report.seconds
    assert _count(connection, "SELECT count(*) FROM vospec.scores") == before + 4
    assert "additions" in [check.name for check in outcome.report.checks]
    # The one among them that became a candidate is drawn.
    page = connection.execute("SELECT page FROM vospec.reports").fetchall()[0][0]
    assert len(outcome.report.entered) == page.count("<figcaption>") == 1


def test_many_new_spectra_make_a_new_run(settings: Settings, connection: Connection) -> None:
    first = rescore(settings).report
    arrive(settings, 9)
    narrow = replace(settings.rescore, max_added_share=0.01)
    outcome = rescore(replace(settings, rescore=narrow))
    assert outcome.published
    assert outcome.report.run_id != first.run_id
    assert current_run(connection) == outcome.report.run_id
    assert _count(connection, "SELECT count(*) FROM vospec.spectra") == 210


def test_what_does_not_pass_the_gate_is_kept_aside(
    settings: Settings, connection: Connection
) -> None:
    first = rescore(settings).report
    outcome = rescore(_easier(settings))
    assert not outcome.published
    assert current_run(connection) == first.run_id
    failed = [check.name for check in outcome.report.checks if not check.holds]
    assert "share of candidates" in failed
    query = "SELECT run_id, outcome FROM vospec.reports ORDER BY made DESC LIMIT 1"
    kept = connection.execute(query).fetchone()
    name = outcome.report.run_id
    told = f"run {name} did not pass the gate and is kept aside; {first.run_id} stays served"
    assert kept == (name, told)
    assert _count(connection, "SELECT count(*) FROM vospec.runs") == 1


def test_a_full_disk_is_told_before_anything_begins(settings: Settings) -> None:
    narrow = replace(settings.rescore, min_free_gigabytes=1e9)
    with pytest.raises(StoreError, match=r"GB are free, expected at least 1e\+09"):
        rescore(replace(settings, rescore=narrow))
    assert not Path(settings.store.folder, rescoring.MARK).exists()


@pytest.mark.parametrize("step", ["verify", "publish", "report", "sweep"])
def test_what_was_killed_goes_on(
    settings: Settings,
    connection: Connection,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    place: dict[str, tuple[Any, str]] = {
        "verify": (rescoring, "verify"),
        "publish": (pipeline, "publish"),
        "report": (rescoring, "_keep"),
        "sweep": (rescoring, "_sweep"),
    }
    with monkeypatch.context() as patched:
        patched.setattr(*place[step], killed)
        with pytest.raises(KeyboardInterrupt):
            rescore(settings)
    outcome = rescore(settings)
    assert f"ended within: {step}; going on" in caplog.text
    assert outcome.published
    assert current_run(connection) == outcome.report.run_id
    mark = json.loads(Path(settings.store.folder, rescoring.MARK).read_text())
    assert mark["step"] is None


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Settings], str]:
    """Write settings as TOML; gives the file."""

    def written(settings: Settings) -> str:
        path = tmp_path / "vospec.toml"
        path.write_text(tomlkit.dumps(asdict(settings)))
        return str(path)

    return written


def test_the_exit_code_tells_what_became_of_it(
    settings: Settings, write: Callable[[Settings], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rescore", "--config", write(settings)]) == 4
    assert "is served\n" in capsys.readouterr().out
    assert main(["rescore", "--config", write(_easier(settings))]) == 3
    assert "did not pass the gate" in capsys.readouterr().out


def test_who_holds_the_store_is_told(
    settings: Settings, write: Callable[[Settings], str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(settings)
    with locked(Store(settings.store.folder), "vospec score"):
        assert main(["rescore", "--config", path]) == 1
    assert "the store is held by vospec score, process" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["6", "0h", "h", "1w", "-1d", "1.5h"])
def test_a_time_that_is_none_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["rescore", f"--every={given}"])
    assert "expected a number and one of s, min, h, d" in capsys.readouterr().err


def test_on_a_clock_it_goes_on_after_a_fault_and_asks_no_clock_that_can_be_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    passed, slept = iter([100.0, 160.0, 3700.0, 9000.0, 9000.0]), []

    def once(_: object) -> int:
        if slept:
            return 0
        message = "the database is away"
        raise DatabaseError(message)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    clock = SimpleNamespace(monotonic=lambda: next(passed), sleep=sleep)
    monkeypatch.setattr(command, "time", clock)
    monkeypatch.setattr(command, "_once", once)
    assert main(["rescore", "--every", "1h"]) == 130
    # From start to start; a job that took longer is followed at once.
    assert slept == [3540.0, 0.0]
    assert "the database is away" in caplog.text
