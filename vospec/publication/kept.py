"""The runs that the database keeps: which they are, how large, and which of them go."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from psycopg import sql

from vospec.publication import partitions
from vospec.publication.contents import (
    CONTENTS,
    OF_A_RUN,
    RECORDS,
    Connection,
    forget,
    key_of,
)
from vospec.publication.database import PARTITIONED, SCHEMA, qualified
from vospec.publication.publisher import alone, told


@dataclass(frozen=True)
class KeptRun:
    """A run in the database.

    Attributes
    ----------
    run_id, method : str
        What it is.
    state : str
        current, previous (the one that was current before) or kept.
    n_candidates : int
        Its candidates, with those that were added.
    loaded : datetime or None
        When it was loaded (UTC).
    size : int
        Bytes on disk.
    """

    run_id: str
    method: str
    state: str
    n_candidates: int
    loaded: datetime | None
    size: int


_RUNS = """
SELECT records.run_id, method,
  CASE records.run_id WHEN current_run.run_id THEN 'current' WHEN previous_run_id THEN 'previous'
    ELSE 'kept' END,
  (SELECT count(*) FROM vospec.candidate_records AS candidates
    WHERE candidates.run_id = records.run_id),
  loaded
FROM vospec.run_records AS records LEFT JOIN vospec.loads ON content = 'runs/' || records.run_id
LEFT JOIN vospec.current_run ON true
ORDER BY loaded DESC, records.run_id
"""

#: Runs beyond the last so many, but those that are spared.
_OLD = """
SELECT run_id FROM vospec.run_records LEFT JOIN vospec.loads ON content = 'runs/' || run_id
ORDER BY loaded DESC NULLS LAST, run_id OFFSET %s
"""


def kept_runs(connection: Connection) -> list[KeptRun]:
    """The runs that the database has, the last that was loaded first.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it; the tables exist.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses.
    """
    with told("listing the runs"):
        found = connection.execute(_RUNS).fetchall()
        return [
            KeptRun(
                run_id=str(run_id),
                method=str(method),
                state=str(state),
                n_candidates=cast("int", n_candidates),
                loaded=cast("datetime | None", loaded),
                size=_size(connection, str(run_id)),
            )
            for run_id, method, state, n_candidates, loaded in found
        ]


def _size(connection: Connection, run_id: str) -> int:
    names = [f"{SCHEMA}.{partitions.name_of(table, run_id)}" for table in PARTITIONED]
    row = connection.execute(
        "SELECT COALESCE(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint"
        " FROM unnest(%s::text[]) AS name",
        (names,),
    ).fetchone()
    return 0 if row is None else cast("int", row[0])


def prune(connection: Connection, *, keep: int, spare: Iterable[str] = ()) -> list[str]:
    """Drop the runs that were loaded first, without keeping readers waiting.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it; the tables exist.
    keep : int
        So many of the runs that were loaded last stay.
    spare : iterable of str
        Runs that stay besides; so do the current one and the one before.

    Returns
    -------
    list of str
        The runs that have gone. Their rows go once nobody reads them any more, at the latest
        with the next publication.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses.
    """
    with alone(connection, "dropping old runs"):
        with connection.transaction():
            # So that nobody goes back to a run while it goes.
            pointer = connection.execute(
                "SELECT run_id, previous_run_id FROM vospec.current_run FOR UPDATE"
            ).fetchone()
            spared = {*spare, *(pointer or ())}
            old = [str(run_id) for (run_id,) in connection.execute(_OLD, (keep,))]
            gone = [run_id for run_id in old if run_id not in spared]
            for run_id in gone:
                _forget(connection, run_id)
        rows = connection.execute("SELECT run_id FROM vospec.run_records")
        partitions.sweep(connection, [str(run_id) for (run_id,) in rows])
    return gone


def _forget(connection: Connection, run_id: str) -> None:
    """Delete the few rows of a run in the tables that have those of all runs."""
    for name in RECORDS:
        for table in CONTENTS[name]:
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE run_id = {}").format(qualified(table.name), run_id)
            )
    for name in OF_A_RUN:
        key = key_of(name, run_id)
        forget(connection, key)
        forget(connection, key, additions=True)
