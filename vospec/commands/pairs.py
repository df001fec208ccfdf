"""Stars that both archives have observed."""

import argparse
import logging
from pathlib import Path

from vospec import config
from vospec.commands.arguments import Commands, declare, tell

logger = logging.getLogger(__name__)

MEANING = (
    "find the stars that both archives have observed, and compare their spectra (after ingest, "
    "or from services); exit code 1: a service left something unanswered"
)


def add(commands: Commands) -> None:
    """Declare pairs."""
    parser = declare(commands, "pairs", _pairs, MEANING)
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write every survey star near a training star, and what was decided about it",
    )
    parser.add_argument("--again", action="store_true", help="search also where it has been done")


def _pairs(given: argparse.Namespace) -> int:
    from vospec.plan import Plan  # noqa: PLC0415
    from vospec.verification import pairs  # noqa: PLC0415

    plan = Plan(config.load(given.config))
    pairs.find(plan, again=given.again)
    tell(pairs.lines(plan))
    if given.csv is not None:
        logger.info("%s: %d survey stars", given.csv, pairs.write_csv(plan, given.csv))
    return 0 if pairs.is_whole(plan) else 1
