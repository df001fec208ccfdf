"""Tables that are uploaded are bounded, and broken ones are refused with a sentence."""

import base64
import gzip
import struct
from collections.abc import Iterator
from itertools import pairwise

import psycopg
import pytest
import requests
from psycopg import conninfo

from tests.conftest import Instance
from tests.service.conftest import SERVICE
from tests.service.jobs import finish
from tests.service.server import serve
from tests.service.told import ask, rows, votable
from tests.service.visited import Visited, visited

pytestmark = SERVICE

_INT = '<FIELD name="a" datatype="int"/>'
_TEXT = '<FIELD name="a" datatype="char" arraysize="*"/>'
_QUERY = "SELECT * FROM TAP_UPLOAD.t"


def _binary(kind: str, data: bytes) -> str:
    encoded = base64.encodebytes(data).decode()
    return f'<{kind}><STREAM encoding="base64">{encoded}</STREAM></{kind}>'


def _laughs() -> str:
    """Entities that become 3 GB of text."""
    names = ["lol", *(f"lol{number}" for number in range(1, 10))]
    told = ['<!ENTITY lol "lol">']
    told += [f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names)]
    return f"<!DOCTYPE VOTABLE [{''.join(told)}]>"


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "no element found"),
    "text": ("no table", "syntax error"),
    "a page": ("<html><body>x</body></html>", "no table contained"),
    "cut off": (votable(_INT, rows((1,), (2,)))[:-40], "unclosed token"),
    "cut in a tag": (votable(_INT, rows((1,), (2,)))[:-80], "At the VOTable|no element|unclosed"),
    "gzipped": (gzip.compress(votable(_INT, rows((1,))).encode()), "not well-formed"),
    "no number": (votable(_INT, rows(("x",))), "Invalid literal for int"),
    "too few cells": (votable(_INT + _TEXT.replace('"a"', '"b"'), rows((1,))), "Invalid literal"),
    "no such type": (votable('<FIELD name="a" datatype="frob"/>', rows((1,))), "No SQL type"),
    "no type": (votable('<FIELD name="a"/>', rows((1,))), "No SQL type"),
    "no name": (votable('<FIELD datatype="int"/>', rows((1,))), "Field without name"),
    "a name twice": (votable(_INT + _INT, rows((1, 2))), "Duplicate column name"),
    "a name with %": (
        votable('<FIELD name="a%(x)s" datatype="int"/>', rows((1,))),
        "control characters or %",
    ),
    "NUL": (votable(_TEXT, rows(("a&#0;b",))), "invalid character number"),
    "rows from a file": (
        votable(_INT, '<BINARY><STREAM href="file:///etc/passwd"/></BINARY>'),
        "base64 encoded streams",
    ),
    "rows from elsewhere": (
        votable(_INT, '<BINARY2><STREAM href="http://127.0.0.1/"/></BINARY2>'),
        "base64 encoded streams",
    ),
    "gzipped rows": (
        votable(_INT, '<BINARY><STREAM encoding="gzip">x</STREAM></BINARY>'),
        "base64 encoded streams",
    ),
    "a FITS file": (
        votable(_INT, '<FITS><STREAM href="file:///etc/passwd"/></FITS>'),
        "Unknown table serialization",
    ),
    "laughs": (votable(_TEXT, rows(("&lol9;",)), before=_laughs()), "entities are not taken"),
    "an outer entity": (
        votable(
            _TEXT,
            rows(("&x;",)),
            before='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        ),
        "entities are not taken",
    ),
    "a parameter entity": (
        votable(
            _INT,
            rows((1,)),
            before='<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/"> %x;]>',
        ),
        "entities are not taken",
    ),
    "half a row": (votable(_INT, _binary("BINARY", b"\0" * 5)), "end within a row"),
    # Nine columns have two bytes of flags for NULL.
    "half of the flags": (
        votable(
            "".join(f'<FIELD name="a{n}" datatype="unsignedByte"/>' for n in range(9)),
            _binary("BINARY2", b"\0" * 12),
        ),
        "end within a row",
    ),
    "a negative length": (
        votable(_TEXT, _binary("BINARY", struct.pack("!i", -8) + b"abc")),
        "an array of -8 bytes",
    ),
    "a huge length": (
        votable(_TEXT, _binary("BINARY", struct.pack("!i", 2**31 - 1) + b"abc")),
        "end within a row|No data left",
    ),
    "a huge array": (
        votable('<FIELD name="a" datatype="int" arraysize="100000000"/>', rows(("1 2",))),
        "arraysize of FIELD 'a': '100000000' is more than",
    ),
    "depth": ("<VOTABLE>" + "<RESOURCE>" * 30_000, "more than 100 levels"),
    "columns": (
        votable("".join(f'<FIELD name="a{n}" datatype="int"/>' for n in range(1001)), rows((1,))),
        "1000 columns",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_table_is_refused_with_a_sentence(
    url: str, session: requests.Session, instance: Instance, kind: str
) -> None:
    table, expected = BROKEN[kind]
    told = ask(session, url, _QUERY, table=table)
    assert told.refused
    assert any(part in told.text for part in expected.split("|")), told.text
    # Nor where the server keeps it.
    assert str(instance.folder) not in told.text
    assert ask(session, url, "SELECT TOP 1 * FROM vospec.grid").status == "OK"


@pytest.mark.parametrize("kind", ["laughs", "half of the flags", "a huge array"])
def test_so_it_is_in_a_job(url: str, session: requests.Session, kind: str) -> None:
    table, expected = BROKEN[kind]
    told = finish(
        session,
        url,
        files={"table": ("t.xml", table)},
        QUERY=_QUERY,
        UPLOAD="t,param:table",
    )
    assert told.phase == "ERROR"
    assert expected in told.error


def test_an_outer_document_type_is_not_fetched(url: str, session: requests.Session) -> None:
    with visited() as server:
        before = f'<!DOCTYPE VOTABLE SYSTEM "http://127.0.0.1:{server.port}/dtd">'
        told = ask(session, url, _QUERY, table=votable(_INT, rows((1,)), before=before))
        assert told.status == "OK"
        assert not server.paths


def test_an_upload_that_is_not_there_is_named(url: str, session: requests.Session) -> None:
    answer = session.post(
        f"{url}/tap/sync",
        data={"LANG": "ADQL", "QUERY": _QUERY, "UPLOAD": "t,param:absent"},
        files={"table": ("t.xml", votable(_INT, rows((1,))))},
        timeout=60,
    )
    assert "No inline upload 'absent' found" in answer.text


@pytest.mark.parametrize(
    "spec", ["t", "t,", ",param:table", "t;u,param:table", "t x,param:table", "a.b,param:table"]
)
def test_an_upload_without_form_is_refused(url: str, session: requests.Session, spec: str) -> None:
    answer = session.post(
        f"{url}/tap/sync",
        data={"LANG": "ADQL", "QUERY": _QUERY, "UPLOAD": spec},
        files={"table": ("t.xml", votable(_INT, rows((1,))))},
        timeout=60,
    )
    assert 'value="ERROR"' in answer.text


# ---- size ----


def test_a_large_table_is_refused_at_once_and_taken_by_a_job(
    url: str, session: requests.Session
) -> None:
    table = votable(_INT, rows(*[(1,)] * 30_000))
    assert len(table) > 500_000
    answer = session.post(
        f"{url}/tap/sync",
        data={"LANG": "ADQL", "QUERY": _QUERY, "UPLOAD": "t,param:table"},
        files={"table": ("t.xml", table)},
        timeout=60,
    )
    assert answer.status_code == 413
    given = {"QUERY": "SELECT COUNT(*) AS n FROM TAP_UPLOAD.t", "UPLOAD": "t,param:table"}
    told = finish(session, url, files={"table": ("t.xml", table)}, **given)
    assert told.phase == "COMPLETED", told


def test_a_table_that_is_too_large_for_a_job_is_refused(
    url: str, session: requests.Session
) -> None:
    answer = session.post(
        f"{url}/tap/async",
        data={"LANG": "ADQL", "QUERY": _QUERY, "UPLOAD": "t,param:table"},
        files={"table": ("t.xml", b" " * 20_000_001)},
        timeout=60,
    )
    assert answer.status_code == 413


def test_the_bounds_are_told(url: str, session: requests.Session) -> None:
    told = session.get(f"{url}/tap/capabilities", timeout=60).text
    assert '<uploadLimit><hard unit="byte">20000000</hard></uploadLimit>' in told.replace("\n", "")


@pytest.fixture(scope="module")
def small(instance: Instance, url: str) -> Iterator[str]:
    """A server that takes little."""
    assert url
    given = {"VOSPEC_UPLOAD_ROWS": "5", "VOSPEC_EGRESS_BYTES": "300"}
    with serve(instance, VOSPEC_EGRESS_ALLOW="127.0.0.9/32", **given) as address:
        yield address


@pytest.mark.parametrize(
    "data",
    [rows(*[(1,)] * 6), _binary("BINARY", b"\0" * 24), _binary("BINARY2", b"\0" * 30)],
    ids=["TABLEDATA", "BINARY", "BINARY2"],
)
def test_rows_are_counted(small: str, session: requests.Session, data: str) -> None:
    told = ask(session, small, _QUERY, table=votable(_INT, data))
    assert told.refused
    assert "more than 5 rows" in told.text


def test_so_many_rows_are_taken(small: str, session: requests.Session) -> None:
    assert ask(session, small, _QUERY, table=votable(_INT, rows(*[(1,)] * 5))).status == "OK"


def test_rows_of_no_bytes_come_to_an_end(small: str, session: requests.Session) -> None:
    field = '<FIELD name="a" datatype="char" arraysize="0"/>'
    told = ask(session, small, _QUERY, table=votable(field, _binary("BINARY", b"\0")))
    assert told.refused
    assert "more than 5 rows" in told.text


@pytest.fixture(scope="module")
def outside() -> Iterator[Visited]:
    """Stands for the public Internet."""
    with visited("127.0.0.9") as server:
        yield server


def test_what_is_fetched_is_bounded(
    small: str, session: requests.Session, outside: Visited
) -> None:
    outside.document = votable(_INT, rows((1,), (2,))).encode() + b" " * 300
    address = f"t,http://127.0.0.9:{outside.port}/"
    answer = session.post(
        f"{small}/tap/sync",
        data={"LANG": "ADQL", "QUERY": _QUERY, "UPLOAD": address},
        timeout=60,
    )
    assert "more than 300 bytes" in answer.text


# ---- what is left behind ----


def test_failed_queries_leave_no_connection(
    url: str, session: requests.Session, instance: Instance
) -> None:
    for query in (
        "SELECT * FROM vospec.nosuch",
        "SELECT element FROM vospec.grid WHERE 1/0 = 1",
        "no query",
    ):
        assert ask(session, url, query).refused
    assert ask(session, url, _QUERY, table="").refused
    place = conninfo.conninfo_to_dict(instance.database)
    with psycopg.connect(**{**place, "user": "dachsroot"}) as connection:
        left = connection.execute(
            "SELECT query FROM pg_stat_activity"
            " WHERE usename = 'untrusted' AND state LIKE 'idle in transaction%'"
        ).fetchall()
    assert left == []
