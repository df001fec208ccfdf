"""Lists that a killed process leaves whole: written beside and renamed.

Between two writings some seconds may be lost; what was downloaded meanwhile is on
disk under the name that the manifest has for it, and is found there.
"""

import csv
import os
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from vospec.errors import ManifestError


class Spectrum(NamedTuple):
    """A row of the manifest.

    ``state`` is *pending*, *fetched*, *outside* (does not cover the band), *unusable*
    (offered in no format that is read) or *failed*.
    """

    publisher_did: str
    file: str
    sha256: str
    size: str
    access_url: str
    access_format: str
    fetched_at: str
    state: str
    reason: str


class Query(NamedTuple):
    """A row of the list of questions; the first six tell which."""

    service: str
    ra: str
    dec: str
    size: str
    band_start: str
    band_stop: str
    state: str
    spectra: str
    asked_at: str
    reason: str


Row = TypeVar("Row", bound=tuple[str, ...])


class Listing(Generic[Row]):
    """Rows of text by key, kept as CSV.

    Parameters
    ----------
    path : Path
        The file; read where it is there.
    kind : type
        A named tuple of text, whose fields are the columns.
    n_key : int
        How many of the first columns identify a row.

    Raises
    ------
    ManifestError
        The file is not such a list.
    """

    def __init__(self, path: Path, kind: type[Row], *, n_key: int = 1) -> None:
        self.path = path
        self._kind, self._n_key = kind, n_key
        self.rows = {row[:n_key]: row for row in self._read()}

    def put(self, row: Row) -> None:
        """Set a row."""
        self.rows[row[: self._n_key]] = row

    def write(self) -> None:
        """Write all rows now."""
        with beside(self.path).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(self._columns)
            writer.writerows(self.rows.values())
        replace(self.path)

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(self._kind.__annotations__)

    def _read(self) -> list[Row]:
        if not self.path.exists():
            return []
        try:
            with self.path.open(newline="", encoding="utf-8") as stream:
                header, *lines = list(csv.reader(stream)) or [[]]
        except (OSError, UnicodeDecodeError, csv.Error) as fault:
            message = f"{self.path}: expected a list as CSV in UTF-8: {fault}"
            raise ManifestError(message) from fault
        odd = [line for line in [header, *lines] if len(line) != len(self._columns)]
        if tuple(header) != self._columns or odd:
            message = (
                f"{self.path}: expected the columns {', '.join(self._columns)}, "
                f"found {', '.join(odd[0] if odd else header)}"
            )
            raise ManifestError(message)
        return [self._kind(*line) for line in lines]


def beside(path: Path) -> Path:
    """Where a file is written until it is whole."""
    return path.with_name(f".{path.name}.part")


def replace(path: Path) -> None:
    """Give a file that was written beside its name; it then survives a crash, too."""
    with beside(path).open("rb") as stream:
        os.fsync(stream.fileno())
    beside(path).replace(path)
