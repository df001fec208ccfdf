"""A service whose database goes away says so, and is well again when it is back."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy import processes
from tests.deploy.conftest import RUN, Library, Run
from vospec.publication import connect

pytestmark = pytest.mark.service


@pytest.fixture(scope="module", autouse=True)
def alone(run: Run, published: Path) -> Iterator[None]:
    """One process, which knows nothing of others."""
    assert run("up", "--folder", published, "--processes", 1).returncode == 0
    yield
    # A database that stands still cannot be stopped.
    _signal(published, signal.SIGCONT)


def _pid(folder: Path, name: str) -> int:
    return int((folder / name).read_text().split("\n")[0])


def _signal(folder: Path, number: int) -> None:
    for pid in processes.working_in(folder / "postgres"):
        os.kill(pid, number)


def _health(folder: Path) -> tuple[int, dict[str, object]]:
    port = (folder / "port").read_text().strip()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/vospec/q/health", timeout=30) as got:
            return got.status, json.load(got)
    except urllib.error.HTTPError as error:
        if error.headers.get_content_type() != "application/json":
            # DaCHS asks the database itself, now and then, and tells it in its own way.
            return error.code, {}
        return error.code, json.load(error)


def _await_health(folder: Path) -> None:
    """Wait until the service is well, and fail where it never is."""
    deadline = time.monotonic() + 60
    while _health(folder)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_stopped_database_is_told_and_the_service_recovers_by_itself(
    run: Run, library: Library, published: Path
) -> None:
    service = _pid(published, "run/dachs.pid")
    status, told = _health(published)
    assert (status, told["run"]) == (200, RUN)
    assert library(f"option[folder]={published}; open_folder; stop_database").returncode == 0
    status, told = _health(published)
    assert status == 503
    assert told["reason"] == "the database does not answer"
    assert run("status", "--folder", published).returncode == 3
    started = library(f"option[folder]={published}; open_folder; start_database")
    assert started.returncode == 0, started.stderr
    _await_health(published)
    assert _pid(published, "run/dachs.pid") == service
    done = run("status", "--folder", published)
    assert done.returncode == 0, done.stdout + done.stderr


def test_while_the_database_hangs_nobody_is_told_that_all_is_well(published: Path) -> None:
    _signal(published, signal.SIGSTOP)
    try:
        status, told = _health(published)
    except TimeoutError:
        # DaCHS asks the database itself, now and then, in the thread that has the clients.
        status, told = 503, {"reason": "it does not answer"}
    finally:
        _signal(published, signal.SIGCONT)
    assert status == 503
    assert "does not answer" in str(told["reason"])
    _await_health(published)


def test_a_killed_database_is_told(library: Library, published: Path) -> None:
    os.kill(_pid(published, "postgres/postmaster.pid"), signal.SIGKILL)
    assert _health(published)[0] in {500, 503}
    started = library(f"option[folder]={published}; open_folder; start_database")
    assert started.returncode == 0, started.stderr
    _await_health(published)


def test_tables_that_are_not_there_are_told(published: Path) -> None:
    with connect(host=str(published / "run"), port=5433) as connection:
        connection.execute("ALTER SCHEMA vospec RENAME TO elsewhere")
        try:
            status, told = _health(published)
        finally:
            connection.execute("ALTER SCHEMA elsewhere RENAME TO vospec")
    assert status == 503
    assert told["reason"] == "the tables cannot be read"
    assert _health(published)[0] == 200
