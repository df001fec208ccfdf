"""A small survey that is scored again when spectra come in."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.night import linked
from vospec import config, pipeline, rescoring, runs
from vospec.archives.simulated import simulate
from vospec.backend.session import Engine
from vospec.columns import TARGET_CLASSES
from vospec.config import Settings
from vospec.job import Job
from vospec.listing import stem

#: Files of the survey that have not come in when it is scored for the first time.
N_LATE = 9

#: Nobody answers there.
_SILENT = config.VerificationSettings(
    services=("http://127.0.0.1:9/tap",), crossmatch="", pause_seconds=0.0, patience_seconds=0.0
)


def scored(folder: Path) -> Settings:
    """Make such a survey and a run of it that is not published; gives its settings."""
    simulate(folder / "simulated", n_survey=150, n_training=60, seed=3)
    truth = runs.read_truth(str(folder / "simulated" / "truth.csv"))
    sought = {name.rpartition("/")[2] for name in truth if truth[name] in TARGET_CLASSES}
    survey = sorted((folder / "simulated" / "survey").rglob("*.fits*"))
    # One that is sought is the first of those that come late.
    found = next(file for file in survey if stem(file.name) in sought)
    survey.remove(found)
    survey.insert(len(survey) + 1 - N_LATE, found)
    linked(survey[:-N_LATE], folder / "survey")
    linked(survey[-N_LATE:], folder / "late")
    training = folder / "simulated" / "training"
    settings = Settings(
        store=config.StoreSettings(str(folder / "store")),
        survey=config.SurveySettings((str(folder / "survey"),)),
        training=config.TrainingSettings((str(training),), (str(training / "labels.csv"),)),
        learning=config.LearningSettings(n_components=16, methods=("label_propagation",)),
        verification=_SILENT,
        # Of so few candidates the expected precision means little.
        gate=config.GateSettings(max_precision_loss=1.0),
        rescore=config.RescoreSettings(min_free_gigabytes=0.0, n_pictures=1),
    )
    for stage in (pipeline.ingest, pipeline.features, pipeline.score):
        stage(job_of(settings))
    return settings


@contextmanager
def put_back(settings: Settings, aside: Path) -> Iterator[None]:
    """Put back what the body changes in the survey and its store."""
    folder = Path(settings.store.folder).parent
    shutil.copytree(folder, aside, symlinks=True)
    try:
        yield
    finally:
        shutil.rmtree(folder)
        shutil.copytree(aside, folder, symlinks=True)


def job_of(settings: Settings) -> Job:
    """Give a job that starting Spark would fail."""
    return Job(settings, Engine(config.SparkSettings(master="none"), Path("none")))


def rescore(settings: Settings) -> rescoring.Outcome:
    return rescoring.rescore(job_of(settings))


def arrive(settings: Settings, number: int) -> None:
    """Let some files come in."""
    survey = Path(settings.survey.folders[0])
    for path in sorted((survey.parent / "late").iterdir())[:number]:
        path.rename(survey / path.name)
