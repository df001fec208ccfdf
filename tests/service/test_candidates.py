"""Pages for people: where to begin, and candidates to choose and to look at."""

import html
import json
import re
import urllib.parse
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import requests

from tests.conftest import Instance
from tests.publication import samples
from tests.service import dachs
from tests.service.conftest import RUN, SERVICE
from vospec.columns import LINE_FLAG_MEANING, PUBLISHED_CANDIDATES, Verdict

pytestmark = SERVICE

_FORM = "/vospec/q/web/form"
_START = "/vospec/q/start/volatile"
_RES = Path(__file__).parents[2] / "resdir" / "res"

# A row of which every text would be HTML if it were not escaped.
_HOSTILE = """
import importlib.util, json, sys
from twisted.web.template import flattenString

spec = importlib.util.spec_from_file_location("candidates", sys.argv[1])
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
row = json.load(sys.stdin)
found = []
for tag in (made.table([row]), made.gallery([row]), made.counts({row["verdict"]: 1}, "/"),
            made.pages([row], "/form", {"name": [row["object"]]}, more=True)):
    flattenString(None, tag).addCallback(lambda text: found.append(text.decode()))
print(json.dumps(found))
"""


def _get(session: requests.Session, address: str) -> str:
    answer = session.get(address, timeout=60)
    assert answer.status_code == 200, address
    return answer.content.decode()


def _page(url: str, session: requests.Session, **given: str) -> str:
    fields = {"__nevow_form__": "genForm", "submit": "Go"} | given
    return _get(session, f"{url}{_FORM}?{urllib.parse.urlencode(fields)}")


def _listed(page: str) -> list[str]:
    """The spectra on a page, in order."""
    found = re.findall(r"/product/qp/([^\"]*)\.fits", page)
    return [urllib.parse.unquote(html.unescape(name)) for name in found]


def test_page_shows_candidates_with_pictures_and_links(url: str, session: requests.Session) -> None:
    page = _page(url, session)
    assert _listed(page) == samples.SURVEY
    for spectrum_id in samples.SURVEY:
        assert f"/vospec/q/preview/custom/{spectrum_id}.png" in page
        assert f"/vospec/q/dl/dlmeta?ID={spectrum_id}" in page
    assert "/sim-id?Ident=V%2A%20BT%20CMi" in page
    # Of the first star: place, measures and flags.
    for text in ("07h56m00.0s +03°00′00″", "−1.00 ± 0.25 Å", "201 km/s", "cosmic ray", "Be*, B2e"):
        assert text in page


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"score": "> 0.3"}, samples.SURVEY[:3]),
        ({"score": "0.2 .. 0.4"}, samples.SURVEY[2:5]),
        ({"rank": "3 .. 4"}, samples.SURVEY[2:4]),
        ({"probability": "> 0.2"}, samples.SURVEY[:2]),
        ({"equivalent_width": "< -10.5"}, samples.SURVEY[10:]),
        ({"class": "emission"}, samples.SURVEY),
        ({"class": "double_peak"}, []),
        ({"snr": "> 60"}, samples.SURVEY[10:]),
        ({"verdict": "known_emission_star"}, [samples.SURVEY[0], samples.SURVEY[2]]),
        ({"verdict": "not_in_simbad"}, samples.SURVEY[1:2]),
        ({"double": "1"}, samples.SURVEY[::2]),
        ({"double": "1", "without": "4"}, samples.SURVEY[2::2]),
        ({"without": "2"}, samples.SURVEY),
        ({"peak_separation": "> 208"}, [samples.SURVEY[8], samples.SURVEY[10]]),
        ({"name": "spec-11"}, samples.SURVEY[11:]),
        ({"name": " hd 534"}, samples.SURVEY[2:3]),
        ({"name": "%"}, []),
        ({"late": "1"}, []),
        ({"hscs_pos": f"{samples.RA} {samples.DEC}", "hscs_sr": "7"}, samples.SURVEY[:2]),
        ({"_DBOPTIONS_ORDER": "snr", "_DBOPTIONS_DIR": "DESC"}, samples.SURVEY[::-1]),
        ({"_DBOPTIONS_ORDER": "score", "MAXREC": "2"}, samples.SURVEY[:-3:-1]),
    ],
)
def test_page_selects_and_sorts(
    url: str, session: requests.Session, given: dict[str, str], expected: list[str]
) -> None:
    page = _page(url, session, **given)
    assert _listed(page) == expected
    assert ("No candidate is like this." in page) == (not expected)


