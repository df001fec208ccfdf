"""Questions to services: what is sent, and what is made of the answers."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from astropy import units
from astropy.table import Table

from tests.archives.ssa.services import Reply, Service, serving
from vospec.archives.ssa import Manners, Region, Transport
from vospec.config import ArchiveSettings
from vospec.errors import ConfigurationError, ServiceError
from vospec.verification import tap
from vospec.verification.pairs import catalogues
from vospec.verification.pairs.catalogues import Cell, SsaCatalogue, TapCatalogue
from vospec.verification.tap import CutError

ROW = {
    "v_did": "ivo://x/1",
    "v_name": "HD 1",
    "v_ra": 10.0,
    "v_dec": -20.0,
    "v_t_min": 56000.0,
    "v_t_max": 56000.5,
    "v_l_min": 6.3e-7,
    "v_l_max": 6.7e-7,
    "v_url": "http://x/1.fits",
    "v_format": "Application/FITS",
}
SECTION = ArchiveSettings(url="http://127.0.0.1:9/tap")


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport(Manners(pause=0.0, tries=1)) as opened:
        yield opened


class Asked:
    """What was asked by TAP, and what is answered."""

    def __init__(self, *rows: dict[str, object]) -> None:
        self.table = Table(rows=list(rows)) if rows else Table(names=["v_number", *ROW])
        self.queries: list[str] = []
        self.uploads: list[Table] = []
        self.most: list[int] = []
        self.fault: Exception | None = None

    def __call__(self, *_: object, query: str, most: int, **more: object) -> Table:
        self.queries.append(query)
        self.most.append(most)
        uploads = more.get("uploads")
        self.uploads += list(uploads.values()) if isinstance(uploads, dict) else []
        if self.fault is not None:
            raise self.fault
        return self.table


def answering(monkeypatch: pytest.MonkeyPatch, *rows: dict[str, object]) -> Asked:
    asked = Asked(*rows)
    monkeypatch.setattr(tap, "ask", asked)
    return asked


PLACES = [Region(10.0, -20.0, 0.5), Region(50.0, 5.0, 0.5), Region(80.0, 5.0, 0.5)]


def test_places_are_uploaded_and_each_gets_what_is_its(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**ROW, "v_number": 2, "v_did": "ivo://x/2"}
    blue = {**ROW, "v_number": 2, "v_did": "ivo://x/3", "v_l_max": 6.5e-7}
    asked = answering(monkeypatch, {**ROW, "v_number": 0}, other, blue)
    catalogue = TapCatalogue(transport, replace(SECTION, only=("obs_collection=O'Neill",)))
    found = catalogue.around(PLACES)
    assert [[one.publisher_did for one in answer.products] for answer in found] == [
        ["ivo://x/1"],
        [],
        ["ivo://x/2"],
    ]
    (one,) = found[0].products
    assert one.access_format == "application/fits"
    assert (one.name, one.ra, one.dec, one.mjd) == ("HD 1", 10.0, -20.0, 56000.25)
    assert (one.start, one.stop) == pytest.approx((6300.0, 6700.0))
    (query,) = asked.queries
    assert "t.obs_publisher_did AS v_did" in query
    assert "CIRCLE('ICRS', p.ra, p.dec, 0.250000000)" in query
    assert "t.obs_collection = 'O''Neill'" in query
    assert asked.most == [catalogues.MOST_OF_PLACE * 3]
    assert asked.uploads[0]["number"].tolist() == [0, 1, 2]
    assert asked.uploads[0]["ra"].tolist() == [10.0, 50.0, 80.0]


def test_units_that_a_service_tells_are_heeded(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, {**ROW, "v_number": 0, "v_l_min": 630.0, "v_l_max": 670.0})
    for name in ("v_l_min", "v_l_max"):
        asked.table[name].unit = units.nm
    (found,) = TapCatalogue(transport, SECTION).around(PLACES[:1])
    assert found.products[0].start == pytest.approx(6300.0)
    asked.table["v_l_min"].unit = units.s
    with pytest.raises(ServiceError, match="expected numbers"):
        TapCatalogue(transport, SECTION).around(PLACES[:1])


def test_columns_that_a_table_lacks_are_not_asked_for(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {name: ROW[name] for name in ("v_did", "v_ra", "v_dec")}
    asked = answering(monkeypatch, {**kept, "v_number": 0})
    columns = ("spectrum_id", "", '"RA J2000"', "dec", "", "", "", "", "", "")
    catalogue = TapCatalogue(transport, replace(SECTION, table="a.b", columns=columns, only=()))
    (found,) = catalogue.around(PLACES[:1])
    (one,) = found.products
    assert one.publisher_did == "ivo://x/1"
    assert (one.name, one.access_url) == ("", "")
    assert np.isnan([one.mjd, one.start, one.stop]).all()
    assert "POINT('ICRS', t.\"RA J2000\", t.dec)" in asked.queries[0]
    assert "v_t_min" not in asked.queries[0]


def test_missing_values_are_not_numbers(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, {**ROW, "v_number": 0})
    table = Table(asked.table, masked=True)
    for name in ("v_name", "v_t_min", "v_l_min"):
        table[name].mask = True
    asked.table = table
    (found,) = TapCatalogue(transport, SECTION).around(PLACES[:1])
    (one,) = found.products
    assert (one.name, one.mjd) == ("", 56000.5)
    assert np.isnan(one.start)


def test_numbers_of_other_places_are_refused(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, {**ROW, "v_number": 3})
    with pytest.raises(ServiceError, match="expected the numbers of 3 places"):
        TapCatalogue(transport, SECTION).around(PLACES)


def test_a_list_that_is_cut_is_told(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, ROW)
    catalogue = TapCatalogue(transport, SECTION)
    assert len(catalogue.within(Cell()).products) == 1
    assert "t.s_ra BETWEEN 0.000000000 AND 360.000000000" in asked.queries[0]
    asked.fault = CutError("more")
    assert catalogue.within(Cell(0.0, 90.0, 0.0, 90.0)) == ([], True)
    asked.fault = None
    assert len(catalogue.some(7).products) == 1
    assert "SELECT TOP 7" in asked.queries[-1]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"table": "a; DROP TABLE b"}, "expected the name of a table or column in ADQL"),
        ({"columns": ("a",) * 9}, "expected 10 columns"),
        ({"columns": ("a", "b", "c d", *("e",) * 7)}, "found 'c d'"),
        ({"columns": ("", *("e",) * 9)}, "found no did"),
        ({"only": ("obs_collection",)}, "expected a condition as column=value"),
        ({"only": ("1=1",)}, "in ADQL, found '1'"),
    ],
)
def test_names_that_are_none_are_refused(
    transport: Transport, changed: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        TapCatalogue(transport, replace(SECTION, **changed))  # type: ignore[arg-type]


FIELDS = """
<FIELD name="did" utype="ssa:Curation.PublisherDID" datatype="char" arraysize="*"/>
<FIELD name="url" utype="ssa:Access.Reference" datatype="char" arraysize="*"/>
<FIELD name="mime" utype="ssa:Access.Format" datatype="char" arraysize="*"/>
<FIELD name="a" utype="ssa:Char.SpectralAxis.Coverage.Bounds.Start" datatype="double" unit="m"/>
<FIELD name="b" utype="ssa:Char.SpectralAxis.Coverage.Bounds.Stop" datatype="double" unit="m"/>
<FIELD name="t" utype="ssa:Char.TimeAxis.Coverage.Location.Value" datatype="double"/>
<FIELD name="snr" utype="ssa:Derived.SNR" datatype="float"/>
<FIELD name="target" utype="ssa:Target.Name" datatype="char" arraysize="*"/>
"""
ONE_COLUMN = (
    '<FIELD name="where" utype="ssa:Char.SpatialAxis.Coverage.Location.Value" datatype="double"'
    ' arraysize="2" unit="deg"/>'
)
TWO_COLUMNS = (
    '<FIELD name="ra" ucd="pos.eq.ra;meta.main" datatype="double"/>'
    '<FIELD name="dec" ucd="pos.eq.dec;meta.main" datatype="double"/>'
)


def ssa(fields: str, *places: str) -> Reply:
    plain = "<TD>ivo://x/1</TD><TD>http://x/1</TD><TD>application/fits</TD><TD>6e-7</TD>"
    plain += "<TD>7e-7</TD><TD>56000.5</TD><TD>12.5</TD><TD>HD 1</TD>"
    rows = "".join(f"<TR>{plain}{place}</TR>" for place in places)
    return Reply(
        (
            '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
            '<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OVERFLOW"/>'
            f"<TABLE>{FIELDS}{fields}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE>"
            "</RESOURCE></VOTABLE>"
        ).encode()
    )


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


@pytest.mark.parametrize(
    ("fields", "known", "unknown"),
    [
        (ONE_COLUMN, "<TD>10.5 -20.5</TD>", "<TD></TD>"),
        (TWO_COLUMNS, "<TD>10.5</TD><TD>-20.5</TD>", "<TD></TD><TD></TD>"),
    ],
)
def test_ssa_tells_where_and_when(
    service: Service, transport: Transport, fields: str, known: str, unknown: str
) -> None:
    service.offer("/ssa", ssa(fields, known, unknown))
    catalogue = SsaCatalogue(transport, f"{service.url}/ssa")
    (found,) = catalogue.around(PLACES[:1])
    assert found.cut
    one, nowhere = found.products
    assert (one.ra, one.dec, one.mjd, one.snr, one.name) == (10.5, -20.5, 56000.5, 12.5, "HD 1")
    assert np.isnan([nowhere.ra, nowhere.dec]).all()
    assert service.queries[0]["POS"] == ["10.0,-20.0"]
    assert service.queries[0]["SIZE"] == ["0.5"]
    assert not catalogue.some(5).cut
    assert service.queries[1]["MAXREC"] == ["5"]
    assert "POS" not in service.queries[1]
    assert catalogue.within(Cell(0.0, 90.0, 0.0, 90.0)).cut
    assert float(service.queries[2]["SIZE"][0]) > 120.0
