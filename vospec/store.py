"""The store: datasets in Parquet under one folder or URI.

A dataset stands under a path that contains the fingerprint of everything it
was made from, so that the same work is found again and other work never
overwrites it. It is complete once its manifest is there; the manifest is
written last, in one step, and tells inputs, counts and times.
"""

import hashlib
import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from numpy.typing import NDArray
from pyarrow import fs, parquet

from vospec import __version__
from vospec.columns import Table
from vospec.errors import StoreError
from vospec.listing import locate

MANIFEST = "_manifest.json"


def _list_of(kind: pa.DataType) -> pa.DataType:
    # Readers take a third less time over lists that say that no element is null.
    return pa.list_(pa.field("element", kind, nullable=False))


_ARROW = {
    "text": pa.string(),
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "boolean[]": _list_of(pa.bool_()),
    "integer[]": _list_of(pa.int32()),
    "real[]": _list_of(pa.float32()),
    "double precision[]": _list_of(pa.float64()),
}


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table of :mod:`vospec.columns`."""
    return pa.schema([pa.field(column.name, _ARROW[column.type]) for column in table])


def matrix(column: pa.Array, *, of: str = "a column of lists") -> NDArray[Any]:
    """A list column whose lists are of one length, as (rows, length); `of` names it in errors.

    Raises
    ------
    StoreError
        Lists differ in length, or one is null.
    """
    lengths = np.unique(pc.list_value_length(column).fill_null(-1))
    if len(lengths) > 1:
        found = f"{lengths[0]} and {lengths[-1]}" if lengths[0] >= 0 else "null"
        message = f"{of}: expected as many elements in every row, found {found}"
        raise StoreError(message)
    flat: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), lengths[0] if len(lengths) else 0)


@contextmanager
def named(path: str) -> Iterator[None]:
    """Let what the system and Arrow say of a file name it.

    Parameters
    ----------
    path : str
        The file or dataset.

    Raises
    ------
    StoreError
        The body raised an error of the system, or one of Arrow's.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as fault:
        number = getattr(fault, "errno", None)
        reason = os.strerror(number) if number else " ".join(str(fault).split())
        message = f"{path}: {reason}"
        raise StoreError(message) from fault


