"""STILTS reads the service by all doors, and complains of nothing that is ours."""

import csv
import re
import shutil
import subprocess
import urllib.parse
from pathlib import Path

import pytest
import pyvo
import requests

from tests.publication import samples
from tests.service import jobs
from tests.service.conftest import SERVICE
from vospec.columns import PUBLISHED_CANDIDATES

pytestmark = SERVICE

#: What SODA is asked for.
_CUT = (
    "&FLUXCALIB=RECTIFIED&BAND=6.5e-7+6.6e-7"
    "&FORMAT=application/x-votable%2Bxml%3Bserialization%3Dtabledata"
)


#: What STILTS 3.4.7 complains of in a TAP service: whose it is, and the complaint.
_TAPLINT = (
    # DaCHS writes them so.
    ("DaCHS", r"W-CAP-CULF Custom feature type .*#extra-adql-keywords"),
    ("DaCHS", r"W-CAP-CPUL AccessURL for .*VOSI#(capabilities|tables) is not at fixed location"),
    ("DaCHS", r"W-MDQ-DRXT Declared/result XType .* t_(min|max) in table ivoa.obscore"),
    ("DaCHS", r"W-MDQ-DRXT Declared/result XType .* (embargo|ssa_dateobs) .*vospec.ssa_spectra"),
    ("DaCHS", r"W-MDQ-CCAS .*capitalization mismatch in table tap_schema\.\w+ sourcerd "),
    ("DaCHS", r"W-MDQ-CCAS .*capitalization mismatch in table vospec.ssa_spectra ssa_\w+ != ssa_"),
    ("DaCHS", r'W-UPL-YAR1 .*arraysize="1" deprecated'),
    ("DaCHS", r"W-EXA-EXVC .*contrary to DALI, but is required to work with some TOPCAT"),
    # Two columns of a joined table lead to links each.
    ("DaCHS", r"W-EXA-YDNM .*Name 'links' already used in this VOTABLE"),
    # ADQL has no arrays; DaCHS has.
    ("ADQL", r'W-EXA-EXVL .*Invalid ADQL regular identifier: "flux\[g"'),
    # ObsLocTAP is about telescopes' schedules.
    ("STILTS", r"F-LOC-NOTP No table with name ivoa.obsplan"),
)

#: The same in answers of DataLink.
_DATALINKLINT = (
    # Java asks for text/html too, and DaCHS takes it for a browser.
    ("DaCHS", r"E-DLCT Incorrect Content-Type text/xml"),
    ("DaCHS", r"E-RUCD Wrong UCD for column service_def; meta.code != meta.ref"),
    ("DaCHS", r"W-YDNM .*Name 'proc_svc' already used in this VOTABLE"),
    # It does not know all of today's vocabulary.
    ("STILTS", r"E-SMCO Unknown predicate '(counterpart|documentation)'"),
)

#: The same in tables.
_VOTLINT = (
    ("DaCHS", r'WARNING .*Non-DALI xtype value "mjd"'),
    # VOTable takes an empty cell for no value, also of a position.
    ("STILTS", r"ERROR .*Bad double string ''"),
)


