"""Files of file systems that Hadoop's client in Spark knows and pyarrow does not open.

pyarrow reaches HDFS through libhdfs and an installation of Hadoop; Spark brings its own
client. The driver lists by that client, one file after the other, and tasks get the
contents of their files from Spark's source ``binaryFile``, in the order of the listing.
Only the files of a few parts are known to Spark at a time.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pyarrow as pa
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from vospec import archives, inventory
from vospec.backend import parts, reading
from vospec.backend.session import Engine
from vospec.columns import SPECTRA
from vospec.errors import NoSpectraError
from vospec.listing import SUFFIXES, File, FileSystemName, Walk, split, stem
from vospec.store import Dataset

#: What Hadoop's patterns of paths (``FileSystem.globStatus``) do not take literally.
_PATTERN = re.compile(r"([\\*?\[\]{},])")


def walk(engine: Engine) -> Walk:
    """How folders are listed; the session starts with the first of them."""

    def files(folder: str) -> Iterator[File]:
        session = engine.session
        scheme, authority, inside = split(folder)
        prefix = f"{scheme}://{authority}"
        try:
            path = session._jvm.org.apache.hadoop.fs.Path(prefix + inside)  # type: ignore[union-attr]  # noqa: SLF001 - the only way to Hadoop's client
            configuration = session._jsc.hadoopConfiguration()  # noqa: SLF001 - likewise
            remaining = path.getFileSystem(configuration).listFiles(path, True)
            while remaining.hasNext():
                found = remaining.next()
                name = found.getPath().toUri().getPath()
                if name.lower().endswith(SUFFIXES):
                    changed = found.getModificationTime() * 1_000_000
                    yield File(prefix + quote(name), stem(name), found.getLen(), changed)
        except Py4JError as fault:
            reason = str(getattr(fault, "java_exception", fault)).partition("\n")[0]
            message = f"{folder}: the folder cannot be listed ({reason})"
            raise NoSpectraError(message) from fault

    return files


def read(
    engine: Engine,
    files: Dataset,
    n_parts: int,
    made: Dataset,
    elsewhere: frozenset[FileSystemName],
) -> None:
    """Make the missing parts of the spectra.

    Parameters
    ----------
    engine : Engine
        Gives the session.
    files : Dataset
        The listing (see :mod:`vospec.inventory`).
    n_parts : int
        Number of parts.
    made : Dataset
        Where to write; rows are those of :func:`vospec.backend.reading.spectra`.
    elsewhere : frozenset of (scheme, authority)
        File systems that pyarrow does not open; files of others are opened by it.
    """
    most = archives.MOST_BYTES

    def reader(batches: Iterator[pa.RecordBatch]) -> reading.Read:
        given = _given(batches)
        following = next(given, None)

        def row(number: int, path: str) -> reading.Row:
            nonlocal following
            if split(path)[:2] not in elsewhere:
                return reading.row(path)
            if following is None or following[0] != number:
                # Spark passes over what is empty as it does over what it cannot read.
                reason = f"empty, or larger than {most} bytes, or cannot be opened"
                return reading.unread(path, reason)
            content, following = following[1], next(given, None)
            return reading.unpack(path, content)

        return row

    content = reading.spectra(files, n_parts, reader)
    made.sweep(n_parts)
    missing = [part for part in range(n_parts) if not made.has_part(part)]
    at_once = 2 * engine.session.sparkContext.defaultParallelism
    for first in range(0, len(missing), at_once):
        numbers = missing[first : first + at_once]
        frames = [
            _contents(engine.session, list(inventory.paths_of(files, part, n_parts)), elsewhere)
            for part in numbers
        ]
        together = frames[0]
        for frame in frames[1:]:
            together = together.union(frame)
        parts.fill(together, numbers, made, content, table=SPECTRA)


def _given(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, bytes]]:
    for batch in batches:
        for number, content in zip(*batch.columns, strict=True):
            yield number.as_py(), content.as_py()


def _contents(
    session: SparkSession, paths: list[str], elsewhere: frozenset[FileSystemName]
) -> DataFrame:
    """The contents of a part's files in one partition, by their places in the listing."""
    named = [(_plain(p), number) for number, p in enumerate(paths) if split(p)[:2] in elsewhere]
    order = session.createDataFrame(named, "path string, number int")
    if not named:
        return order.select("number", sql.lit(b"").alias("content")).coalesce(1)
    source = session.read.format("binaryFile")
    for option in ("ignoreMissingFiles", "ignoreCorruptFiles"):
        source = source.option(option, value=True)
    found = source.load([_PATTERN.sub(r"\\\1", path) for path, _ in named])
    small = found.filter(sql.col("length") <= archives.MOST_BYTES).coalesce(1)
    return (
        small.join(sql.broadcast(order), "path")
        .select("number", "content")
        .sortWithinPartitions("number")
    )


def _plain(path: str) -> str:
    """A URI as Hadoop writes it: nothing in it is escaped."""
    scheme, authority, inside = split(path)
    return f"{scheme}://{authority}{inside}"