def test_several_verdicts_may_be_chosen(url: str, session: requests.Session) -> None:
    chosen = "verdict=not_in_simbad&verdict=service_failed"
    page = _get(session, f"{url}{_FORM}?__nevow_form__=genForm&{chosen}")
    assert _listed(page) == [samples.SURVEY[1], samples.SURVEY[3]]


def test_pages_follow_each_other_to_the_end(url: str, session: requests.Session) -> None:
    address, found = f"{url}{_FORM}?__nevow_form__=genForm&MAXREC=5&verdict=&snr=%3E+51", []
    for _ in range(3):
        page = _get(session, address)
        found.append(_listed(page))
        following = re.search(r'<a href="([^"]*)">The next ones</a>', page)
        if following is None:
            break
        address = url + html.unescape(following[1])
    # The first star's spectrum is the only one below that.
    assert found == [samples.SURVEY[1:6], samples.SURVEY[6:11], samples.SURVEY[11:]]


def test_faults_are_told_beside_their_field(url: str, session: requests.Session) -> None:
    page = _page(url, session, snr="> bright", hscs_pos="119 3")
    assert "Please correct the following" in page
    assert "Field snr" in page
    assert not _listed(page)


@pytest.mark.parametrize("verdict", Verdict)
def test_form_knows_every_verdict(url: str, session: requests.Session, verdict: Verdict) -> None:
    assert f'name="verdict" value="{verdict.value}"' in _get(session, f"{url}{_FORM}")


def test_form_knows_every_flag(url: str, session: requests.Session) -> None:
    page = _get(session, f"{url}{_FORM}")
    assert page.count('name="without"') == len(LINE_FLAG_MEANING)
    assert all(f'name="without" value="{flag.value}"' in page for flag in LINE_FLAG_MEANING)


def test_all_columns_come_in_other_formats(url: str, session: requests.Session) -> None:
    page = _page(url, session, _FORMAT="VOTable", _VERB="3", verdict="not_in_simbad")
    assert all(f'name="{name}"' in page for name in PUBLISHED_CANDIDATES.names)


def test_start_tells_the_run_and_its_best(url: str, session: requests.Session) -> None:
    page = _get(session, url + _START)
    for number, words in (("16", "files met"), ("12", "candidates"), ("75 %", "expected")):
        assert f"<b>{number}</b><span>{words}" in page
    assert f"run {RUN}" in page
    assert "<b>2</b> known emission star" in page
    assert page.count('class="card"') == len(samples.SURVEY)
    # A verdict leads to its candidates.
    (address,) = re.findall(r'href="([^"]*verdict=not_in_simbad)"', page)
    assert _listed(_get(session, url + html.unescape(address))) == samples.SURVEY[1:2]


@pytest.mark.parametrize("path", ["/", _START, _FORM])
def test_links_of_pages_lead_somewhere(url: str, session: requests.Session, path: str) -> None:
    page = _get(session, url + path)
    found = set(re.findall(r'href="(/[^"]*)"', page)) - {"/favicon.ico"}
    assert f"{_FORM}?__nevow_form__=genForm" in {html.unescape(link) for link in found}
    for link in found:
        _get(session, url + html.unescape(link))


def test_what_comes_from_data_is_escaped(instance: Instance, url: str) -> None:
    assert url
    text = """'"><script>alert(1)</script>&"""
    row = dict.fromkeys(PUBLISHED_CANDIDATES.names, text)
    numbers = ("rank", "score", "probability", "ra", "dec", "mjd", "snr", "equivalent_width")
    numbers += ("equivalent_width_error", "peak_height", "fwhm", "n_peaks", "peak_separation")
    numbers += ("violet_to_red", "separation", "line_flags")
    given = json.dumps(row | dict.fromkeys(numbers, 1))
    found = dachs.python(instance, _HOSTILE, str(_RES / "candidates.py"), given=given)
    assert len(found) == 4
    for made in found:
        elements = list(ET.fromstring(made).iter())  # noqa: S314 - made just now
        assert "script" not in {element.tag for element in elements}
        names = {name for element in elements for name in element.attrib}
        assert names <= {"href", "src", "alt", "class", "loading"}
    assert all(text in "".join(ET.fromstring(made).itertext()) for made in found[:2])  # noqa: S314 - as above
