"""Add rows to what is published: spectra that came after the run.

All of an addition becomes visible in one step. Of two rows of one key the one that came
later stands. When a content is replaced (see `loading`), what was added to it goes, too.
"""

from collections.abc import Mapping

from psycopg import sql

from vospec.publication import merging, pixels
from vospec.publication.contents import (
    MERGED,
    Connection,
    Content,
    Item,
    Progress,
    check_names,
    copied,
    is_loaded,
    remember,
)
from vospec.publication.publisher import alone

#: What may be added. Pixels come before their spectra: those of unknown ones need no detour.
ADDED = ("pixels", "spectra", "features", "scores", "candidates", "neighbours")


def add(
    connection: Connection,
    *,
    run_id: str,
    contents: Mapping[str, Content],
    progress: Progress | None = None,
) -> dict[str, int]:
    """Add rows to the contents of a run that is published, in one transaction.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it; the run is published.
    run_id : str
        The run that the scores, candidates and neighbours among the contents are of.
    contents : mapping
        Any of spectra, their pixels, features, scores, candidates and neighbours.
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
    what = f"publishing additions to run {run_id}"
    with alone(connection, what), connection.transaction():
        # What was compared with the rows that are there must be compared anew.
        for name in MERGED:
            merging.unstage(connection, name)
        items = [Item(name, contents[name], run_id) for name in ADDED if name in contents]
        todo = [item for item in items if not is_loaded(connection, _key(item), item)]
        added = {item.name: _add(connection, item, progress) for item in todo}
        if "spectra" in added:
            pixels.forsake(connection)
    return added


def _key(item: Item) -> str:
    return f"{item.key}+{item.content.fingerprint}"


def _add(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Add the rows of one content; returns their number."""
    if item.name == "pixels":
        count = pixels.add(connection, item, progress)
    else:
        incoming = [merging.make_incoming(connection, table) for table in item.tables]
        count = copied(connection, item, incoming, progress=progress, freeze=True)
        for table, rows in zip(item.tables, incoming, strict=True):
            merging.add(connection, table, rows)
        merging.derive(connection, item.name, incoming)
        for rows in incoming:
            connection.execute(sql.SQL("DROP TABLE {}").format(rows))
    remember(connection, _key(item), item)
    return count
