"""Where names lead: in the spellings of SIMBAD, once, from a mirror where one fails."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from astropy.table import Table

from vospec.archives.ssa import Manners, Transport
from vospec.errors import ServiceError
from vospec.verification import tap
from vospec.verification.pairs import names
from vospec.verification.pairs.fields import Resolved
from vospec.verification.pairs.names import Names, spellings

FIRST, MIRROR = "http://127.0.0.1:9/tap", "http://127.0.0.1:9/mirror"
#: Names as SIMBAD writes them, with the number, main identifier and place of the object.
KNOWN = {
    "HD  53416": (1, "HD  53416", 106.395, 14.475),
    "V* BT CMi": (2, "V* BT CMi", 119.266, 2.948),
    "HD  65079": (2, "V* BT CMi", 119.266, 2.948),
    "* alf Lyr": (3, "* alf Lyr", 279.235, 38.784),
    "UZ Lyr": (4, "NAME UZ Lyr", 10.0, 10.0),
    "V* UZ Lyr": (5, "V* UZ Lyr", 290.287, 37.936),
}


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("HD53416", "HD  53416"),
        ("hd 53416", "HD  53416"),
        ("HR1097", "HR  1097"),
        ("HIP 677", "HIP   677"),
        ("BD+12 2343", "BD+12  2343"),
        ("BT CMi", "V* BT CMi"),
        ("UZLyr", "V* UZ Lyr"),
        ("V1294 Aql", "V* V1294 Aql"),
        ("alpha Lyr", "* alf Lyr"),
        ("gam Cas", "* gam Cas"),
        ("mu Cen", "* mu. Cen"),
        ("theta1 Ori", "* tet01 Ori"),
        ("17 Sex", "*  17 Sex"),
        ("4 Her", "*   4 Her"),
        ("  Vega ", "Vega"),
    ],
)
def test_names_are_spelled_as_simbad_does(name: str, spelled: str) -> None:
    ways = spellings(name)
    assert spelled in ways
    assert ways[0] == " ".join(name.split())
    assert len(set(ways)) == len(ways) < 5


class Asked:
    """A SIMBAD that fails as it is told to."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.names: list[list[str]] = []
        self.fails: Callable[[str], bool] = lambda _: False

    def __call__(self, _: object, url: str, *, uploads: dict[str, Table], **__: object) -> Table:
        self.urls.append(url)
        if self.fails(url):
            message = f"{url}: down"
            raise ServiceError(message)
        given = uploads["spellings"]
        self.names.append(list(given["spelling"]))
        found = [
            (number, *KNOWN[name])
            for number, name in zip(given["number"], given["spelling"], strict=True)
            if name in KNOWN
        ]
        columns = ("v_number", "v_oid", "v_main_id", "v_ra", "v_dec")
        return Table(rows=found, names=columns) if found else Table(names=columns)


@pytest.fixture
def simbad(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(tap, "ask", asked)
    return asked


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Names]]:
    with Transport(Manners(pause=0.0, tries=1)) as transport:
        yield lambda *, again=False: Names(transport, [FIRST, MIRROR], tmp_path, again=again)


def states(found: Names) -> list[str]:
    return [row.state for row in found.rows]


def test_names_lead_to_places(simbad: Asked, opened: Callable[..., Names], tmp_path: Path) -> None:
    resolver = opened()
    found = resolver(["HD53416", "BT CMi", "flat field", "alpha Lyr"])
    assert found == {
        "HD53416": Resolved("HD  53416", 106.395, 14.475),
        "BT CMi": Resolved("V* BT CMi", 119.266, 2.948),
        "alpha Lyr": Resolved("* alf Lyr", 279.235, 38.784),
    }
    assert states(resolver) == ["found", "found", "nothing", "found"]
    with (tmp_path / "names.csv").open(newline="", encoding="utf-8") as stream:
        assert [row["name"] for row in csv.DictReader(stream)] == [
            *("HD53416", "BT CMi", "flat field", "alpha Lyr")
        ]
    # Known answers are not asked for again, unless it is wanted.
    again = opened()
    assert again(["BT CMi", "flat field", "HD 65079"]) == {
        "BT CMi": found["BT CMi"],
        "HD 65079": found["BT CMi"],
    }
    assert simbad.names[1:] == [["HD 65079", "HD  65079"]]
    opened(again=True)(["BT CMi"])
    assert simbad.names[2:] == [["BT CMi", "V* BT CMi"]]


def test_a_name_of_two_objects_leads_nowhere(simbad: Asked, opened: Callable[..., Names]) -> None:
    resolver = opened()
    assert resolver(["UZ Lyr"]) == {}
    (row,) = resolver.rows
    assert (row.state, row.reason) == ("nothing", "leads to NAME UZ Lyr, V* UZ Lyr")
    assert simbad.urls == [FIRST]


def test_the_mirror_is_asked_where_the_first_fails(
    simbad: Asked, opened: Callable[..., Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "BLOCK", 1)
    simbad.fails = lambda url: url == FIRST
    assert len(opened()(["HD53416", "BT CMi"])) == 2
    # The one that has answered is the first to be asked from then on.
    assert simbad.urls == [FIRST, MIRROR, MIRROR]


def test_a_failure_is_no_unknown_name(
    simbad: Asked, opened: Callable[..., Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "BLOCK", 1)
    simbad.fails = lambda _: True
    resolver = opened()
    assert resolver(["HD53416", "BT CMi"]) == {}
    assert states(resolver) == ["failed", "not asked"]
    assert resolver.rows[0].reason == f"{FIRST}: down; {MIRROR}: down"
    simbad.fails = lambda _: False
    assert len(opened()(["HD53416", "BT CMi"])) == 2
