"""A small simulated survey, its runs, and what came in afterwards."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vospec import additions, config, interim, pipeline, runs
from vospec.additions import Additions
from vospec.archives.simulated import simulate
from vospec.backend.session import Engine
from vospec.columns import TARGET_CLASSES
from vospec.job import Job
from vospec.listing import stem
from vospec.plan import Plan

STAGES = (pipeline.ingest, pipeline.features, pipeline.score)


@dataclass(frozen=True)
class Night:
    """A job with its runs, what came in afterwards, and what was said about it."""

    job: Job
    folder: Path
    new: Plan
    told: str
    before: dict[str, str]

    def added(self) -> Iterator[tuple[Any, Additions]]:
        """The runs, and what was added to each."""
        vectors = additions.vectors_of(self.job.plan, self.new)
        for run in self.job.plan.runs:
            yield run, additions.of_run(run, vectors)


def linked(files: list[Path], folder: Path) -> Path:
    folder.mkdir()
    for file in files:
        (folder / file.name).symlink_to(file)
    return folder


def divided(folder: Path, survey: list[Path], n_late: int) -> config.Settings:
    """Let the last files of a survey wait; gives settings of one method for the others.

    The survey was simulated in ``simulated`` below the folder.
    """
    linked(survey[:-n_late], folder / "survey")
    linked(survey[-n_late:], folder / "late")
    training = folder / "simulated" / "training"
    return config.Settings(
        store=config.StoreSettings(str(folder / "store")),
        survey=config.SurveySettings((str(folder / "survey"),)),
        training=config.TrainingSettings((str(training),), (str(training / "labels.csv"),)),
        learning=config.LearningSettings(n_components=16, methods=("label_propagation",)),
    )


@contextmanager
def put_back(settings: config.Settings, aside: Path) -> Iterator[None]:
    """Put back what the body changes in such a survey and its store."""
    folder = Path(settings.store.folder).parent
    shutil.copytree(folder, aside, symlinks=True)
    try:
        yield
    finally:
        shutil.rmtree(folder)
        shutil.copytree(aside, folder, symlinks=True)


def job_of(settings: config.Settings) -> Job:
    """Give a job that starting Spark would fail."""
    return Job(settings, Engine(config.SparkSettings(master="none"), Path("none")))


def digests(store: Path) -> dict[str, str]:
    files = (path for path in store.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def observed(folder: Path) -> Night:
    """Make runs and additions to them, all without Spark."""
    simulate(folder, n_survey=400, n_training=60, seed=7)
    truth = runs.read_truth(str(folder / "truth.csv"))
    sought = {name.rpartition("/")[2] for name in truth if truth[name] in TARGET_CLASSES}
    files = sorted((folder / "survey").rglob("*.fits*"), key=lambda f: (stem(f.name) in sought, f))
    taught = sorted((folder / "training").rglob("*.fits*"))
    # Every other file comes after the run, also of what is sought.
    early, late = files[::2], files[1::2]
    linked(early, folder / "early")
    linked(taught[1:], folder / "taught")
    new = linked(late, folder / "new")
    # One that is in the run, one of the training archive, and two that are no spectra.
    (new / early[0].name).write_bytes(early[0].read_bytes())
    (new / taught[0].name).write_bytes(taught[0].read_bytes())
    (new / "truncated.fits").write_bytes(files[0].read_bytes()[:9000])
    (new / "empty.fits").write_bytes(b"")
    settings = config.Settings(
        store=config.StoreSettings(str(folder / "store")),
        survey=config.SurveySettings((str(folder / "early"),)),
        training=config.TrainingSettings(
            (str(folder / "taught"),), (str(folder / "training" / "labels.csv"),)
        ),
        learning=config.LearningSettings(n_components=16),
    )
    job = job_of(settings)
    for stage in STAGES:
        stage(job)
    before = digests(folder / "store")
    told = "\n".join(interim.add(job, (str(new),)))
    plan = Plan(additions.settings_of(settings, (str(new),)))
    return Night(job, folder, plan, told, before)