def fingerprint(**inputs: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Twelve hexadecimal digits that stand for these inputs and this software version."""
    text = json.dumps({"version": __version__, **inputs}, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Store:
    """The folder or URI that holds all datasets.

    Parameters
    ----------
    folder : str
        A local folder, or a URI of a file system that pyarrow and Spark both
        know (``file:``, ``hdfs:``, ``s3a:``).
    """

    def __init__(self, folder: str) -> None:
        self.uri = folder if ":" in folder else Path(folder).resolve().as_uri()
        self.filesystem, self.root = locate(self.uri)

    def dataset(self, path: str, table: Table | None = None) -> "Dataset":
        """The dataset that stands, or will stand, under a relative path; rows of a table."""
        return Dataset(self, path, table and arrow_schema(table))

    def find(self, folder: str) -> Iterator["Dataset"]:
        """All complete datasets below a relative folder, in order of their paths."""
        selector = fs.FileSelector(
            posixpath.join(self.root, folder), recursive=True, allow_not_found=True
        )
        infos = sorted(self.filesystem.get_file_info(selector), key=lambda info: info.path)
        for info in infos:
            if info.base_name == MANIFEST:
                relative = posixpath.relpath(posixpath.dirname(info.path), self.root)
                yield Dataset(self, relative)


@dataclass(frozen=True)
class Dataset:
    """One dataset of a store, complete or not.

    Attributes
    ----------
    schema : Schema or None
        What its parts must hold; where it is not given, that is not looked at.
    """

    store: Store
    path: str
    schema: pa.Schema | None = None

    @property
    def uri(self) -> str:
        """The address by which Spark knows the dataset."""
        return f"{self.store.uri.rstrip('/')}/{self.path}"

    @property
    def location(self) -> str:
        """The path within the store's file system."""
        return posixpath.join(self.store.root, self.path)

    @property
    def _manifest_path(self) -> str:
        return posixpath.join(self.location, MANIFEST)

    def is_complete(self) -> bool:
        """Whether the dataset was written to its end."""
        with named(self.uri):
            info = self.store.filesystem.get_file_info(self._manifest_path)
        return bool(info.type == fs.FileType.File)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the dataset was made from, its counts and times.

        Raises
        ------
        StoreError
            The dataset is missing or incomplete, or the manifest is damaged.
        """
        if not self.is_complete():
            message = f"{self.uri}: this dataset is missing or incomplete"
            raise StoreError(message)
        path, filesystem = self._manifest_path, self.store.filesystem
        try:
            with named(path), filesystem.open_input_stream(path) as stream:
                content: dict[str, Any] = json.loads(stream.read())
        except ValueError as fault:
            message = f"{path}: expected a manifest as JSON, found something else ({fault})"
            raise StoreError(message) from fault
        return content

    @property
    def completed(self) -> datetime:
        """When the dataset was written to its end."""
        return datetime.fromisoformat(self.manifest["completed"])

    def clear(self) -> None:
        """Make an empty folder in the place of what an interrupted run left."""
        self.__dict__.pop("manifest", None)
        with named(self.location):
            self.store.filesystem.create_dir(self.location, recursive=True)
            # What loses its parts must not pass for complete.
            if self.is_complete():
                self.store.filesystem.delete_file(self._manifest_path)
            self.store.filesystem.delete_dir_contents(self.location)

    def remove(self) -> None:
        """Take the dataset away, its manifest first: a part of it must not pass for all."""
        self.clear()
        with named(self.location):
            self.store.filesystem.delete_dir(self.location)

    def part(self, number: int) -> str:
        """The path of a part within the store's file system."""
        return posixpath.join(self.location, f"part-{number:05d}.parquet")

    def has_part(self, number: int) -> bool:
        """Whether a part was written to its end."""
        info = self.store.filesystem.get_file_info(self.part(number))
        return bool(info.type == fs.FileType.File)

    def sweep(self, n_parts: int) -> None:
        """Make the folder and take away all but finished parts of such a dataset."""
        filesystem, finished = self.store.filesystem, set(map(self.part, range(n_parts)))
        with named(self.location):
            filesystem.create_dir(self.location, recursive=True)
            for info in filesystem.get_file_info(fs.FileSelector(self.location)):
                if info.path not in finished and info.type == fs.FileType.File:
                    filesystem.delete_file(info.path)

    def complete(
        self,
        *,
        behind: Iterable["Dataset"] = (),
        **facts: Any,  # noqa: ANN401 - whatever JSON can hold
    ) -> None:
        """Declare the dataset complete, with what is to be known of it.

        Its time lies behind those of some others, also where the clock was set back.
        """
        last = max((other.completed for other in behind), default=None)
        completed = datetime.now(UTC)
        if last is not None:
            completed = max(completed, last + timedelta(microseconds=1))
        content = {"version": __version__, "completed": completed.isoformat(), **facts}
        incoming, filesystem = self._manifest_path + ".incoming", self.store.filesystem
        with named(self._manifest_path):
            with filesystem.open_output_stream(incoming) as stream:
                stream.write(json.dumps(content, indent=1, default=list).encode())
            filesystem.move(incoming, self._manifest_path)

    def write(self, table: pa.Table, **facts: Any) -> None:  # noqa: ANN401 - see complete
        """Write a small table as the whole dataset and complete it."""
        self.clear()
        with named(self.part(0)):
            parquet.write_table(table, self.part(0), filesystem=self.store.filesystem)
        self.complete(rows=table.num_rows, parts=1, **facts)

    def read(self) -> pyarrow.dataset.Dataset:
        """Open the dataset with pyarrow.

        Raises
        ------
        StoreError
            The dataset is missing or incomplete; or a part of it is missing, damaged or
            of other columns.
        """
        expected = self.manifest.get("rows")
        with named(self.uri):
            found = self.parts()
            rows = found.count_rows()
            for part in found.get_fragments():
                self.require_schema(part.path, part.physical_schema)
        if expected not in (None, rows):
            message = f"{self.uri}: expected {expected} rows, found {rows}{self._missing()}"
            raise StoreError(message)
        return found

    def _missing(self) -> str:
        numbers = range(self.manifest.get("parts", 0))
        missing = [self.part(number) for number in numbers if not self.has_part(number)]
        return f"; {len(missing)} parts are missing, the first: {missing[0]}" if missing else ""

    def require_schema(self, path: str, found: pa.Schema) -> None:
        """Raise StoreError unless a part holds the columns of the dataset."""
        if self.schema is None or found.equals(self.schema):
            return
        told = [f"{f.name} {f.type}" for f in self.schema if f not in list(found)]
        other = [f"{f.name} {f.type}" for f in found if f not in list(self.schema)]
        message = (
            f"{path}: expected the columns {', '.join(told) or 'in another order'}, "
            f"found {', '.join(other) or 'none of these'}"
        )
        raise StoreError(message)

    def parts(self) -> pyarrow.dataset.Dataset:
        """Open whatever is written so far, complete or not."""
        return pyarrow.dataset.dataset(
            self.location, filesystem=self.store.filesystem, format="parquet"
        )

    def table(
        self,
        columns: Mapping[str, Any] | list[str] | None = None,
        where: pyarrow.dataset.Expression | None = None,
    ) -> pa.Table:
        """Read some columns of the dataset, or all, into memory; all rows, or those that match.

        Raises
        ------
        StoreError
            As :meth:`read`.
        """
        found = self.read()
        with named(self.uri):
            return found.to_table(columns=columns, filter=where)
