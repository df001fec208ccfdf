"""What the store holds."""

import argparse

from vospec import config
from vospec.commands.arguments import Commands, declare, tell


def add(commands: Commands) -> None:
    """Declare status."""
    declare(commands, "status", _status, "say what the store holds, what is unusable and why")


def _status(given: argparse.Namespace) -> int:
    from vospec import status  # noqa: PLC0415

    tell(status.lines(config.load(given.config)))
    return 0
