"""What comes from data and from addresses stays text, wherever it is shown."""

import io
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import psycopg
import pytest
import requests
from astropy.io import fits
from astropy.table import Table
from psycopg import conninfo, sql

from tests.conftest import Instance
from tests.publication import samples
from tests.service.conftest import RUN, SERVICE
from tests.service.pages import LINK, SCRIPT, WORD, programs
from tests.service.told import ask
from vospec.publication import Content, add, connect
from vospec.publication.adding import ADDED

pytestmark = SERVICE

#: No slash within its name, for it has three parts.
ODD = f"lamost/dr1/{SCRIPT}\r\nX-Evil: 1 &lt; %0d%0aX-Evil:2 ..%2f $x^{{2}}$".replace("</", "<\\")
QUOTED = urllib.parse.quote(ODD)
TEXTS = {
    "object": SCRIPT,
    "archive_class": f"{SCRIPT}&amp;",
    "archive_subclass": LINK,
    "archive_id": LINK,
    "plan": SCRIPT,
    "observation": f"lamost/{SCRIPT}",
    "reason": f"]]>{SCRIPT}\x1b[31m",
}
SIMBAD = {"main_id": SCRIPT, "otype": LINK, "otypes": SCRIPT, "sp_type": SCRIPT, "reason": LINK}


def _contents() -> dict[str, Content]:
    """One spectrum of the samples under another name, and with other words."""
    known = samples.contents(RUN)
    made = {}
    for name in ADDED:
        (batch, row) = next(
            (batch, row)
            for batch in known[name].batches
            for row in batch.to_pylist()
            if row["spectrum_id"] == samples.SURVEY[0]
        )
        told = {key: text for key, text in TEXTS.items() if key in row}
        rows = [row | told | {"spectrum_id": ODD}]
        made[name] = Content([type(batch).from_pylist(rows, schema=batch.schema)], "escaping")
    return made


