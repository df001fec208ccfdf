"""The commands of `vospec`, a file each or a file for a few that belong together.

A file has a function ``add(commands)``, which declares its commands (see `arguments`); what a
command needs is imported when it is called, so that ``--help`` waits for none of it.
"""

from vospec.commands import (
    additions,
    calibrate,
    config,
    evaluate,
    fetch,
    pairs,
    plot,
    publication,
    rescore,
    simulate,
    stages,
    status,
    verification,
)
from vospec.commands.arguments import Commands

#: In the order in which help tells them.
_FILES = (
    simulate,
    fetch,
    stages,
    additions,
    verification,
    publication,
    rescore,
    status,
    pairs,
    calibrate,
    evaluate,
    plot,
    config,
)


def add(commands: Commands) -> None:
    """Declare all commands."""
    for file in _FILES:
        file.add(commands)
