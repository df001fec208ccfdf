"""A private instance comes up, survives what is done to it, and goes down."""

import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.conftest import CHECKOUT, Library, Run

pytestmark = pytest.mark.service

QUERY = urllib.parse.urlencode(
    {"LANG": "ADQL", "REQUEST": "doQuery", "QUERY": "SELECT 6*7 AS answer FROM tap_schema.schemas"}
)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _pid(folder: Path, name: str) -> int:
    return int((folder / name).read_text().split("\n")[0])


def _database(folder: Path) -> int:
    return _pid(folder, "postgres/postmaster.pid")


def _service(folder: Path) -> int:
    return _pid(folder, "run/dachs.pid")


def _lives(pid: int) -> bool:
    """Whether a process works; a dead one that nobody has buried has no command line."""
    command = Path(f"/proc/{pid}/cmdline")
    return command.exists() and command.read_bytes() != b""


def _answers(folder: Path) -> bool:
    url = f"http://127.0.0.1:{(folder / 'port').read_text().strip()}/tap/sync?{QUERY}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        content = answer.read()
    return b'value="OK"' in content


@pytest.fixture(scope="module")
def up(instance_folder: Path) -> Path:
    """An instance that two commands started at once: the lock puts them in order."""
    command = [str(CHECKOUT / "deploy/up"), "--folder", str(instance_folder)]
    command += ["--port", str(_free_port())]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603 - our own command
        for _ in range(2)
    ]
    said = [process.communicate(timeout=200)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    return instance_folder


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A process that is none of ours."""
    with subprocess.Popen(["/usr/bin/sleep", "600"]) as process:
        yield process.pid
        process.kill()


def test_an_instance_answers_and_is_left_alone_by_a_second_start(run: Run, up: Path) -> None:
    before = _database(up), _service(up)
    assert run("up", "--folder", up).returncode == 0
    assert (_database(up), _service(up)) == before
    assert _answers(up)


def test_the_database_listens_on_no_port_and_its_socket_is_closed_to_others(up: Path) -> None:
    assert (up / "run").stat().st_mode & 0o077 == 0
    assert (up / "postgres").stat().st_mode & 0o077 == 0
    assert "listen_addresses = ''" in (up / "postgres/vospec.conf").read_text()
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        # No address but loopback reaches the service.
        probe.connect(("127.0.0.2", int((up / "port").read_text())))


def test_the_service_and_its_jobs_have_the_guard_on_their_path(up: Path) -> None:
    environment = Path(f"/proc/{_service(up)}/environ").read_bytes().split(b"\0")
    assert f"PYTHONPATH={up}/dachs/guard".encode() in environment
    guard = CHECKOUT / "deploy/guard"
    for file in guard.rglob("*.py"):
        assert (up / "dachs/guard" / file.relative_to(guard)).read_bytes() == file.read_bytes()


def test_geometry_operators_are_linked_both_ways(library: Library, up: Path) -> None:
    # The commutator of a commutator is the operator itself, and so for the negator.
    # (moc @ …) is left out: an obsolete synonym, whose partners belong to <@.
    query = """
        SELECT count(*), count(*) FILTER (WHERE back.oprcom = o.oid AND against.oprnegate = o.oid)
        FROM pg_operator AS o
        LEFT JOIN pg_operator AS back ON back.oid = o.oprcom
        LEFT JOIN pg_operator AS against ON against.oid = o.oprnegate
        WHERE o.oprname IN ('<@', '@>', '!<@', '!@>')
          AND 'smoc'::regtype IN (o.oprleft, o.oprright)"""
    done = library(
        f"option[folder]={up}; open_folder; tell_database dachsroot --command {shlex.quote(query)}"
    )
    assert done.returncode == 0, done.stderr
    operators, linked = map(int, done.stdout.strip().split("|"))
    # Three partners of four directions each are pg_sphere's, more are DaCHS' own.
    assert operators >= 12
    assert linked == operators


def test_status_tells_where_it_serves(run: Run, up: Path) -> None:
    done = run("status", "--folder", up)
    assert done.returncode == 0, done.stderr
    assert f"http://127.0.0.1:{(up / 'port').read_text().strip()}/tap" in done.stdout
    assert f"process {_service(up)}" in done.stdout


def test_a_killed_database_comes_back(run: Run, up: Path) -> None:
    os.kill(_database(up), signal.SIGKILL)
    done = run("up", "--folder", up)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _answers(up)


def test_a_database_that_recovers_is_waited_for(run: Run, up: Path) -> None:
    postmaster = _database(up)
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    done = run("up", "--folder", up)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _database(up) == postmaster
    assert _answers(up)


def test_a_killed_service_comes_back(run: Run, up: Path) -> None:
    killed = _service(up)
    os.kill(killed, signal.SIGKILL)
    assert run("status", "--folder", up).returncode == 3
    done = run("up", "--folder", up)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _service(up) != killed
    assert _answers(up)


def test_a_service_can_move_to_another_port(run: Run, up: Path) -> None:
    port = _free_port()
    assert run("up", "--folder", up, "--port", port).returncode == 0
    assert (up / "port").read_text() == f"{port}\n"
    assert _answers(up)


def _environment(folder: Path) -> set[str]:
    """The environment of the service."""
    content = Path(f"/proc/{_service(folder)}/environ").read_text()
    return set(content.split("\0"))


def test_the_operator_s_own_settings_hold(run: Run, library: Library, up: Path) -> None:
    before = _service(up)
    (up / "dachs.ini").write_text(
        "[web]\nbindAddress: 0.0.0.0\nserverURL: https://stars.example.org/\nsitename: Ours\n"
    )
    (up / "guard.env").write_text("# Our own network\nVOSPEC_EGRESS_ALLOW=10.1.0.0/16\nPATH=/x\n")
    try:
        assert run("up", "--folder", up).returncode == 0
        changed = _service(up)
        assert changed != before
        assert _answers(up)
        told = _environment(up)
        assert "VOSPEC_EGRESS_ALLOW=10.1.0.0/16" in told
        assert "PATH=/x" not in told
        with socket.create_connection(("127.0.0.2", int((up / "port").read_text()))):
            pass
        shown = library(f"option[folder]={up}; open_folder; choose_port; public_url")
        assert shown.stdout == "https://stars.example.org"
        assert run("up", "--folder", up).returncode == 0
        assert _service(up) == changed
    finally:
        (up / "dachs.ini").unlink()
        (up / "guard.env").unlink()
    assert run("up", "--folder", up).returncode == 0
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.2", int((up / "port").read_text())))


def test_without_its_guard_no_service_starts(run: Run, up: Path) -> None:
    (up / "guard.env").write_text("VOSPEC_EGRESS_ALLOW=everything\n")
    try:
        done = run("up", "--folder", up)
        assert done.returncode == 1
        assert "DaCHS does not start" in done.stderr
        assert "the guard of the service cannot be set up" in (up / "log/service.log").read_text()
    finally:
        (up / "guard.env").unlink()
    assert run("up", "--folder", up).returncode == 0


def test_adopting_before_anything_is_loaded_is_refused(run: Run, up: Path) -> None:
    done = run("adopt", "--folder", up)
    assert done.returncode == 1
    assert f"vospec has loaded no tables into {up} yet" in done.stderr


def test_down_stops_the_instance_and_no_stranger(run: Run, up: Path, sleeper: int) -> None:
    assert run("up", "--folder", up).returncode == 0
    ours = _database(up), _service(up)
    assert run("down", "--folder", up).returncode == 0
    assert not any(map(_lives, ours))
    # A number that was ours may be a stranger's by now.
    owner = (up / "run").stat()
    for name in ("run/dachs.pid", "postgres/postmaster.pid"):
        (up / name).write_text(f"{sleeper}\n")
        os.chown(up / name, owner.st_uid, owner.st_gid)
    assert run("status", "--folder", up).returncode == 3
    assert run("down", "--folder", up).returncode == 0
    assert _lives(sleeper)
    done = run("up", "--folder", up)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _lives(sleeper)
    assert _answers(up)


def test_a_start_killed_anywhere_is_finished_by_the_next(run: Run, instance_folder: Path) -> None:
    folder = instance_folder / "killed"
    # Given each time: a start that was killed early has not remembered it.
    options = "--folder", str(folder), "--port", str(_free_port())
    command = [str(CHECKOUT / "deploy/up"), *options]
    for delay in (0.4, 1.5, 4.0, 7.0):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
            time.sleep(delay)
            process.kill()
    done = run("up", *options)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert _answers(folder)
    finally:
        run("down", "--folder", folder)
