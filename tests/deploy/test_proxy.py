"""Two processes of DaCHS behind nginx: together they are one service."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.deploy import processes
from tests.deploy.conftest import Library, Run, port_of
from tests.service import jobs

pytestmark = pytest.mark.service

SERVERS = ("dachs-1", "dachs-2")
QUERY = {
    "LANG": "ADQL",
    "REQUEST": "doQuery",
    "QUERY": "SELECT spectrum_id FROM vospec.spectra WHERE spectrum_id = 'lamost/dr1/spec-1'",
}
#: Of hours, and of some seconds.
ENDLESS = """SELECT COUNT(*) AS n FROM tap_schema.columns AS a, tap_schema.columns AS b,
tap_schema.columns AS c, tap_schema.columns AS d"""
LONG = """SELECT COUNT(*) AS n FROM tap_schema.columns AS a, tap_schema.columns AS b,
(SELECT TOP 80 column_name FROM tap_schema.columns) AS c"""
PICTURE = "/vospec/q/preview/custom/lamost/dr1/spec-1.png"


@dataclass(frozen=True)
class Served:
    """The instance, and where it is asked."""

    folder: Path
    url: str

    def pid(self, name: str) -> int:
        """The process of a server, or of nginx."""
        return int((self.folder / "run" / f"{name}.pid").read_text())

    def own_url(self, name: str) -> str:
        """The address of one server behind nginx."""
        return f"http://127.0.0.1:{(self.folder / 'run' / f'{name}.port').read_text().strip()}"


@pytest.fixture(scope="module")
def served(run: Run, published: Path) -> Served:
    """The instance with two processes, which had one."""
    done = run("up", "--folder", published, "--processes", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    return Served(published, f"http://127.0.0.1:{port_of(published)}")


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        # A server is not at rest while somebody is connected to it.
        opened.headers["Connection"] = "close"
        yield opened


def _is_answered(answer: requests.Response) -> bool:
    return answer.status_code == requests.codes.ok and 'value="OK"' in answer.text


def _lives(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline")
    return command.exists() and command.read_bytes() != b""


@dataclass
class Clients:
    """Eight who ask without a pause, each over a connection that stays, every other by POST."""

    answered: int = 0
    failed: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def ask(self, port: int, method: str) -> None:
        """Ask until it is enough."""
        asked = urllib.parse.urlencode(QUERY)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not self.ended.is_set():
            try:
                if method == "GET":
                    connection.request("GET", f"/tap/sync?{asked}")
                else:
                    kind = {"Content-Type": "application/x-www-form-urlencoded"}
                    connection.request("POST", "/tap/sync", asked, kind)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                connection.close()
                continue
            if answer.status == requests.codes.ok and b'value="OK"' in content:
                self.answered += 1
            else:
                self.failed.append(f"{answer.status} {content[-1000:]!r}")
        connection.close()


@contextmanager
def _clients(served: Served) -> Iterator[Clients]:
    clients = Clients()
    port = port_of(served.folder)
    threads = [
        threading.Thread(target=clients.ask, args=(port, ("GET", "POST")[n % 2])) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.ended.set()
        for thread in threads:
            thread.join()


def test_no_address_that_is_told_is_a_server_s_own(
    served: Served, session: requests.Session
) -> None:
    ports = "|".join(served.own_url(name).rpartition(":")[2] for name in SERVERS)
    doors = (
        "/tap/capabilities",
        "/tap/examples",
        "/vospec/q/ssa/capabilities",
        "/vospec/q/ssa/ssap.xml?REQUEST=queryData&MAXREC=3",
        "/vospec/q/cone/scs.xml?RA=119&DEC=3&SR=1",
        "/vospec/q/dl/dlmeta?ID=lamost/dr1/spec-1",
        "/vospec/q/preview/qp/lamost/dr1/spec-1.png",
        "/oai.xml?verb=ListRecords&metadataPrefix=ivo_vor",
        "/tap/sync?LANG=ADQL&QUERY=SELECT+accref,preview+FROM+vospec.ssa_spectra",
    )
    told = 0
    # A proxy of somebody who thinks up a host changes nothing.
    wrong = {"X-Forwarded-Host": "elsewhere.example"}
    for door in doors:
        answer = session.get(served.url + door, allow_redirects=False, headers=wrong)
        assert answer.status_code in {200, 302}, door
        content = answer.text + answer.headers.get("Location", "")
        assert not re.search(f":({ports})|elsewhere", content), door
        told += content.count(served.url)
    assert told > len(doors)


def test_a_job_is_everybody_s(served: Served, session: requests.Session) -> None:
    first, second = (served.own_url(name) for name in SERVERS)
    made = session.post(f"{first}/tap/async", data=QUERY, allow_redirects=False)
    told = made.headers["Location"]
    assert told.startswith(served.url)
    at_second = second + told.removeprefix(served.url)
    at_first = first + told.removeprefix(served.url)
    assert jobs.phase(session, at_second) == "PENDING"
    session.post(f"{at_second}/phase", data={"PHASE": "RUN"}, allow_redirects=False)
    ended = jobs.await_end(session, at_first)
    assert ended.phase == "COMPLETED", ended.error
    assert "lamost/dr1/spec-1" in session.get(f"{at_first}/results/result").text
    assert "lamost/dr1/spec-1" in session.get(f"{told}/results/result").text
    session.delete(at_second)
    assert session.get(at_first).status_code == requests.codes.not_found


def test_a_job_that_runs_is_aborted_by_another(served: Served, session: requests.Session) -> None:
    first, second = (served.own_url(name) for name in SERVERS)
    told = jobs.start(session, first, QUERY=ENDLESS)
    at_second = second + told.removeprefix(served.url)
    deadline = time.monotonic() + 60
    while "startTime xsi:nil" in (shown := session.get(at_second).text) or "EXECUTING" not in shown:
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    session.post(f"{at_second}/phase", data={"PHASE": "ABORT"}, allow_redirects=False)
    assert jobs.await_end(session, told).phase == "ABORTED"
    session.delete(told)


def test_only_loopback_is_listened_to(served: Served) -> None:
    for port in (port_of(served.folder), *(int(served.own_url(n)[-5:]) for n in SERVERS)):
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.2", port))


def test_pictures_are_kept_for_a_minute_and_queries_never(
    served: Served, session: requests.Session
) -> None:
    url = f"{served.url}{PICTURE}?{time.time_ns()}"
    first, second = session.get(url), session.get(url)
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert first.content == second.content
    # Whoever keeps it himself asks whether it still holds.
    assert second.headers["Cache-Control"] == "public, no-cache"
    known = {"If-None-Match": second.headers["ETag"]}
    assert session.get(url, headers=known).status_code == requests.codes.not_modified
    for headers in ({"Cookie": "a=b"}, {"Authorization": "Basic eDp5"}):
        assert session.get(url, headers=headers).headers["X-Cache"] == "BYPASS"
    for door in ("/tap/sync?" + urllib.parse.urlencode(QUERY), "/vospec/q/health", "/tap/tables"):
        assert "X-Cache" not in session.get(served.url + door).headers


def test_errors_are_not_kept(served: Served, session: requests.Session) -> None:
    url = f"{served.url}/vospec/q/preview/custom/lamost/dr1/nobody-{time.time_ns()}.png"
    for _ in range(2):
        answer = session.get(url)
        assert answer.status_code == requests.codes.not_found
        assert answer.headers["X-Cache"] == "MISS"


def test_styles_come_packed_for_those_who_unpack(served: Served, session: requests.Session) -> None:
    url = f"{served.url}/vospec/q/web/static/vospec.css"
    plain = session.get(url, headers={"Accept-Encoding": "identity"})
    packed = session.get(url, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content


def test_uploads_are_bounded_as_by_dachs(served: Served, session: requests.Session) -> None:
    sent = {"file": ("big", b"x" * 20_000_001)}
    answer = session.post(f"{served.url}/tap/async", data=QUERY, files=sent)
    assert answer.status_code == requests.codes.request_entity_too_large


def test_the_real_client_is_noted(served: Served, session: requests.Session) -> None:
    mark = f"/vospec/q/health?{time.time_ns()}"
    session.get(served.url + mark, headers={"X-Forwarded-For": "192.0.2.7"})
    log, deadline = served.folder / "nginx/access.log", time.monotonic() + 10
    # nginx writes it when the answer has gone.
    while not (lines := [line for line in log.read_text().splitlines() if mark in line]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (line,) = lines
    assert line.startswith("127.0.0.1 ")
    assert '"192.0.2.7"' in line


def test_a_restart_of_one_after_the_other_fails_no_request(run: Run, served: Served) -> None:
    before = [served.pid(name) for name in (*SERVERS, "nginx")]
    with _clients(served) as clients:
        done = run("restart", "--folder", served.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    after = [served.pid(name) for name in (*SERVERS, "nginx")]
    assert clients.failed == []
    assert clients.answered > len(SERVERS)
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]
    assert list((served.folder / "nginx/resting").iterdir()) == []


def test_a_job_outlives_the_server_that_started_it(
    run: Run, served: Served, session: requests.Session
) -> None:
    told = jobs.start(session, served.url, QUERY=LONG)
    deadline = time.monotonic() + 60
    while jobs.phase(session, told) == "QUEUED":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run("restart", "--folder", served.folder).returncode == 0
    ended = jobs.await_end(session, told)
    assert ended.phase == "COMPLETED", ended.error
    session.delete(told)


def test_a_killed_server_is_missed_by_nobody_and_comes_back(run: Run, served: Served) -> None:
    killed, other, nginx = (served.pid(name) for name in (*SERVERS, "nginx"))
    with _clients(served) as clients:
        _await_answers(clients, 8)
        os.kill(killed, signal.SIGKILL)
        _await_answers(clients, 24)
        # Those that were at it, and who asked again while it died: what was sent by POST is
        # not sent a second time.
        assert len(clients.failed) <= 8
        assert all(failure.startswith("502 ") for failure in clients.failed)
        failed = list(clients.failed)
        done = run("up", "--folder", served.folder)
        assert done.returncode == 0, done.stdout + done.stderr
    assert clients.failed == failed
    assert served.pid("dachs-1") != killed
    assert (served.pid("dachs-2"), served.pid("nginx")) == (other, nginx)


def _await_answers(clients: Clients, number: int) -> None:
    wanted, deadline = clients.answered + number, time.monotonic() + 60
    while clients.answered < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_nginx_comes_back(run: Run, served: Served, session: requests.Session) -> None:
    servers = [served.pid(name) for name in SERVERS]
    os.kill(served.pid("nginx"), signal.SIGKILL)
    told = run("status", "--folder", served.folder).stdout
    assert re.search(r"^nginx +down$", told, re.MULTILINE)
    assert run("watch", "--folder", served.folder).returncode == 0
    assert _is_answered(session.get(f"{served.url}/tap/sync", params=QUERY))
    assert [served.pid(name) for name in SERVERS] == servers


def test_queries_whose_server_was_killed_do_not_count_as_running(
    run: Run, library: Library, served: Served
) -> None:
    made = """INSERT INTO tap_schema.tapjobs (jobid, phase, pid, creationtime) VALUES
      ('lost', 'EXECUTING', -1, timezone('UTC', now()) - interval '1 hour'),
      ('young', 'EXECUTING', -1, timezone('UTC', now()))"""
    asked = "DELETE FROM tap_schema.tapjobs WHERE jobid IN ('lost', 'young') RETURNING jobid, phase"
    opened = f"option[folder]={served.folder}; open_folder; tell_database gavoadmin --command"
    assert library(f'{opened} "{made}"').returncode == 0
    assert run("up", "--folder", served.folder).returncode == 0
    assert set(library(f'{opened} "{asked}"').stdout.split()) == {"lost|ABORTED", "young|EXECUTING"}


def test_down_leaves_nobody(run: Run, served: Served) -> None:
    assert run("status", "--folder", served.folder).returncode == 0
    pids = [served.pid(name) for name in (*SERVERS, "nginx")]
    assert run("down", "--folder", served.folder).returncode == 0
    assert not any(map(_lives, pids))
    # PostgreSQL takes its number away just before it ends.
    deadline = time.monotonic() + 10
    while (inside := processes.working_in(served.folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert inside == {}
    assert run("watch", "--folder", served.folder).returncode == 0
    assert not (served.folder / "postgres/postmaster.pid").exists()
    assert run("up", "--folder", served.folder).returncode == 0
    assert _is_answered(requests.get(f"{served.url}/tap/sync", params=QUERY, timeout=60))


def test_settings_of_nginx_stay_in_the_folder_and_follow_the_operator_s(
    library: Library, folder: Path
) -> None:
    (folder / "dachs.ini").write_text("[web]\nbindAddress: ::1\nmaxUploadSize: 1000\n")
    for name in ("run", "nginx"):
        (folder / name).mkdir()
    for number, port in enumerate((18081, 18082, 18083), 1):
        (folder / "run" / f"dachs-{number}.port").write_text(f"{port}\n")
    done = library(f"folder={folder}; port=8123; processes=3; proxy_settings")
    assert done.returncode == 0, done.stderr
    assert "listen [::1]:8123;" in done.stdout
    assert "client_max_body_size 1000;" in done.stdout
    assert done.stdout.count("server 127.0.0.1:18082 ") == 3
    paths = set(re.findall(r"(?<=\s)/[\w/.-]+(?=[;\s])", done.stdout))
    assert all(path.startswith((str(folder), "/etc/nginx/mime.types")) for path in paths), paths
    settings = folder / "nginx.conf"
    settings.write_text(done.stdout)
    command = ["/usr/sbin/nginx", "-t", "-e", str(folder / "error.log"), "-c", str(settings)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("number", ["0", "17", "two", "-1"])
def test_a_number_of_processes_that_is_none_is_refused(run: Run, folder: Path, number: str) -> None:
    done = run("up", "--folder", folder, "--processes", number)
    assert done.returncode == 1
    assert f"one from 1 to 16, not {number}" in done.stderr
    assert not (folder / "postgres").exists()
