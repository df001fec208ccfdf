"""Rows of all doors lead to what belongs to a spectrum."""

import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
import pyvo
import requests
from pyvo.dal.adhoc import DatalinkResults

from tests.conftest import Instance
from tests.publication import samples
from tests.service import dachs
from tests.service.conftest import SERVICE

pytestmark = SERVICE

PREFIX = "ivo://x-vospec/~?vospec/q/"
RECTIFIED = f"{PREFIX}rectified/"
FITS, VOTABLE = "application/fits", "application/x-votable+xml"

#: Without those of SIMBAD's page and of the services, which need no file of ours.
FILES = {"#this", "#progenitor", "#derivation", "#preview", "#auxiliary", "#counterpart"}

Links = dict[str, list[pyvo.dal.Record]]
Ask = Callable[..., Links]


@pytest.fixture
def ask(url: str, session: requests.Session) -> Ask:
    """Ask for the links of identifiers, by their term."""

    def asked(*identifiers: str) -> Links:
        query = urllib.parse.urlencode([("ID", identifier) for identifier in identifiers])
        return _by_term(
            DatalinkResults.from_result_url(f"{url}/vospec/q/dl/dlmeta?{query}", session=session)
        )

    return asked


def _by_term(results: DatalinkResults) -> Links:
    links: Links = {}
    for link in results:
        links.setdefault(link["semantics"], []).append(link)
    return links


@contextmanager
def _changed(instance: Instance, *statements: tuple[str, str]) -> Iterator[None]:
    """Make changes of the database, and unmake them: pairs of statements."""
    with psycopg.connect(instance.database, autocommit=True) as connection:
        for statement, _ in statements:
            connection.execute(statement)  # type: ignore[call-overload]
        try:
            yield
        finally:
            for _, statement in reversed(statements):
                connection.execute(statement)  # type: ignore[call-overload]


def test_spectrum_leads_to_all_that_belongs_to_it(ask: Ask) -> None:
    links = ask(samples.SURVEY[0])
    told = {term: [link["content_type"] for link in found] for term, found in links.items()}
    assert told == {
        "#this": [FITS, VOTABLE],
        "#progenitor": [FITS],
        "#derivation": [FITS],
        "#preview": ["image/png"],
        "#auxiliary": [FITS],
        "#counterpart": [FITS],
        "#documentation": ["text/html"],
        "#proc": [""],
    }
    assert all(not link["error_message"] for found in links.values() for link in found)
    assert {link["ID"] for found in links.values() for link in found} == {samples.SURVEY[0]}


def test_rectified_spectrum_leads_back(ask: Ask, url: str) -> None:
    links = ask(f"{RECTIFIED}{samples.SURVEY[0]}")
    assert "#derivation" not in links
    assert [link["access_url"] for link in links["#progenitor"]] == [
        f"{url}/vospec/q/product/qp/{samples.SURVEY[0]}.fits",
        f"{url}/getproduct/vospec/{samples.SURVEY[0]}.fits",
    ]
    (delivered,) = ask(samples.SURVEY[0])["#derivation"]
    assert links["#this"][0]["access_url"] == delivered["access_url"]


@pytest.mark.parametrize(
    "identifier",
    [
        samples.SURVEY[0],
        f"{RECTIFIED}{samples.SURVEY[0]}",
        samples.PACKED,
        samples.ODD,
        f"{RECTIFIED}{urllib.parse.quote(samples.ODD)}",
        samples.TRAINING,
    ],
)
def test_links_lead_to_what_they_say(ask: Ask, session: requests.Session, identifier: str) -> None:
    for term, links in ask(identifier).items():
        for link in links if term in FILES else []:
            answer = session.get(link["access_url"], timeout=60)
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == link["content_type"]
            if link["content_type"] == FITS or term == "#progenitor":
                assert link["content_length"] == len(answer.content)


def test_original_is_the_file_of_the_archive(ask: Ask, session: requests.Session) -> None:
    for spectrum_id in (samples.PACKED, samples.ODD, samples.TRAINING):
        (link,) = ask(spectrum_id)["#progenitor"]
        packed = spectrum_id == samples.PACKED
        assert link["content_type"] == ("application/gzip" if packed else FITS)
        content = session.get(link["access_url"], timeout=60).content
        assert content == samples.original(spectrum_id)


