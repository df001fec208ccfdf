"""The files that spectra were read from are handed out as they are."""

import urllib.parse

import pytest
import requests

from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = SERVICE


def _address(url: str, name: str) -> str:
    return f"{url}/getproduct/vospec/{urllib.parse.quote(name)}"


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[0], samples.ODD, samples.TRAINING])
def test_original_is_handed_out(url: str, session: requests.Session, spectrum_id: str) -> None:
    answer = session.get(_address(url, f"{spectrum_id}.fits"), timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/fits"
    assert answer.content == samples.original(spectrum_id)


def test_packed_original_stays_packed(url: str, session: requests.Session) -> None:
    answer = session.get(_address(url, f"{samples.PACKED}.fits.gz"), timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in answer.headers
    assert answer.content == samples.original(samples.PACKED)


@pytest.mark.parametrize("name", [samples.UNREADABLE, "../../../../etc/passwd"])
def test_what_has_no_file_is_not_found(url: str, session: requests.Session, name: str) -> None:
    assert session.get(_address(url, f"{name}.fits"), timeout=60).status_code == 404
