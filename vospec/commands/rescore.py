"""Scoring again by itself, once or on a clock."""

import argparse
import logging
import re
import signal
import sys
import time
from types import FrameType

from vospec import config
from vospec.commands.arguments import Commands, declare
from vospec.errors import VospecError

logger = logging.getLogger(__name__)

MEANING = (
    "ingest what is new, score it, ask SIMBAD, publish where the new run is no worse than the "
    "last, and report; exit code 0: done, 1: a fault, 3: the run did not pass its gate and the "
    "old one stays served, 4: done, but SIMBAD has not answered everything"
)
GATE_CLOSED, NOT_VERIFIED = 3, 4
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def add(commands: Commands) -> None:
    """Declare rescore."""
    parser = declare(commands, "rescore", _rescore, MEANING)
    parser.add_argument(
        "--full", action="store_true", help="make a new run even where few spectra came in"
    )
    parser.add_argument(
        "--every",
        type=_seconds,
        metavar="TIME",
        help="go on for ever, from start to start: 30min, 6h, 1d; where no timer is at hand",
    )


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)(s|min|h|d)", text)
    if not found or not int(found[1]):
        message = f"{text}: expected a number and one of {', '.join(_UNITS)}"
        raise argparse.ArgumentTypeError(message)
    return float(int(found[1]) * _UNITS[found[2]])


def _rescore(given: argparse.Namespace) -> int:
    # Whoever stops the service must not wait: the next job goes on from here.
    signal.signal(signal.SIGTERM, _interrupt)
    if given.every is None:
        return _once(given)
    while True:
        started = time.monotonic()
        try:
            _once(given)
        except VospecError as fault:
            logger.error("%s", fault)  # noqa: TRY400 - a fault of the outside world, in one line
        left = max(0.0, given.every - (time.monotonic() - started))
        logger.info("the next job in %.0f s", left)
        time.sleep(left)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _once(given: argparse.Namespace) -> int:
    from vospec import rescoring  # noqa: PLC0415 - loads Spark, which --help need not wait for
    from vospec.job import open_job  # noqa: PLC0415

    with open_job(config.load(given.config), "vospec rescore") as job:
        outcome = rescoring.rescore(job, in_full=given.full)
    sys.stdout.write(outcome.report.text + "\n")
    sys.stdout.flush()
    if not outcome.published:
        return GATE_CLOSED
    return 0 if outcome.verified else NOT_VERIFIED
