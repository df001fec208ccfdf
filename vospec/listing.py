"""The FITS files under folders, listed in a fixed order, one folder at a time.

A survey has millions of files in thousands of folders; only one folder's
entries are held in memory.
"""

import hashlib
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pyarrow import fs

from vospec.errors import NoSpectraError

SUFFIXES = (".fits", ".fit", ".fits.gz", ".fit.gz")


class File(NamedTuple):
    """A file: where it lies, its name without FITS suffix, length and time of change."""

    path: str
    stem: str
    size: int
    changed: int


def stem(path: str) -> str:
    """The name of a file without folder and FITS suffix."""
    name = posixpath.basename(path)
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def locate(path: str) -> tuple[fs.FileSystem, str]:
    """The file system of a local path or URI, and the path within it."""
    if ":" not in path.partition("/")[0]:
        return fs.LocalFileSystem(), path
    # Hadoop calls the file system s3a, pyarrow s3.
    filesystem, location = fs.FileSystem.from_uri(path.replace("s3a:", "s3:", 1))
    return filesystem, location


def files(folders: tuple[str, ...]) -> Iterator[File]:
    """FITS files under the folders, each once, in the order of their paths.

    Parameters
    ----------
    folders : tuple of str
        Local folders or URIs (``hdfs:``, ``s3a:``); a folder inside another
        is not listed twice.

    Yields
    ------
    File
        With the path as a URI where the folder was one.

    Raises
    ------
    NoSpectraError
        A folder does not exist or holds no FITS file.
    """
    for folder in _outermost(folders):
        empty = True
        for file in _walk(folder):
            empty = False
            yield file
        if empty:
            message = f"{folder}: no FITS file ({', '.join(SUFFIXES)}) in this folder or below"
            raise NoSpectraError(message)


def digest(folders: tuple[str, ...]) -> tuple[str, int]:
    """A checksum over names, lengths and times of the files, and their number."""
    total, checksum = 0, hashlib.sha256()
    for file in files(folders):
        total += 1
        checksum.update(repr(tuple(file)).encode())
    return checksum.hexdigest(), total


def _outermost(folders: tuple[str, ...]) -> list[str]:
    absolute = sorted({f if "://" in f else str(Path(f).resolve()) for f in folders})
    outermost: list[str] = []
    for folder in absolute:
        if not any(folder.startswith(other.rstrip("/") + "/") for other in outermost):
            outermost.append(folder)
    return outermost


def _walk(folder: str) -> Iterator[File]:
    scheme, separator, _ = folder.partition("://")
    filesystem, root = locate(folder)
    # The authority of a URI (name node, bucket) stands before the path.
    prefix = folder.removesuffix(root) if separator and scheme != "s3a" else "s3a://"
    pending = [root]
    while pending:
        try:
            entries = filesystem.get_file_info(fs.FileSelector(pending.pop()))
        except OSError as fault:
            message = f"{folder}: the folder cannot be listed ({fault})"
            raise NoSpectraError(message) from fault
        entries.sort(key=lambda entry: entry.path)
        pending += [e.path for e in reversed(entries) if e.type == fs.FileType.Directory]
        for entry in entries:
            if entry.type == fs.FileType.File and entry.path.lower().endswith(SUFFIXES):
                path = prefix + entry.path if separator else entry.path
                yield File(path, stem(path), entry.size, entry.mtime_ns or 0)
