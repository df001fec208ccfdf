"""A disk that fails: the local file system, until a chosen file is touched at a chosen moment."""

import errno
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn
from unittest import mock

import pyarrow as pa
from pyarrow import fs

from vospec import listing

#: While a file is written; before a finished one is given its name.
Moment = Literal["writing", "naming"]

LOCAL = fs.LocalFileSystem()


def full() -> NoReturn:
    """Say what a full disk says."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only() -> NoReturn:
    """Say what a file system says that was mounted for reading only, or was taken to that."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def killed() -> NoReturn:
    """End as ``kill -9`` ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class _Half:
    """A file that takes half of what it is given, and fails."""

    closed = False

    def __init__(self, path: Path, fault: Callable[[], NoReturn]) -> None:
        self._path, self._fault = path, fault

    def write(self, data: bytes) -> NoReturn:
        self._path.write_bytes(memoryview(data)[: len(data) // 2])
        self._fault()

    def tell(self) -> int:
        return 0

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Failing(fs.FileSystemHandler):  # type: ignore[misc] # pyarrow ships no types
    """The local file system, but for one file.

    Attributes
    ----------
    name : str
        What the path of the file contains.
    moment : {'writing', 'naming'}
        When it fails.
    fault : callable
        How.
    """

    name: str
    moment: Moment
    fault: Callable[[], NoReturn]

    def locate(self, path: str) -> tuple[fs.FileSystem, str]:
        """Open this file system in the place of the local one."""
        return fs.PyFileSystem(self), listing.locate(path)[1]

    def __call__(self) -> None:
        """Let all stores of the process stand there."""
        mock.patch("vospec.store.locate", self.locate).start()
        # It keeps no locks by the kernel; that the dead hold theirs need not be waited for.
        mock.patch.multiple("vospec.lock", BEAT=0.1, SETTLED=0.01).start()

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:  # noqa: ANN401 - pyarrow's
        if self.moment == "writing" and self.name in path:
            return pa.PythonFile(_Half(Path(path), self.fault), mode="w")
        return LOCAL.open_output_stream(path, metadata=metadata)

    def move(self, src: str, dest: str) -> None:
        if self.moment == "naming" and self.name in dest:
            self.fault()
        LOCAL.move(src, dest)

    def get_type_name(self) -> str:
        return "failing"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        found: list[fs.FileInfo] = LOCAL.get_file_info(paths)
        return found

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        found: list[fs.FileInfo] = LOCAL.get_file_info(selector)
        return found

    def create_dir(self, path: str, recursive: bool) -> None:  # noqa: FBT001 - pyarrow's
        LOCAL.create_dir(path, recursive=recursive)

    def delete_dir(self, path: str) -> None:
        LOCAL.delete_dir(path)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool) -> None:  # noqa: FBT001 - pyarrow's
        LOCAL.delete_dir_contents(path, missing_dir_ok=missing_dir_ok)

    def delete_root_dir_contents(self) -> None:
        raise NotImplementedError

    def delete_file(self, path: str) -> None:
        LOCAL.delete_file(path)

    def copy_file(self, src: str, dest: str) -> None:
        LOCAL.copy_file(src, dest)

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return LOCAL.open_input_stream(path)

    def open_input_file(self, path: str) -> pa.NativeFile:
        return LOCAL.open_input_file(path)

    def open_append_stream(self, path: str, metadata: Any) -> pa.NativeFile:  # noqa: ANN401 - pyarrow's
        return LOCAL.open_append_stream(path, metadata=metadata)
