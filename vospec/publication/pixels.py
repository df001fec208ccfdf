"""Pixels of the spectra: most of the data, and known by where they come from.

The file's checksum and the version of the software that read it tell the pixels of a
spectrum, so that those that are there already are neither read nor copied. Pixels of a
spectrum that is not published yet are seen by nobody and are copied to their place at
once, a batch at a time: a load that was killed goes on behind the last one. Those that shall
replace others are kept beside until the spectra change, too.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from vospec import __version__
from vospec.publication import copying, merging
from vospec.publication.contents import (
    Connection,
    Content,
    Item,
    Progress,
    forget,
    is_loaded,
    remember,
)
from vospec.publication.database import PIXELS, qualified

_LIVE, _CHANGED = qualified(PIXELS.name), qualified("changed_pixels")

_UNKNOWN = sql.SQL(
    "SELECT spectrum_id, spectra.spectrum_id IS NULL FROM"
    " unnest(%s::text[], %s::text[]) AS given (spectrum_id, origin)"
    " LEFT JOIN {} AS live USING (spectrum_id) LEFT JOIN {} AS changed USING (spectrum_id)"
    " LEFT JOIN vospec.spectra USING (spectrum_id)"
    " WHERE (live.origin = given.origin) IS NOT TRUE"
    " AND (changed.origin = given.origin) IS NOT TRUE"
).format(_LIVE, _CHANGED)

#: Pixels of spectra that are not there, or have none any more.
_FORSAKEN = sql.SQL(
    "DELETE FROM vospec.pixels WHERE NOT EXISTS (SELECT FROM vospec.spectra"
    " WHERE spectra.spectrum_id = pixels.spectrum_id AND n_pixels > 0)"
)


def load(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Copy the pixels that are not there, a transaction a batch; returns the rows looked at."""
    if not is_loaded(connection, item.incoming, item):
        with connection.transaction():
            _prepare(connection)
            remember(connection, item.incoming, item)
    return _copied(connection, item.content, progress)


def add(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Copy the pixels that are not there, within a transaction; returns the rows looked at."""
    _prepare(connection)
    count = _copied(connection, item.content, progress)
    _replace(connection)
    return count


def merge(connection: Connection, item: Item) -> None:
    """Let what was kept beside take the place of other pixels, within a transaction."""
    _replace(connection)
    forget(connection, item.key, additions=True)
    remember(connection, item.key, item)


def unstage(connection: Connection) -> None:
    """Throw away what was kept beside."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_CHANGED))
    forget(connection, "incoming/pixels")


def forsake(connection: Connection) -> None:
    """Delete pixels of spectra that have gone."""
    connection.execute(_FORSAKEN)


def _prepare(connection: Connection) -> None:
    """Make the table of what shall replace other pixels."""
    unstage(connection)
    connection.execute(
        sql.SQL(
            "CREATE TABLE {} (LIKE {} INCLUDING STORAGE INCLUDING COMPRESSION,"
            " PRIMARY KEY (spectrum_id))"
        ).format(_CHANGED, _LIVE)
    )


def _replace(connection: Connection) -> None:
    merging.add(connection, PIXELS, _CHANGED)
    unstage(connection)


def _copied(connection: Connection, content: Content, progress: Progress | None) -> int:
    count = 0
    for batch in content.batches:
        for rows, target in _missing(connection, batch, content):
            copying.copy(connection, copying.rows(rows, PIXELS, packed=True), PIXELS, target)
        count += batch.num_rows
        if progress is not None:
            progress("pixels", count)
    return count


def _missing(
    connection: Connection, batch: pa.RecordBatch, content: Content
) -> Iterator[tuple[pa.RecordBatch, sql.Composable]]:
    """Rows of a batch of which the pixels are not there, and the tables that they belong in."""
    batch = batch.filter(pc.greater(batch.column("n_pixels"), 0))
    origin = pc.binary_join_element_wise(batch.column("checksum"), __version__, " ")
    new, changed = _unknown(connection, batch.column("spectrum_id"), origin)
    for names, target in ((new, _LIVE), (changed, _CHANGED)):
        chosen = pc.is_in(batch.column("spectrum_id"), pa.array(names, pa.string()))
        if names:
            rows = batch.filter(chosen)
            rows = rows if content.pixels is None else content.pixels(rows)
            yield rows.append_column("origin", origin.filter(chosen)), target


def _unknown(
    connection: Connection, names: pa.Array, origin: pa.Array
) -> tuple[list[str], list[str]]:
    """Of spectra that are not published, and of such that are, those without these pixels."""
    with connection.transaction():
        # A few among millions: no plan but one by the keys may be taken.
        connection.execute("SET LOCAL enable_hashjoin = off")
        connection.execute("SET LOCAL enable_mergejoin = off")
        given = names.to_pylist(), origin.to_pylist()
        rows = connection.execute(_UNKNOWN, given).fetchall()
    new = [str(name) for name, is_new in rows if is_new]
    return new, [str(name) for name, is_new in rows if not is_new]
