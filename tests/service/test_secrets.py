"""Passwords, files and the administrator's doors are the operator's alone."""

import http.client
import os
import re
import stat
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import Instance
from tests.service.conftest import SERVICE

pytestmark = SERVICE

_PROFILES = ("feed", "trustedquery", "untrustedquery")


@pytest.fixture(scope="module")
def dachs(instance: Instance, url: str) -> Path:
    """DaCHS' own folder."""
    assert url
    return instance.folder / "dachs"


def _passwords(dachs: Path) -> list[str]:
    told = [(dachs / "etc" / name).read_text() for name in _PROFILES]
    found = re.findall(r"^password *= *(\S+)$", "\n".join(told), flags=re.MULTILINE)
    assert len(found) == len(_PROFILES)
    return list(found)


# ---- files and processes ----


@pytest.mark.parametrize("name", ["dachs", "dachs/etc", "dachs/guard", "run", "postgres"])
def test_folders_are_closed_to_all_but_the_account(instance: Instance, name: str) -> None:
    about = (instance.folder / name).stat()
    assert stat.S_IMODE(about.st_mode) == 0o700
    assert about.st_uid == (instance.folder / "postgres").stat().st_uid


@pytest.mark.parametrize("name", ["gavo.rc", "etc/dsn", *(f"etc/{name}" for name in _PROFILES)])
def test_files_with_secrets_are_readable_by_the_account_alone(dachs: Path, name: str) -> None:
    about = (dachs / name).stat()
    assert stat.S_IMODE(about.st_mode) == 0o600
    assert about.st_uid == dachs.stat().st_uid


def test_the_socket_is_closed_to_others(instance: Instance) -> None:
    (socket,) = (instance.folder / "run").glob(".s.PGSQL.*[0-9]")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700


def _listening(table: str) -> Iterator[tuple[str, int, str]]:
    """Addresses in hexadecimal, ports and inodes of sockets that listen."""
    for line in Path("/proc/net", table).read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            address, _, port = fields[1].partition(":")
            yield address, int(port, 16), fields[9]


def _sockets(instance: Instance) -> set[str]:
    """Inodes of the sockets of all processes of the instance."""
    found = set()
    folder = str(instance.folder).encode()
    settings = b"GAVOSETTINGS=" + folder + b"/dachs/gavo.rc"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The server has its settings in its environment, PostgreSQL the folder in its
            # command; the tests and their children have the folder in their environment, too.
            served = settings in (process / "environ").read_bytes().split(b"\0")
            if not served and folder + b"/" not in (process / "cmdline").read_bytes():
                continue
            links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        found |= {link[8:-1] for link in links if link.startswith("socket:[")}
    return found


def test_nothing_listens_but_the_service_on_loopback(instance: Instance, url: str) -> None:
    ours = _sockets(instance)
    port = urllib.parse.urlsplit(url).port
    heard = {
        (address, number)
        for table in ("tcp", "tcp6")
        for address, number, inode in _listening(table)
        if inode in ours
    }
    assert heard == {("0100007F", port)}


def test_no_process_is_called_with_a_password(dachs: Path) -> None:
    passwords = [password.encode() for password in _passwords(dachs)]
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                content = (process / name).read_bytes()
            except OSError:
                continue
            assert not any(password in content for password in passwords), process


def test_no_log_holds_a_password(instance: Instance, dachs: Path) -> None:
    passwords = [password.encode() for password in _passwords(dachs)]
    logs = [
        *(instance.folder / "log").iterdir(),
        *(dachs / "logs").iterdir(),
        instance.folder / "postgres" / "server.log",
    ]
    assert len(logs) > 3
    for log in logs:
        content = log.read_bytes()
        assert not any(password in content for password in passwords), log


def test_the_guard_belongs_to_the_account_and_is_writable_for_nobody_else(dachs: Path) -> None:
    for file in (dachs / "guard").rglob("*.py"):
        assert file.stat().st_mode & 0o022 == 0
        assert file.stat().st_uid == dachs.stat().st_uid


# ---- the administrator's pages ----

