"""Load what a run gave, and make it the current one, in one transaction.

Readers see the old state until the transaction ends and the new one after it;
a load that is killed half-way leaves nothing behind. A new partition is filled
beside the table that readers use and attached at the end, which blocks nobody;
contents that are not bound to a run are replaced only when their fingerprint
changed.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from vospec.columns import (
    FAILED,
    FEATURES,
    GRID,
    LABELS,
    PAIRS,
    RELIABILITY,
    SCORES,
    SIMBAD,
    THRESHOLDS,
    Table,
)
from vospec.errors import DatabaseError
from vospec.publication import copying, originals
from vospec.publication.database import (
    CANDIDATE_RECORDS,
    NEIGHBOUR_RECORDS,
    PARTITIONED,
    PIXELS,
    PUBLISHED_SPECTRA,
    RUN_RECORDS,
    SCHEMA,
    VERDICTS,
    names,
    qualified,
)
from vospec.publication.originals import ORIGINALS

#: What a caller may publish, and the tables that it fills.
CONTENTS: dict[str, tuple[Table, ...]] = {
    "spectra": (PUBLISHED_SPECTRA, PIXELS, ORIGINALS),
    "features": (FEATURES,),
    "grid": (GRID,),
    "labels": (LABELS,),
    "simbad": (SIMBAD,),
    "pairs": (PAIRS,),
    "runs": (RUN_RECORDS,),
    "reliability": (RELIABILITY,),
    "thresholds": (THRESHOLDS,),
    "scores": (SCORES,),
    "candidates": (CANDIDATE_RECORDS,),
    "neighbours": (NEIGHBOUR_RECORDS,),
}
OF_A_RUN = ("runs", "reliability", "thresholds", "scores", "candidates", "neighbours")

#: Any number that nothing else in the database uses as a lock.
LOCK = 0x766F73706563

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Content:
    """Rows to publish and what tells them from other rows.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        In the schema of :mod:`vospec.columns`; read only when they are needed,
        and once. Some hundreds of spectra a batch keep the memory small.
    fingerprint : str
        Equal fingerprints stand for equal rows.
    """

    batches: Iterable[pa.RecordBatch]
    fingerprint: str


def publish(
    connection: Connection,
    *,
    run_id: str,
    contents: Mapping[str, Content],
    make_current: bool = True,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Load contents and, in the same transaction, make the run the current one.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it; the tables exist.
    run_id : str
        The run that the contents in :data:`OF_A_RUN` are of.
    contents : mapping
        Any of spectra (with their pixels), features, grid, labels, simbad, pairs, runs,
        reliability, thresholds, scores, candidates and neighbours; what is not given stays as
        it is.
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
        PostgreSQL refuses; nothing was changed.
    ValueError
        A content has another name, other columns, or rows of another run.
    """
    check_names(contents, CONTENTS)
    with changing(connection, f"publishing run {run_id}"):
        loaded = {
            name: _load(connection, name, contents[name], run_id, progress)
            for name in CONTENTS
            if name in contents and not is_loaded(connection, key_of(name, run_id), contents[name])
        }
        if make_current:
            _point_to(connection, run_id)
    return loaded


@contextmanager
def changing(connection: Connection, what: str) -> Iterator[None]:
    """Change what is published in one transaction, and nobody else meanwhile.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses `what`; nothing was changed.
    """
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            yield
    except psycopg.Error as error:
        message = f"{what}: {str(error).strip().partition(chr(10))[0]}"
        raise DatabaseError(message) from error


def check_names(contents: Iterable[str], allowed: Iterable[str]) -> None:
    """Raise ValueError where a content has another name."""
    if unknown := sorted(set(contents) - set(allowed)):
        message = f"contents {unknown} given, allowed are {sorted(allowed)}"
        raise ValueError(message)


def key_of(name: str, run_id: str) -> str:
    """The name by which the database knows a content, that of a run or that of all."""
    return f"{name}/{run_id}" if name in OF_A_RUN else name


def is_loaded(connection: Connection, key: str, content: Content) -> bool:
    """Whether the database has this very content under a key."""
    row = connection.execute(
        "SELECT fingerprint FROM vospec.loads WHERE content = %s", (key,)
    ).fetchone()
    return row is not None and row[0] == content.fingerprint


def _load(
    connection: Connection,
    name: str,
    content: Content,
    run_id: str,
    progress: Callable[[str, int], None] | None,
) -> int:
    """Replace one content; returns its rows."""
    tables = CONTENTS[name]
    # What was added to the rows that go now goes with them.
    connection.execute(
        "DELETE FROM vospec.loads WHERE starts_with(content, %s)", (f"{key_of(name, run_id)}+",)
    )
    targets = [_make_room(connection, table, name, run_id) for table in tables]
    count = copied(connection, name, content, run_id, targets, progress)
    for table, target in zip(tables, targets, strict=True):
        _finish(connection, table, target, run_id)
    derive(connection, name)
    connection.execute(
        "INSERT INTO vospec.loads (content, fingerprint) VALUES (%s, %s)"
        " ON CONFLICT (content) DO UPDATE SET fingerprint = excluded.fingerprint,"
        " loaded = excluded.loaded",
        (key_of(name, run_id), content.fingerprint),
    )
    return count


