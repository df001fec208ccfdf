"""What a service lists is in the folder afterwards, once, whole, or told to be missing."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.archives import files as samples
from tests.archives.ssa.services import AROUND, Reply, Service, votable
from vospec.archives import read
from vospec.archives.ssa import Outcome, Region, fetching
from vospec.archives.ssa.files import stem
from vospec.errors import ManifestError, ServiceError

Download = Callable[..., Outcome]

FITS, IMAGE, VOTABLE = "application/fits", "image/fits", "application/x-votable+xml"
DATALINK = "application/x-votable+xml; content=datalink"
PREFIX = "ivo://asu.cas.cz/stel/ccd700/"


def spectrum(number: int) -> bytes:
    return samples.export(DS_IDPUB=f"{PREFIX}{number}", OBJECT=f"HD {number}")


def offer(service: Service, n: int) -> None:
    """A service of ``n`` observations."""
    rows = []
    for number in range(n):
        url = service.offer(f"/{number}.fits", spectrum(number))
        rows.append((f"{PREFIX}{number}", url, IMAGE, *AROUND))
    service.list_(*rows)


def lists(folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Manifest and questions of a folder."""
    found = []
    for name in ("manifest.csv", "queries.csv"):
        with (folder / name).open(newline="", encoding="utf-8") as stream:
            found.append(list(csv.DictReader(stream)))
    return found[0], found[1]


def check(folder: Path, n: int) -> None:
    """All of ``n`` observations are there, as the manifest says."""
    manifest, _ = lists(folder)
    assert {row["publisher_did"] for row in manifest} == {f"{PREFIX}{i}" for i in range(n)}
    assert {row["state"] for row in manifest} == {"fetched"}
    assert {path.name for path in folder.glob("*.fits*")} == {row["file"] for row in manifest}
    assert not list(folder.glob(".*.part"))
    for row in manifest:
        content = (folder / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert str(len(content)) == row["size"]
        assert read(folder / row["file"]).archive_id == row["publisher_did"]


def test_everything_comes_once(service: Service, download: Download, tmp_path: Path) -> None:
    offer(service, 4)
    assert download().complete
    check(tmp_path / "spectra", 4)
    asked = list(service.asked)
    assert download().spectra == {"fetched": 4}
    assert service.asked == asked
    assert service.most_at_once == 1


def test_the_band_is_asked_for_in_metres(service: Service, download: Download) -> None:
    offer(service, 1)
    download()
    (query,) = service.queries
    start, stop = (float(value) for value in query["BAND"][0].split("/"))
    assert (start, stop) == pytest.approx((6.54e-7, 6.58e-7), rel=1e-12)
    assert query["REQUEST"] == ["queryData"]
    assert "POS" not in query


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("preferred", "path"), [(FITS, "/table"), (IMAGE, "/image")])
def test_of_an_observation_the_best_format_is_taken(
    service: Service, download: Download, order: int, preferred: str, path: str
) -> None:
    rows = [
        (f"{PREFIX}7", service.offer(place, spectrum(7)), kind, *AROUND)
        for place, kind in (("/vot", VOTABLE), ("/image", IMAGE), ("/table", FITS))
    ]
    service.list_(*rows[::order])
    assert download(preferred=preferred).spectra == {"fetched": 1}
    assert service.asked == ["/ssa", path]


def test_what_is_no_fits_is_told(service: Service, download: Download, tmp_path: Path) -> None:
    service.list_((f"{PREFIX}1", service.offer("/v", b"<VOTABLE/>"), VOTABLE, *AROUND))
    outcome = download()
    assert outcome.spectra == {"unusable": 1}
    assert service.asked == ["/ssa"]
    (row,), _ = lists(tmp_path / "spectra")
    assert row["reason"] == f"expected FITS, offered as {VOTABLE} only"


def test_other_gratings_are_left(service: Service, download: Download, tmp_path: Path) -> None:
    offer(service, 1)
    inside = (f"{PREFIX}0", f"{service.url}/0.fits", IMAGE, *AROUND)
    others = [
        (f"{PREFIX}{name}", f"{service.url}/{name}", IMAGE, *coverage)
        for name, coverage in (
            ("blue", (3.8e-7, 4.2e-7)),
            ("ends", (6.1e-7, 6.57e-7)),
            ("begins", (6.55e-7, 6.9e-7)),
        )
    ]
    service.list_(*others, inside)
    assert download().spectra == {"fetched": 1}
    assert service.asked == ["/ssa", "/0.fits"]
    _, (query,) = lists(tmp_path / "spectra")
    assert query["reason"] == "3 more do not cover the band"


