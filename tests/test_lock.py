"""One job a store, whoever dies; who holds the lock is told."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import fs

from vospec import lock
from vospec.errors import LockedError
from vospec.store import Store

_HOLD = """
import sys, time
from vospec.lock import locked
from vospec.store import Store
from vospec.errors import LockedError
try:
    with locked(Store(sys.argv[1]), "rescore"):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
except LockedError as refused:
    print(refused, flush=True)
"""


def _start(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", textwrap.dedent(_HOLD), str(folder), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_who_comes_second_is_told_who_holds_the_store(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "new"))
    with (
        lock.locked(store, "score"),
        pytest.raises(LockedError) as refused,
        lock.locked(store, "x"),
    ):
        pass
    told = rf"held by score, process {os.getpid()} on \S+ since \d{{4}}-\d\d-\d\dT[\d:]+\+00:00$"
    assert re.search(told, str(refused.value))
    with lock.locked(store, "again"):
        pass


def test_of_many_at_once_one_works(tmp_path: Path) -> None:
    # Each holds the lock for longer than the others need to find it.
    several = [_start(tmp_path, 4) for _ in range(5)]
    said = [_line(process) for process in several]
    assert said.count("held") == 1
    assert sum("held by rescore, process" in text for text in said) == len(several) - 1
    for process in several:
        process.communicate()


def test_a_lock_does_not_outlive_who_is_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = _start(tmp_path, 600)
    assert _line(process) == "held"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with lock.locked(Store(str(tmp_path)), "rescore"):
        pass
    assert f"the lock of rescore, process {process.pid}" in caplog.text
    assert "is stale and taken over" in caplog.text


class _Elsewhere(Store):
    """A store of which vospec does not know that it is on this machine."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.filesystem = fs.SubTreeFileSystem("/", self.filesystem)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("BEAT", 0.2), ("SETTLED", 0.05)):
        monkeypatch.setattr(lock, name, seconds)


@pytest.mark.usefixtures("quick")
def test_elsewhere_a_holder_that_gives_signs_of_life_keeps_its_lock(tmp_path: Path) -> None:
    store = _Elsewhere(str(tmp_path))
    with lock.locked(store, "score"):
        time.sleep(2 * lock.BEAT * lock.MISSED)
        with pytest.raises(LockedError, match="held by score"), lock.locked(store, "other"):
            pass
    with lock.locked(store, "again"):
        pass


@pytest.mark.usefixtures("quick")
def test_elsewhere_a_silent_holder_loses_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A clock that was set back does not make it live.
    holder = lock.Holder("score", 1, "far.example", "2999-01-01T00:00:00+00:00", "token")
    store = _Elsewhere(str(tmp_path))
    lock._put(store, str(tmp_path / lock.NAME), holder)
    with lock.locked(store, "rescore"):
        pass
    assert "score, process 1 on far.example" in caplog.text


@pytest.mark.usefixtures("quick")
def test_elsewhere_the_last_of_two_that_write_at_once_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, path = _Elsewhere(str(tmp_path)), str(tmp_path / lock.NAME)
    other = lock.Holder("the other", 2, "near.example", "2026-01-01T00:00:00+00:00", "theirs")

    def sleep(_: float, put: Callable[..., None] = lock._put) -> None:
        put(store, path, other)

    monkeypatch.setattr(lock.time, "sleep", sleep)
    with pytest.raises(LockedError, match="held by the other"), lock.locked(store, "rescore"):
        pass


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = Store(str(tmp_path / "file" / "store"))
    with pytest.raises(Exception, match=re.escape(str(tmp_path / "file"))), lock.locked(store, "x"):
        pass
