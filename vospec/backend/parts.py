"""Datasets in parts: a task writes one Parquet file, whole or not at all.

Spark schedules the tasks; the rows never pass through Java, which takes four times
as long over lists of pixels and needs a heap for them. A part that is finished
survives whatever interrupts the work and is not made again. Two tasks at the same
part (a slow one may be started twice) write the same bytes beside each other, and
the later one replaces the part in one step.

Numbers of arrays are stored byte by byte (Parquet's BYTE_STREAM_SPLIT) under LZ4, which
takes a third off fluxes and nearly all off wavelengths, for these repeat from row to row;
zstd would take 3 % more, in 1.2 times the time. Most of the time goes into Parquet's own
account of where lists begin and end. Statistics of arrays would be of no use to anybody.
"""

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from joblib import Parallel, delayed
from numpy.typing import NDArray
from pyarrow import fs, parquet
from pyspark import TaskContext
from pyspark.sql import DataFrame
from threadpoolctl import threadpool_limits

from vospec.backend import worker
from vospec.backend.frames import spark_schema, watched
from vospec.columns import UNUSABLE, Table
from vospec.errors import StoreError
from vospec.progress import Progress
from vospec.store import Dataset, arrow_schema, named

#: Rows of one row group: 512 LAMOST spectra are 33 MB in memory.
ROWS = 512

#: Columns by whose values rows are counted, in tables that have them.
COUNTED = ("release", "layout", "quality")

