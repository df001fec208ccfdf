"""Candidates around a position, as the cone search's standard has it."""

import io

import numpy as np
import pytest
import pyvo
import requests
from astropy.io import votable

from tests.publication import samples
from tests.service.conftest import SERVICE
from vospec.columns import PUBLISHED_CANDIDATES

pytestmark = SERVICE


@pytest.fixture(scope="module")
def cone(url: str, session: requests.Session) -> pyvo.dal.SCSService:
    """The cone search."""
    return pyvo.dal.SCSService(f"{url}/vospec/q/cone/scs.xml?", session=session)


def _here(radius: float) -> dict[str, float]:
    return {"RA": samples.RA, "DEC": samples.DEC, "SR": radius}


def _ask(url: str, session: requests.Session, **given: object) -> bytes:
    answer = session.get(
        f"{url}/vospec/q/cone/scs.xml",
        params={name: str(value) for name, value in given.items()},
        timeout=60,
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-votable+xml"
    return answer.content


def _fields(content: bytes) -> dict[str, str]:
    """Columns and their UCDs."""
    table = votable.parse(io.BytesIO(content)).get_first_table()
    return {field.name: field.ucd for field in table.fields}


def test_cone_holds_what_lies_within(cone: pyvo.dal.SCSService) -> None:
    found = cone.search(pos=(samples.RA, samples.DEC), radius=0.25)
    assert sorted(found["spectrum_id"]) == sorted(samples.SURVEY[:3])
    distances = {row["spectrum_id"]: row["_r"] for row in found}
    expected = 0.1 * np.cos(np.radians(samples.DEC))
    assert distances[samples.SURVEY[1]] == pytest.approx(expected, rel=1e-5)


def test_nearest_stands_first(cone: pyvo.dal.SCSService) -> None:
    found = cone.search(pos=(samples.RA + 0.5, samples.DEC), radius=1)
    assert list(found["_r"]) == sorted(found["_r"])
    assert found["spectrum_id"][0] == samples.SURVEY[5]


def test_empty_cone_is_empty(cone: pyvo.dal.SCSService) -> None:
    assert len(cone.search(pos=(10, -80), radius=0.1)) == 0


def test_radius_0_tells_the_columns_alone(url: str, session: requests.Session) -> None:
    # A star lies at this very place.
    table = votable.parse(io.BytesIO(_ask(url, session, **_here(0)))).get_first_table()
    assert len(table.array) == 0
    assert "score" in table.array.dtype.names


@pytest.mark.parametrize(("radius", "count"), [(179.0, 11), (180.0, 12)])
def test_cone_may_be_all_the_sky(cone: pyvo.dal.SCSService, radius: float, count: int) -> None:
    # Around the place opposite to the first star.
    opposite = (samples.RA + 180, -samples.DEC)
    found = cone.search(pos=opposite, radius=radius + (0.95 if radius < 180 else 0))
    assert len(found) == count
    assert samples.SURVEY[11] in found["spectrum_id"]


@pytest.mark.parametrize(
    ("verbosity", "least", "most"),
    [
        (1, {"spectrum_id", "rank", "score", "class", "ra", "dec", "verdict"}, 12),
        (2, {"equivalent_width", "n_peaks", "sp_type", "preview", "datalink", "line_flags"}, 35),
        (3, set(PUBLISHED_CANDIDATES.names), len(PUBLISHED_CANDIDATES.names) + 1),
    ],
)
def test_verbosity_chooses_columns(
    url: str, session: requests.Session, verbosity: int, least: set[str], most: int
) -> None:
    fields = _fields(_ask(url, session, **_here(1), VERB=verbosity))
    assert least <= set(fields)
    assert len(fields) <= most
    # By the standard each of these is there once, in its old spelling.
    assert fields["spectrum_id"] == "ID_MAIN"
    assert fields["ra"] == "POS_EQ_RA_MAIN"
    assert fields["dec"] == "POS_EQ_DEC_MAIN"


def test_verbosity_2_is_the_default(url: str, session: requests.Session) -> None:
    default = _fields(_ask(url, session, **_here(1)))
    assert default == _fields(_ask(url, session, **_here(1), VERB=2))
    assert set(_fields(_ask(url, session, **_here(1), VERB=1))) < set(default)
    assert set(default) < set(_fields(_ask(url, session, **_here(1), VERB=3)))


@pytest.mark.parametrize(
    ("given", "name", "told"),
    [
        ({"RA": "119", "DEC": "3"}, "SR", "missing"),
        ({"DEC": "3", "SR": "1"}, "RA", "missing"),
        ({"RA": "119", "SR": "1"}, "DEC", "missing"),
        ({"RA": "12h", "DEC": "3", "SR": "1"}, "RA", "12h"),
        ({"RA": "361", "DEC": "3", "SR": "1"}, "RA", "from 0 to 360"),
        ({"RA": "119", "DEC": "91", "SR": "1"}, "DEC", "from -90 to 90"),
        ({"RA": "119", "DEC": "3", "SR": "-1"}, "SR", "from 0 to 180"),
        ({"RA": "119", "DEC": "3", "SR": "181"}, "SR", "from 0 to 180"),
        ({"RA": "nan", "DEC": "3", "SR": "1"}, "RA", "mandatory"),
        ({"RA": "119", "DEC": "3", "SR": "1", "VERB": "4"}, "verb", "4"),
        ({"RA": "119'; SELECT 1 --", "DEC": "3", "SR": "1"}, "RA", "not a valid"),
    ],
)
def test_faults_are_told_as_the_standard_wants(
    url: str, session: requests.Session, given: dict[str, str], name: str, told: str
) -> None:
    (resource,) = votable.parse(io.BytesIO(_ask(url, session, **given))).resources
    assert not resource.tables
    (info,) = resource.infos
    assert info.name == info.ID == "Error"
    assert f"Field {name}: " in info.value
    assert told in info.value


def test_more_rows_than_asked_for_are_told(url: str, session: requests.Session) -> None:
    content = _ask(url, session, **_here(2), MAXREC=2)
    assert b'name="QUERY_STATUS" value="OVERFLOW"' in content
    assert len(votable.parse(io.BytesIO(content)).get_first_table().array) == 2


def test_verdicts_come_with_candidates(cone: pyvo.dal.SCSService) -> None:
    found = cone.search(pos=(samples.RA, samples.DEC), radius=0.45)
    verdicts = {row["spectrum_id"]: (row["verdict"], row["main_id"]) for row in found}
    assert verdicts == {
        samples.SURVEY[0]: ("known_emission_star", "V* BT CMi"),
        samples.SURVEY[1]: ("not_in_simbad", ""),
        samples.SURVEY[2]: ("known_emission_star", "HD 53416"),
        samples.SURVEY[3]: ("service_failed", ""),
        samples.SURVEY[4]: ("not_asked", ""),
    }