def test_original_that_is_gone_is_a_fault(ask: Ask) -> None:
    path = samples.original_path(samples.SURVEY[2])
    away = path.rename(path.with_suffix(".away"))
    try:
        (link,) = ask(samples.SURVEY[2])["#progenitor"]
    finally:
        away.rename(path)
    assert link["error_message"] == "NotFoundFault: The file is not at hand"
    assert link["access_url"] == ""


def test_original_that_never_was_here_is_not_told(ask: Ask, instance: Instance) -> None:
    where = f"WHERE spectrum_id = '{samples.SURVEY[2]}'"
    path = samples.original_path(samples.SURVEY[2])
    update = f"UPDATE vospec.originals SET path = '%s' {where}"  # noqa: S608 - our own names
    with _changed(instance, (update % f"s3://far{path}", update % path)):
        links = ask(samples.SURVEY[2])
    assert "#progenitor" not in links
    assert "#this" in links


def test_labels_speak_for_a_candidate(ask: Ask, url: str) -> None:
    (link,) = ask(samples.SURVEY[3])["#auxiliary"]
    assert link["access_url"] == f"{url}/vospec/q/product/qp/{samples.TRAINING}.fits"
    assert link["description"] == (
        f"Labelled emission, 100.0 % of its class shares: {samples.TRAINING}"
    )
    (link,) = ask(f"{RECTIFIED}{samples.SURVEY[3]}")["#auxiliary"]
    assert link["access_url"] == f"{url}/vospec/q/rectified/qp/{samples.TRAINING}.rectified.fits"


def test_labelled_neighbours_speak_where_no_label_does(ask: Ask, instance: Instance) -> None:
    table = "vospec.neighbour_records"
    place = f"WHERE spectrum_id = '{samples.SURVEY[3]}' AND kind ="
    hidden = (
        f"UPDATE {table} SET class = NULL {place} 'label'",  # noqa: S608 - our own names
        f"UPDATE {table} SET class = 'emission' {place} 'label'",  # noqa: S608 - as above
    )
    labelled = (
        f"UPDATE {table} SET class = 'absorption' {place} 'neighbour' AND place = 2",  # noqa: S608 - as above
        f"UPDATE {table} SET class = NULL {place} 'neighbour' AND place = 2",  # noqa: S608 - as above
    )
    with _changed(instance, hidden, labelled):
        (link,) = ask(samples.SURVEY[3])["#auxiliary"]
    assert link["access_url"].endswith(f"/{samples.SURVEY[4]}.fits")
    assert link["description"] == (
        f"Labelled absorption, 25.0 % of the weight of its neighbours: {samples.SURVEY[4]}"
    )


def test_nobody_speaks_for_a_spectrum_without_neighbours(ask: Ask) -> None:
    assert "#auxiliary" not in ask(samples.TRAINING)


@pytest.mark.parametrize(
    ("one", "other"),
    [(samples.SURVEY[0], samples.TRAINING), (samples.TRAINING, samples.SURVEY[0])],
)
def test_same_star_is_found_in_the_other_archive(ask: Ask, one: str, other: str) -> None:
    (link,) = ask(one)["#counterpart"]
    assert link["access_url"].endswith(f"/product/qp/{other}.fits")
    assert link["description"] == f"The same star, 12.5 arcsec apart: {other}"


def test_simbad_is_asked_for_the_place(ask: Ask) -> None:
    (link,) = ask(samples.SURVEY[0])["#documentation"]
    address = urllib.parse.urlsplit(link["access_url"])
    assert address.hostname == "simbad.cds.unistra.fr"
    asked = dict(urllib.parse.parse_qsl(address.query))
    assert asked == {
        "Coord": f"{samples.RA:.7f} +{samples.DEC:.7f}",
        "CooFrame": "ICRS",
        "Radius": "10",
        "Radius.unit": "arcsec",
    }
    assert link["description"] == "SIMBAD within 10 arcsec; there is V* BT CMi (Be*)"
    assert ask(samples.SURVEY[1])["#documentation"][0]["description"] == "SIMBAD within 10 arcsec"
    assert "#documentation" not in ask(samples.NOWHERE)


