"""Rows of all doors lead to what belongs to a spectrum."""

import pytest
import pyvo
import requests

from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = SERVICE


@pytest.mark.parametrize("table", ["candidates", "spectra", "features"])
def test_rows_of_tables_lead_to_the_same_links(tap: pyvo.dal.TAPService, table: str) -> None:
    query = f"SELECT * FROM vospec.{table} WHERE spectrum_id = '{samples.SURVEY[0]}'"  # noqa: S608 - our own names
    (links,) = tap.search(query).iter_datalinks()
    assert {link["semantics"] for link in links} == {"#this", "#preview"}
    assert all(f"{samples.SURVEY[0]}." in link["access_url"] for link in links)


def test_unknown_identifiers_are_a_clear_fault(url: str, session: requests.Session) -> None:
    answer = session.get(f"{url}/vospec/q/dl/dlmeta?ID=nowhere", timeout=60)
    assert b"NotFoundFault: No spectrum of this identifier" in answer.content