#: What a part holds, given its number and the rows of the task at hand.
Content = Callable[[int, Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Made:
    """What a dataset holds, once all its parts are there.

    Attributes
    ----------
    parts, rows, usable : int
        Number of parts, of rows, and of rows without a flag that forbids use.
    counts : list of dict
        Rows by release, layout and quality, as far as the dataset has these.
    """

    parts: int
    rows: int
    usable: int
    counts: list[dict[str, Any]]


def write(
    tasks: DataFrame, dataset: Dataset, content: Content, *, table: Table, progress: Progress
) -> Made:
    """Make the missing parts of a dataset through Spark.

    Parameters
    ----------
    tasks : DataFrame
        As many partitions as there are parts; each is handed to `content`.
    dataset : Dataset
        Where to write; it is not complete yet, that is the pipeline's to say.
    content : callable
        Gives the batches of a part, each of which becomes a row group. It must
        not depend on anything but its arguments.
    table : Table
        What the rows are.
    progress : Progress
        Told of the rows of every part that is done.

    Returns
    -------
    Made
        Counts over all parts, those that were there before among them.
    """
    n_parts = tasks.rdd.getNumPartitions()
    dataset.sweep(n_parts)
    done = tasks.sparkSession.sparkContext.accumulator(0)
    counted = _counted(table)

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        counts = _made(dataset, partition(), content, batches, table)
        yield from counts.to_batches()
        done.add(pc.sum(counts.column("n")).as_py() or 0)

    ddl = [spark_schema(column for column in table if column.name in counted), "`n` bigint"]
    with progress, watched(lambda: progress.update(done.value)):
        counts = tasks.mapInArrow(task, ", ".join(filter(None, ddl))).toArrow()
        progress.done = done.value
    return _summed(counts, counted, n_parts)


def write_here(  # noqa: PLR0913 - named parameters of one method
    n_parts: int,
    dataset: Dataset,
    content: Content,
    *,
    table: Table,
    progress: Progress,
    processes: bool = False,
) -> Made:
    """Make the missing parts of a dataset on this machine, without Spark: the same bytes.

    Parameters
    ----------
    n_parts : int
        How many parts there are.
    dataset, content, table, progress
        As for :func:`write`; the content is handed no batches.
    processes : bool
        Whether each core is given a process: for content that holds Python's lock.

    Returns
    -------
    Made
        Counts over all parts, those that were there before among them.
    """
    dataset.sweep(n_parts)
    parallel = Parallel(
        n_jobs=len(os.sched_getaffinity(0)),
        prefer="processes" if processes else "threads",
        return_as="generator",
        # A search that all threads share must not be copied, nor mapped from a file.
        max_nbytes=None,
    )
    made = []
    with progress, threadpool_limits(1):
        for counts in parallel(
            delayed(_made)(dataset, part, content, (), table) for part in range(n_parts)
        ):
            made.append(counts)
            progress.update(progress.done + (pc.sum(counts.column("n")).as_py() or 0))
    return _summed(pa.concat_tables(made), _counted(table), n_parts)


def _counted(table: Table) -> list[str]:
    return [name for name in COUNTED if name in table.names]


def _made(
    dataset: Dataset,
    part: int,
    content: Content,
    batches: Iterable[pa.RecordBatch],
    table: Table,
) -> pa.Table:
    """Make a part, unless it is there, and count its rows."""
    if not _has_whole(dataset, part):
        _write_part(dataset, part, content(part, iter(batches)), arrow_schema(table))
    _drain(iter(batches))
    return _counts(dataset, part, _counted(table))


def _has_whole(dataset: Dataset, part: int) -> bool:
    """Whether a part is there; a damaged one is taken away.

    Where the power fails, a file system may have kept a new name but not what was written.
    """
    if not dataset.has_part(part):
        return False
    try:
        with _opened(dataset, part):
            return True
    except StoreError:
        dataset.store.filesystem.delete_file(dataset.part(part))
        return False


def fill(
    tasks: DataFrame, numbers: Sequence[int], dataset: Dataset, content: Content, *, table: Table
) -> None:
    """Make some parts of a dataset, partition k of the tasks that of the k-th number.

    Raises
    ------
    ValueError
        There are not as many partitions as numbers.
    """
    schema = arrow_schema(table)
    if (found := tasks.rdd.getNumPartitions()) != len(numbers):
        message = f"expected {len(numbers)} partitions, found {found}"
        raise ValueError(message)

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        part = numbers[partition()]
        _write_part(dataset, part, content(part, batches), schema)
        _drain(batches)
        yield from ()

    tasks.mapInArrow(task, "`n` bigint").count()


def partition() -> int:
    """The number of the task's partition."""
    worker.settle()
    context = TaskContext.get()
    assert context is not None
    return context.partitionId()


def _drain(batches: Iterator[pa.RecordBatch]) -> None:
    """Read to the end, as Spark expects of a task."""
    deque(batches, maxlen=0)


def _summed(counts: pa.Table, counted: list[str], n_parts: int) -> Made:
    summed = counts.group_by(counted).aggregate([("n", "sum")])
    rows = summed.rename_columns([*counted, "n"]).to_pylist()
    rows.sort(key=lambda row: [str(value) for value in row.values()])
    usable = sum(row["n"] for row in rows if not row.get("quality", 0) & UNUSABLE)
    return Made(n_parts, sum(row["n"] for row in rows), usable, rows)


def _write_part(
    dataset: Dataset, part: int, batches: Iterator[pa.RecordBatch], schema: pa.Schema
) -> None:
    filesystem, target = dataset.store.filesystem, dataset.part(part)
    folder, _, name = target.rpartition("/")
    # Readers of a dataset pass over names that start with a dot.
    incoming = f"{folder}/.{name}.{uuid.uuid4().hex}.incoming"
    try:
        with _writing(incoming, target, schema, filesystem) as write_batch:
            for batch in batches:
                write_batch(batch)
        with named(target):
            rename(filesystem, incoming, target)
    except BaseException:
        if filesystem.get_file_info(incoming).type == fs.FileType.File:
            filesystem.delete_file(incoming)
        raise


@contextmanager
def _writing(
    path: str, target: str, schema: pa.Schema, filesystem: fs.FileSystem
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Write batches to a file; its faults name the target, not those of what makes the batches."""
    with named(target):
        writer = parquet.ParquetWriter(path, schema, filesystem=filesystem, **_encoding(schema))

    def write_batch(batch: pa.RecordBatch) -> None:
        with named(target):
            writer.write_batch(batch)

    try:
        yield write_batch
    finally:
        with named(target):
            writer.close()


def rename(filesystem: fs.FileSystem, incoming: str, target: str) -> None:
    """Give a file its name; another task that was faster has written the same."""
    try:
        filesystem.move(incoming, target)
    except OSError:
        # Hadoop's file system does not rename onto what exists.
        if filesystem.get_file_info(target).type != fs.FileType.File:
            raise
        filesystem.delete_file(incoming)


def _encoding(schema: pa.Schema) -> dict[str, object]:
    arrays = [f for f in schema if pa.types.is_list(f.type)]
    numbers = [f"{f.name}.list.element" for f in arrays if f.type.value_type != pa.bool_()]
    return {
        "compression": "lz4",
        "use_dictionary": [f.name for f in schema if pa.types.is_string(f.type)],
        "write_statistics": [f.name for f in schema if not pa.types.is_list(f.type)],
        "use_byte_stream_split": numbers,
    }


def _counts(dataset: Dataset, part: int, counted: list[str]) -> pa.Table:
    with _opened(dataset, part) as file:
        if not counted:
            return pa.table({"n": [file.metadata.num_rows]})
        rows = file.read(counted, use_threads=False)
    counts = rows.group_by(counted).aggregate([([], "count_all")])
    return counts.rename_columns([*counted, "n"])


def read(dataset: Dataset, part: int, columns: tuple[str, ...]) -> Iterator[pa.Table]:
    """Some columns of a part, one row group at a time.

    Raises
    ------
    StoreError
        The part is missing, damaged or of other columns than the dataset.
    """
    with _opened(dataset, part) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, list(columns), use_threads=False)


@dataclass(frozen=True)
class RowGroup:
    """A row group of a part, and which of its rows are asked for.

    Attributes
    ----------
    path : str
        The part.
    chosen : (n,) int
        Their places in the row group.
    """

    path: str
    file: parquet.ParquetFile
    number: int
    chosen: NDArray[np.intp]

    def read(self, *columns: str) -> pa.Table:
        """Some columns of all rows."""
        with named(self.path):
            return self.file.read_row_group(self.number, list(columns), use_threads=False)


def read_role(dataset: Dataset, part: int, role: str) -> Iterator[RowGroup]:
    """Row groups of a part that hold spectra of a role.

    Rows that were never read count with the survey. Of a row group without the role
    no pixels are read.

    Raises
    ------
    StoreError
        As :func:`read`.
    """
    with _opened(dataset, part) as file:
        for group in range(file.num_row_groups):
            roles = file.read_row_group(group, ["role"], use_threads=False).column("role")
            chosen = np.flatnonzero(pc.equal(roles.fill_null("survey"), role))
            if len(chosen):
                yield RowGroup(dataset.part(part), file, group, chosen)


@contextmanager
def _opened(dataset: Dataset, part: int) -> Iterator[parquet.ParquetFile]:
    """A part to be read; what happens to it meanwhile names it."""
    with named(dataset.part(part)), opened(dataset, part) as file:
        yield file


def opened(dataset: Dataset, part: int) -> parquet.ParquetFile:
    """Open a part.

    Raises
    ------
    StoreError
        As :func:`read`.
    """
    path = dataset.part(part)
    with named(path):
        file = parquet.ParquetFile(path, filesystem=dataset.store.filesystem)
    dataset.require_schema(path, file.schema_arrow)
    return file
