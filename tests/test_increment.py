"""A run that few files have been added to stays; all else is computed anew."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.night import STAGES, divided, job_of, put_back
from vospec import additions, config, interim, inventory
from vospec.archives.simulated import simulate
from vospec.config import Settings
from vospec.increment import Increment, increment
from vospec.job import Job
from vospec.listing import File, files
from vospec.store import Store

_LEFT_OUT = 9


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of runs of all but the last files of a survey, which wait in a folder beside."""
    folder = tmp_path_factory.mktemp("increment")
    simulate(folder / "simulated", n_survey=120, n_training=60, seed=7)
    survey = sorted((folder / "simulated" / "survey").rglob("*.fits*"))
    settings = divided(folder, survey, _LEFT_OUT)
    _carry_out(job_of(settings))
    return settings


@pytest.fixture
def settings(finished: Settings, tmp_path: Path) -> Iterator[Settings]:
    """The same; what a test changes is put back."""
    with put_back(finished, tmp_path / "before"):
        yield finished


def _carry_out(job: Job) -> None:
    for stage in STAGES:
        stage(job)


def _arrive(settings: Settings, number: int) -> set[str]:
    """Let the next files come in, and tell their names."""
    survey = Path(settings.survey.folders[0])
    arrived = sorted((survey.parent / "late").iterdir())[:number]
    return {path.rename(survey / path.name).name for path in arrived}


def _names(found: Increment) -> set[str]:
    assert found.new is not None
    return {Path(file.path).name for file in found.new.only or ()}


def _found(settings: Settings, share: float = 0.1) -> Increment:
    return increment(settings, max_added_share=share)


def _score(settings: Settings, found: Increment) -> None:
    job = job_of(settings)
    assert found.new is not None
    interim.score(
        Job(settings, job.engine, found.plan), Job(found.new.settings, job.engine, found.new)
    )


def test_without_a_run_all_is_computed(finished: Settings, tmp_path: Path) -> None:
    found = _found(replace(finished, store=config.StoreSettings(str(tmp_path))))
    assert found.new is None
    assert found.plan.known is None
    assert "no run" in found.why


def test_nothing_new_is_nothing_to_do(settings: Settings) -> None:
    found = _found(settings)
    assert found.new is None
    assert all(run.record.is_complete() for run in found.plan.runs)
    assert found.why.startswith("0 new files, 0 added before")


def test_few_new_files_are_added_to_the_run_that_stays(settings: Settings) -> None:
    runs = [run.run_id for run in _found(settings).plan.runs]
    arrived = _arrive(settings, 4)
    found = _found(settings)
    assert [run.run_id for run in found.plan.runs] == runs
    assert _names(found) == arrived
    _score(settings, found)
    (run,) = found.plan.runs
    (added,) = additions.all_of(found.plan.store, run)
    assert added.scores.manifest["rows"] == 4


def test_what_was_added_is_not_added_again(settings: Settings) -> None:
    _arrive(settings, 4)
    _score(settings, _found(settings))
    found = _found(settings)
    assert found.new is None
    assert found.why.startswith("0 new files, 4 added before")
    arrived = _arrive(settings, 3)
    found = _found(settings)
    assert _names(found) == arrived
    _score(settings, found)
    assert len(additions.all_of(found.plan.store, found.plan.runs[0])) == 2


def test_many_new_files_need_a_full_run(settings: Settings) -> None:
    _arrive(settings, 4)
    _score(settings, _found(settings))
    _arrive(settings, 5)
    # Nine in all: few of 171 at a tenth, too many at a twentieth.
    assert _found(settings).new is not None
    found = _found(settings, 0.05)
    assert found.new is None
    assert found.plan.known is None
    assert not found.plan.runs[0].record.is_complete()
    assert found.why.startswith("5 new files, 4 added before, 171 in the last run")


def _spoil(settings: Settings) -> None:
    path = min(Path(settings.survey.folders[0]).iterdir())
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content + bytes(2880))


def _remove(settings: Settings) -> None:
    min(Path(settings.survey.folders[0]).iterdir()).unlink()


@pytest.mark.parametrize(
    ("change", "told"), [(_spoil, "1 files are others"), (_remove, "1 are gone")]
)
def test_changed_and_lost_files_need_a_full_run(
    settings: Settings, change: Callable[[Settings], None], told: str
) -> None:
    change(settings)
    found = _found(settings)
    assert found.new is None
    assert told in found.why


def test_new_training_spectra_need_a_full_run(settings: Settings, tmp_path: Path) -> None:
    taught = tmp_path / "taught"
    shutil.copytree(settings.training.folders[0], taught)
    own = replace(settings, training=config.TrainingSettings((str(taught),)))
    _carry_out(job_of(own))
    late = min(Path(settings.store.folder).parent.joinpath("late").iterdir())
    shutil.copy(late, taught / late.name)
    found = _found(own)
    assert found.new is None
    assert "1 of the new ones are training spectra" in found.why


@pytest.mark.parametrize("what", ["labels", "settings"])
def test_other_labels_or_settings_need_a_full_run(
    settings: Settings, what: str, tmp_path: Path
) -> None:
    if what == "settings":
        changed = replace(settings, learning=replace(settings.learning, n_neighbors=7))
    else:
        labels = tmp_path / "labels.csv"
        lines = Path(settings.training.labels[0]).read_text().splitlines(keepends=True)
        labels.write_text("".join(lines[:-1]))
        changed = replace(settings, training=replace(settings.training, labels=(str(labels),)))
    found = _found(changed)
    assert found.new is None
    assert "no run of these settings and labels is complete" in found.why


def test_files_are_compared_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "HELD", 7)
    listed = Store(str(tmp_path)).dataset("files/a")
    known = [File(f"/a/{i}.fits", str(i), i, 10 * i) for i in range(40)]
    inventory.write(listed, known, 3)
    listed.complete(rows=40)
    now = [File("/a/new.fits", "new", 1, 1), *known[1:30], known[30]._replace(size=0)]
    now += [known[31]._replace(changed=0), *known[32:]]
    assert inventory.compare([listed], now) == inventory.Difference((now[0],), 2, 1)


def test_a_listing_that_is_known_stands_for_the_folders(settings: Settings) -> None:
    plan = _found(settings).plan
    assert plan.inventory[1] == 171
    for file in files(settings.survey.folders):
        Path(file.path).unlink()
    assert plan.spectra.is_complete()
