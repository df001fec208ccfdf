"""The listing of files as a dataset, cut into the parts in which they are read.

The part of a file follows from its stem alone, so that files of one name are read
by one task, on any machine and after any interruption. The number of parts follows
from the number of files.

A listing also tells what has come, gone or changed since it was made: see :func:`compare`.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from vospec.listing import File
from vospec.store import Dataset, named

#: Files of one part: packed LAMOST spectra of 21 kB make some 170 MB.
FILES_OF_A_PART = 8192
#: Fewer files are still cut into so many parts, for the cores' sake.
LEAST_PARTS = 16
#: Parquet files of the listing; each holds every so manieth part.
BUCKETS = 64
#: Files held in memory at once while the listing is written.
HELD = 50_000

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("stem", pa.string()),
        ("size", pa.int64()),
        ("changed", pa.int64()),
        ("part", pa.int32()),
    ]
)


def parts_of(n_files: int) -> int:
    """How many parts so many files are read in."""
    return max(min(LEAST_PARTS, n_files), -(-n_files // FILES_OF_A_PART))


def write(listing: Dataset, files: Iterable[File], n_parts: int) -> int:
    """Write a listing, some files at a time, and return their number.

    Parameters
    ----------
    listing : Dataset
        Where to write; it is not complete yet, that is the caller's to say.
    files : iterable of File
        In any order.
    n_parts : int
        Number of parts.
    """
    listing.clear()
    with named(listing.location):
        return _write(listing, iter(files), n_parts)


def _write(listing: Dataset, remaining: Iterator[File], n_parts: int) -> int:
    rows, filesystem = 0, listing.store.filesystem
    writers = [
        parquet.ParquetWriter(listing.part(bucket), SCHEMA, filesystem=filesystem)
        for bucket in range(min(BUCKETS, n_parts))
    ]
    try:
        while held := list(islice(remaining, HELD)):
            _distribute(held, writers, n_parts)
            rows += len(held)
    finally:
        for writer in writers:
            writer.close()
    return rows


def _distribute(held: list[File], writers: list[parquet.ParquetWriter], n_parts: int) -> None:
    part = [zlib.crc32(file.stem.encode()) % n_parts for file in held]
    columns = *zip(*held, strict=True), part
    rows = pa.table(list(map(pa.array, columns)), names=SCHEMA.names).cast(SCHEMA)
    bucket = pa.array([number % len(writers) for number in part])
    for number, writer in enumerate(writers):
        writer.write_table(rows.filter(pc.equal(bucket, number)))


def paths_of(listing: Dataset, part: int, n_parts: int) -> Iterator[str]:
    """The paths of a part, those of one stem after each other."""
    rows = parquet.read_table(
        listing.part(part % min(BUCKETS, n_parts)),
        filesystem=listing.store.filesystem,
        filters=pc.field("part") == part,
    )
    order: list[tuple[str, str]] = [("stem", "ascending"), ("path", "ascending")]
    for path in rows.sort_by(order).column("path"):
        yield path.as_py()


@dataclass(frozen=True)
class Difference:
    """What a listing lacks: files that came, and how many are gone or are others now."""

    added: tuple[File, ...]
    n_changed: int
    n_gone: int


def compare(known: Sequence[Dataset], files: Iterable[File]) -> Difference:
    """Compare files with what was listed before, some files at a time.

    Parameters
    ----------
    known : sequence of Dataset
        Complete listings; no file stands in two of them.
    files : iterable of File
        What is there now, in any order.

    Returns
    -------
    Difference
        A file has changed where its length or its time of change has.
    """
    before = pa.concat_tables(listing.table(["path", "size", "changed"]) for listing in known)
    remaining, added, n_seen, n_changed = iter(files), [], 0, 0
    while held := list(islice(remaining, HELD)):
        place = pc.index_in(pa.array([file.path for file in held]), before.column("path"))
        found = before.take(place)
        for file, path, size, changed in zip(held, *map(_listed, found.columns), strict=True):
            if path is None:
                added.append(file)
            else:
                n_seen += 1
                n_changed += (file.size, file.changed) != (size, changed)
    return Difference(tuple(added), n_changed, len(before) - n_seen)


def _listed(column: pa.ChunkedArray) -> list[str | int | None]:
    values: list[str | int | None] = column.to_pylist()
    return values
