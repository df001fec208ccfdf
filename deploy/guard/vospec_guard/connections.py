"""Connections that a failed query leaves behind are closed when it has failed.

DaCHS leaves them to Python's garbage collection, which comes to them late: until then
they hold locks that loading and adopting wait for, and take places of the few that
PostgreSQL has.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Recorder:
    """A module as it is, but its `getDBConnection` is written down.

    Parameters
    ----------
    module : module
        What has the function.
    """

    def __init__(self, module: Any) -> None:  # noqa: ANN401 - of DaCHS
        self._module = module
        self._here = threading.local()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        return getattr(self._module, name)

    def getDBConnection(self, *arguments: Any, **options: Any) -> Any:  # noqa: N802, ANN401 - of DaCHS
        """Open a connection."""
        connection = self._module.getDBConnection(*arguments, **options)
        getattr(self._here, "opened", []).append(connection)
        return connection

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Close all that this thread opens within."""
        self._here.opened = []
        try:
            yield
        finally:
            for connection in self._here.opened:
                connection.close()
            del self._here.opened
