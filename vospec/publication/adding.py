"""Add rows to what is published: spectra that came after the run.

All of an addition becomes visible in one step. Of two rows of one key the one that came
later stands. When a content is replaced (see `loading`), what was added to it goes, too.
"""

from collections.abc import Callable, Mapping

from psycopg import sql

from vospec.columns import Table
from vospec.publication.database import names, qualified
from vospec.publication.loading import (
    CONTENTS,
    Connection,
    Content,
    changing,
    check_names,
    copied,
    derive,
    is_loaded,
    key_of,
)

#: What may be added.
ADDED = ("spectra", "features", "scores", "candidates", "neighbours")


def add(
    connection: Connection,
    *,
    run_id: str,
    contents: Mapping[str, Content],
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Add rows to the contents of a run that is published, in one transaction.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it; the run is published.
    run_id : str
        The run that the scores, candidates and neighbours among the contents are of.
    contents : mapping
        Any of spectra (with their pixels), features, scores, candidates and neighbours.
    progress : callable, optional
        Called with the name of the content and its rows so far.

    Returns
    -------
    dict
        Rows added by content; what was added already is left out.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses; nothing was changed.
    ValueError
        A content has another name, other columns, or rows of another run.
    """
    check_names(contents, ADDED)
    with changing(connection, f"publishing additions to run {run_id}"):
        return {
            name: _add(connection, name, contents[name], run_id, progress)
            for name in ADDED
            if name in contents
            and not is_loaded(connection, _key(name, contents[name], run_id), contents[name])
        }


def _key(name: str, content: Content, run_id: str) -> str:
    return f"{key_of(name, run_id)}+{content.fingerprint}"


def _add(
    connection: Connection,
    name: str,
    content: Content,
    run_id: str,
    progress: Callable[[str, int], None] | None,
) -> int:
    """Add the rows of one content; returns their number."""
    tables = CONTENTS[name]
    for table in tables:
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE {})").format(_incoming(table), qualified(table.name))
        )
    targets = (f"incoming_{table.name}" for table in tables)
    count = copied(connection, name, content, run_id, targets, progress)
    for table in tables:
        _merge(connection, table)
    derive(connection, name)
    connection.execute(
        "INSERT INTO vospec.loads (content, fingerprint) VALUES (%s, %s)",
        (_key(name, content, run_id), content.fingerprint),
    )
    return count


def _incoming(table: Table) -> sql.Identifier:
    return qualified(f"incoming_{table.name}")


def _merge(connection: Connection, table: Table) -> None:
    """Take over what came in, in place of rows of the same keys."""
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    parts = {
        "table": qualified(table.name),
        "incoming": _incoming(table),
        "key": key,
        "columns": names(table),
    }
    for statement in (
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {incoming})",
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {incoming}",
        "DROP TABLE {incoming}",
        "ANALYZE {table}",
    ):
        connection.execute(sql.SQL(statement).format(**parts))
