"""The cross-match service of CDS, as its documentation has it, is asked about many positions."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.units import arcsec

from tests.archives.ssa.conftest import Clock
from tests.service import simbad
from tests.verification.crossmatch import Service, Sky, serving
from vospec.archives.ssa import Manners, Transport
from vospec.archives.ssa.transport import RefusedError
from vospec.columns import FOUND, NOTHING
from vospec.errors import ServiceError
from vospec.verification import sources
from vospec.verification.sources import Positions
from vospec.verification.tap import CutError
from vospec.verification.types import ObjectTypes
from vospec.verification.xmatch import CrossMatch

SOURCES = [*simbad.TRUE, *simbad.made(2000)]


@pytest.fixture(scope="module")
def sky() -> Sky:
    return Sky.of(SOURCES)


@pytest.fixture
def service(sky: Sky) -> Iterator[Service]:
    with serving(sky) as running:
        yield running


@pytest.fixture
def ask(service: Service, types: ObjectTypes) -> Callable[..., pa.Table]:
    def asked(positions: Positions, radius: float = 3.0) -> pa.Table:
        clock = Clock()
        manners = Manners(pause=0.0, jitter=0.0)
        with Transport(manners, sleep=clock.sleep, clock=clock) as transport:
            crossmatch = CrossMatch(transport, service.url, types=types, block=50)
            return crossmatch.ask(positions, radius)

    return asked


def _positions(n: int) -> Positions:
    random = np.random.default_rng(2)
    near = random.choice(len(SOURCES), n, replace=False)
    ra = np.array([SOURCES[i].ra for i in near]) + random.normal(0, 1.5 / 3600, n)
    dec = np.array([SOURCES[i].dec for i in near]) + random.normal(0, 1.5 / 3600, n)
    return Positions(ra, dec)


def test_the_nearest_of_all_matches_is_taken(ask: Callable[..., pa.Table]) -> None:
    positions = _positions(300)
    found = ask(positions)
    assert found.schema == sources.SCHEMA
    ours = SkyCoord(positions.ra, positions.dec, unit="deg")
    theirs = SkyCoord([s.ra for s in SOURCES], [s.dec for s in SOURCES], unit="deg")
    nearest, distance, _ = ours.match_to_catalog_sky(theirs)
    near = distance.arcsec <= 3.0
    assert 0 < near.sum() < 300
    assert found["state"].to_pylist() == [FOUND if is_near else NOTHING for is_near in near]
    names = [
        SOURCES[k].main_id if is_near else None for k, is_near in zip(nearest, near, strict=True)
    ]
    assert found["main_id"].to_pylist() == names
    i = search_around_sky(ours, theirs, 3 * arcsec)[0]
    assert found["n_sources"].to_pylist() == np.bincount(i, minlength=300).tolist()


def test_names_of_types_become_codes(ask: Callable[..., pa.Table]) -> None:
    stars = [simbad.GAMMA_CAS, simbad.EMISSION[13]]
    found = ask(Positions(np.array([s.ra for s in stars]), np.array([s.dec for s in stars])))
    assert found["otype"].to_pylist() == ["Be*", "WR*"]
    assert found["otypes"].to_pylist() == ["*|**|Be*|Em*|HXB|V*|X", "*|SB*|WR*|X"]
    assert found["sp_type"].to_pylist() == ["B0.5IVpe", "WC7p+O5"]
    assert found["radial_velocity"].to_pylist() == [-7.38, -7.6]
    assert found["n_references"].to_pylist() == [1320, 576]
    # Nothing tells it.
    assert found["updated"].to_pylist() == [None, None]


def test_the_request_is_that_of_the_documentation(
    ask: Callable[..., pa.Table], service: Service
) -> None:
    ask(Positions(np.array([1.5]), np.array([-2.5])), 5.0)
    (form,) = service.forms
    assert form.pop("cat1").splitlines() == ["number,lon,lat", "0,1.5,-2.5"]
    assert form == {
        "request": "xmatch",
        "cat2": "simbad",
        "colRA1": "lon",
        "colDec1": "lat",
        "distMaxArcsec": "5.0",
        "cols2": "main_id,main_type,other_types,sp_type,radvel,nbref",
        "MAXREC": "2000000",
        "area": "allsky",
        "RESPONSEFORMAT": "votable",
    }


def test_no_match_at_all(ask: Callable[..., pa.Table]) -> None:
    found = ask(Positions(np.array([200.0, 201.0]), np.array([-85.0, -85.0])))
    assert found["state"].to_pylist() == [NOTHING] * 2


def test_passing_faults_lose_nothing(ask: Callable[..., pa.Table], service: Service) -> None:
    positions = _positions(50)
    expected = ask(positions)
    service.replies = [
        lambda _: (503, b""),
        lambda reply: (200, reply[: len(reply) // 2]),
        lambda _: (200, b"<html/>"),
    ]
    assert ask(positions).equals(expected)
    assert len(service.forms) == 5


def test_who_is_banned_stops(ask: Callable[..., pa.Table], service: Service) -> None:
    service.replies = [lambda _: (403, b"")] * 3
    with pytest.raises(RefusedError, match="403") as refused:
        ask(_positions(5))
    assert refused.value.code == 403
    assert len(service.forms) == 1


def test_a_cut_answer_is_told(
    ask: Callable[..., pa.Table], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = b'<RESOURCE><INFO name="QUERY_STATUS" value="OVERFLOW"/>'
    service.replies = [lambda reply: (200, re.sub(b"<RESOURCE[^>]*>", told, reply, count=1))]
    with pytest.raises(CutError, match="cut after"):
        ask(_positions(50))
    monkeypatch.setattr("vospec.verification.xmatch.MOST_ROWS", 10)
    with pytest.raises(CutError, match="cut after 10 rows"):
        ask(_positions(50))


def test_an_answer_with_other_columns_is_told(
    ask: Callable[..., pa.Table], service: Service
) -> None:
    service.replies = [lambda reply: (200, reply.replace(b"main_type", b"otype_txt"))]
    with pytest.raises(ServiceError, match="expected the columns main_type, found"):
        ask(_positions(50))


def test_numbers_that_were_not_given_are_told(
    ask: Callable[..., pa.Table], service: Service
) -> None:
    service.first = 7
    star = simbad.GAMMA_CAS
    with pytest.raises(ServiceError, match="expected the numbers of 1 positions"):
        ask(Positions(np.array([star.ra]), np.array([star.dec])))
