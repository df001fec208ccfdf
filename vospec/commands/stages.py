"""The stages of the pipeline."""

import argparse
import logging
from pathlib import Path

from vospec import config
from vospec.commands.arguments import Command, Commands, declare

logger = logging.getLogger(__name__)


def add(commands: Commands) -> None:
    """Declare ingest, features, score and run."""
    declare(commands, "ingest", stages("ingest"), "read the FITS files into the store")
    parser = declare(commands, "features", _features, "make the feature vectors (after ingest)")
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write the vectors as CSV too, and FILE-wavelengths.csv beside it",
    )
    meaning = "score all spectra and select candidates (after features)"
    declare(commands, "score", stages("score"), meaning)
    meaning = "ingest, features, score and publish; and verify, if [verification] with_run is set"
    declare(commands, "run", _run, meaning)


def stages(*names: str) -> Command:
    """Give a command that carries out stages of the pipeline."""

    def command(given: argparse.Namespace) -> int:
        # These load Spark, which --help need not wait for.
        from vospec import pipeline  # noqa: PLC0415
        from vospec.job import open_job  # noqa: PLC0415

        settings = config.load(given.config)
        with open_job(settings, " ".join(("vospec", *names))) as job:
            for name in names:
                getattr(pipeline, name)(job)
        return 0

    return command


def _run(given: argparse.Namespace) -> int:
    from vospec import pipeline  # noqa: PLC0415
    from vospec.job import open_job  # noqa: PLC0415

    settings = config.load(given.config)
    with open_job(settings, "vospec run") as job:
        for stage in (pipeline.ingest, pipeline.features, pipeline.score):
            stage(job)
        verified = not settings.verification.with_run or pipeline.verify(job)
        pipeline.publish(job)
    return 0 if verified else 1


def _features(given: argparse.Namespace) -> int:
    stages("features")(given)
    if given.csv is not None:
        from vospec import export  # noqa: PLC0415
        from vospec.plan import Plan  # noqa: PLC0415

        rows = export.write_csv(Plan(config.load(given.config)), given.csv)
        logger.info("%s: %d spectra", given.csv, rows)
    return 0
