"""What is done with the database under the service: publish, look at its runs, go back."""

import argparse
import logging

from vospec import config
from vospec.commands.arguments import Commands, declare, tell
from vospec.commands.stages import stages

logger = logging.getLogger(__name__)

PUBLISH = "load the store into the database (after score)"
RUNS = "list the runs in the database: which is current, which was before, what they take"
ROLLBACK = (
    "make the run current again that was before, or another one; what is published "
    "later becomes current, but not the run that was left"
)


def add(commands: Commands) -> None:
    """Declare publish, runs and rollback."""
    declare(commands, "publish", _publish, PUBLISH).add_argument(
        "--run",
        metavar="ID",
        help="make this run of the database or the store current, and load nothing else",
    )
    declare(commands, "runs", _runs, RUNS)
    declare(commands, "rollback", _rollback, ROLLBACK).add_argument(
        "--to", metavar="RUN", help="the run to go back to (default: the one before)"
    )


def _publish(given: argparse.Namespace) -> int:
    if given.run is None:
        return stages("publish")(given)
    from vospec import publishing  # noqa: PLC0415

    publishing.publish_run(config.load(given.config), given.run)
    return 0


def _runs(given: argparse.Namespace) -> int:
    from vospec import publishing  # noqa: PLC0415

    tell(publishing.lines(config.load(given.config)))
    return 0


def _rollback(given: argparse.Namespace) -> int:
    from vospec import publishing  # noqa: PLC0415

    logger.info("current run: %s", publishing.rollback(config.load(given.config), given.to))
    return 0
