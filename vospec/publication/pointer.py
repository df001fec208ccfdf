"""The one row that tells which run is current, and which was before.

Everything that follows it changes in one step. A run from which somebody went back does not
become current again because it is published once more: only where it is named.
"""

import logging

import psycopg

from vospec.errors import DatabaseError
from vospec.publication.publisher import told

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[tuple[object, ...]]


def point_to(connection: Connection, run_id: str) -> None:
    """Make a run the current one, unless somebody went back from it."""
    connection.execute(
        "INSERT INTO vospec.current_run (run_id) VALUES (%s)"
        " ON CONFLICT (sole) DO UPDATE SET run_id = excluded.run_id,"
        " previous_run_id = current_run.run_id WHERE current_run.run_id <> excluded.run_id"
        " AND current_run.left_run_id IS DISTINCT FROM excluded.run_id",
        (run_id,),
    )
    row = connection.execute("SELECT left_run_id FROM vospec.current_run").fetchone()
    if row == (run_id,):
        logger.warning(
            "run %s is not made current: somebody went back from it; "
            "vospec publish --run %s makes it current",
            *(run_id, run_id),
        )


def make_current(connection: Connection, run_id: str) -> None:
    """Make a run that is in the database the current one.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it.
    run_id : str
        The run.

    Raises
    ------
    DatabaseError
        The database has no such run, or PostgreSQL refuses; nothing was changed.
    """
    with told(f"making run {run_id} current"), connection.transaction():
        _require(connection, run_id)
        connection.execute("UPDATE vospec.current_run SET left_run_id = NULL")
        point_to(connection, run_id)


def rollback(connection: Connection, run_id: str | None = None) -> str:
    """Go back to the run that was current before, or to another one; returns the run.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it.
    run_id : str, optional
        The run to go back to; without it the one that was current before.

    Raises
    ------
    DatabaseError
        There is no such run, or PostgreSQL refuses; nothing was changed.
    """
    with told("going back"), connection.transaction():
        row = connection.execute(
            "SELECT run_id, previous_run_id FROM vospec.current_run FOR UPDATE"
        ).fetchone()
        current, previous = (None, None) if row is None else row
        target = run_id or previous
        if target is None:
            message = "there is no run to go back to: none was current before"
            raise DatabaseError(message)
        _require(connection, str(target))
        if target != current:
            connection.execute(
                "UPDATE vospec.current_run"
                " SET run_id = %s, previous_run_id = run_id, left_run_id = run_id",
                (target,),
            )
    return str(target)


def _require(connection: Connection, run_id: str) -> None:
    rows = connection.execute("SELECT run_id FROM vospec.run_records ORDER BY started DESC")
    known = [str(row[0]) for row in rows]
    if run_id not in known:
        message = f"the database has no run {run_id}; it has {', '.join(known) or 'none'}"
        raise DatabaseError(message)