def test_an_untold_coverage_is_found_in_the_file(
    service: Service, download: Download, tmp_path: Path
) -> None:
    blue = samples.native(CRVAL1=4300.0)
    rows = [
        (f"{PREFIX}{name}", service.offer(f"/{name}", content), IMAGE, "NaN", "NaN")
        for name, content in (("blue", blue), ("red", spectrum(1)))
    ]
    service.list_(*rows)
    assert download().spectra == {"fetched": 1, "outside": 1}
    assert [path.name for path in (tmp_path / "spectra").glob("*.fits")] == ["red.fits"]


@pytest.mark.parametrize("status", ["OVERFLOW", "overflow"])
def test_a_cut_answer_is_told(
    service: Service, download: Download, tmp_path: Path, status: str
) -> None:
    offer(service, 2)
    rows = [(f"{PREFIX}{i}", f"{service.url}/{i}.fits", IMAGE, *AROUND) for i in range(2)]
    service.list_(*rows, status=status)
    outcome = download()
    assert outcome.spectra == {"fetched": 2}
    assert not outcome.complete
    told = " ".join(outcome.lines())
    assert "the service lists 2 rows and says that it has more" in told
    assert "ask in smaller parts" in told
    _, (query,) = lists(tmp_path / "spectra")
    assert query["state"] == "cut"
    # Asked anew until the answer is whole.
    offer(service, 3)
    assert download().complete
    check(tmp_path / "spectra", 3)


def test_nothing_found_differs_from_failed(service: Service, download: Download) -> None:
    service.list_()
    outcome = download()
    assert outcome.queries == {"nothing": 1}
    assert outcome.complete
    assert any("nothing found" in line for line in outcome.lines())
    service.offer("/ssa", votable((), "ERROR", "BAND is no number"))
    outcome = download(again=True)
    assert outcome.queries == {"failed": 1}
    assert not outcome.complete
    assert any("BAND is no number" in line for line in outcome.lines())


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"<html><body>Sorry</body></html>", "expected a VOTable"),
        (b"", "expected a VOTable"),
        (b"<VOTABLE><RESOURCE/></VOTABLE>", "expected the table of an SSA answer"),
        (votable(())[:200], "expected a VOTable"),
        (votable(()).replace(b"ssa:Access.Reference", b"x"), "column of utype ssa:Access.Ref"),
    ],
)
def test_an_answer_that_is_none_is_told(
    service: Service, download: Download, answer: bytes, found: str
) -> None:
    service.offer("/ssa", answer)
    outcome = download()
    assert outcome.queries == {"failed": 1}
    assert found in outcome.reasons[0]
    assert service.url in outcome.reasons[0]


def test_each_position_is_asked_once(service: Service, download: Download, tmp_path: Path) -> None:
    offer(service, 2)
    both = service.replies["/ssa"][0].body
    service.offer("/ssa", votable(()), both, Reply(code=404), both)
    regions = [Region(10.0 * number, -5.5, 0.01) for number in range(4)]
    outcome = download(regions=regions)
    assert outcome.queries == {"nothing": 1, "found": 2, "failed": 1}
    assert service.queries[1]["POS"] == ["10.0,-5.5"]
    assert float(service.queries[1]["SIZE"][0]) == 0.01
    check(tmp_path / "spectra", 2)
    download(regions=regions)
    assert service.asked.count("/ssa") == 5
    download(regions=regions, again=True)
    assert service.asked.count("/ssa") == 9


def test_positions_beyond_the_most_are_not_asked(
    service: Service, download: Download, tmp_path: Path
) -> None:
    offer(service, 5)
    regions = [Region(number, 0.0, 0.01) for number in range(3)]
    outcome = download(regions=regions, most=2)
    assert outcome.spectra == {"fetched": 2, "pending": 3}
    assert outcome.queries == {"found": 1, "not asked": 2}
    assert outcome.complete
    assert download(regions=regions).spectra == {"fetched": 5}
    check(tmp_path / "spectra", 5)


def test_a_dead_service_is_left_alone(service: Service, download: Download, tmp_path: Path) -> None:
    service.offer("/ssa", Reply(code=503))
    regions = [Region(number, 0.0, 0.01) for number in range(50)]
    with pytest.raises(ServiceError, match="3 failures in a row; the same command goes on"):
        download(regions=regions)
    assert len(service.asked) == 3 * 4
    _, queries = lists(tmp_path / "spectra")
    assert [query["state"] for query in queries] == ["failed"] * 3 + ["not asked"] * 47


def test_one_bad_file_does_not_stop_the_others(
    service: Service, download: Download, tmp_path: Path
) -> None:
    offer(service, 6)
    page = Reply(b"<html>Database is down</html>", headers={"Content-Type": "text/html"})
    service.offer("/1.fits", page)
    service.offer("/3.fits", Reply(code=404))
    outcome = download()
    assert outcome.spectra == {"fetched": 4, "failed": 2}
    assert not outcome.complete
    manifest, _ = lists(tmp_path / "spectra")
    reasons = {row["publisher_did"]: row["reason"] for row in manifest}
    assert "expected a FITS file, found text/html, b'<html>Data" in reasons[f"{PREFIX}1"]
    assert "found 404" in reasons[f"{PREFIX}3"]
    assert not (tmp_path / "spectra" / "1.fits").exists()
    offer(service, 6)
    assert download().complete
    check(tmp_path / "spectra", 6)


