"""Reports of runs are shown: a list, a page and JSON for each."""

import json
from collections.abc import Iterator

import pytest
import requests

from tests.conftest import Instance
from tests.service.conftest import RUN, SERVICE, connected
from vospec.publication import keep_report

pytestmark = SERVICE

_PAGE = "<!DOCTYPE html><html><body>the report</body></html>"


@pytest.fixture(scope="module")
def reports(instance: Instance, url: str) -> Iterator[str]:
    """Where reports are, two of which are there."""
    with connected(instance) as connection:
        facts = {"page": _PAGE, "facts": json.dumps({"run_id": RUN})}
        keep_report(connection, RUN, outcome="served", **facts)
        keep_report(connection, "<odd>/name", outcome="kept aside & <why>", **facts)
        yield f"{url}/vospec/q/report/qp"
        connection.execute("DELETE FROM vospec.reports")


def test_a_report_is_a_page_and_json(reports: str, session: requests.Session) -> None:
    page = session.get(f"{reports}/{RUN}.html", timeout=60)
    assert page.headers["content-type"].startswith("text/html")
    assert page.text == _PAGE
    facts = session.get(f"{reports}/{RUN}.json", timeout=60)
    assert facts.headers["content-type"].startswith("application/json")
    assert facts.json() == {"run_id": RUN}


def test_all_reports_are_listed(reports: str, session: requests.Session) -> None:
    page = session.get(f"{reports}/index.html", timeout=60).text
    assert f'<a href="{RUN}.html">{RUN}</a></td><td>served</td>' in page
    assert '<a href="%3Codd%3E%2Fname.html">&lt;odd&gt;/name</a>' in page
    assert "kept aside &amp; &lt;why&gt;" in page
    assert "<odd>" not in page


def test_the_start_page_leads_there(url: str, reports: str, session: requests.Session) -> None:
    assert f"{reports}/index.html" in session.get(f"{url}/vospec/q/start", timeout=60).text


@pytest.mark.parametrize("name", ["nothing.html", f"{RUN}.png", f"{RUN}"])
def test_what_is_not_there_is_not_found(reports: str, session: requests.Session, name: str) -> None:
    assert session.get(f"{reports}/{name}", timeout=60).status_code == 404


def test_a_report_takes_the_place_of_the_last(
    instance: Instance, reports: str, session: requests.Session
) -> None:
    with connected(instance) as connection:
        keep_report(connection, RUN, outcome="served again", page="later", facts="{}")
    assert session.get(f"{reports}/{RUN}.html", timeout=60).text == "later"
