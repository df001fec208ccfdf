"""What the registry of the Virtual Observatory learns of the service; the descriptor's faults."""

import re
import time
from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np
import psycopg
import pytest
import requests
from psycopg import sql

from tests.conftest import Instance
from tests.publication import samples
from tests.service import dachs
from tests.service.conftest import RUN, SERVICE
from vospec.columns import SPECTRA
from vospec.publication import Content, add
from vospec.publication.merging import derive

pytestmark = SERVICE

_TAP = "x-vospec/tap"
_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_SERVICES = ("cone", "ssa", "training", "web", "collection")

# The schemas of the IVOA and of OAI come with DaCHS.
_JUDGE = """
import json, sys
from gavo.helpers import testtricks

print(json.dumps(str(testtricks.getXSDErrors(sys.stdin.buffer.read()) or "")))
"""


@pytest.fixture(scope="module")
def registry(url: str, session: requests.Session) -> dict[str, str]:
    """The record of every published resource, by the end of its identifier."""
    return _records(url, session)


def _records(url: str, session: requests.Session) -> dict[str, str]:
    answer = session.get(
        f"{url}/oai.xml", params={"verb": "ListRecords", "metadataPrefix": "ivo_vor"}, timeout=60
    )
    root = ET.fromstring(answer.content)  # noqa: S314 - our own service
    return {
        str(record.findtext(f"{_OAI}header/{_OAI}identifier")).partition("//")[2]: ET.tostring(
            record.find(f"{_OAI}metadata/*"),  # type: ignore[arg-type]
            encoding="unicode",
        )
        for record in root.iter(f"{_OAI}record")
    }


def _record(registry: dict[str, str], name: str) -> ET.Element:
    (text,) = (text for key, text in registry.items() if key.endswith(f"/vospec/q/{name}"))
    return ET.fromstring(text)  # noqa: S314 - as above


@pytest.mark.usefixtures("url")
def test_descriptor_is_valid_and_agrees_with_the_database(instance: Instance) -> None:
    dachs.keep_vocabulary(instance)
    done = dachs.run(instance, "dachs", "validate", "-c", "vospec/q")
    assert done.stdout.split() == ["vospec/q", "--", "OK"], done.stdout


def test_all_is_published(registry: dict[str, str]) -> None:
    found = {key.partition("/")[2] for key in registry}
    assert {f"vospec/q/{name}" for name in _SERVICES} <= found
    assert {"tap", "__system__/services/registry", ""} <= found


@pytest.mark.parametrize(
    "question",
    [
        {"verb": "Identify"},
        {"verb": "ListSets"},
        {"verb": "ListMetadataFormats"},
        {"verb": "ListIdentifiers", "metadataPrefix": "ivo_vor"},
        {"verb": "ListRecords", "metadataPrefix": "ivo_vor"},
        {"verb": "ListRecords", "metadataPrefix": "oai_dc"},
    ],
    ids=lambda question: "-".join(question.values()),
)
def test_registry_answers_by_its_schemas(
    url: str, instance: Instance, session: requests.Session, question: dict[str, str]
) -> None:
    answer = session.get(f"{url}/oai.xml", params=question, timeout=60)
    assert f"<oai:{question['verb']}>" in answer.text
    assert dachs.python(instance, _JUDGE, given=answer.text) == ""


@pytest.mark.parametrize("name", _SERVICES)
def test_record_tells_what_it_is(registry: dict[str, str], name: str) -> None:
    record = _record(registry, name)
    assert 0 < len(record.findtext("shortName") or "") <= 16
    assert record.findtext("title")
    assert record.findtext("content/source") == "2016arXiv161207536S"
    assert record.findtext("curation/version") == "0.4"
    assert {subject.text for subject in record.findall("content/subject")} == set(dachs.SUBJECTS)
    assert len(record.findall("curation/date")) >= 5


def test_records_describe_themselves(registry: dict[str, str]) -> None:
    texts = [_record(registry, name).findtext("content/description") for name in _SERVICES]
    assert len(set(texts)) == len(texts)
    assert all(text and len(text) > 150 for text in texts)


@pytest.mark.parametrize("name", ["cone", "ssa", "training", "web"])
def test_record_tells_the_rights(registry: dict[str, str], name: str) -> None:
    rights = _record(registry, name).findall("rights")
    assert [bool(one.get("rightsURI")) for one in rights] == [True, False, True]
    assert "LAMOST" in (rights[1].text or "")


