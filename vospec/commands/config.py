"""The settings as a file."""

import argparse
import sys

from vospec import config
from vospec.commands.arguments import Commands, declare


def add(commands: Commands) -> None:
    """Declare config."""
    meaning = "print all settings with their meaning, as TOML"
    declare(commands, "config", _config, meaning, settings=False)


def _config(_: argparse.Namespace) -> int:
    sys.stdout.write(config.document())
    return 0
