"""Candidates around a position, for programs and for people."""

import urllib.parse
import urllib.request

import numpy as np
import pytest
import pyvo
import requests

from tests.publication import samples
from tests.service.conftest import SERVICE
from vospec.columns import PUBLISHED_CANDIDATES

pytestmark = SERVICE


@pytest.fixture(scope="module")
def cone(url: str, session: requests.Session) -> pyvo.dal.SCSService:
    """The cone search."""
    return pyvo.dal.SCSService(f"{url}/vospec/q/cone/scs.xml?", session=session)


def test_cone_holds_what_lies_within(cone: pyvo.dal.SCSService) -> None:
    found = cone.search(pos=(samples.RA, samples.DEC), radius=0.25)
    assert sorted(found["spectrum_id"]) == sorted(samples.SURVEY[:3])
    distances = {row["spectrum_id"]: row["_r"] for row in found}
    expected = 0.1 * np.cos(np.radians(samples.DEC))
    assert distances[samples.SURVEY[1]] == pytest.approx(expected, rel=1e-5)


def test_cone_tells_every_column(cone: pyvo.dal.SCSService) -> None:
    found = cone.search(pos=(samples.RA, samples.DEC), radius=0.01, verbosity=3)
    assert set(PUBLISHED_CANDIDATES.names) <= set(found.fieldnames)


def test_empty_cone_is_empty(cone: pyvo.dal.SCSService) -> None:
    assert len(cone.search(pos=(10, -80), radius=0.1)) == 0


def _page(url: str, **given: str) -> str:
    fields = {"__nevow_form__": "genForm", "_FORMAT": "HTML", "submit": "Go"} | given
    query = urllib.parse.urlencode({name: value for name, value in fields.items() if value})
    address = f"{url}/vospec/q/web/form?{query}"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - our own service
        return str(answer.read().decode())


def _listed(page: str) -> set[str]:
    return {
        spectrum_id
        for spectrum_id in samples.USABLE
        if f"/product/qp/{urllib.parse.quote(spectrum_id)}.fits" in page
    }


def test_page_shows_candidates_with_pictures(url: str) -> None:
    page = _page(url)
    assert _listed(page) == set(samples.SURVEY)
    for spectrum_id in samples.SURVEY:
        assert f"/vospec/q/preview/qp/{spectrum_id}.png" in page


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"score": "> 0.3"}, samples.SURVEY[:3]),
        ({"score": "0.2 .. 0.4"}, samples.SURVEY[2:5]),
        ({"class": "emission"}, samples.SURVEY),
        ({"class": "double_peak"}, []),
        ({"snr": "> 60"}, samples.SURVEY[10:]),
        ({"hscs_pos": f"{samples.RA} {samples.DEC}", "hscs_sr": "7"}, samples.SURVEY[:2]),
    ],
)
def test_page_selects(url: str, given: dict[str, str], expected: list[str]) -> None:
    assert _listed(_page(url, **given)) == set(expected)
