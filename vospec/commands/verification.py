"""What others know of the candidates."""

import argparse

from vospec import config
from vospec.commands.arguments import Commands, declare, tell

MEANING = (
    "ask SIMBAD about the candidates (after score); publish then shows what it knows. "
    "What was answered is not asked again before [verification] max_age_days; "
    "exit code 1: something stayed without an answer"
)


def add(commands: Commands) -> None:
    """Declare verify."""
    parser = declare(commands, "verify", _verify, MEANING)
    parser.add_argument(
        "--again", action="store_true", help="ask about all candidates, whatever is known"
    )


def _verify(given: argparse.Namespace) -> int:
    from vospec import verify  # noqa: PLC0415 - loads what talks to services
    from vospec.plan import Plan  # noqa: PLC0415

    outcome = verify.verify(Plan(config.load(given.config)), again=given.again)
    tell(outcome.lines())
    return 0 if outcome.complete else 1
