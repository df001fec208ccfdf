"""The guard of outgoing connections lets only public addresses through, however they come."""

import importlib.util
import ipaddress
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.deploy.conftest import CHECKOUT

_FOLDER = CHECKOUT / "deploy" / "guard"

#: Serves one answer a connection from a socket of this address, in a thread.
_SERVER = """
import socket, threading, time, urllib.request
server = socket.create_server(("127.0.0.1", 0))
url = "http://127.0.0.1:%d/" % server.getsockname()[1]
def serve(answer, pause=0.0):
    def work():
        connection, _ = server.accept()
        connection.recv(1000)
        for part in answer:
            try:
                connection.sendall(part)
            except OSError:
                return
            time.sleep(pause)
        connection.close()
    threading.Thread(target=work, daemon=True).start()
def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()
"""


@pytest.fixture(scope="module")
def guard() -> ModuleType:
    """The module without its hook, which would stay in this process for ever."""
    return _part("egress")


def _part(name: str) -> ModuleType:
    path = _FOLDER / "vospec_guard" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"vospec_guard_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(lines: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with the guard on its path, as a server has it."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _SERVER + lines],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_FOLDER), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _told(lines: str, **environment: str) -> str:
    """What a guarded process prints, or the last line of its complaint."""
    done = _run(lines, **environment)
    return (done.stdout or done.stderr).strip().splitlines()[-1]


