"""Rows of a run, a partition in each of a few tables.

A partition is filled, indexed and attached beside the others, all in one transaction, and
blocks no reader. Until its run has a record the views show nothing of it, so that a run
becomes visible as a whole, later, with its record: a reader whose query was planned before
a partition was attached would not look into it. So a while must lie between the two (see
`settle`): in a test with both in one transaction 30 of 20 000 answers were empty.
"""

import hashlib
import logging
import time
from collections.abc import Iterable

import psycopg
from psycopg import sql

from vospec.columns import Table
from vospec.errors import DatabaseError
from vospec.publication.contents import (
    CONTENTS,
    OF_A_RUN,
    Connection,
    Item,
    Progress,
    copied,
    forget,
    key_of,
    remember,
)
from vospec.publication.database import PARTITIONED, SCHEMA, exists, names, qualified
from vospec.publication.publisher import impatient

logger = logging.getLogger(__name__)

#: Seconds that old queries are given to come to their end, and how often.
PATIENCE, TRIES = 5.0, 3
#: Seconds after which no query is still about to begin.
SETTLED = 1.0


def name_of(table: Table, run_id: str) -> str:
    """The partition of a run; PostgreSQL does not cut the name, whatever the run's."""
    return f"{table.name}_{hashlib.sha256(run_id.encode()).hexdigest()[:16]}"


def load(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Fill the partition of a run, in a transaction of its own; returns its rows.

    Where the run has one already, the rows that shall replace its own are kept beside it,
    until :func:`replace`.
    """
    (table,), run_id = item.tables, item.run_id
    target = partition = name_of(table, run_id)
    with connection.transaction():
        if is_there := exists(connection, partition):
            _require_attached(connection, partition, run_id)
            target = f"incoming_{partition}"
            unstage(connection, item.name, run_id)
        _make(connection, table, target, run_id)
        count = copied(connection, item, [qualified(target)], progress=progress, freeze=True)
        if not is_there:
            _attach(connection, table, target, run_id)
        remember(connection, item.incoming if is_there else item.key, item)
    return count


def _require_attached(connection: Connection, partition: str, run_id: str) -> None:
    if _state(connection, partition) != "attached":
        message = (
            f"run {run_id} was dropped and somebody is still reading its old rows: "
            "publish it again when he is done"
        )
        raise DatabaseError(message)


def _make(connection: Connection, table: Table, partition: str, run_id: str) -> None:
    # By the check PostgreSQL knows without a look that all rows are of the run.
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {}, CHECK (run_id = {}))").format(
            qualified(partition), qualified(table.name), run_id
        )
    )


def _attach(connection: Connection, table: Table, partition: str, run_id: str) -> None:
    """Let a partition take its place; this makes its indexes."""
    connection.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(
            qualified(table.name), qualified(partition), run_id
        )
    )
    connection.execute(sql.SQL("ANALYZE {}").format(qualified(partition)))


def unstage(connection: Connection, name: str, run_id: str) -> None:
    """Throw away what :func:`load` has kept beside the partition of a run."""
    (table,) = CONTENTS[name]
    incoming = qualified(f"incoming_{name_of(table, run_id)}")
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(incoming))
    forget(connection, f"incoming/{key_of(name, run_id)}")


def replace(connection: Connection, item: Item) -> None:
    """Put the rows that :func:`load` has kept beside a partition into the place of its own."""
    (table,) = item.tables
    partition = name_of(table, item.run_id)
    columns, incoming = names(table), qualified(f"incoming_{partition}")
    for statement in (
        sql.SQL("DELETE FROM {partition}"),
        sql.SQL("INSERT INTO {partition} ({columns}) SELECT {columns} FROM {incoming}"),
    ):
        connection.execute(
            statement.format(partition=qualified(partition), columns=columns, incoming=incoming)
        )
    unstage(connection, item.name, item.run_id)
    # What was added to the rows that have gone has gone with them.
    forget(connection, item.key, additions=True)
    remember(connection, item.key, item)


def settle(connection: Connection) -> None:
    """Wait until nobody is left who planned a query before the partitions were attached.

    Whoever reads a table holds a lock on it until his transaction ends. A query that goes on
    for longer than `SETTLED` sees what was there when it began.
    """
    parents = [f"{SCHEMA}.{table.name}" for table in PARTITIONED]
    readers = _readers(connection, parents)
    ends = time.monotonic() + SETTLED
    while readers and time.monotonic() < ends:
        time.sleep(0.005)
        readers &= _readers(connection, parents)


def _readers(connection: Connection, tables: list[str]) -> set[object]:
    """The transactions that hold a lock on one of some tables."""
    rows = connection.execute(
        "SELECT virtualtransaction FROM pg_locks WHERE relation = ANY (%s::regclass[])"
        " AND pid <> pg_backend_pid() AND granted",
        (tables,),
    )
    return {row[0] for row in rows}


def sweep(connection: Connection, runs: Iterable[str]) -> None:
    """Drop all partitions but those of some runs, without keeping readers waiting.

    One in which somebody goes on reading is left to the next time.
    """
    runs = list(runs)
    # Before they go, so that nobody takes them for loaded.
    connection.execute(_FORGET, {"names": list(OF_A_RUN), "runs": runs})
    kept = {name_of(table, run_id) for table in PARTITIONED for run_id in runs}
    for parent, partition in _partitions(connection):
        if partition not in kept or _state(connection, partition) != "attached":
            _drop(connection, parent, partition)


#: What is noted of other runs.
_FORGET = """
DELETE FROM vospec.loads WHERE split_part(content, '/', 1) = ANY (%(names)s) AND NOT EXISTS (
  SELECT FROM unnest(%(runs)s::text[]) AS run,
    LATERAL (SELECT split_part(content, '/', 1) || '/' || run) AS known (key)
  WHERE content = key OR starts_with(content, key || '+'))
"""


def _partitions(connection: Connection) -> list[tuple[str, str]]:
    """Tables that are partitions, or were: the table that they are of, their name."""
    rows = connection.execute(
        "SELECT parents.name, relname FROM unnest(%s::text[]) AS parents (name)"
        " JOIN pg_class ON relname ~ ('^' || parents.name || '_[0-9a-f]{16}$')"
        " WHERE relnamespace = %s::regnamespace AND relkind = 'r'",
        ([table.name for table in PARTITIONED], SCHEMA),
    )
    return [(str(parent), str(name)) for parent, name in rows]


def _state(connection: Connection, partition: str) -> str:
    row = connection.execute(
        "SELECT CASE WHEN NOT relispartition THEN 'detached'"
        " WHEN inhdetachpending THEN 'detaching' ELSE 'attached' END"
        " FROM pg_class LEFT JOIN pg_inherits ON inhrelid = pg_class.oid"
        " WHERE pg_class.oid = to_regclass(%s)",
        (f"{SCHEMA}.{partition}",),
    ).fetchone()
    return "dropped" if row is None else str(row[0])


#: What follows on a state.
_DETACH = {
    "attached": sql.SQL("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY"),
    "detaching": sql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE"),
}


def _drop(connection: Connection, parent: str, partition: str) -> None:
    for _ in range(TRIES):
        try:
            with impatient(connection, PATIENCE):
                if (state := _state(connection, partition)) in _DETACH:
                    connection.execute(
                        _DETACH[state].format(qualified(parent), qualified(partition))
                    )
                connection.execute(sql.SQL("DROP TABLE {}").format(qualified(partition)))
        except psycopg.errors.LockNotAvailable:
            continue
        return
    logger.info("%s: somebody is still reading; left to the next publication", partition)