_ADMINISTRATION = (
    "seffe/vospec/q",
    "seffe/__system__/services",
    "__system__/services/root/admin",
    "__system__/services/cacheclear?__nevow_form__=genForm&rdId=vospec/q&submit=Go",
    "vospec/q/web/admin",
)


@pytest.mark.parametrize("address", _ADMINISTRATION)
@pytest.mark.parametrize(
    "who", [None, ("gavoadmin", ""), ("gavoadmin", "gavoadmin"), ("", ""), ("gavo", "x")]
)
def test_nobody_is_administrator_without_a_password_that_is_set(
    url: str, address: str, who: tuple[str, str] | None
) -> None:
    for method in ("GET", "POST"):
        data = {"__nevow_form__": "adminOps", "submit": "Reload RD"} if method == "POST" else None
        with requests.request(method, f"{url}/{address}", auth=who, data=data, timeout=60) as got:
            assert got.status_code in (401, 403, 404), got.text
            assert "Reload RD" not in got.text


# ---- paths ----

_DOORS = (
    "static",
    "vospec/q/web/static",
    "getproduct",
    "vospec/q/preview/custom",
    "vospec/q/preview/qp",
    "vospec/q/product/qp",
    "vospec/q/rectified/qp",
    "vospec/q/health",
    "3rdparty",
    ".well-known/acme-challenge",
    "browse",
    "tap/async",
    "schemata",
)
_UP = ("../" * 12, "..%2f" * 12, "%2e%2e/" * 12, "..%5c" * 12, "..%252f" * 12, "....//" * 12)
_TARGETS = ("etc/passwd", "etc/passwd%00.png", "etc/passwd%00.fits")


def _get(url: str, path: str) -> tuple[int, bytes]:
    """The answer to a path as it stands: no client tidies it up."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("door", _DOORS)
def test_no_path_leads_out_of_what_is_published(url: str, dachs: Path, door: str) -> None:
    secret = (dachs / "etc" / "feed").read_bytes()
    targets = [f"{up}{target}" for up in _UP for target in _TARGETS]
    targets += [f"/{target}" for target in _TARGETS] + [f"%2f{target}" for target in _TARGETS]
    targets += ["%2f/etc/passwd", "%2fetc", "%2f"]
    targets += [str(dachs / "etc/feed"), urllib.parse.quote(str(dachs / "etc/feed"), safe="")]
    targets += ["../../../etc/feed", "..%2f..%2f..%2fetc%2ffeed", "../q.rd", "..%2f..%2fq.rd"]
    for target in targets:
        status, content = _get(url, f"/{door}/{target}")
        assert status in (200, 301, 302, 400, 403, 404, 405, 500), (status, target)
        assert b"root:x:" not in content, target
        assert secret not in content, target
        assert b"<resource schema" not in content, target


def test_nobody_is_told_whether_a_file_is_there(url: str) -> None:
    there, _ = _get(url, "/static/" + "..%2f" * 12 + "etc%2fpasswd")
    absent, _ = _get(url, "/static/" + "..%2f" * 12 + "etc%2fnosuch")
    assert there == absent == 404


def test_products_are_found_by_their_names_alone(url: str) -> None:
    for key in (
        "/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "file:%2f%2f%2fetc%2fpasswd",
        "http:%2f%2f127.0.0.1%2f",
        "vospec%2fq.rd",
    ):
        for address in (
            f"/getproduct/{key}",
            f"/getproduct?key={key}",
            f"/__system__/products/p/get?key={key}",
            f"/__system__/products/p/dlget?ID={key}",
        ):
            status, content = _get(url, address)
            assert status >= 400, (address, content)
            assert b"root:x:" not in content


def test_challenges_of_certificates_are_told(url: str, dachs: Path) -> None:
    folder = dachs / "state" / "acme-challenge"
    about = dachs.stat()
    folder.mkdir(exist_ok=True)
    (folder / "to-ken_1").write_text("answer")
    for path in (folder, folder / "to-ken_1"):
        os.chown(path, about.st_uid, about.st_gid)
    try:
        assert _get(url, "/.well-known/acme-challenge/to-ken_1") == (200, b"answer")
    finally:
        (folder / "to-ken_1").unlink()
        folder.rmdir()
