"""What runs in a cluster or works in a folder, told by the system of all processes."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: Seconds after which what should long have happened does not happen.
HANGS = 400.0


def of_cluster(folder: Path) -> dict[int, str]:
    """The processes of a cluster's folder, and their command lines."""
    mark, found = f"VOSPEC_CLUSTER={folder}".encode(), {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                line = (process / "cmdline").read_bytes()
                found[int(process.name)] = line.replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def working_in(folder: Path) -> dict[int, str]:
    """The processes that work in a folder or below it, and their commands."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        # Others end while they are looked at.
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found[int(process.name)] = (process / "comm").read_text().strip()
    return found


def python_of(folder: Path) -> list[int]:
    """The processes in which executors of a cluster run Python."""
    return [pid for pid, line in of_cluster(folder).items() if "pyspark.daemon" in line]


def send(number: signal.Signals, folder: Path) -> None:
    """Send a signal to all processes of a cluster's folder."""
    for pid in of_cluster(folder):
        os.kill(pid, number)


def wait(what: str, happens: Callable[[], object]) -> None:
    """Return when something holds."""
    end = time.monotonic() + HANGS
    while not happens():
        assert time.monotonic() < end, f"not yet: {what}"
        time.sleep(0.02)
