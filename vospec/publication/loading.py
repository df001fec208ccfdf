"""Load what runs gave, and make it visible in one step.

Runs are loaded beside the live one, a partition after the other, each in a transaction of
its own (see `partitions`); so are pixels (see `pixels`) and, of what all runs share, the rows
that are new, changed or gone (see `merging`). Then one transaction merges them, tells the
records of the runs and moves the pointer: readers see all of the old or all of the new. A
load that is killed leaves the old run served and nothing that is seen; the next one goes on
behind what was done, or clears it away where it is wanted no more.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping

from psycopg import sql

from vospec.publication import merging, originals, partitions, pixels
from vospec.publication.contents import (
    CONTENTS,
    IN_PARTITIONS,
    MERGED,
    OF_A_RUN,
    Connection,
    Content,
    Item,
    Progress,
    check_names,
    copied,
    is_loaded,
    remember,
)
from vospec.publication.database import PARTITIONED, qualified
from vospec.publication.pointer import point_to
from vospec.publication.publisher import alone

logger = logging.getLogger(__name__)

#: Contents by name.
Contents = Mapping[str, Content]


def publish(  # noqa: PLR0913 - what a publication consists of
    connection: Connection,
    *,
    run_id: str,
    contents: Contents,
    others: Mapping[str, Contents] | None = None,
    make_current: bool = True,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Load contents and, in one step, make them visible and the run the current one.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it; the tables exist.
    run_id : str
        The run that the contents in :data:`OF_A_RUN` are of.
    contents : mapping
        Any of :data:`CONTENTS`; what is not given stays as it is.
    others : mapping, optional
        More runs that become visible in the same step, each with contents in
        :data:`OF_A_RUN`.
    make_current : bool
        Whether readers of candidates and neighbours see this run from now on.
    progress : callable, optional
        Called with the name of the content and its rows so far.

    Returns
    -------
    dict
        Rows loaded by content; what was there already is left out.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses; readers see what they saw before.
    ValueError
        A content has another name, other columns, or rows of another run.
    """
    check_names(contents, CONTENTS)
    runs = {**(others or {}), run_id: contents}
    for given in (others or {}).values():
        check_names(given, OF_A_RUN)
    items = [
        Item(name, given[name], run)
        for run, given in runs.items()
        for name in CONTENTS
        if name in given
    ]
    with alone(connection, f"publishing run {run_id}"):
        _clear(connection, items)
        todo = [item for item in items if not is_loaded(connection, item.key, item)]
        rows: Counter[str] = Counter()
        for item in todo:
            rows[item.name] += _beside(connection, item, progress)
        _settle(connection, todo)
        with connection.transaction():
            started = time.perf_counter()
            for item in todo:
                rows[item.name] += _merged(connection, item, progress)
            if any(item.name in {"spectra", "pixels"} for item in todo):
                pixels.forsake(connection)
            if not originals.are_registered(connection):
                originals.register(connection)
            if make_current:
                point_to(connection, run_id)
        logger.debug("run %s: visible after %.0f ms", run_id, 1e3 * (time.perf_counter() - started))
        _analyse(connection, todo)
    return dict(rows)


def _clear(connection: Connection, items: list[Item]) -> None:
    """Throw away what a load that was interrupted has left, unless it is wanted now."""
    found = connection.execute("SELECT run_id FROM vospec.run_records")
    runs = {*(item.run_id for item in items), *(str(row[0]) for row in found)}
    wanted = {item.incoming: item.fingerprint for item in items}
    with connection.transaction():
        staged = connection.execute(
            "SELECT content, fingerprint FROM vospec.loads WHERE starts_with(content, 'incoming/')"
        )
        for key, fingerprint in staged.fetchall():
            if wanted.get(str(key)) != fingerprint:
                _unstage(connection, str(key).removeprefix("incoming/"))
    partitions.sweep(connection, runs)


def _unstage(connection: Connection, key: str) -> None:
    """Throw away what is kept beside the live rows of a content."""
    name, _, run_id = key.partition("/")
    if name in IN_PARTITIONS:
        partitions.unstage(connection, name, run_id)
    elif name == "pixels":
        pixels.unstage(connection)
    else:
        merging.unstage(connection, name)


def _beside(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Load what nobody sees yet, in transactions of its own; returns the rows."""
    if item.name == "pixels":
        return pixels.load(connection, item, progress)
    if is_loaded(connection, item.incoming, item):
        return 0
    if item.name in IN_PARTITIONS:
        return partitions.load(connection, item, progress)
    if item.name not in MERGED:
        return 0
    if not merging.is_empty(connection, item.name):
        return merging.stage(connection, item, progress)
    merging.make_way(connection, item.name)
    return 0


def _settle(connection: Connection, todo: list[Item]) -> None:
    """Let readers take notice of new partitions."""
    if any(item.name in IN_PARTITIONS for item in todo):
        for table in PARTITIONED:
            connection.execute(sql.SQL("ANALYZE {}").format(qualified(table.name)))
        partitions.settle(connection)


def _merged(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Let everybody see a content, within the transaction of all; returns the rows copied."""
    if item.name in IN_PARTITIONS:
        if is_loaded(connection, item.incoming, item):
            partitions.replace(connection, item)
        return 0
    if item.name == "pixels":
        pixels.merge(connection, item)
        return 0
    if item.name in MERGED:
        return merging.merge(connection, item, progress)
    return _record(connection, item, progress)


def _record(connection: Connection, item: Item, progress: Progress | None) -> int:
    """Replace the few rows of a run in a table that has those of all runs."""
    (table,) = item.tables
    target = qualified(table.name)
    connection.execute(sql.SQL("DELETE FROM {} WHERE run_id = {}").format(target, item.run_id))
    count = copied(connection, item, [target], progress=progress)
    remember(connection, item.key, item)
    return count


def _analyse(connection: Connection, todo: list[Item]) -> None:
    """Let the planner know what is in the tables that have changed."""
    for item in todo:
        if item.name not in IN_PARTITIONS:
            for table in item.tables:
                connection.execute(sql.SQL("ANALYZE {}").format(qualified(table.name)))
    # That it has one row is not to be guessed, for most queries begin with it.
    connection.execute("ANALYZE vospec.current_run")
