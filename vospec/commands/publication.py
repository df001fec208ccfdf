"""What is done with the database under the service."""

from vospec.commands.arguments import Commands, declare
from vospec.commands.stages import stages


def add(commands: Commands) -> None:
    """Declare publish."""
    declare(
        commands, "publish", stages("publish"), "load the store into the database (after score)"
    )