def test_a_part_of_a_file_is_not_kept(service: Service, download: Download, tmp_path: Path) -> None:
    offer(service, 1)
    whole = spectrum(0)
    for size in (2000, 9000, len(whole) - 6000):
        service.offer("/0.fits", Reply(whole[:size], length=None))
        outcome = download()
        assert outcome.spectra == {"failed": 1}
        assert f"expected a whole FITS file, found {size} bytes of one" in outcome.reasons[0]
        assert not list((tmp_path / "spectra").glob("*.fits"))
    service.offer("/0.fits", Reply(whole, length=None))
    assert download().complete
    check(tmp_path / "spectra", 1)


def test_files_of_unknown_layouts_are_kept_with_a_reason(
    service: Service, download: Download, tmp_path: Path
) -> None:
    strange = samples.lamost_image(TELESCOP="Other")
    service.list_((f"{PREFIX}1", service.offer("/s", strange), FITS, *AROUND))
    assert download().complete
    (row,), _ = lists(tmp_path / "spectra")
    assert row["state"] == "fetched"
    assert "1.fits: expected a low-resolution spectrum" in row["reason"]
    assert (tmp_path / "spectra" / "1.fits").read_bytes() == strange


def test_a_file_is_bounded(
    service: Service, download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(service, 1)
    monkeypatch.setattr(fetching, "MOST_FILE", 10_000)
    outcome = download()
    assert outcome.spectra == {"failed": 1}
    assert "at most 10000 bytes" in outcome.reasons[0]


def test_addresses_of_files_are_refused(
    service: Service, download: Download, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.fits"
    secret.write_bytes(spectrum(0))
    service.list_((f"{PREFIX}0", secret.as_uri(), FITS, *AROUND))
    outcome = download()
    assert outcome.spectra == {"failed": 1}
    assert "expected an address of http or https" in outcome.reasons[0]


def test_links_are_followed(service: Service, download: Download, tmp_path: Path) -> None:
    offer(service, 1)
    names = ("ID", "access_url", "error_message", "semantics", "content_type")
    fields = "".join(f'<FIELD name="{n}" datatype="char" arraysize="*"/>' for n in names)
    links = (
        ("x", f"{service.url}/preview.png", "", "#preview", "image/png"),
        ("x", f"{service.url}/dark.fits", "", "#calibration", FITS),
        ("x", f"{service.url}/0.vot", "", "#this", VOTABLE),
        ("x", f"{service.url}/0.fits", "", "#this", FITS),
    )
    rows = "".join(f"<TR>{''.join(f'<TD>{cell}</TD>' for cell in link)}</TR>" for link in links)
    document = (
        '<VOTABLE version="1.3"><RESOURCE type="results"><TABLE>'
        f"{fields}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    service.list_((f"{PREFIX}0", service.offer("/dl", document.encode()), DATALINK, *AROUND))
    assert download().complete
    assert service.asked == ["/ssa", "/dl", "/0.fits"]
    check(tmp_path / "spectra", 1)
    service.offer("/dl", document.replace(FITS, "text/plain").encode())
    (tmp_path / "spectra" / "0.fits").unlink()
    outcome = download()
    assert outcome.spectra == {"failed": 1}
    assert "expected a link to #this as FITS, found #preview image/png" in outcome.reasons[0]


HOSTILE = (
    "ivo://x/../../../etc/passwd",
    "ivo://x/..%2F..%2Fevil",
    "ivo://x/..\\..\\evil",
    "ivo://x/?../..",
    "/etc/passwd",
    "ivo://x/.bashrc",
    "ivo://x/manifest.csv",
    "ivo://x/a;rm -rf ~",
    "ivo://x/" + 3000 * "n",
    "ivo://y/" + 3000 * "n",
    "ivo://x/Ünï",
    "ivo://x/SAME",
    "ivo://y/same.fits",
)


def test_no_identifier_leads_out_of_the_folder(
    service: Service, download: Download, tmp_path: Path
) -> None:
    url = service.offer("/0.fits", spectrum(0))
    service.list_(*((did, url, IMAGE, *AROUND) for did in HOSTILE))
    before = set(tmp_path.rglob("*"))
    assert download().spectra == {"fetched": len(HOSTILE)}
    written = set(tmp_path.rglob("*.fits")) - before
    assert len(written) == len(HOSTILE)
    assert {path.parent for path in written} == {tmp_path / "spectra"}
    assert len({path.name.lower() for path in written}) == len(HOSTILE)


@pytest.mark.parametrize(
    ("did", "name"),
    [
        (f"{PREFIX}a201402030013", "a201402030013"),
        ("ivo://org.gavo.dc/~?feros/data/f04031.fits", "f04031"),
        (
            "ivo://x/~?vospec/q/lamost%2Fdr9%2Fspec-55862-B6212_sp06-003",
            "spec-55862-B6212_sp06-003",
        ),
        ("ivo://x/y#part 1/", "part_1"),
        ("", "spectrum"),
    ],
)
def test_names_are_those_of_the_observations(did: str, name: str) -> None:
    assert stem(did) == name


@given(st.text())
def test_names_are_harmless(did: str) -> None:
    name = stem(did)
    assert 0 < len(name) <= 100
    assert name.isascii()
    assert not name.startswith(".")
    assert not set(name) & set("/\\:\0 \n")


def test_what_is_in_the_folder_already_stays(
    service: Service, download: Download, tmp_path: Path
) -> None:
    offer(service, 1)
    mine = tmp_path / "spectra" / "0.fits"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    assert download().complete
    assert mine.read_bytes() == b"mine"
    (row,), _ = lists(tmp_path / "spectra")
    assert (tmp_path / "spectra" / row["file"]).read_bytes() == spectrum(0)


def test_damaged_and_lost_files_come_again(
    service: Service, download: Download, tmp_path: Path
) -> None:
    offer(service, 3)
    download()
    (tmp_path / "spectra" / "0.fits").unlink()
    (tmp_path / "spectra" / "1.fits").write_bytes(spectrum(1)[:-1])
    service.asked.clear()
    assert download().complete
    assert sorted(service.asked) == ["/0.fits", "/1.fits"]
    check(tmp_path / "spectra", 3)


PROGRAM = """
import sys
from pathlib import Path
from vospec.archives.ssa import Manners, Transport, fetch
with Transport(Manners(pause=0.0)) as transport:
    fetch(sys.argv[1], Path(sys.argv[2]), transport=transport)
"""


@pytest.mark.parametrize("killed_at", ["/ssa", "/0.fits", "/3.fits", "/5.fits"])
def test_a_killed_download_goes_on(
    service: Service, download: Download, tmp_path: Path, killed_at: str
) -> None:
    offer(service, 6)
    reached, released = threading.Event(), threading.Event()

    def stop() -> None:
        reached.set()
        released.wait(30)

    held = service.replies[killed_at][0]
    service.offer(killed_at, Reply(held.body, before=stop), held.body)
    folder = tmp_path / "spectra"
    arguments = [sys.executable, "-c", PROGRAM, f"{service.url}/ssa", str(folder)]
    with subprocess.Popen(arguments) as process:  # noqa: S603 - our own program
        assert reached.wait(60)
        os.kill(process.pid, signal.SIGKILL)
    released.set()
    whole = {path.name for path in folder.glob("*.fits")}
    service.asked.clear()
    assert download().complete
    check(folder, 6)
    again = {path.strip("/") for path in service.asked if path != "/ssa"}
    assert again == {f"{number}.fits" for number in range(6)} - whole
    assert ("/ssa" in service.asked) == (killed_at == "/ssa")


def test_a_failed_writing_leaves_the_list_as_it_was(
    service: Service, download: Download, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(service, 2)
    download()
    before = (tmp_path / "spectra" / "manifest.csv").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ManifestError, match=r"cannot be written.*No space left"):
        download(again=True)
    assert (tmp_path / "spectra" / "manifest.csv").read_bytes() == before


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "\0", "publisher_did,file\nx", "\xff\xfe"])
def test_a_foreign_list_is_not_overwritten(
    service: Service, download: Download, tmp_path: Path, text: str
) -> None:
    offer(service, 1)
    path = tmp_path / "spectra" / "manifest.csv"
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ManifestError, match=r"manifest\.csv: expected"):
        download()
    assert path.read_text(encoding="latin-1") == text


def test_two_downloads_do_not_share_a_folder(
    service: Service, download: Download, tmp_path: Path
) -> None:
    offer(service, 1)
    failures: list[ManifestError] = []

    def second() -> None:
        try:
            download()
        except ManifestError as fault:
            failures.append(fault)

    body = service.replies["/0.fits"][0].body
    service.offer("/0.fits", Reply(body, before=second))
    download()
    (failure,) = failures
    assert "another download into this folder is at work" in str(failure)
    check(tmp_path / "spectra", 1)


def test_only_formats_of_fits_are_preferred(download: Download) -> None:
    with pytest.raises(ValueError, match="media type of FITS, given 'text/csv'"):
        download(preferred="text/csv")
