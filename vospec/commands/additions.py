"""New spectra between two runs."""

import argparse

from vospec import config
from vospec.commands.arguments import Commands, declare, tell

MEANING = (
    "score new spectra in other folders by the graph of the last run, which stays as it is "
    "(after score); a full run over these folders, too, replaces them"
)


def add(commands: Commands) -> None:
    """Declare additions."""
    parser = declare(commands, "additions", _additions, MEANING)
    parser.add_argument("folders", nargs="+", metavar="FOLDER")


def _additions(given: argparse.Namespace) -> int:
    from vospec import interim  # noqa: PLC0415
    from vospec.job import open_job  # noqa: PLC0415

    with open_job(config.load(given.config), "vospec additions") as job:
        tell(interim.add(job, tuple(given.folders)))
    return 0