def _remove(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Take the spectrum out of all tables, and with it that it was added."""
    tables = connection.execute(
        "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'vospec'::regnamespace AND relkind IN ('r', 'p')"
        " AND attname = 'spectrum_id' AND NOT relispartition"
    ).fetchall()
    with connection.transaction():
        connection.execute("SET CONSTRAINTS ALL DEFERRED")
        for (table,) in sorted(tables, key=lambda row: str(row[0]) == "spectra"):
            query = sql.SQL("DELETE FROM {} WHERE spectrum_id = %s")
            connection.execute(query.format(sql.Identifier("vospec", str(table))), (ODD,))
        connection.execute("DELETE FROM vospec.loads WHERE fingerprint LIKE '%escaping%'")


@pytest.fixture(scope="module")
def odd(instance: Instance, url: str) -> Iterator[str]:
    """The service, with a spectrum whose every word is an attack."""
    place = conninfo.conninfo_to_dict(instance.database)
    given = {"database": str(place["dbname"]), "user": str(place["user"])}
    with connect(host=str(place["host"]), port=int(str(place["port"])), **given) as connection:
        add(connection, run_id=RUN, contents=_contents())
        now = datetime.now(UTC).replace(tzinfo=None)
        names = ["spectrum_id", "asked_at", "state", "verdict", *SIMBAD]
        values = [ODD, now, "found", "known_emission_star", *SIMBAD.values()]
        for table, left_out in (("simbad", set()), ("verdicts", {"state", "reason"})):
            told = {k: v for k, v in zip(names, values, strict=True) if k not in left_out}
            connection.execute(
                sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
                    sql.Identifier("vospec", table),
                    sql.SQL(", ").join(map(sql.Identifier, told)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(told)),
                ),
                list(told.values()),
            )
        try:
            yield url
        finally:
            _remove(connection)


PAGES = (
    "vospec/q/web/form?__nevow_form__=genForm&_FORMAT=HTML&submit=Go&name=pwned",
    "vospec/q/web/form?__nevow_form__=genForm&submit=Go",
    "vospec/q/start/volatile",
)


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_it_as_text(odd: str, session: requests.Session, page: str) -> None:
    answer = session.get(f"{odd}/{page}", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    # It is there, and does nothing.
    assert WORD in answer.text
    assert programs(answer.text) == []


TABLES = ("candidates", "spectra", "simbad", "ssa_spectra", "neighbours")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("form", ["html", "votable/td", "votable", "csv", "tsv", "json", "txt"])
def test_tables_hold_it_as_text(odd: str, session: requests.Session, table: str, form: str) -> None:
    query = f"SELECT * FROM vospec.{table} WHERE spectrum_id LIKE '%{WORD}%'"  # noqa: S608 - our own
    given = {"LANG": "ADQL", "QUERY": query, "FORMAT": form}
    answer = session.get(f"{odd}/tap/sync", params=given, timeout=60)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if answer.headers["Content-Type"].startswith("text/html"):
        assert WORD in answer.text
        assert programs(answer.text) == []
    elif form == "votable/td":
        found = Table.read(io.BytesIO(answer.content), format="votable")
        told = {name: str(found[name][0]) for name in found.colnames}
        assert (
            told["spectrum_id"] == ODD.replace("\r", "\n").replace("\n\n", "\n")
            or WORD in (told["spectrum_id"])
        )
        for name in {"object", "plan"} & told.keys():
            assert told[name] == TEXTS[name]


def test_the_form_of_queries_shows_it_as_text(odd: str, session: requests.Session) -> None:
    given = {
        "__nevow_form__": "genForm",
        "_FORMAT": "HTML",
        "submit": "Go",
        "query": f"SELECT * FROM vospec.candidates WHERE object LIKE '%{WORD}%'",  # noqa: S608 - as above
    }
    answer = session.get(f"{odd}/__system__/adql/query/form", params=given, timeout=60)
    assert WORD in answer.text
    assert programs(answer.text) == []


@pytest.mark.parametrize(
    "door",
    [
        f"vospec/q/dl/dlmeta?ID={QUOTED}",
        f"vospec/q/dl/dlget?ID={QUOTED}",
        f"vospec/q/ssa/ssap.xml?REQUEST=queryData&TARGETNAME={urllib.parse.quote(SCRIPT)}",
    ],
)
def test_documents_are_sound(odd: str, session: requests.Session, door: str) -> None:
    answer = session.get(f"{odd}/{door}", timeout=60)
    assert answer.status_code == 200
    assert "X-Evil" not in answer.headers
    root = ET.fromstring(answer.content)  # noqa: S314 - of our own service
    assert WORD in "".join(root.itertext()) + str([element.attrib for element in root.iter()])
    assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_pictures_and_files_are_made_of_it(odd: str, session: requests.Session) -> None:
    picture = session.get(f"{odd}/vospec/q/preview/custom/{QUOTED}.png", timeout=60)
    assert picture.content.startswith(b"\x89PNG"), picture.text
    product = session.get(f"{odd}/vospec/q/product/qp/{QUOTED}.fits", timeout=60)
    with fits.open(io.BytesIO(product.content)) as hdus:
        assert WORD in hdus[0].header["OBJECT"]
        assert hdus[1].data["flux"].size == samples.flux(samples.SURVEY[0]).size
    for answer in (picture, product):
        assert "X-Evil" not in answer.headers
        assert WORD not in str(answer.headers)


# ---- addresses and parameters ----

_Q = urllib.parse.quote(SCRIPT, safe="")
_FORM = "vospec/q/web/form?__nevow_form__=genForm&_FORMAT=HTML&submit=Go"
_PARAMETERS = (
    *("score", "name", "class", "verdict", "snr", "rank", "without", "double", "hscs_pos"),
    *("hscs_sr", "_DBOPTIONS_ORDER", "_DBOPTIONS_DIR", "MAXREC", "_FORMAT", "_VERB"),
    *("_TIMEOUT", "_SET", "_ADDITEM", "nosuch"),
)
REFLECTING = (
    _Q,
    f"vospec/q/{_Q}",
    f"vospec/q/web/{_Q}",
    f"vospec/q/{_Q}/form",
    f"vospec/q/web/static/{_Q}",
    f"vospec/q/preview/custom/{_Q}.png",
    f"vospec/q/preview/qp/{_Q}",
    f"vospec/q/product/qp/{_Q}",
    f"vospec/q/dl/dlmeta?ID={_Q}",
    f"vospec/q/dl/dlmeta?{_Q}=1",
    f"vospec/q/dl/dlget?ID={samples.SURVEY[0]}&FORMAT={_Q}",
    f"vospec/q/dl/dlget?ID={samples.SURVEY[0]}&BAND={_Q}",
    f"vospec/q/ssa/ssap.xml?REQUEST={_Q}",
    f"vospec/q/ssa/ssap.xml?REQUEST=queryData&POS={_Q}",
    f"vospec/q/ssa/ssap.xml?REQUEST=queryData&TARGETNAME={_Q}",
    f"vospec/q/cone/scs.xml?RA={_Q}&DEC=1&SR=1",
    f"vospec/q/start/volatile?{_Q}=1",
    f"vospec/q/health?{_Q}",
    f"vospec/q/web/info?{_Q}",
    f"vospec/q/web/howtocite?{_Q}",
    f"vospec/q/web/form?{_Q}=1",
    f"vospec/q/web/form?__nevow_form__={_Q}",
    *(f"{_FORM}&{name}={_Q}" for name in _PARAMETERS),
    f"__system__/adql/query/form?__nevow_form__=genForm&_FORMAT=HTML&query={_Q}",
    f"__system__/services/overview/form?search={_Q}",
    f"__system__/dc_tables/show/tableinfo?tableName={_Q}",
    f"__system__/products/p/get?key={_Q}",
    f"tableinfo/{_Q}",
    f"browse/{_Q}",
    f"getRR/{_Q}",
    f"getproduct/{_Q}",
    f"static/{_Q}",
    f"seffe/{_Q}",
    f"3rdparty/{_Q}",
    f".well-known/acme-challenge/{_Q}",
    f"login?nextURL={LINK}",
    f"oai.xml?verb={_Q}",
    f"tap/{_Q}",
    f"tap/async/{_Q}",
    f"tap/tables/{_Q}",
    f"tap/sync?LANG=ADQL&QUERY={_Q}",
    f"tap/sync?LANG={_Q}&QUERY=SELECT",
    f"tap/sync?LANG=ADQL&QUERY=SELECT+TOP+1+*+FROM+vospec.grid&FORMAT={_Q}",
)


@pytest.mark.parametrize("address", REFLECTING)
def test_no_address_comes_back_as_a_program(
    url: str, session: requests.Session, address: str
) -> None:
    answer = session.get(f"{url}/{address}", timeout=60, allow_redirects=False)
    kind = answer.headers.get("Content-Type", "")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    headers = dict(answer.headers)
    # The address of another place is encoded still.
    assert "<" not in headers.pop("Location", "")
    assert WORD not in str(headers)
    if "html" in kind or not kind:
        assert programs(answer.text) == []
    elif "xml" in kind:
        root = ET.fromstring(answer.content)  # noqa: S314 - of our own service
        assert not [element for element in root.iter() if element.tag.endswith("script")]
    else:
        assert kind.partition(";")[0] in ("text/plain", "application/json"), kind


@pytest.mark.parametrize("form", ["html", "votable/td"])
def test_columns_of_queries_are_no_programs(url: str, session: requests.Session, form: str) -> None:
    name, value = SCRIPT.replace('"', '""'), SCRIPT.replace("'", "''")
    query = f"SELECT TOP 1 '{value}' AS a, element AS \"{name}\" FROM vospec.grid"  # noqa: S608 - an attack
    told = ask(session, url, query, FORMAT=form)
    assert told.status == "OK"
    assert programs(told.text) == []
    asked = {"__nevow_form__": "genForm", "_FORMAT": "HTML", "submit": "Go", "query": query}
    answer = session.get(f"{url}/__system__/adql/query/form", params=asked, timeout=60)
    assert programs(answer.text) == []


def test_links_of_queries_lead_to_pages(url: str, session: requests.Session) -> None:
    # An expression of a column that holds addresses is shown as an address.
    query = f"SELECT TOP 1 '{LINK}//' || preview AS a FROM vospec.candidates"  # noqa: S608 - an attack
    told = ask(session, url, query, FORMAT="html")
    assert WORD in told.text
    assert programs(told.text) == []


@pytest.mark.parametrize(
    "address",
    [
        "vospec%0d%0aX-Evil:%201",
        "tap%0d%0aX-Evil:%201",
        "vospec/q/web%0d%0aX-Evil:%201",
        "login?nextURL=%0d%0aX-Evil:%201",
        "vospec/q/preview/custom/a%0d%0aX-Evil:%201.png",
        "vospec/q/dl/dlget?ID=lamost/dr1/spec-1&FORMAT=text/csv%0d%0aX-Evil:%201",
        "tap/sync?LANG=ADQL&QUERY=SELECT+TOP+1+*+FROM+vospec.grid&FORMAT=csv%0d%0aX-Evil:%201",
        "getproduct/a%0d%0aX-Evil:%201",
    ],
)
def test_no_address_adds_a_header(url: str, session: requests.Session, address: str) -> None:
    answer = session.get(f"{url}/{address}", timeout=60, allow_redirects=False)
    assert answer.status_code < 600
    assert "X-Evil" not in answer.headers
