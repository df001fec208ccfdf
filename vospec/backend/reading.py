"""The stage that reads files: listing in, one row a file out.

Files of the same name are read by the same task, one after the other, so that
two files of one identity meet without a shuffle of spectra.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import Accumulator
from pyspark.sql import DataFrame

from vospec import archives
from vospec.archives import ArchiveSpectrum
from vospec.backend.frames import spark_schema
from vospec.columns import ROLES, SPECTRA, Quality
from vospec.errors import SpectrumError, UnknownLayoutError, UnreadableFileError
from vospec.listing import locate, stem
from vospec.store import arrow_schema

#: Rows of one Arrow batch: 64 LAMOST spectra are 5 MB.
BATCH = 64

Row = dict[str, Any]


def read(files: DataFrame, *, partitions: int, done: Accumulator[int]) -> DataFrame:
    """Read every file of a listing.

    Parameters
    ----------
    files : DataFrame
        ``path`` and ``stem`` of each file.
    partitions : int
        Number of tasks; the rows do not depend on it.
    done : Accumulator
        Counts the files read.

    Returns
    -------
    DataFrame
        Rows of :data:`vospec.columns.SPECTRA`, one a file: what cannot be
        read keeps its row with a quality bit and the reason.
    """
    grouped = files.repartition(partitions, "stem").sortWithinPartitions("stem", "path")
    schema = arrow_schema(SPECTRA)

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        identities = Identities()
        for batch in batches:
            paths = batch.column("path").to_pylist()
            for start in range(0, len(paths), BATCH):
                part = [identities.settle(row(path)) for path in paths[start : start + BATCH]]
                yield pa.RecordBatch.from_pylist(part, schema=schema)
                done.add(len(part))

    return grouped.select("path").mapInArrow(rows, spark_schema(SPECTRA))


class Identities:
    """Finds files of one identity among files that come in the order of their names."""

    def __init__(self) -> None:
        self._stem = ""
        self._first: dict[str, str] = {}
        self._copies = 0

    def settle(self, row: Row) -> Row:
        """Flag a row whose identity was met before, and give it an identifier of its own."""
        if stem(row["path"]) != self._stem:
            self._stem, self._first, self._copies = stem(row["path"]), {}, 1
        first = self._first.setdefault(row["spectrum_id"], row["path"])
        if first == row["path"]:
            return row
        self._copies += 1
        return row | {
            "spectrum_id": f"{row['spectrum_id']}~{self._copies}",
            "quality": row["quality"] | Quality.DUPLICATE,
            "reason": f"the same identity as {first}",
        }


def row(path: str) -> Row:
    """Read one file into a row; a file that cannot be read gives a flagged row."""
    try:
        content = _content(path)
    except OSError as fault:
        return _unread(
            path, None, Quality.UNREADABLE, f"cannot be opened: {fault.strerror or fault}"
        )
    try:
        spectrum = archives.read_bytes(content, path)
    except UnknownLayoutError as fault:
        return _unread(path, content, Quality.UNKNOWN_LAYOUT, _reason(fault, path))
    except UnreadableFileError as fault:
        return _unread(path, content, Quality.UNREADABLE, _reason(fault, path))
    return _read(path, content, spectrum)


def _reason(fault: SpectrumError, path: str) -> str:
    # The row has a column for the path.
    return str(fault).removeprefix(f"{path}: ")


def _content(path: str) -> bytes:
    filesystem, location = locate(path)
    with filesystem.open_input_file(location) as stream:
        content: bytes = stream.read()
    return content


def _origin(path: str, content: bytes | None) -> Row:
    return {
        "path": path,
        "checksum": None if content is None else hashlib.sha256(content).hexdigest(),
        "size": None if content is None else len(content),
    }


def _unread(path: str, content: bytes | None, quality: Quality, reason: str) -> Row:
    empty = dict.fromkeys(SPECTRA.names)
    identity = {"spectrum_id": f"unread/{stem(path)}", "quality": int(quality), "reason": reason}
    return empty | _origin(path, content) | identity


def _read(path: str, content: bytes, spectrum: ArchiveSpectrum) -> Row:
    known = {name: getattr(spectrum, name) for name in SPECTRA.names if hasattr(spectrum, name)}
    axis = spectrum.spectral_axis
    derived = {
        "role": ROLES[spectrum.collection],
        "quality": int(spectrum.quality),
        "spectral_start": float(np.min(axis)),
        "spectral_stop": float(np.max(axis)),
        "n_pixels": len(axis),
    }
    return known | derived | _origin(path, content)
