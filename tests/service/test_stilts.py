"""STILTS, the other great client, reads the service and finds no error in it."""

import csv
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.publication import samples
from tests.service.conftest import SERVICE
from vospec.columns import PUBLISHED_CANDIDATES

pytestmark = SERVICE


def _stilts(*arguments: str) -> str:
    command = shutil.which("stilts")
    if command is None:
        pytest.skip("stilts is not installed")
    done = subprocess.run(  # noqa: S603 - as above
        [command, *arguments], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_taplint_finds_no_error(url: str) -> None:
    report = _stilts("taplint", f"tapurl={url}/tap", "maxrepeat=2").splitlines()
    assert [line for line in report if line.startswith("E-")] == []
    assert any(line.startswith("Totals: Errors: 0;") for line in report)
    # The one failed check is of ObsLocTAP, which is about telescopes' schedules.
    assert [line for line in report if line.startswith("F-")] == [
        "F-LOC-NOTP-1 No table with name ivoa.obsplan"
    ]


def test_tapquery_reads_candidates(url: str) -> None:
    query = "SELECT * FROM vospec.candidates ORDER BY rank"
    answer = _stilts("tapquery", f"tapurl={url}/tap", f"adql={query}", "ofmt=csv")
    rows = list(csv.DictReader(answer.splitlines()))
    assert tuple(rows[0]) == PUBLISHED_CANDIDATES.names
    assert [row["spectrum_id"] for row in rows] == samples.SURVEY


@pytest.fixture
def stars(tmp_path: Path) -> Path:
    """Two stars: one of the samples, 0.5 arcsec off, and one elsewhere."""
    path = tmp_path / "stars.csv"
    path.write_text(
        f"name,ra,dec\nhere,{samples.RA + 0.3},{samples.DEC + 0.5 / 3600}\nfar,10,-80\n"
    )
    return path


def test_coneskymatch_finds_the_candidate(url: str, stars: Path) -> None:
    answer = _stilts(
        "coneskymatch", f"serviceurl={url}/vospec/q/cone/scs.xml?", f"in={stars}", "ifmt=csv",
        "ra=ra", "dec=dec", "sr=0.001", "ofmt=csv", "ocmd=keepcols 'name spectrum_id'",
    )  # fmt: skip
    assert answer.split() == ["name,spectrum_id", f"here,{samples.SURVEY[3]}"]


def test_tapskymatch_finds_the_candidate(url: str, stars: Path) -> None:
    answer = _stilts(
        "tapskymatch", f"tapurl={url}/tap", "taptable=vospec.candidates", f"in={stars}",
        "ifmt=csv", "inlon=ra", "inlat=dec", "taplon=ra", "taplat=dec", "sr=0.001", "ofmt=csv",
        "ocmd=keepcols 'name spectrum_id'",
    )  # fmt: skip
    assert answer.split() == ["name,spectrum_id", f"here,{samples.SURVEY[3]}"]
