"""The stage that reads files: listing in, one row a file out.

Files of the same name are read by the same task, one after the other, so that
two files of one identity meet without a shuffle of spectra.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from vospec import archives, inventory
from vospec.archives import ArchiveSpectrum
from vospec.backend.parts import ROWS, Content
from vospec.columns import ROLES, SPECTRA, Quality
from vospec.errors import SpectrumError, UnknownLayoutError, UnreadableFileError
from vospec.listing import locate, split, stem
from vospec.store import Dataset, arrow_schema

Row = dict[str, Any]

#: What a row takes from the spectrum as it is.
_TOLD = [f.name for f in fields(ArchiveSpectrum) if f.name in SPECTRA.names]


#: Reads the file of a path, which has this place in its part of the listing, into a row.
Read = Callable[[int, str], Row]


def spectra(
    files: Dataset, n_parts: int, reader: Callable[[Iterator[pa.RecordBatch]], Read] | None = None
) -> Content:
    """What the parts of the spectra hold.

    Parameters
    ----------
    files : Dataset
        The listing (see :mod:`vospec.inventory`).
    n_parts : int
        Number of parts.
    reader : callable
        Makes of the rows of the task at hand what reads files; :func:`row` unless given.

    Returns
    -------
    callable
        Gives rows of :data:`vospec.columns.SPECTRA`, one a file: what cannot
        be read keeps its row with a quality bit and the reason.
    """

    def content(part: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        identities, schema = Identities(), arrow_schema(SPECTRA)
        read = reader(batches) if reader else lambda _, path: row(path)
        paths = enumerate(inventory.paths_of(files, part, n_parts))
        while some := list(islice(paths, ROWS)):
            yield batch([identities.settle(read(*file)) for file in some], schema)

    return content


def batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as Arrow columns; arrays are joined, not taken apart into numbers."""
    columns = [_column([row[field.name] for row in rows], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    given = [value for value in values if value is not None]
    lengths = [0 if value is None else len(value) for value in values]
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    flat = np.concatenate(given) if given else np.empty(0)
    mask = pa.array([value is None for value in values])
    values = pa.array(flat, kind.value_type)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=kind, mask=mask)


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
        return unread(path, f"cannot be opened: {fault.strerror or fault}")
    return unpack(path, content)


def unread(path: str, reason: str) -> Row:
    """The row of a file whose content is not to be had."""
    return _unread(path, None, Quality.UNREADABLE, reason)


def unpack(path: str, content: bytes) -> Row:
    """The row of a file of this content."""
    # A URI may write the name of a file in another way than it is.
    _, _, name = split(path)
    try:
        spectrum = archives.read_bytes(content, name)
    except UnknownLayoutError as fault:
        return _unread(path, content, Quality.UNKNOWN_LAYOUT, _reason(fault, name))
    except UnreadableFileError as fault:
        return _unread(path, content, Quality.UNREADABLE, _reason(fault, name))
    return _read(path, content, spectrum)


def _reason(fault: SpectrumError, name: str) -> str:
    # The row has a column for the path.
    return str(fault).removeprefix(f"{name}: ")


def _content(path: str) -> bytes:
    filesystem, location = locate(path)
    with filesystem.open_input_file(location) as stream:
        if (size := stream.size()) > archives.MOST_BYTES:
            message = f"{size} bytes, expected at most {archives.MOST_BYTES}"
            raise OSError(message)
        content: bytes = stream.read()
    return content


def _origin(path: str, content: bytes | None) -> Row:
    return {
        "path": path,
        "checksum": None if content is None else hashlib.sha256(content).hexdigest(),
        "size": None if content is None else len(content),
    }


def _unread(path: str, content: bytes | None, quality: Quality, reason: str) -> Row:
    empty: Row = dict.fromkeys(SPECTRA.names)
    identity = {
        "spectrum_id": f"unread/{stem(split(path)[2])}",
        "quality": int(quality),
        "reason": reason,
    }
    return empty | _origin(path, content) | identity


def _read(path: str, content: bytes, spectrum: ArchiveSpectrum) -> Row:
    known = {name: getattr(spectrum, name) for name in _TOLD}
    axis = spectrum.spectral_axis
    derived = {
        "role": ROLES[spectrum.collection],
        "quality": int(spectrum.quality),
        "spectral_start": float(axis[0]),
        "spectral_stop": float(axis[-1]),
        "n_pixels": len(axis),
    }
    return known | derived | _origin(path, content)