def _stilts(*arguments: str) -> str:
    command = shutil.which("stilts")
    if command is None:
        pytest.skip("stilts is not installed")
    done = subprocess.run(  # noqa: S603 - as above
        [command, *arguments], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _complaints(report: str) -> list[str]:
    """Errors, warnings and failures of a report, without their numbers."""
    lines = (re.sub(r"^(\w-\w+-\w+|\w-\w+)-\d+ ", r"\1 ", line) for line in report.splitlines())
    return [line for line in lines if re.match(r"[EWF]-|ERROR|WARNING", line)]


def _is_known(complaint: str, known: tuple[tuple[str, str], ...]) -> bool:
    return any(re.match(pattern, complaint) for _, pattern in known)


def _unknown(report: str, known: tuple[tuple[str, str], ...]) -> list[str]:
    return [line for line in _complaints(report) if not _is_known(line, known)]


def test_new_complaints_are_told() -> None:
    report = "I-TMV-VALI-1 fine\nE-QGE-NEWS-12 something new\nF-LOC-NOTP-1 No table with name x"
    assert _unknown(report, _TAPLINT) == [
        "E-QGE-NEWS something new",
        "F-LOC-NOTP No table with name x",
    ]


def test_taplint_finds_no_error_and_nothing_new(url: str) -> None:
    report = _stilts("taplint", f"tapurl={url}/tap", "maxrepeat=99", "truncate=2000")
    assert _unknown(report, _TAPLINT) == []
    assert re.search(r"^Totals: Errors: 0; .* Failures: 1$", report, flags=re.MULTILINE)
    told = _complaints(report)
    assert [
        pattern for _, pattern in _TAPLINT if not any(re.match(pattern, line) for line in told)
    ] == [], "no more complained of: to be taken out of the list"


@pytest.fixture(scope="module")
def links(url: str, tap: pyvo.dal.TAPService, session: requests.Session) -> list[str]:
    """Addresses of links as the rows of each door tell them."""
    service = pyvo.dal.SSAService(f"{url}/vospec/q/ssa/ssap.xml?", session=session)
    answers = [
        service.search(pos=(samples.RA, samples.DEC), diameter=0.01, format=None),
        tap.search("SELECT TOP 2 * FROM ivoa.obscore ORDER BY obs_id"),
        tap.search("SELECT TOP 1 * FROM vospec.candidates ORDER BY rank"),
        tap.search("SELECT TOP 1 * FROM vospec.neighbours WHERE kind = 'label'"),
    ]
    found = []
    for answer in answers:
        descriptor = answer.get_adhocservice_by_ivoid("ivo://ivoa.net/std/datalink")
        values = {param.name: param.value for param in descriptor.params}
        (parameter,) = descriptor.groups[0].entries
        column = answer.votable.get_field_by_id_or_name(parameter.ref).name
        for row in answer:
            query = urllib.parse.urlencode({parameter.name: row[column]})
            found.append(f"{values['accessURL']}?{query}")
    return found


def test_datalinklint_finds_nothing_of_ours(links: list[str]) -> None:
    assert len(links) >= 5
    for address in [*links, f"{links[0]}&ID=nowhere"]:
        report = _stilts("datalinklint", f"votable={address}", "maxrepeat=99", "truncate=2000")
        assert re.search(r"Datalink table rows checked: [1-9]", report)
        assert _unknown(report, _DATALINKLINT) == []


def _ask(query: str) -> str:
    return "tap/sync?" + urllib.parse.urlencode(
        {"LANG": "ADQL", "REQUEST": "doQuery", "QUERY": query}
    )


@pytest.mark.parametrize(
    "path",
    [
        *(_ask(f"SELECT * FROM vospec.{name}") for name in ("candidates", "spectra", "features")),  # noqa: S608 - our own names
        _ask("SELECT * FROM ivoa.obscore"),
        _ask("SELECT no_such_column FROM vospec.runs"),
        "vospec/q/ssa/ssap.xml?REQUEST=queryData",
        "vospec/q/training/ssap.xml?REQUEST=queryData",
        f"vospec/q/cone/scs.xml?RA={samples.RA}&DEC={samples.DEC}&SR=1&VERB=3",
        f"vospec/q/dl/dlmeta?ID={samples.SURVEY[0]}&ID=nowhere",
        f"vospec/q/dl/dlget?ID={samples.SURVEY[0]}",
        f"vospec/q/dl/dlget?ID={samples.SURVEY[0]}{_CUT}",
    ],
)
def test_votlint_finds_nothing_of_ours(url: str, path: str) -> None:
    report = _stilts("votlint", f"votable={url}/{path}", "maxrepeat=99")
    assert _unknown(report, _VOTLINT) == []


@pytest.mark.parametrize("how", [["sync=true"], ["sync=false", "poll=500"]], ids=" ".join)
def test_tapquery_reads_candidates(url: str, how: list[str]) -> None:
    query = "SELECT * FROM vospec.candidates ORDER BY rank"
    answer = _stilts("tapquery", f"tapurl={url}/tap", f"adql={query}", "ofmt=csv", *how)
    rows = list(csv.DictReader(answer.splitlines()))
    assert tuple(rows[0]) == PUBLISHED_CANDIDATES.names
    assert [row["spectrum_id"] for row in rows] == samples.SURVEY


def test_tapresume_fetches_a_job_of_somebody_else(url: str, session: requests.Session) -> None:
    query = "SELECT spectrum_id FROM vospec.candidates WHERE rank = 2"
    address = jobs.start(session, url, REQUEST="doQuery", QUERY=query)
    answer = _stilts("tapresume", f"joburl={address}", "poll=500", "delete=always", "ofmt=csv")
    assert answer.split() == ["spectrum_id", samples.SURVEY[1]]
    assert session.get(address, timeout=60).status_code == 404


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
