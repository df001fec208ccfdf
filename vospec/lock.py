"""One lock a store, so that two jobs never write into it at once.

On a local file system the kernel keeps the lock: it ends with the process that holds it,
however that process ends, and no clock is asked. Elsewhere (S3, HDFS) there is no such thing:
the holder writes its name into the store again and again, and a lock that nobody has renewed
while somebody watched it is taken over. Who holds it, and since when, stands in the lock.
"""

import fcntl
import json
import logging
import os
import posixpath
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyarrow import fs

from vospec.errors import LockedError
from vospec.store import Store, named

logger = logging.getLogger(__name__)

NAME = "_lock.json"
#: Seconds between two signs of life of a holder, where the kernel does not keep the lock.
BEAT = 20.0
#: A lock that stays the same for so many beats is nobody's.
MISSED = 3
#: Seconds after which a lock that was written must still be ours: longer than a write takes.
SETTLED = 2.0
#: Seconds that a process which has got the kernel's lock is given to write its name there.
NAMED = 2.0


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: what it does, which process on which machine, since when (UTC)."""

    what: str
    process: int
    host: str
    since: str
    token: str
    beat: int = 0

    def __str__(self) -> str:
        """The holder in words."""
        return f"{self.what}, process {self.process} on {self.host} since {self.since}"


@contextmanager
def locked(store: Store, what: str) -> Iterator[None]:
    """Hold the lock of a store while the body runs.

    Parameters
    ----------
    store : Store
        The store; made where it does not exist.
    what : str
        What the holder does; those who find the lock are told.

    Raises
    ------
    LockedError
        Another process holds it.
    StoreError
        The lock cannot be written.
    """
    held = _of_kernel if isinstance(store.filesystem, fs.LocalFileSystem) else _of_beats
    with named(posixpath.join(store.root, NAME)):
        store.filesystem.create_dir(store.root, recursive=True)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(what, os.getpid(), socket.gethostname(), since, secrets.token_hex(8))
    with held(store, holder):
        yield


@contextmanager
def _of_kernel(store: Store, holder: Holder) -> Iterator[None]:
    path = Path(store.root, NAME)
    with named(str(path)):
        stream = path.open("a+", encoding="utf-8")
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise _refusal(store, _named_by(path)) from fault
        if left := _parsed(path.read_text(encoding="utf-8")):
            _tell_stale(store, left)
        with named(str(path)):
            _write(path, json.dumps(asdict(holder)))
        try:
            yield
        finally:
            # The file stays: whoever waits for it must not lock one that is gone.
            with suppress(OSError):
                _write(path, "")


def _named_by(path: Path) -> Holder | None:
    """Who holds a lock of the kernel; None where it names nobody, or one who is dead."""
    end = time.monotonic() + NAMED
    while True:
        holder = _parsed(path.read_text(encoding="utf-8"))
        if holder is not None and not _is_dead(holder):
            return holder
        if time.monotonic() > end:
            return None
        time.sleep(0.01)


def _is_dead(holder: Holder) -> bool:
    """Whether a holder is none: one that was killed on this machine, and left its name."""
    return holder.host == socket.gethostname() and not Path("/proc", str(holder.process)).exists()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@contextmanager
def _of_beats(store: Store, holder: Holder) -> Iterator[None]:
    path = posixpath.join(store.root, NAME)
    found = _read(store, path)
    if found is not None and _lives(store, path, found):
        raise _refusal(store, found)
    if found is not None:
        _tell_stale(store, found)
    _put(store, path, holder)
    # Of two that write at once the last one stands.
    time.sleep(SETTLED)
    winner = _read(store, path)
    if winner is None or winner.token != holder.token:
        raise _refusal(store, winner)
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(store, path, holder, over), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()
        with suppress(OSError):
            store.filesystem.delete_file(path)


def _lives(store: Store, path: str, found: Holder) -> bool:
    """Whether a holder gives signs of life; clocks of other machines are not asked."""
    end = time.monotonic() + BEAT * MISSED
    while time.monotonic() < end:
        time.sleep(BEAT / 10)
        now = _read(store, path)
        if now is None:
            return False
        if now != found:
            return True
    return False


def _renew(store: Store, path: str, holder: Holder, over: threading.Event) -> None:
    beat = 0
    while not over.wait(BEAT):
        beat += 1
        # A beat that is lost is not the end: others wait for several.
        with suppress(OSError):
            _put(store, path, Holder(**(asdict(holder) | {"beat": beat})))


def _put(store: Store, path: str, holder: Holder) -> None:
    with named(path), store.filesystem.open_output_stream(path) as stream:
        stream.write(json.dumps(asdict(holder)).encode())


def _read(store: Store, path: str) -> Holder | None:
    with named(path):
        if store.filesystem.get_file_info(path).type != fs.FileType.File:
            return None
        with store.filesystem.open_input_stream(path) as stream:
            return _parsed(stream.read().decode())


def _parsed(text: str) -> Holder | None:
    """The holder that a lock tells; None where it tells none."""
    # A lock that is being written may be half there.
    with suppress(ValueError, TypeError):
        return Holder(**json.loads(text)) if text else None
    return None


def _refusal(store: Store, holder: Holder | None) -> LockedError:
    told = str(holder) if holder else "another process that has just taken it"
    return LockedError(f"{store.uri}: the store is held by {told}")


def _tell_stale(store: Store, holder: Holder) -> None:
    logger.warning("%s: the lock of %s is stale and taken over", store.uri, holder)
