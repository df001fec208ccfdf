"""Only one publisher at a time; readers need not care."""

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from vospec.errors import DatabaseError

logger = logging.getLogger(__name__)

#: Any number that nothing else in the database uses as a lock.
LOCK = 0x766F73706563

Connection = psycopg.Connection[tuple[object, ...]]


@contextmanager
def alone(connection: Connection, what: str) -> Iterator[None]:
    """Change what is published, and nobody else meanwhile; may be nested.

    The lock is the session's: it goes with a publisher that is killed.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    what : str
        What is done, for errors and for the one who waits.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses.
    """
    with told(what):
        _wait(connection, what)
        try:
            yield
        finally:
            # Where the connection is broken the lock has gone with it.
            with contextlib.suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


@contextmanager
def told(what: str) -> Iterator[None]:
    """Let errors of PostgreSQL tell what it refused."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        message = (
            f"{what}: {str(error).partition(chr(10))[0]}: the tables are missing or of an "
            "earlier version; vospec publish makes them"
        )
        raise DatabaseError(message) from error
    except psycopg.Error as error:
        message = f"{what}: {str(error).strip().partition(chr(10))[0]}"
        raise DatabaseError(message) from error


def _wait(connection: Connection, what: str) -> None:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    if row == (True,):
        return
    logger.info("%s: another publisher is at work; waiting until it is done", what)
    connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))


@contextmanager
def impatient(connection: Connection, seconds: float) -> Iterator[None]:
    """Wait no longer for a lock: whoever waits for one keeps those behind him waiting."""
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{seconds}s",))
    try:
        yield
    finally:
        connection.execute("RESET lock_timeout")
