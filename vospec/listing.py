"""The FITS files under folders, listed in a fixed order, one folder at a time.

A survey has millions of files in thousands of folders; only one folder's
entries are held in memory.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from pyarrow import fs

from vospec.errors import FileSystemError, NoSpectraError

#: Hadoop calls the file system s3a, pyarrow s3.
S3 = ("s3", "s3a")

#: What pyarrow reaches through libhdfs.
HADOOP = ("hdfs", "viewfs")

SUFFIXES = (".fits", ".fit", ".fits.gz", ".fit.gz")


class File(NamedTuple):
    """A file: where it lies, its name without FITS suffix, length and time of change."""

    path: str
    stem: str
    size: int
    changed: int


#: Lists the FITS files under a folder.
Walk = Callable[[str], Iterator[File]]

#: Scheme and authority.
FileSystemName = tuple[str, str]


def stem(path: str) -> str:
    """The name of a file without folder and FITS suffix."""
    name = path.rpartition("/")[2]
    return name[: -len(_suffix(name))] if name.lower().endswith(SUFFIXES) else name


def _suffix(name: str) -> str:
    return max((s for s in SUFFIXES if name.lower().endswith(s)), key=len)


def split(path: str) -> tuple[str, str, str]:
    """Scheme and authority of a local path or URI, and the path within the file system."""
    scheme, colon, rest = path.partition(":")
    if not colon or "/" in scheme:
        return "file", "", path
    if not rest.startswith("//"):
        return scheme, "", unquote(rest)
    authority, slash, inside = rest[2:].partition("/")
    # In S3 a path begins with the bucket.
    bucket = authority if scheme in S3 else ""
    return scheme, authority, unquote(bucket + slash + inside)


def locate(path: str) -> tuple[fs.FileSystem, str]:
    """The file system of a local path or URI, and the path within it.

    Raises
    ------
    FileSystemError
        The file system cannot be opened.
    """
    scheme, authority, location = split(path)
    return _filesystem(scheme, authority), location


@lru_cache
def _filesystem(scheme: str, authority: str) -> fs.FileSystem:
    """Open a file system once in a process: S3 asks the service where a bucket lies."""
    if scheme == "file":
        return fs.LocalFileSystem()
    address = f"{'s3' if scheme in S3 else scheme}://{authority}/"
    try:
        return fs.FileSystem.from_uri(address)[0]
    except (OSError, ValueError) as fault:
        needed = "; libhdfs and the CLASSPATH of a Hadoop installation must be there"
        reason = str(fault).partition("\n")[0] + (needed if scheme in HADOOP else "")
        message = f"{address}: this file system cannot be opened ({reason})"
        raise FileSystemError(message) from fault


def unopened(folders: tuple[str, ...]) -> frozenset[FileSystemName]:
    """The file systems of these folders that pyarrow does not open."""
    found = set()
    for scheme, authority in {split(folder)[:2] for folder in folders}:
        try:
            _filesystem(scheme, authority)
        except FileSystemError:
            found.add((scheme, authority))
    return frozenset(found)


def files(folders: tuple[str, ...], elsewhere: Walk | None = None) -> Iterator[File]:
    """FITS files under the folders, each once, in the order of their paths.

    Parameters
    ----------
    folders : tuple of str
        Local folders or URIs (``hdfs:``, ``s3a:``); a folder inside another
        is not listed twice.
    elsewhere : callable
        Lists a folder of a file system that pyarrow does not open, in an order of its own.

    Yields
    ------
    File
        With the path as a URI where the folder was one.

    Raises
    ------
    NoSpectraError
        A folder does not exist or holds no FITS file.
    FileSystemError
        pyarrow does not open a file system, and nobody else lists it.
    """
    others = unopened(folders) if elsewhere else ()
    for folder in _outermost(folders):
        empty = True
        walk = elsewhere if elsewhere and split(folder)[:2] in others else _walk
        for file in walk(folder):
            empty = False
            yield file
        if empty:
            message = f"{folder}: no FITS file ({', '.join(SUFFIXES)}) in this folder or below"
            raise NoSpectraError(message)


def digest(found: Iterable[File]) -> tuple[str, int]:
    """A checksum over names, lengths and times of files, and their number."""
    total, checksum = 0, hashlib.sha256()
    for file in found:
        total += 1
        checksum.update(repr(tuple(file)).encode())
    return checksum.hexdigest(), total


def is_below(path: str, folder: str) -> bool:
    """Whether a file as :func:`files` gives it, or a folder, lies in a folder."""
    return path.startswith(_absolute(folder).rstrip("/") + "/")


def _outermost(folders: tuple[str, ...]) -> list[str]:
    outermost: list[str] = []
    for folder in sorted(set(map(_absolute, folders))):
        if not any(is_below(folder, other) for other in outermost):
            outermost.append(folder)
    return outermost


def _absolute(folder: str) -> str:
    return folder if "://" in folder else str(Path(folder).resolve())


def _walk(folder: str) -> Iterator[File]:
    filesystem, root = locate(folder)
    scheme, authority, _ = split(folder)
    is_uri = "://" in folder
    prefix = f"{scheme}://" + ("" if scheme in S3 else authority)
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
                path = prefix + quote(entry.path) if is_uri else entry.path
                yield File(path, stem(entry.path), entry.size, entry.mtime_ns or 0)