@pytest.mark.parametrize("name", _SERVICES)
def test_reference_page_is_there(
    registry: dict[str, str], session: requests.Session, name: str
) -> None:
    address = _record(registry, name).findtext("content/referenceURL") or ""
    answer = session.get(address, timeout=60)
    assert answer.status_code == 200
    assert "Hα" in answer.content.decode()


def test_coverage_is_that_of_the_spectra(registry: dict[str, str]) -> None:
    coverage = _record(registry, "collection").find("coverage")
    assert coverage is not None
    days = [float(day) for day in (coverage.findtext("temporal") or "").split()]
    times = [samples.spectrum(name)["mjd"] for name in samples.USABLE]
    known = [time for time in times if time is not None]
    assert days == [min(known), max(known)]
    # Energies in Joule, of wavelengths in Å.
    energies = [float(energy) for energy in (coverage.findtext("spectral") or "").split()]
    ends = [samples.axis(name)[end] for name in samples.USABLE for end in (0, -1)]
    expected = 6.62607015e-34 * 299792458 / (1e-10 * np.array([max(ends), min(ends)]))
    assert energies == pytest.approx(expected, rel=1e-6)
    assert re.fullmatch(r"6/[0-9 -]+", coverage.findtext("spatial") or "")


def test_collection_is_served_by_the_services(registry: dict[str, str]) -> None:
    related = {
        (relation.findtext("relationshipType"), resource.get("ivo-id", "").rpartition("/")[2])
        for relation in _record(registry, "collection").iter("relationship")
        for resource in relation.iter("relatedResource")
    }
    assert {("IsServedBy", "tap"), ("IsServedBy", "cone"), ("IsServedBy", "ssa")} <= related
    assert ("IsDerivedFrom", "") in related


def _numbers_of_rows(registry: dict[str, str]) -> dict[str, int]:
    return {
        str(table.findtext("name")): int(table.findtext("nrows") or -1)
        for table in ET.fromstring(registry[_TAP]).iter("table")  # noqa: S314 - as above
        if str(table.findtext("name")).startswith("vospec.")
    }


def test_numbers_of_rows_are_told(registry: dict[str, str]) -> None:
    rows = _numbers_of_rows(registry)
    assert rows["vospec.spectra"] == len(samples.USABLE) + 1
    assert rows["vospec.candidates"] == len(samples.SURVEY)
    # Each as delivered and rectified.
    assert rows["vospec.ssa_spectra"] == 2 * len(samples.USABLE)
    assert min(rows.values()) >= 0


def test_coverage_follows_what_is_loaded(
    url: str, instance: Instance, session: requests.Session
) -> None:
    late = samples.spectrum(samples.SURVEY[0]) | {"spectrum_id": "lamost/dr9/late", "mjd": 60000.5}
    content = Content([samples.batch(SPECTRA, [late])], "late")
    with psycopg.connect(instance.database, autocommit=True) as connection:
        try:
            add(connection, run_id=RUN, contents={"spectra": content})
            instance.adopt()
            told = _once(url, session, lambda end: end == "60000.5")
        finally:
            for table in ("spectra", "originals"):
                connection.execute(
                    sql.SQL("DELETE FROM {} WHERE spectrum_id = %s").format(
                        sql.Identifier("vospec", table)
                    ),
                    (late["spectrum_id"],),
                )
            connection.execute("DELETE FROM vospec.loads WHERE fingerprint LIKE 'late%'")
            derive(connection, "spectra")
            instance.adopt()
    assert _last_day(told) == "60000.5"
    assert _numbers_of_rows(told)["vospec.spectra"] == len(samples.USABLE) + 2
    assert _last_day(_once(url, session, lambda end: end != "60000.5")) != "60000.5"


def _last_day(registry: dict[str, str]) -> str:
    return (_record(registry, "collection").findtext("coverage/temporal") or "").split()[-1]


def _once(url: str, session: requests.Session, holds: Callable[[str], bool]) -> dict[str, str]:
    """The records once something holds for their last day; those of now where it does not."""
    # DaCHS reads a descriptor again no more often than every ten seconds.
    deadline = time.monotonic() + 30
    while not holds(_last_day(records := _records(url, session))) and time.monotonic() < deadline:
        time.sleep(0.5)
    return records


@pytest.mark.parametrize("name", ["cone", "ssa", "training", "web"])
def test_page_tells_how_to_cite(url: str, session: requests.Session, name: str) -> None:
    page = session.get(f"{url}/vospec/q/{name}/howtocite", timeout=60).text
    assert "@MISC{vo:vospec" in page
    assert "author={The vospec developers}" in page
    assert "2016arXiv161207536S" in page
    assert "acknowledge" in page
