"""Connections to the database and from clients: what they cost, and when they end.

Those of a query that failed are closed, the others serve the next ones.

DaCHS opens one for each query, which costs PostgreSQL more than most queries, and leaves those
of a query that failed to Python's garbage collection, which comes to them late: until then
they hold locks that loading and adopting wait for, and take places of the few that PostgreSQL
has. Of its own connections it closes all but two when many clients have been answered, and
opens them again for the next ones.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

#: What is kept at most, and how often one is used: what PostgreSQL remembers in it grows.
_MOST = 10
_MOST_USES = 100

#: Connections that a pool of DaCHS keeps while nobody uses them.
_MOST_POOLED = 10


class Kept:
    """Connections of one role that nobody uses just now, as clean as new ones."""

    def __init__(self) -> None:
        self._idle: list[Any] = []

    def take(self) -> Any:  # noqa: ANN401 - a connection of DaCHS, or None
        """One that still answers: the database may have been started anew since."""
        while self._idle:
            # Somebody else may take the last one.
            with suppress(Exception):
                connection = self._idle.pop()
                # Where it does not answer, this fails.
                _execute(connection, "SET client_encoding = 'UTF8'")
                return connection
        return None

    def keep(self, connection: Any) -> None:  # noqa: ANN401 - as above
        """Rid a connection of all that a query has left in it, tables and settings too."""
        connection.vospec_uses = getattr(connection, "vospec_uses", 0) + 1
        if connection.vospec_uses < _MOST_USES and len(self._idle) < _MOST:
            with suppress(Exception):
                connection.rollback()
                _execute(connection, "DISCARD ALL")
                self._idle.append(connection)
                return
        close(connection)


def _execute(connection: Any, command: str) -> None:  # noqa: ANN401 - as above
    """Execute what cannot be part of a transaction."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(command)
    connection.autocommit = False


def close(connection: Any) -> None:  # noqa: ANN401 - as above
    """End a connection, which DaCHS itself no longer can."""
    type(connection).close(connection)


def _go_on() -> None:
    """What DaCHS does where it closes a connection."""


class Recorder:
    """A module as it is, but what its `getDBConnection` gives is kept or closed by us.

    Parameters
    ----------
    module : module
        What has the function.
    """

    def __init__(self, module: Any) -> None:  # noqa: ANN401 - of DaCHS
        self._module = module
        self._here = threading.local()
        self._kept: dict[str, Kept] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        return getattr(self._module, name)

    def getDBConnection(self, profile: str, **options: Any) -> Any:  # noqa: N802, ANN401 - of DaCHS
        """Open a connection, or take one that is kept."""
        opened = getattr(self._here, "opened", None)
        if opened is None or options:
            return self._module.getDBConnection(profile, **options)
        kept = self._kept.setdefault(profile, Kept())
        connection = kept.take() or self._module.getDBConnection(profile)
        connection.close = _go_on
        opened.append((kept, connection))
        return connection

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Close all that this thread opens within if it fails, and keep it if not."""
        opened: list[tuple[Kept, Any]] = []
        self._here.opened = opened
        try:
            yield
        except BaseException:
            for _, connection in opened:
                close(connection)
            raise
        else:
            for kept, connection in opened:
                kept.keep(connection)
        finally:
            del self._here.opened


def mend_pools(module: ModuleType) -> None:
    """Let pools keep connections; none is opened before it is needed."""
    pool = module.CustomConnectionPool
    original = pool.__init__

    def begin(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - of DaCHS
        original(self, *arguments, **named)
        self.minconn = _MOST_POOLED

    pool.__init__ = begin


def mend_answers(module: ModuleType) -> None:
    """Send the parts of an answer as they come.

    Otherwise the second waits until the client has confirmed the first, which most do after
    40 ms, several times what most answers take.
    """
    channel = module.HTTPChannel
    original = channel.connectionMade

    def begin(self: Any) -> None:  # noqa: ANN401 - of twisted
        self.transport.setTcpNoDelay(True)
        original(self)

    channel.connectionMade = begin


MENDS = {"gavo.base.sqlsupport": mend_pools, "twisted.web.http": mend_answers}
