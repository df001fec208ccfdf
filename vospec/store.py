"""The store: datasets in Parquet under one folder or URI.

A dataset stands under a path that contains the fingerprint of everything it
was made from, so that the same work is found again and other work never
overwrites it. It is complete once its manifest is there; the manifest is
written last, in one step, and tells inputs, counts and times.
"""

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
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


def matrix(column: pa.Array) -> NDArray[Any]:
    """A list column whose lists are of one length, as (rows, length)."""
    flat: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), -1)


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

    def dataset(self, path: str) -> "Dataset":
        """The dataset that stands, or will stand, under a relative path."""
        return Dataset(self, path)

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
    """One dataset of a store, complete or not."""

    store: Store
    path: str

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
        return bool(
            self.store.filesystem.get_file_info(self._manifest_path).type == fs.FileType.File
        )

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the dataset was made from, its counts and times.

        Raises
        ------
        StoreError
            The dataset is missing or incomplete.
        """
        if not self.is_complete():
            message = f"{self.uri}: this dataset is missing or incomplete"
            raise StoreError(message)
        with self.store.filesystem.open_input_stream(self._manifest_path) as stream:
            content: dict[str, Any] = json.loads(stream.read())
        return content

    def clear(self) -> None:
        """Make an empty folder in the place of what an interrupted run left."""
        self.store.filesystem.create_dir(self.location, recursive=True)
        self.store.filesystem.delete_dir_contents(self.location)

    def part(self, number: int) -> str:
        """The path of a part within the store's file system."""
        return posixpath.join(self.location, f"part-{number:05d}.parquet")

    def has_part(self, number: int) -> bool:
        """Whether a part was written to its end."""
        info = self.store.filesystem.get_file_info(self.part(number))
        return bool(info.type == fs.FileType.File)

    def sweep(self, n_parts: int) -> None:
        """Make the folder and take away all but finished parts of such a dataset."""
        self.store.filesystem.create_dir(self.location, recursive=True)
        finished = {self.part(number) for number in range(n_parts)}
        for info in self.store.filesystem.get_file_info(fs.FileSelector(self.location)):
            if info.path not in finished and info.type == fs.FileType.File:
                self.store.filesystem.delete_file(info.path)

    def complete(self, **facts: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Declare the dataset complete, with what is to be known of it."""
        content = {"version": __version__, "completed": datetime.now(UTC).isoformat(), **facts}
        incoming = self._manifest_path + ".incoming"
        with self.store.filesystem.open_output_stream(incoming) as stream:
            stream.write(json.dumps(content, indent=1, default=list).encode())
        self.store.filesystem.move(incoming, self._manifest_path)

    def write(self, table: pa.Table, **facts: Any) -> None:  # noqa: ANN401 - see complete
        """Write a small table as the whole dataset and complete it."""
        self.clear()
        parquet.write_table(table, self.part(0), filesystem=self.store.filesystem)
        self.complete(rows=table.num_rows, **facts)

    def read(self) -> pyarrow.dataset.Dataset:
        """Open the dataset with pyarrow.

        Raises
        ------
        StoreError
            The dataset is missing or incomplete.
        """
        _ = self.manifest
        return self.parts()

    def parts(self) -> pyarrow.dataset.Dataset:
        """Open whatever is written so far, complete or not."""
        return pyarrow.dataset.dataset(
            self.location, filesystem=self.store.filesystem, format="parquet"
        )

    def table(self, columns: Mapping[str, Any] | list[str] | None = None) -> pa.Table:
        """Read some columns of the dataset, or all, into memory."""
        return self.read().to_table(columns=columns)
