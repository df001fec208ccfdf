"""Lists of known stars in files."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import FK4, SkyCoord
from astropy.table import Table

from tests.service import simbad
from vospec.errors import CatalogueError
from vospec.verification import catalogues

STARS = simbad.EMISSION[:6]
RA, DEC = [s.ra for s in STARS], [s.dec for s in STARS]
NAMES = tuple(s.main_id for s in STARS)
AT = SkyCoord(RA, DEC, unit="deg")


def _same(path: Path, *, within: float = 1e-6) -> catalogues.KnownList:
    known = catalogues.from_file(path)
    found = SkyCoord(known.positions.ra, known.positions.dec, unit="deg")
    assert (found.separation(AT).arcsec < within).all()
    assert known.stars == NAMES
    assert known.name == str(path)
    return known


@pytest.mark.parametrize("name", ["list.csv", "list.ecsv", "list.fits", "list.vot", "list.xml"])
def test_files_of_all_kinds_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    kind = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "fits": "fits"}.get(name[5:], "votable")
    Table({"Name": NAMES, "ra": RA, "dec": DEC, "V": np.arange(6.0)}).write(path, format=kind)
    assert _same(path).n_skipped == 0


def test_sexagesimal_positions_are_read(tmp_path: Path) -> None:
    text = {
        "RAJ2000": AT.ra.to_string(units.hourangle, sep=" ", precision=4, pad=True),
        "DEJ2000": AT.dec.to_string(units.deg, sep=" ", precision=3, pad=True, alwayssign=True),
    }
    Table({"HD": NAMES, **text}).write(tmp_path / "list.csv", format="ascii.csv")
    _same(tmp_path / "list.csv", within=0.01)


def test_hours_are_told_from_degrees(tmp_path: Path) -> None:
    table = Table({"star": NAMES, "RAJ2000": AT.ra.hour * units.hourangle, "DEJ2000": DEC})
    table.write(tmp_path / "list.vot", format="votable")
    _same(tmp_path / "list.vot")


def test_positions_of_1950_are_brought_to_icrs(tmp_path: Path) -> None:
    old = AT.transform_to(FK4(equinox="B1950"))
    Table({"Name": NAMES, "RAB1950": old.ra.deg, "DEB1950": old.dec.deg}).write(
        tmp_path / "list.csv", format="ascii.csv"
    )
    # Half a degree lies between the two.
    _same(tmp_path / "list.csv", within=0.01)


def test_ucds_go_before_names(tmp_path: Path) -> None:
    table = Table({"Name": NAMES, "ra": np.zeros(6), "dec": np.zeros(6), "a": RA, "d": DEC})
    table["a"].meta["ucd"], table["d"].meta["ucd"] = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"
    table.write(tmp_path / "list.vot", format="votable")
    _same(tmp_path / "list.vot")


def test_rows_without_a_position_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("ra,dec\n10.5,-3\n,4\n11,nan\n12,5\n", encoding="utf-8")
    known = catalogues.from_file(path)
    assert known.n_skipped == 2
    assert known.stars == ("1", "4")
    assert known.positions.ra.tolist() == [10.5, 12.0]


def test_a_list_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("ra,dec\n", encoding="utf-8")
    assert catalogues.from_file(path).stars == ()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("list.csv", b"name,x\na,1\n", "expected columns of UCD pos.eq.ra and pos.eq.dec"),
        ("list.csv", b"ra,dec\n10,95\n", "ra and dec: expected positions"),
        ("list.csv", b"ra,dec\nten,five\n", "ra and dec: expected positions"),
        ("list.csv", b"\xff\xfe\x00", "cannot be read as csv"),
        ("list.fits", b"SIMPLE", "cannot be read as fits"),
        ("list.vot", b"<VOTABLE>", "cannot be read as votable"),
        ("list.txt", b"10 5\n", "expected a name that ends with .csv, .ecsv"),
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=told) as refused:
        catalogues.from_file(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert catalogues.is_file(str(tmp_path / "list.csv"))
    with pytest.raises(CatalogueError, match=r"list\.csv: cannot be read"):
        catalogues.from_file(tmp_path / "list.csv")


def test_names_of_tables_are_no_files() -> None:
    assert not catalogues.is_file("J/A+A/643/A122/table1")
    assert not catalogues.is_file("III/67A")
