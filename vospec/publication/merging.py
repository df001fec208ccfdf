"""Contents that all runs share: only rows that are new, changed or gone are touched.

A content comes into a temporary table and is compared with what is there; what differs is
kept beside the live table until it is merged, all in one transaction (`stage`). Merging then
takes no longer than the differences need, and whoever reads rows that stay is not disturbed.
A table that is empty needs no comparison: the rows are copied when they are merged, and its
indexes are made of all of them at once, several times faster than row by row (`make_way`).
"""

from collections.abc import Sequence
from contextlib import suppress

import psycopg
from psycopg import sql

from vospec.columns import FAILED, Table
from vospec.publication import originals
from vospec.publication.contents import (
    CONTENTS,
    Connection,
    Item,
    Progress,
    copied,
    forget,
    is_loaded,
    remember,
)
from vospec.publication.database import (
    VERDICTS,
    drop_indexes,
    make_indexes,
    names,
    qualified,
)
from vospec.publication.publisher import impatient

#: Seconds that readers of a table without rows are waited for.
PATIENCE = 1.0


def stage(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Keep beside the live tables what differs, in a transaction; returns the rows compared."""
    with connection.transaction():
        unstage(connection, item.name)
        into = [make_incoming(connection, table) for table in item.tables]
        count = copied(connection, item, into, progress=progress, freeze=True)
        for table in item.tables:
            _compare(connection, table)
        remember(connection, item.incoming, item)
    return count


def unstage(connection: Connection, name: str) -> None:
    """Throw away what :func:`stage` has kept."""
    for table in CONTENTS[name]:
        for kept in (_changed(table), _gone(table)):
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(kept))
    forget(connection, f"incoming/{name}")


def merge(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Make a content the live one, within a transaction; returns the rows copied for it."""
    count = 0
    if is_loaded(connection, item.incoming, item):
        for table in item.tables:
            _apply(connection, table)
        touched = [kept(table) for table in item.tables for kept in (_changed, _gone)]
        derive(connection, item.name, touched)
        unstage(connection, item.name)
    else:
        into = [qualified(table.name) for table in item.tables]
        count = copied(connection, item, into, progress=progress)
        for table in item.tables:
            make_indexes(connection, table)
        derive(connection, item.name)
    # What was added to the rows that have gone has gone with them.
    forget(connection, item.key, additions=True)
    remember(connection, item.key, item)
    return count


def make_way(connection: Connection, name: str) -> None:
    """Drop the indexes of tables without rows; they are made anew when the rows have come.

    Readers who look into such a table for long are left alone, and so are its indexes.
    """
    for table in CONTENTS[name]:
        with suppress(psycopg.errors.LockNotAvailable), impatient(connection, PATIENCE):
            drop_indexes(connection, table)


def is_empty(connection: Connection, name: str) -> bool:
    """Whether the tables of a content have no rows."""
    queries = (
        sql.SQL("SELECT FROM {} LIMIT 1").format(qualified(table.name)) for table in CONTENTS[name]
    )
    return all(connection.execute(query).fetchone() is None for query in queries)


def add(connection: Connection, table: Table, incoming: sql.Composable) -> None:
    """Take over rows of a table that has the same columns, in place of rows of the same keys."""
    taken = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column.name)) for column in table
    )
    connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM {incoming}"
            " ON CONFLICT ({key}) DO UPDATE SET {taken}"
        ).format(
            table=qualified(table.name),
            columns=names(table),
            incoming=incoming,
            key=_key(table),
            taken=taken,
        )
    )


def derive(connection: Connection, name: str, touched: Sequence[sql.Composable] = ()) -> None:
    """Bring up to date what follows from a content that has changed, within a transaction.

    Tables that hold the keys of what was touched may be named, so that no more is looked at.
    """
    if name == "simbad":
        _judge(connection)
    elif name == "spectra":
        originals.register(connection, touched)


def make_incoming(connection: Connection, table: Table) -> sql.Identifier:
    """Make a table like another that goes with the transaction."""
    incoming = _incoming(table)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(
            incoming, qualified(table.name)
        )
    )
    return incoming


def _incoming(table: Table) -> sql.Identifier:
    return sql.Identifier("pg_temp", f"incoming_{table.name}")


def _changed(table: Table) -> sql.Identifier:
    return qualified(f"changed_{table.name}")


def _gone(table: Table) -> sql.Identifier:
    return qualified(f"gone_{table.name}")


def _key(table: Table) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, table.key))


def _compare(connection: Connection, table: Table) -> None:
    """Keep what a table that came in has new or otherwise, and what it has no longer."""
    of = {
        alias: sql.SQL(", ").join(sql.Identifier(alias, column.name) for column in table)
        for alias in ("incoming", "live")
    }
    parts = {
        "table": qualified(table.name),
        "incoming": _incoming(table),
        "changed": _changed(table),
        "gone": _gone(table),
        "key": _key(table),
        "rows": of["incoming"],
        "live": of["live"],
    }
    for statement in _COMPARE:
        connection.execute(statement.format(**parts))


_COMPARE = (
    # Two rows of one key are refused here.
    sql.SQL("ALTER TABLE {incoming} ADD PRIMARY KEY ({key})"),
    sql.SQL("ANALYZE {incoming}"),
    sql.SQL(
        "CREATE TABLE {changed} AS SELECT {rows} FROM {incoming} AS incoming"
        " LEFT JOIN {table} AS live USING ({key}) WHERE ({live}) IS DISTINCT FROM ({rows})"
    ),
    sql.SQL(
        "CREATE TABLE {gone} AS SELECT {key} FROM {table} AS live"
        " LEFT JOIN (SELECT {key}, true AS stays FROM {incoming}) AS incoming USING ({key})"
        " WHERE stays IS NULL"
    ),
)


def _apply(connection: Connection, table: Table) -> None:
    connection.execute(
        sql.SQL("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {gone})").format(
            table=qualified(table.name), key=_key(table), gone=_gone(table)
        )
    )
    add(connection, table, _changed(table))


def _judge(connection: Connection) -> None:
    """Keep of all answers the last about each spectrum; a failure where there is no other."""
    columns = names(VERDICTS)
    incoming = make_incoming(connection, VERDICTS)
    connection.execute(
        sql.SQL(
            "INSERT INTO {incoming} ({columns}) SELECT DISTINCT ON (spectrum_id) {columns}"
            " FROM vospec.simbad ORDER BY spectrum_id, state = {failed},"
            # Answers from the future came before the clock was set back.
            " asked_at > now() AT TIME ZONE 'UTC', asked_at DESC"
        ).format(incoming=incoming, columns=columns, failed=FAILED)
    )
    _compare(connection, VERDICTS)
    _apply(connection, VERDICTS)
    for kept in (_changed(VERDICTS), _gone(VERDICTS), incoming):
        connection.execute(sql.SQL("DROP TABLE {}").format(kept))
