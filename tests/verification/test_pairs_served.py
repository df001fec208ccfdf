"""An archive behind a service: what is asked, what is not, and what becomes of failures."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from tests.archives import files as samples
from tests.archives.ssa.conftest import Clock
from tests.archives.ssa.services import Service, serving
from tests.verification.stars import ARCSEC, spectrum
from vospec.archives.ssa import Manners, Region, Transport
from vospec.archives.ssa.query import Found, Product
from vospec.archives.ssa.transport import RefusedError
from vospec.errors import ServiceError
from vospec.verification.pairs import served
from vospec.verification.pairs.catalogues import Cell
from vospec.verification.pairs.fields import Fields, Target
from vospec.verification.pairs.partners import Drawing
from vospec.verification.pairs.served import Served
from vospec.verification.tap import CutError

URL = "http://127.0.0.1:9/nowhere"


def product(did: str, ra: float, dec: float, **more: object) -> Product:
    kind = "application/fits"
    made = Product(f"ivo://x/{did}", f"{URL}/{did}", kind, 6000.0, 7000.0, ra, dec)
    return made._replace(**more)  # type: ignore[arg-type]


class Known:
    """A catalogue of some products that fails as it is told to."""

    def __init__(self, products: Sequence[Product], block: int = 3) -> None:
        self.key = self.url = URL
        self.block, self.products = block, list(products)
        self.asked: list[list[Region]] = []
        self.cells: list[Cell] = []
        self.faults: Callable[[Sequence[Region]], Exception | None] = lambda _: None
        self.most = 1000
        self.elsewhere = [product("elsewhere", 200.0, 70.0)]

    def around(self, places: Sequence[Region]) -> list[Found]:
        self.asked.append(list(places))
        fault = self.faults(places)
        if fault is not None:
            raise fault
        return [Found([p for p in self.products if _near(p, one)], cut=False) for one in places]

    def within(self, cell: Cell) -> Found:
        self.cells.append(cell)
        found = [one for one in self.products if _inside(one, cell)]
        return Found(found[: self.most], cut=len(found) > self.most)

    def some(self, number: int) -> Found:
        return Found(self.elsewhere[:number], cut=False)


def _near(one: Product, place: Region) -> bool:
    return bool(np.hypot(one.ra - place.ra, one.dec - place.dec) <= place.size / 2)


def _inside(one: Product, cell: Cell) -> bool:
    return cell.ra_min <= one.ra <= cell.ra_max and cell.dec_min <= one.dec <= cell.dec_max


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    clock = Clock()
    with Transport(Manners(pause=0.0, tries=1), sleep=clock.sleep, clock=clock) as transport:
        (tmp_path / "answers").mkdir()

        def made(catalogue: Known, *, again: bool = False) -> Served:
            return Served(
                catalogue, transport, tmp_path / "answers", resolving_power=1800.0, again=again
            )

        yield made


def stars(n: int) -> list[Target]:
    """Stars on the equator, three degrees apart."""
    return [Target((spectrum(f"ccd700/{k}", 3.0 * k, 0.0),), 3.0 * k, 0.0) for k in range(n)]


def looked(archive: Served, targets: list[Target]) -> Fields:
    fields = Fields(targets, radius_arcsec=30.0, field_arcmin=10.0)
    archive.look(fields, Drawing(archive.n_partners))
    return fields


def many(n: int) -> list[Product]:
    return [product(str(k), 3.0 * k + 5 * ARCSEC, 0.0) for k in range(n)]


def states(folder: Path) -> dict[str, str]:
    with (folder / "answers" / "places.csv").open(newline="", encoding="utf-8") as stream:
        return {row["ra"]: row["state"] for row in csv.DictReader(stream)}


def test_survey_stars_are_asked_for_in_blocks(opened: Callable[..., Served]) -> None:
    catalogue = Known(many(6))
    archive = opened(catalogue)
    found = looked(archive, stars(8)).candidates()
    assert [len(block) for block in catalogue.asked] == [3, 3, 2]
    assert {one.size for block in catalogue.asked for one in block} == {2 * 10.0 / 60.0}
    assert [one.spectra.survey[0].spectrum_id for one in found] == [
        f"ivo://x/{k}" for k in range(6)
    ]
    # Some of anywhere, for there are not enough unrelated ones in the fields.
    assert archive.answers.states == {"found": 7, "nothing": 2}
    assert archive.answers.n_unanswered == 0


def test_what_was_answered_is_not_asked_again(opened: Callable[..., Served]) -> None:
    first = looked(opened(Known(many(4))), stars(5))
    catalogue = Known([])
    second = looked(opened(catalogue), stars(6))
    assert [len(block) for block in catalogue.asked] == [1]
    assert len(second.candidates()) == len(first.candidates()) == 4
    again = Known(many(6))
    assert len(looked(opened(again, again=True), stars(6)).candidates()) == 6
    assert sum(len(block) for block in again.asked) == 6


def test_another_service_has_other_answers(opened: Callable[..., Served]) -> None:
    looked(opened(Known(many(2))), stars(2))
    other = Known(many(2))
    other.key = "another table"
    looked(opened(other), stars(2))
    assert len(other.asked) == 1


def test_answers_that_are_cut_are_asked_for_in_halves(
    opened: Callable[..., Served], tmp_path: Path
) -> None:
    catalogue = Known(many(8), block=8)
    crowded = 6.0

    def cut(places: Sequence[Region]) -> Exception | None:
        return CutError("more") if crowded in {one.ra for one in places} else None

    catalogue.faults = cut
    archive = opened(catalogue)
    found = looked(archive, stars(8)).candidates()
    assert [len(block) for block in catalogue.asked] == [8, 4, 2, 2, 1, 1, 4]
    assert len(found) == 7
    assert states(tmp_path)["6.0"] == "cut"
    assert archive.answers.states == {"found": 8, "cut": 1}
    assert archive.answers.n_unanswered == 1
    # The next call asks again for this place alone.
    catalogue.faults = lambda _: None
    catalogue.asked.clear()
    assert len(looked(opened(catalogue), stars(8)).candidates()) == 8
    assert [[one.ra for one in block] for block in catalogue.asked] == [[crowded]]


def test_a_question_that_is_too_large_makes_all_smaller(opened: Callable[..., Served]) -> None:
    catalogue = Known(many(12), block=8)
    catalogue.faults = lambda places: RefusedError("too large", 413) if len(places) > 2 else None
    assert len(looked(opened(catalogue), stars(12)).candidates()) == 12
    assert [len(block) for block in catalogue.asked] == [8, 4, 2, 2, 4, 2, 2, 2, 2]


def test_a_service_that_fails_is_left_alone_and_asked_the_next_time(
    opened: Callable[..., Served], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = Known(many(18))
    catalogue.faults = lambda _: ServiceError("down") if len(catalogue.asked) > 2 else None
    archive = opened(catalogue)
    found = looked(archive, stars(18)).candidates()
    assert len(found) == 6
    assert len(catalogue.asked) == 2 + served.STRIKES
    assert archive.answers.states == {"found": 7, "failed": 9, "not asked": 3}
    assert archive.answers.reasons == ["down"]
    assert "left alone after 3 failures" in caplog.text
    assert sorted(states(tmp_path).values()).count("not asked") == 3
    catalogue.faults = lambda _: None
    catalogue.asked.clear()
    assert len(looked(opened(catalogue), stars(18)).candidates()) == 18
    assert sum(len(block) for block in catalogue.asked) == 12


def test_a_failure_in_between_loses_its_block_alone(opened: Callable[..., Served]) -> None:
    catalogue = Known(many(9))
    catalogue.faults = lambda _: ServiceError("hiccup") if len(catalogue.asked) == 2 else None
    archive = opened(catalogue)
    assert len(looked(archive, stars(9)).candidates()) == 6
    assert archive.answers.states == {"found": 7, "failed": 3}


def test_no_answer_at_all_is_no_empty_sky(opened: Callable[..., Served]) -> None:
    catalogue = Known(many(3))
    catalogue.faults = lambda _: ServiceError("down")
    with pytest.raises(ServiceError, match="down"):
        looked(opened(catalogue), stars(3))


def test_everything_is_listed_in_parts_where_it_is_too_much(opened: Callable[..., Served]) -> None:
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, 300), np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    products = [product(str(k), *place) for k, place in enumerate(zip(ra, dec, strict=True))]
    catalogue = Known(products)
    catalogue.most = 9
    found = opened(catalogue).spectra()
    assert {one.spectrum_id for one in found} == {one.publisher_did for one in products}
    assert len(found) == 300
    # Whole, then in eighths of right ascension by four of declination, then quarters of these.
    assert catalogue.cells[0].whole
    assert len(catalogue.cells) > 33
    catalogue.cells.clear()
    assert len(opened(catalogue).spectra()) == 300
    assert catalogue.cells == []


def test_a_list_that_fails_is_told(opened: Callable[..., Served]) -> None:
    class Down(Known):
        def within(self, cell: Cell) -> Found:
            message = f"down at {cell}"
            raise ServiceError(message)

    with pytest.raises(ServiceError, match="down"):
        opened(Down([])).spectra()
    assert len(opened(Known(many(3))).spectra()) == 3
    # What was listed before is still known.
    archive = opened(Down([]), again=True)
    assert len(archive.spectra()) == 3
    assert archive.answers.states == {"failed": 1}


@pytest.mark.parametrize(
    "cell", [*Cell().parts(), Cell(10.0, 20.0, 60.0, 70.0), Cell(0, 90, 0, 90)]
)
def test_a_circle_holds_its_cell(cell: Cell) -> None:
    region = cell.region
    assert region is not None
    rng = np.random.default_rng(5)
    ra = rng.uniform(cell.ra_min, cell.ra_max, 2000)
    dec = rng.uniform(cell.dec_min, cell.dec_max, 2000)
    centre = SkyCoord(region.ra, region.dec, unit="deg")
    assert centre.separation(SkyCoord(ra, dec, unit="deg")).deg.max() <= region.size / 2


def test_what_has_no_identifier_or_place_is_no_spectrum(opened: Callable[..., Served]) -> None:
    products = [
        product("good", 0.0, 0.0, mjd=56000.0, snr=12.0, name="HD 1"),
        product("nowhere", np.nan, 0.0),
        product("unnamed", 0.0, 0.0, publisher_did=""),
    ]
    (one,) = opened(Known(products)).spectra()
    assert one == spectrum(
        "ivo://x/good", 0.0, 0.0, object="HD 1", snr=12.0, archive_id="ivo://x/good"
    )


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


def test_spectra_are_downloaded_once_where_they_are_wanted(
    opened: Callable[..., Served], service: Service
) -> None:
    good = service.offer("/good.fits", samples.export())
    page = service.offer("/page.fits", b"<html>no spectrum</html>")
    products = [
        product("good", 0.0, 0.0, access_url=good),
        product("page", 1.0, 0.0, access_url=page),
        product("unwanted", 2.0, 0.0, access_url=f"{service.url}/unwanted.fits"),
        product("strange", 3.0, 0.0, access_url=good, access_format="text/html"),
    ]
    archive = opened(Known(products))
    listed = {one.spectrum_id: one for one in archive.spectra()}
    wanted = [listed[f"ivo://x/{name}"] for name in ("good", "page", "strange")]
    for _ in range(2):
        found = archive.pixels([*wanted, spectrum("of/another", 0.0, 0.0)])
        assert list(found) == ["ivo://x/good"]
        pixels = found["ivo://x/good"]
        assert len(pixels["flux"]) == len(pixels["spectral_axis"]) == len(pixels["mask"]) > 1000
    assert service.asked.count("/good.fits") == 1
    assert "/unwanted.fits" not in service.asked
    assert set(archive.missing) == {"ivo://x/page", "ivo://x/strange"}
    assert "expected a FITS file" in archive.missing["ivo://x/page"]
    assert "offered as text/html only" in archive.missing["ivo://x/strange"]
    # What is offered in no format that is read will not be so the next time either.
    assert archive.n_failed == 1
    assert archive.pixels([]) == {}
