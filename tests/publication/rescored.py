"""A small survey that is scored again when spectra come in."""

from dataclasses import replace
from pathlib import Path

from tests.night import STAGES, divided, job_of
from vospec import config, rescoring, runs
from vospec.archives.simulated import simulate
from vospec.columns import TARGET_CLASSES
from vospec.config import Settings
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
    settings = replace(
        divided(folder, survey, N_LATE),
        verification=_SILENT,
        # Of so few candidates the expected precision means little.
        gate=config.GateSettings(max_precision_loss=1.0),
        rescore=config.RescoreSettings(min_free_gigabytes=0.0, n_pictures=1),
    )
    for stage in STAGES:
        stage(job_of(settings))
    return settings


def rescore(settings: Settings) -> rescoring.Outcome:
    return rescoring.rescore(job_of(settings))


def arrive(settings: Settings, number: int) -> None:
    """Let some files come in."""
    survey = Path(settings.survey.folders[0])
    for path in sorted((survey.parent / "late").iterdir())[:number]:
        path.rename(survey / path.name)
