"""A survey of known truth."""

import argparse
from pathlib import Path

from vospec.commands.arguments import Commands, count, declare


def add(commands: Commands) -> None:
    """Declare simulate."""
    meaning = "write a survey and labelled training spectra of known truth as FITS files"
    parser = declare(commands, "simulate", _simulate, meaning, settings=False)
    parser.add_argument("folder", type=Path, help="where to write; made if missing")
    parser.add_argument("--survey", type=count, default=5000, metavar="N", help="survey spectra")
    parser.add_argument(
        "--training", type=count, default=1700, metavar="N", help="labelled training spectra"
    )
    parser.add_argument("--seed", type=int, default=1, help="same seed, same files")


def _simulate(given: argparse.Namespace) -> int:
    from vospec.archives import simulated  # noqa: PLC0415 - the other commands need not load it
    from vospec.progress import Progress  # noqa: PLC0415

    total = given.survey + given.training
    with Progress("simulating spectra", total) as progress:
        simulated.simulate(
            given.folder,
            n_survey=given.survey,
            n_training=given.training,
            seed=given.seed,
            progress=progress.update,
        )
    return 0