def copied(  # noqa: PLR0913, PLR0917 - what a load consists of
    connection: Connection,
    name: str,
    content: Content,
    run_id: str,
    targets: Iterable[str],
    progress: Callable[[str, int], None] | None,
) -> int:
    """Copy a content into one target for each of its tables; returns its rows."""
    into, count = tuple(zip(CONTENTS[name], targets, strict=True)), 0
    for batch in content.batches:
        _check_run(batch, name, run_id)
        for table, target in into:
            _copy_rows(connection, batch, table, target)
        count += batch.num_rows
        if progress is not None:
            progress(name, count)
    return count


def _make_room(connection: Connection, table: Table, name: str, run_id: str) -> str:
    """Empty the place of a content, or make it; returns the table to copy into."""
    if table not in PARTITIONED:
        condition = (
            sql.SQL(" WHERE run_id = {}").format(run_id) if name in OF_A_RUN else sql.SQL("")
        )
        connection.execute(sql.SQL("DELETE FROM {}").format(qualified(table.name)) + condition)
        return table.name
    partition = _partition(table, run_id)
    if _exists(connection, partition):
        connection.execute(sql.SQL("DELETE FROM {}").format(qualified(partition)))
    else:
        # Attaching makes the indexes, after the rows are in.
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE {})").format(qualified(partition), qualified(table.name))
        )
    return partition


def _partition(table: Table, run_id: str) -> str:
    """A name that PostgreSQL does not cut, whatever the length of the run's."""
    return f"{table.name}_{hashlib.sha256(run_id.encode()).hexdigest()[:16]}"


def _exists(connection: Connection, name: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{name}",)).fetchone()
    return row is not None and row[0] is not None


def _check_run(batch: pa.RecordBatch, name: str, run_id: str) -> None:
    """Raise ValueError where rows of a run's content are another's."""
    if name not in OF_A_RUN:
        return
    others = set(pc.unique(batch.column("run_id")).to_pylist()) - {run_id}
    if others:
        message = f"{name} of run {run_id} expected, found rows of {sorted(map(str, others))}"
        raise ValueError(message)


def _copy_rows(connection: Connection, batch: pa.RecordBatch, table: Table, target: str) -> None:
    """Copy the rows of a table into a table that is made like it."""
    if table is PIXELS:
        batch = batch.filter(pc.is_valid(batch.column("flux")))
    elif table is ORIGINALS:
        batch = originals.rows(batch)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        qualified(target), names(table)
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(copying.SIGNATURE)
        for rows in copying.rows(batch, table, packed=table is PIXELS):
            copy.write(rows)
        copy.write(copying.TRAILER)


def _finish(connection: Connection, table: Table, target: str, run_id: str) -> None:
    """Attach a new partition and let the planner know what is in the table."""
    if table in PARTITIONED and not _is_attached(connection, target):
        connection.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(
                qualified(table.name), qualified(target), run_id
            )
        )
    connection.execute(sql.SQL("ANALYZE {}").format(qualified(table.name)))


def derive(connection: Connection, name: str) -> None:
    """Bring up to date what follows from a content that has changed."""
    if name == "simbad":
        _judge(connection)
    elif name == "spectra":
        originals.register(connection)


def _judge(connection: Connection) -> None:
    """Keep of all answers the last about each spectrum; a failure where there is no other."""
    columns = names(VERDICTS)
    connection.execute("DELETE FROM vospec.verdicts")
    connection.execute(
        sql.SQL(
            "INSERT INTO vospec.verdicts ({columns}) SELECT DISTINCT ON (spectrum_id) {columns}"
            " FROM vospec.simbad ORDER BY spectrum_id, state = {failed}, asked_at DESC"
        ).format(columns=columns, failed=FAILED)
    )
    connection.execute("ANALYZE vospec.verdicts")


def _is_attached(connection: Connection, partition: str) -> bool:
    row = connection.execute(
        "SELECT relispartition FROM pg_class WHERE oid = to_regclass(%s)",
        (f"{SCHEMA}.{partition}",),
    ).fetchone()
    return row is not None and bool(row[0])


def _point_to(connection: Connection, run_id: str) -> None:
    connection.execute(
        "INSERT INTO vospec.current_run (run_id) VALUES (%s)"
        " ON CONFLICT (sole) DO UPDATE SET run_id = excluded.run_id,"
        " previous_run_id = current_run.run_id WHERE current_run.run_id <> excluded.run_id",
        (run_id,),
    )
