"""How good the methods are."""

import argparse
import logging
from pathlib import Path

from vospec import config
from vospec.commands.arguments import Commands, declare, tell

logger = logging.getLogger(__name__)

MEANING = (
    "judge the methods and what one would take otherwise on labels that they have not seen "
    "(after score)"
)


def add(commands: Commands) -> None:
    """Declare evaluate."""
    parser = declare(commands, "evaluate", _evaluate, MEANING)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("evaluation"),
        metavar="FOLDER",
        help="where evaluation.csv and evaluation.png go (default: evaluation)",
    )


def _evaluate(given: argparse.Namespace) -> int:
    from vospec import assessment, evaluate  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    plan = Plan(config.load(given.config))
    found = evaluate.evaluate(plan)
    tell(assessment.lines(found))
    for path in (*assessment.write(found, given.output), *assessment.draw(plan, given.output)):
        logger.info("%s", path)
    return 0
