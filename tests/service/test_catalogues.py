"""Lists of known stars are read from a TAP service: a running DaCHS, and one like VizieR's."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from astropy.table import Table

from tests.archives.ssa.services import Reply, Service, serving
from tests.publication import samples
from tests.service.conftest import SERVICE
from vospec.archives.ssa import Manners, Transport
from vospec.errors import CatalogueError
from vospec.verification import catalogues

TABLE = "J/A+A/643/A122/table1"


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport(Manners(pause=0.0, tries=1)) as transport:
        yield transport


class TestDachs:
    pytestmark = SERVICE

    def test_a_table_is_read(self, url: str, transport: Transport) -> None:
        known = catalogues.from_tap(transport, f"{url}/tap", "vospec.candidates")
        assert known.name == "vospec.candidates"
        assert set(known.stars) == set(samples.SURVEY)
        places = dict(zip(known.stars, known.positions.ra.tolist(), strict=True))
        assert places[samples.SURVEY[2]] == pytest.approx(samples.RA + 0.2)

    def test_rows_without_a_position_are_counted(self, url: str, transport: Transport) -> None:
        known = catalogues.from_tap(transport, f"{url}/tap", "vospec.spectra")
        # The file that was damaged and the spectrum of nowhere.
        assert known.n_skipped == 2

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("vospec", "several tables with positions, name one: .*vospec.candidates"),
            ("vospec.grid", "no table with positions: vospec.grid"),
            ("nothing/such", "no table at all"),
            ("it's", "no table at all"),
        ],
    )
    def test_what_cannot_be_told_is_refused(
        self, url: str, transport: Transport, name: str, told: str
    ) -> None:
        with pytest.raises(CatalogueError, match=told):
            catalogues.from_tap(transport, f"{url}/tap", name)


def _votable(**columns: list[Any]) -> Reply:
    stream = io.BytesIO()
    Table(columns).write(stream, format="votable", tabledata_format="binary2")
    answer = re.sub(
        rb"<RESOURCE[^>]*>",
        b'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/>',
        stream.getvalue(),
    )
    return Reply(answer, headers={"Content-Type": "application/x-votable+xml"})


def _described(*rows: tuple[str, str, str, str]) -> Reply:
    names = ("table_name", "column_name", "ucd", "unit")
    return _votable(**dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


@pytest.fixture
def vizier() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("name", [TABLE, TABLE.rpartition("/")[0]])
def test_names_of_vizier_are_delimited(
    vizier: Service, transport: Transport, name: str, quote: str
) -> None:
    table = f"{quote}{TABLE}{quote}"
    notes = f"{quote}{TABLE.replace('table1', 'refs')}{quote}"
    other = f"{quote}{TABLE.replace('A122', 'A1220')}{quote}"
    described = _described(
        (table, "recno", "meta.record", ""),
        (table, f"{quote}_RA{quote}", "pos.eq.ra", "deg"),
        (table, f"{quote}_DE{quote}", "pos.eq.dec", "deg"),
        (table, "Name", "meta.id;meta.main", ""),
        (notes, "Text", "meta.note", ""),
        (other, "RAJ2000", "pos.eq.ra;meta.main", "deg"),
        (other, "DEJ2000", "pos.eq.dec;meta.main", "deg"),
    )
    rows = _votable(c1=[10.5, 11.5], c2=[-1.0, 2.0], c3=["HD 1", "HD 2"])
    url = vizier.offer("/tap/sync", described, rows).removesuffix("/sync")
    known = catalogues.from_tap(transport, url, name)
    assert known.name == TABLE
    assert known.stars == ("HD 1", "HD 2")
    assert known.positions.ra.tolist() == [10.5, 11.5]
    assert known.positions.dec.tolist() == [-1.0, 2.0]
    asked = [" ".join(form.decode().split()) for form in vizier.forms]
    assert (
        f"SELECT%20%22_RA%22,%20%22_DE%22,%20Name%20FROM%20%22{TABLE}%22".replace("%20", "+")
        .replace("/", "%2F")
        .replace("A+A", "A%2BA")
        .replace(",", "%2C")
        in asked[1]
    )


def test_two_tables_of_a_catalogue_are_told(vizier: Service, transport: Transport) -> None:
    both = [f"III/67A/{name}" for name in ("north", "south")]
    described = _described(
        *((table, axis, "", "deg") for table in both for axis in ("RAJ2000", "DEJ2000"))
    )
    url = vizier.offer("/tap/sync", described).removesuffix("/sync")
    with pytest.raises(CatalogueError, match="name one: III/67A/north, III/67A/south"):
        catalogues.from_tap(transport, url, "III/67A")
