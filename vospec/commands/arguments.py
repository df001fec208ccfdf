"""What the commands have in common: how they are declared, kinds of values, output."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

# argparse has no public name for what add_subparsers returns.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
#: Takes what was given on the command line and returns the exit code.
Command = Callable[[argparse.Namespace], int]


def declare(
    commands: Commands, name: str, command: Command, meaning: str, *, settings: bool = True
) -> argparse.ArgumentParser:
    """Declare a command; its own arguments are added to the parser that is returned.

    Parameters
    ----------
    commands : Commands
        Where it belongs: the commands of `vospec`, or the kinds of one of them.
    name : str
        How it is called.
    command : Command
        What it does.
    meaning : str
        One sentence for people who ask for help.
    settings : bool
        Whether it reads the settings: it then has an option ``--config``.
    """
    parser = commands.add_parser(name, help=meaning, description=meaning)
    if settings:
        parser.add_argument(
            "--config",
            type=Path,
            default=Path("vospec.toml"),
            metavar="FILE",
            help="the settings (default: vospec.toml; see 'vospec config')",
        )
    parser.set_defaults(command=command)
    return parser


def tell(lines: Iterable[str]) -> None:
    """Write lines to the standard output."""
    sys.stdout.writelines(line + "\n" for line in lines)


def positive(text: str) -> float:
    """Read a number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return value


def count(text: str) -> int:
    """Read a whole number above 0."""
    value = int(text)
    if value < 1:
        message = f"{value} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return value
