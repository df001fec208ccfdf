"""The service fetches nothing from where its clients have no business."""

import urllib.parse
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
import requests

from tests.conftest import Instance
from tests.service.conftest import SERVICE
from tests.service.jobs import finish
from tests.service.server import serve
from tests.service.visited import Visited, visited

pytestmark = SERVICE

#: Loopback, private and odd addresses, in all the ways in which they are spelled.
ADDRESSES = (
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://127.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
)
UNREACHABLE = (
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://[fe80::1%25lo]/",
    "http://[fd00:ec2::254]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
)
NOT_HTTP = (
    "http://user:word@127.0.0.1:{port}/",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "jar:http://127.0.0.1:{port}/!/",
    "data:text/xml,x",
    "/etc/passwd",
    "dict://127.0.0.1:{port}/",
)
REFUSED = "only public addresses are fetched from"


@pytest.fixture(scope="module")
def victim() -> Iterator[Visited]:
    """What stands on the service's machine and trusts it."""
    with visited() as server:
        yield server


def _upload(url: str, session: requests.Session, address: str) -> str:
    """What the service says about a table that is to be fetched."""
    given = {
        "LANG": "ADQL",
        "QUERY": "SELECT * FROM TAP_UPLOAD.t",
        "UPLOAD": f"t,{address}",
    }
    answer = session.post(f"{url}/tap/sync", data=given, timeout=60)
    return _error(answer.text)


def _error(document: str) -> str:
    root = ET.fromstring(document)  # noqa: S314 - of our own service
    told = {info.get("name"): info for info in root.iter() if info.tag.endswith("}INFO")}
    assert told["QUERY_STATUS"].get("value") == "ERROR", document
    return " ".join(info.text or "" for info in told.values())


@pytest.mark.parametrize("address", ADDRESSES + UNREACHABLE)
def test_no_private_address_is_fetched_from(
    url: str, session: requests.Session, victim: Visited, address: str
) -> None:
    told = _upload(url, session, address.format(port=victim.port))
    expected = "only http and https are fetched" if address.startswith("ftp") else REFUSED
    assert expected in told
    assert not victim.paths


@pytest.mark.parametrize("address", NOT_HTTP)
def test_nothing_but_http_is_fetched(
    url: str, session: requests.Session, victim: Visited, address: str
) -> None:
    told = _upload(url, session, address.format(port=victim.port))
    assert told
    assert "root:" not in told
    assert not victim.paths


@pytest.mark.parametrize("address", [ADDRESSES[0], ADDRESSES[1], UNREACHABLE[0]])
def test_no_job_of_its_own_process_fetches_either(
    url: str, session: requests.Session, victim: Visited, address: str
) -> None:
    told = finish(
        session,
        url,
        QUERY="SELECT * FROM TAP_UPLOAD.t",
        UPLOAD=f"t,{address.format(port=victim.port)}",
    )
    assert told.phase == "ERROR"
    assert REFUSED in told.error
    assert not victim.paths


DOORS = ("ssa/ssap.xml?MAXREC=3", "cone/scs.xml?RA=1&DEC=1&SR=1", "dl/dlmeta?ID=x", "web/form")


@pytest.mark.parametrize("door", DOORS)
def test_no_other_door_fetches(
    url: str, session: requests.Session, victim: Visited, door: str
) -> None:
    # Each of them would hold up all clients while it fetches, wherever from.
    joined = "&" if "?" in door else "?"
    for name in ("UPLOAD", "upload"):
        address = urllib.parse.quote(f"t,http://127.0.0.1:{victim.port}/{door}")
        answer = session.get(f"{url}/vospec/q/{door}{joined}{name}={address}", timeout=60)
        assert answer.status_code < 600
    assert not victim.paths


def test_other_protocols_fetch_nothing_at_all(url: str, session: requests.Session) -> None:
    public = "t,http://example.org/"
    answer = session.get(f"{url}/vospec/q/ssa/ssap.xml", params={"UPLOAD": public}, timeout=60)
    assert "nothing is fetched for this parameter here" in answer.text


@pytest.fixture(scope="module")
def outside() -> Iterator[Visited]:
    """Stands for the public Internet; the second server may fetch from there."""
    with visited("127.0.0.9") as server:
        yield server


@pytest.fixture(scope="module")
def travelling(instance: Instance, url: str) -> Iterator[str]:
    """The address of a server that may fetch from one address of loopback."""
    assert url
    with serve(instance, VOSPEC_EGRESS_ALLOW="127.0.0.9/32", VOSPEC_EGRESS_BYTES="3000") as address:
        yield address


def test_what_is_allowed_is_fetched(
    travelling: str, session: requests.Session, outside: Visited
) -> None:
    given = {
        "LANG": "ADQL",
        "QUERY": "SELECT a + 0 AS b FROM TAP_UPLOAD.t",
        "UPLOAD": f"t,http://127.0.0.9:{outside.port}/table",
        "FORMAT": "csv",
    }
    answer = session.post(f"{travelling}/tap/sync", data=given, timeout=60)
    assert answer.text.split() == ["b", "42"]


@pytest.mark.parametrize("address", [ADDRESSES[0], ADDRESSES[1], "file:///etc/passwd"])
def test_no_redirect_leads_to_a_private_address(
    travelling: str, session: requests.Session, outside: Visited, victim: Visited, address: str
) -> None:
    target = address.format(port=victim.port)
    seen = len(outside.paths)
    told = _upload(travelling, session, f"http://127.0.0.9:{outside.port}/to/{target}")
    assert len(outside.paths) == seen + 1
    assert not victim.paths
    assert REFUSED in told or "is not allowed" in told


def test_a_redirect_to_an_allowed_address_is_followed(
    travelling: str, session: requests.Session, outside: Visited
) -> None:
    target = f"http://127.0.0.9:{outside.port}/table"
    given = {
        "LANG": "ADQL",
        "QUERY": "SELECT * FROM TAP_UPLOAD.t",
        "UPLOAD": f"t,http://127.0.0.9:{outside.port}/to/{target}",
    }
    answer = session.post(f"{travelling}/tap/sync", data=given, timeout=60)
    assert 'value="OK"' in answer.text


def test_only_what_is_fetched_is_offered(url: str, session: requests.Session) -> None:
    told = session.get(f"{url}/tap/capabilities", timeout=60).text
    for method in ("inline", "http", "https"):
        assert f"TAPRegExt#upload-{method}" in told
    assert "upload-ftp" not in told
