# noqa: INP001 - DaCHS loads this file by its path
"""Files that took long to make, kept in a folder of bounded size.

A file's key is a fingerprint of all that it is made from: what changes has another key, and
no file is ever out of date. Files are written beside their place and moved there, so that
processes may share a folder; the digest at a file's end tells whether it is sound.
"""

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

_DIGEST = 32
_UNFINISHED = ".unfinished"
#: Seconds after which nobody writes on any more.
_ABANDONED = 3600


class Cache:
    """Files of one folder.

    Parameters
    ----------
    folder
        Made where it is missing.
    most_bytes
        Of all files together; the longest unused ones go.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._making = threading.Lock()

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """What is kept under a key; else it is made, one at a time, and kept."""
        content = self._read(key)
        if content is not None:
            return content
        with self._making:
            # Somebody may have made it while this one waited.
            content = self._read(key)
            if content is None:
                content = make()
                # Whoever cannot keep it still has it.
                with contextlib.suppress(OSError):
                    self._keep(key, content)
        return content

    def _read(self, key: str) -> bytes | None:
        path = self.folder / key
        try:
            found = path.read_bytes()
            # The longest unused go first.
            os.utime(path)
        except OSError:
            return None
        content, digest = found[:-_DIGEST], found[-_DIGEST:]
        return content if _digest(content) == digest else None

    def _keep(self, key: str, content: bytes) -> None:
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content + _digest(content))
            Path(name).replace(self.folder / key)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        self._trim()

    def _trim(self) -> None:
        """Let the longest unused files go until the others have room."""
        known = []
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                about = path.stat()
                known.append((about.st_mtime, about.st_size, path))
        room = self.most_bytes
        for used, size, path in sorted(known, reverse=True):
            room -= size
            abandoned = path.suffix == _UNFINISHED and used < time.time() - _ABANDONED
            if room < 0 or abandoned:
                path.unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()