@pytest.mark.usefixtures("url")
def test_simbad_may_be_elsewhere(instance: Instance) -> None:
    code = f"""
import json
from gavo import api, base

base.caches.getRD("vospec/q").setMeta("simbadPage", "http://mirror.example/sim-coo")
links, _ = api.loadPythonModule("{instance.folder}/dachs/inputs/vospec/res/links")
(link,) = links.describe("{samples.SURVEY[0]}").links("documentation")
print(json.dumps(link.asDict()["access_url"]))
"""
    assert str(dachs.python(instance, code)).startswith("http://mirror.example/sim-coo?Coord=119")


@pytest.mark.parametrize("identifier", ["nowhere", samples.UNREADABLE, f"{PREFIX}nowhere", "';--"])
def test_unknown_identifiers_are_a_clear_fault(ask: Ask, identifier: str) -> None:
    ((term, (link,)),) = ask(identifier).items()
    assert term == "#this"
    assert link["error_message"] == "NotFoundFault: No spectrum of this identifier has pixels"
    assert link["ID"] == identifier


def test_several_are_asked_for_at_once(ask: Ask) -> None:
    identifiers = [samples.SURVEY[0], f"{RECTIFIED}{samples.SURVEY[1]}", "nowhere"]
    links = ask(*identifiers)
    assert [link["ID"] for link in links["#this"]] == [
        identifier for identifier in identifiers[:2] for _ in range(2)
    ] + ["nowhere"]
    assert [link["ID"] for link in links["#proc"]] == identifiers[:2]


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ("vospec.candidates WHERE spectrum_id", samples.SURVEY[:1]),
        ("vospec.spectra WHERE spectrum_id", [samples.SURVEY[0], samples.ODD]),
        ("vospec.features WHERE spectrum_id", [samples.SURVEY[0], samples.ODD]),
        (
            "vospec.ssa_spectra WHERE processing = 'delivered' AND spectrum_id",
            [samples.SURVEY[0], samples.ODD],
        ),
        ("ivoa.obscore WHERE calib_level = 2 AND obs_id", [samples.SURVEY[0], samples.ODD]),
    ],
)
def test_rows_of_tables_lead_to_the_same_links(
    tap: pyvo.dal.TAPService, ask: Ask, rows: str, names: list[str]
) -> None:
    for name in names:
        # DaCHS finds no text with a % in it.
        found = tap.search(f"SELECT * FROM {rows} LIKE '{name.partition('+')[0]}%'")  # noqa: S608 - our own names
        (results,) = found.iter_datalinks()
        expected = ask(name)
        links = _by_term(results)
        assert {term: _addresses(links[term]) for term in links} == {
            term: _addresses(expected[term]) for term in expected
        }


def _addresses(links: list[pyvo.dal.Record]) -> set[str]:
    return {link["access_url"] for link in links}


@pytest.mark.parametrize("level", [2, 3])
def test_rows_of_obscore_and_ssa_lead_to_their_own_file(
    url: str, tap: pyvo.dal.TAPService, session: requests.Session, level: int
) -> None:
    query = f"SELECT * FROM ivoa.obscore WHERE obs_id = '{samples.SURVEY[5]}'"  # noqa: S608 - our own names
    (row,) = tap.search(f"{query} AND calib_level = {level}")
    (links,) = tap.search(f"{query} AND calib_level = {level}").iter_datalinks()
    assert row["access_url"] in _addresses(_by_term(links)["#this"])
    service = pyvo.dal.SSAService(f"{url}/vospec/q/ssa/ssap.xml?", session=session)
    (record,) = service.search(PUBDID=row["obs_publisher_did"], format=None)
    assert record.getdataurl() == row["access_url"]
    assert row["access_url"] in _addresses(_by_term(record.getdatalink())["#this"])


def test_browsers_are_shown_a_page(url: str, session: requests.Session) -> None:
    answer = session.get(
        f"{url}/vospec/q/dl/dlmeta",
        params={"ID": samples.SURVEY[0]},
        headers={"User-Agent": "Mozilla/5.0"},
        timeout=60,
    )
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "SODA data access" in answer.text
    assert "Labelled emission" in answer.text