PUBLIC = ("8.8.8.8", "130.79.128.4", "2001:67c:2e8:22::c100:68b", "2a00:1450::1")
NOT_PUBLIC = (
    "127.0.0.1",
    "127.255.255.255",
    "0.0.0.0",  # noqa: S104 - to be refused
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(guard: ModuleType, address: str) -> None:
    assert guard.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_is_public(guard: ModuleType, address: str) -> None:
    assert not guard.is_public(ipaddress.ip_address(address))


def test_a_public_address_of_this_machine_is_its_own(
    guard: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard.socket.socket, "bind", lambda *_: None)
    assert not guard.is_public(ipaddress.ip_address("8.8.8.8"))


@pytest.mark.parametrize(
    ("family", "target"),
    [
        (socket.AF_INET, ("localhost", 80)),
        (socket.AF_INET, ("public.example", 80)),
        (socket.AF_INET, ("127.1", 80)),
        (socket.AF_INET, ("", 80)),
        (socket.AF_INET, ()),
        (socket.AF_INET6, ("::1", 80, 0, 0)),
        (socket.AF_NETLINK, (0, 0)),
    ],
)
def test_what_is_no_public_address_is_refused(
    guard: ModuleType, family: socket.AddressFamily, target: tuple[object, ...]
) -> None:
    watch = guard.Guard(guard.networks("10.0.0.0/8"))
    for event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        with pytest.raises(guard.EgressError):
            watch(event, (SimpleNamespace(family=family), target))


def test_allowed_networks_public_addresses_and_local_sockets_are_reached(
    guard: ModuleType,
) -> None:
    watch = guard.Guard(guard.networks(" 10.0.0.0/8, ::1 ,"))
    for family, target in [
        (socket.AF_INET, ("10.1.2.3", 80)),
        (socket.AF_INET, ("8.8.8.8", 443)),
        (socket.AF_INET6, ("::1", 80, 0, 0)),
        (socket.AF_UNIX, "/run/some.sock"),
        (socket.AF_INET, None),
    ]:
        watch("socket.connect", (SimpleNamespace(family=family), target))


@pytest.mark.parametrize("url", ["ftp://8.8.8.8/", "file:///etc/passwd", "gopher://x/", "x"])
def test_no_other_scheme_is_fetched(guard: ModuleType, url: str) -> None:
    with pytest.raises(guard.EgressError, match="only http and https"):
        guard.Guard()("urllib.Request", (url, None, {}, "GET"))


def test_a_name_is_checked_when_it_is_connected_to() -> None:
    # The name of a rebinding attacker: public when it is asked first, loopback then.
    told = _told("""
answers = [("8.8.8.8", 80), ("127.0.0.1", server.getsockname()[1])]
def resolve(*_, **__):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers.pop(0))]
socket.getaddrinfo = resolve
assert resolve()[0][4][0] == "8.8.8.8"
fetch("http://public.example/")
""")
    assert "only public addresses are fetched from" in told


def test_a_child_process_is_guarded_too() -> None:
    told = _told("""
import os, subprocess, sys
child = "import urllib.request, sys; urllib.request.urlopen(sys.argv[1])"
done = subprocess.run([sys.executable, "-c", child, url], capture_output=True, text=True)
print(done.stderr)
""")
    assert "only public addresses are fetched from" in told


def test_the_thread_that_serves_all_fetches_nothing() -> None:
    told = _told(
        """
import sys, types
sys.modules["twisted.internet.reactor"] = types.SimpleNamespace(running=True)
serve([b"HTTP/1.0 200 OK\\r\\n\\r\\nwhole"])
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as pool:
    print(pool.submit(fetch, url).result().decode(), end=" ")
try:
    fetch(url)
except OSError as error:
    print(error)
""",
        VOSPEC_EGRESS_ALLOW="127.0.0.1",
    )
    assert told == "whole nothing is fetched for this parameter here"


ANSWERS = {
    "of a told length": [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 1000],
    "to its end": [b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 1000],
    "in chunks": [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *(b"64\r\n" + b"x" * 100 + b"\r\n",) * 10,
        b"0\r\n\r\n",
    ],
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read_up_to_a_size(answer: list[bytes]) -> None:
    lines = f"serve({answer!r})\nprint(len(fetch(url)))"
    given = {"VOSPEC_EGRESS_ALLOW": "127.0.0.1"}
    assert _told(lines, VOSPEC_EGRESS_BYTES="1000", **given) == "1000"
    assert "EgressError: more than 999 bytes" in _told(lines, VOSPEC_EGRESS_BYTES="999", **given)


@pytest.mark.parametrize("reading", ["answer.read(300)", "answer.readinto(bytearray(300))"])
def test_an_answer_is_counted_in_parts(reading: str) -> None:
    told = _told(
        f"""
serve({ANSWERS["to its end"]!r})
answer = urllib.request.urlopen(url)
for number in range(5):
    print(number)
    {reading}
""",
        VOSPEC_EGRESS_ALLOW="127.0.0.1",
        VOSPEC_EGRESS_BYTES="999",
    )
    # Three times 300 bytes are read, and what is beyond is not.
    assert told == "3"


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n", b"HT"],
    ids=["body", "headers", "status"],
)
def test_an_answer_that_drips_is_given_up(start: bytes) -> None:
    lines = f"""
import http.client
from vospec_guard import egress
egress.BoundedResponse.most_seconds = 0.5
serve([{start!r}] + [b"x"] * 1000, pause=0.05)
try:
    fetch(url)
except (OSError, http.client.HTTPException):
    print("given up")
"""
    assert _told(lines, VOSPEC_EGRESS_ALLOW="127.0.0.1") == "given up"


@pytest.mark.parametrize(
    "settings",
    [
        {"VOSPEC_EGRESS_ALLOW": "10.0.0.1/8"},
        {"VOSPEC_EGRESS_BYTES": "many"},
        {"VOSPEC_MEMORY_BYTES": "-1"},
    ],
)
def test_without_its_settings_nothing_runs(settings: dict[str, str]) -> None:
    done = _run("print('unguarded')", **settings)
    assert done.returncode != 0
    assert "unguarded" not in done.stdout
    assert "the guard of the service cannot be set up" in done.stderr


def test_the_sitecustomize_that_was_there_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.was_run = True\n")
    told = _told("import sys; print(sys.was_run)", PYTHONPATH=f"{_FOLDER}:{tmp_path}")
    assert told == "True"


class _Jobs:
    """A worker system that makes jobs and cannot run any."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def getNewIdFromRequest(self, request: object) -> str:  # noqa: N802 - of DaCHS
        assert request is not None
        self.kept.append("new")
        return "new"

    def changeToPhase(self, job: str, phase: str, *, timeout: float) -> None:  # noqa: N802 - of DaCHS
        assert (job, phase) == ("new", "QUEUED")
        message = f"locked for {timeout} s"
        raise TimeoutError(message)

    def destroy(self, job: str) -> None:
        self.kept.remove(job)


@pytest.mark.parametrize(("phase", "kept"), [(None, ["new"]), ("RUN", [])])
def test_a_job_that_cannot_be_run_as_asked_does_not_stay(
    phase: str | None, kept: list[str]
) -> None:
    module: Any = SimpleNamespace(
        pickle=SimpleNamespace(loads=None),
        UWSJobWithWD=SimpleNamespace(_saveUpload=None),
        UWS=type("Mended", (_Jobs,), {}),
        QUEUED="QUEUED",
    )
    _part("jobs").mend_jobs(module)
    system, request = module.UWS(), SimpleNamespace(uwsArgs={"phase": phase})
    with nullcontext() if phase is None else pytest.raises(TimeoutError, match="locked for 10 s"):
        system.getNewIdFromRequest(request)
    assert system.kept == kept


def test_pools_keep_connections_that_many_clients_need() -> None:
    """None is opened before it is needed, as psycopg2 does for all that it is to keep."""

    class Pool:
        def __init__(self, minconn: int, maxconn: int, *, autocommitted: bool) -> None:
            self.opened, self.minconn, self.maxconn = minconn, minconn, maxconn
            self.autocommitted = autocommitted

    module = ModuleType("gavo.base.sqlsupport")
    module.CustomConnectionPool = Pool  # type: ignore[attr-defined]
    _part("connections").mend_pools(module)
    made = Pool(2, 20, autocommitted=False)
    assert (made.opened, made.maxconn, made.autocommitted) == (2, 20, False)
    assert made.opened < made.minconn <= made.maxconn


def test_an_answer_is_not_held_back_until_its_beginning_is_confirmed() -> None:
    with socket.socket() as transport_socket:

        class Channel:
            def __init__(self) -> None:
                self.begun = False
                self.transport = SimpleNamespace(
                    setTcpNoDelay=lambda on: transport_socket.setsockopt(
                        socket.IPPROTO_TCP, socket.TCP_NODELAY, on
                    )
                )

            def connectionMade(self) -> None:  # noqa: N802 - twisted's
                self.begun = True

        module = ModuleType("twisted.web.http")
        module.HTTPChannel = Channel  # type: ignore[attr-defined]
        _part("connections").mend_answers(module)
        channel = Channel()
        channel.connectionMade()
        assert channel.begun
        assert transport_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
