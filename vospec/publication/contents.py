"""What is published: contents by name, the tables that each fills, what is loaded of them.

A content is known by its name, that of a run's by name and run; `vospec.loads` tells the
fingerprint of what stands in the database under it. What is only prepared stands there with
the word `incoming` in front; what was added to a content, with a + and the addition's own
fingerprint behind.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from vospec.columns import (
    FEATURES,
    GRID,
    LABELS,
    OBJECT_TYPES,
    PAIRS,
    RELIABILITY,
    SIMBAD,
    THRESHOLDS,
    VERDICT_RULES,
    Table,
)
from vospec.publication import copying, originals
from vospec.publication.database import (
    CANDIDATE_RECORDS,
    NEIGHBOUR_RECORDS,
    PIXELS,
    PUBLISHED_SPECTRA,
    RUN_RECORDS,
    SCORE_RECORDS,
)
from vospec.publication.originals import ORIGINALS

#: What a caller may publish, and the tables that it fills.
CONTENTS: dict[str, tuple[Table, ...]] = {
    "spectra": (PUBLISHED_SPECTRA, ORIGINALS),
    "pixels": (PIXELS,),
    "features": (FEATURES,),
    "grid": (GRID,),
    "labels": (LABELS,),
    "simbad": (SIMBAD,),
    "object_types": (OBJECT_TYPES,),
    "verdict_rules": (VERDICT_RULES,),
    "pairs": (PAIRS,),
    "runs": (RUN_RECORDS,),
    "reliability": (RELIABILITY,),
    "thresholds": (THRESHOLDS,),
    "scores": (SCORE_RECORDS,),
    "candidates": (CANDIDATE_RECORDS,),
    "neighbours": (NEIGHBOUR_RECORDS,),
}
#: Contents of which each run has its own; of the last three in partitions.
RECORDS = ("runs", "reliability", "thresholds")
IN_PARTITIONS = ("scores", "candidates", "neighbours")
OF_A_RUN = (*RECORDS, *IN_PARTITIONS)
#: Contents that all runs share, without the pixels, which are known by themselves.
MERGED = (
    *("spectra", "features", "grid", "labels"),
    *("simbad", "object_types", "verdict_rules", "pairs"),
)

Connection = psycopg.Connection[tuple[object, ...]]

#: Is told the name of a content and how many of its rows have come so far.
Progress = Callable[[str, int], None]


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
    pixels : callable, optional
        Of pixels alone: gives some rows of the batch that came last with their arrays, where
        the batches have none. Those of most spectra are there already and need not be read.
    """

    batches: Iterable[pa.RecordBatch]
    fingerprint: str
    pixels: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None


@dataclass(frozen=True)
class Item:
    """A content by its name, and the run that it is of, if it is of one."""

    name: str
    content: Content
    run_id: str = ""

    @property
    def key(self) -> str:
        """The name by which the database knows it."""
        return key_of(self.name, self.run_id)

    @property
    def incoming(self) -> str:
        """The name of what is only prepared."""
        return f"incoming/{self.key}"

    @property
    def tables(self) -> tuple[Table, ...]:
        """What it fills."""
        return CONTENTS[self.name]

    @property
    def fingerprint(self) -> str:
        """Stands for the rows; of what is merged, for the columns that they fill as well.

        So the columns of a later version are filled, as far as the rows have them.
        """
        if self.name not in MERGED:
            return self.content.fingerprint
        filled = repr([(table.name, table.names) for table in self.tables])
        return f"{self.content.fingerprint} {hashlib.sha256(filled.encode()).hexdigest()[:12]}"


def check_names(contents: Iterable[str], allowed: Iterable[str]) -> None:
    """Raise ValueError where a content has another name."""
    if unknown := sorted(set(contents) - set(allowed)):
        message = f"contents {unknown} given, allowed are {sorted(allowed)}"
        raise ValueError(message)


def key_of(name: str, run_id: str) -> str:
    """The name by which the database knows a content, that of a run or that of all."""
    return f"{name}/{run_id}" if name in OF_A_RUN else name


def is_loaded(connection: Connection, key: str, item: Item) -> bool:
    """Whether the database has this very content under a key."""
    row = connection.execute(
        "SELECT fingerprint FROM vospec.loads WHERE content = %s", (key,)
    ).fetchone()
    return row is not None and row[0] == item.fingerprint


def remember(connection: Connection, key: str, item: Item) -> None:
    """Note that a content stands in the database."""
    connection.execute(
        "INSERT INTO vospec.loads (content, fingerprint, loaded)"
        # What comes later is told to be later, also where the clock was set back.
        " SELECT %s, %s, GREATEST(now() AT TIME ZONE 'UTC',"
        " max(loaded) + interval '1 microsecond') FROM vospec.loads"
        " ON CONFLICT (content) DO UPDATE SET fingerprint = excluded.fingerprint,"
        " loaded = excluded.loaded",
        (key, item.fingerprint),
    )


def forget(connection: Connection, key: str, *, additions: bool = False) -> None:
    """Note that a content stands there no longer; or none of what was added to it."""
    connection.execute(
        "DELETE FROM vospec.loads"
        " WHERE CASE WHEN %s THEN starts_with(content, %s) ELSE content = %s END",
        (additions, f"{key}+", key),
    )


def copied(
    connection: Connection,
    item: Item,
    targets: Iterable[sql.Composable],
    *,
    progress: Progress | None,
    freeze: bool = False,
) -> int:
    """Copy a content into one target for each of its tables; returns its rows.

    Parameters
    ----------
    connection : psycopg.Connection
        Where to write.
    item : Item
        What to write.
    targets : iterable of Composable
        Tables that have the columns of those of the content.
    progress : callable, optional
        Called after each batch.
    freeze : bool
        The targets were made in this transaction: their rows need no clearing up later.

    Raises
    ------
    ValueError
        Columns are missing, or rows are another run's.
    """
    into, count = tuple(zip(item.tables, targets, strict=True)), 0
    for n_rows, laid_out in copying.ahead(_laid_out(item)):
        for (table, target), rows in zip(into, laid_out, strict=True):
            copying.copy(connection, rows, table, target, freeze=freeze)
        count += n_rows
        if progress is not None:
            progress(item.name, count)
    return count


def _laid_out(item: Item) -> Iterator[tuple[int, list[list[memoryview]]]]:
    """For each batch the number of its rows, and the rows as each of the tables gets them."""
    for batch in item.content.batches:
        _check_run(batch, item)
        of_tables = ((originals.rows(batch) if t is ORIGINALS else batch, t) for t in item.tables)
        yield batch.num_rows, [list(copying.rows(*each)) for each in of_tables]


def _check_run(batch: pa.RecordBatch, item: Item) -> None:
    """Raise ValueError where rows of a run's content are another's."""
    if item.name not in OF_A_RUN:
        return
    others = set(pc.unique(batch.column("run_id")).to_pylist()) - {item.run_id}
    if others:
        found = sorted(map(str, others))
        message = f"{item.name} of run {item.run_id} expected, found rows of {found}"
        raise ValueError(message)
