"""Pictures are served once drawn, anew when their spectrum changes, and browsers may keep them."""

import json
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psycopg
import pytest
import pyvo
import requests

from tests.conftest import Instance
from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = SERVICE


#: Over Hα.
_MASKED = (
    "UPDATE vospec.pixels SET mask = overlay(mask PLACING decode(repeat('01', 40), 'hex')"
    " FROM 2470) WHERE spectrum_id = %(id)s"
)


@pytest.fixture
def folder(instance: Instance) -> Path:
    """Where the pictures are kept."""
    return instance.folder / "dachs" / "cache" / "vospec-previews"


def _address(url: str, spectrum_id: str) -> str:
    return f"{url}/vospec/q/preview/custom/{urllib.parse.quote(spectrum_id)}.png"


def _get(session: requests.Session, address: str, **headers: str) -> requests.Response:
    return session.get(address, headers=headers, timeout=60)


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[0], samples.ODD, samples.TRAINING])
def test_every_door_leads_to_the_picture(
    url: str, tap: pyvo.dal.TAPService, session: requests.Session, spectrum_id: str
) -> None:
    rows = tap.search("SELECT obs_id, preview FROM ivoa.obscore")
    (address,) = {row["preview"] for row in rows if row["obs_id"] == spectrum_id}
    assert address == _address(url, spectrum_id)
    answer = _get(session, address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert tuple(np.frombuffer(answer.content[16:24], ">u4")) == (720, 600)
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_pictures_differ(url: str, session: requests.Session) -> None:
    pictures = {_get(session, _address(url, name)).content for name in samples.SURVEY[:3]}
    assert len(pictures) == 3


def test_addresses_of_the_past_lead_there(url: str, session: requests.Session) -> None:
    past = _address(url, samples.ODD).replace("/custom/", "/qp/")
    answer = _get(session, past)
    assert answer.url == _address(url, samples.ODD)
    assert answer.content == _get(session, answer.url).content


def test_browsers_may_keep_it_and_ask(url: str, session: requests.Session) -> None:
    address = _address(url, samples.SURVEY[0])
    answer = _get(session, address)
    tag = answer.headers["ETag"]
    assert "no-cache" in answer.headers["Cache-Control"]
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        again = _get(session, address, **{"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["ETag"] == tag
    assert _get(session, address, **{"If-None-Match": '"other"'}).content == answer.content
    head = session.head(address, timeout=60)
    assert head.status_code == 200
    assert head.headers["ETag"] == tag


def test_it_is_drawn_once(url: str, session: requests.Session, folder: Path) -> None:
    address = _address(url, samples.SURVEY[1])
    first = _get(session, address)
    kept = folder / json.loads(first.headers["ETag"])
    assert kept.read_bytes().startswith(first.content)
    # Drawing writes the file anew.
    inode = kept.stat().st_ino
    assert _get(session, address).content == first.content
    assert kept.stat().st_ino == inode


def test_spoilt_picture_is_drawn_anew(url: str, session: requests.Session, folder: Path) -> None:
    address = _address(url, samples.SURVEY[1])
    first = _get(session, address)
    kept = folder / json.loads(first.headers["ETag"])
    kept.write_bytes(kept.read_bytes()[: len(first.content) // 2])
    assert _get(session, address).content == first.content
    assert kept.read_bytes().startswith(first.content)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vospec.spectra SET snr = snr + 1 WHERE spectrum_id = %(id)s",
        "UPDATE vospec.spectra SET object = 'another' WHERE spectrum_id = %(id)s",
        "UPDATE vospec.features SET flux[138] = flux[138] + 1 WHERE spectrum_id = %(id)s",
        "UPDATE vospec.features SET flux = NULL WHERE spectrum_id = %(id)s",
        "UPDATE vospec.pixels SET flux = ivar WHERE spectrum_id = %(id)s",
        _MASKED,
        "UPDATE vospec.grid SET wavelength = wavelength + 1",
    ],
)
def test_no_picture_of_the_past_is_shown(
    url: str, session: requests.Session, instance: Instance, change: str
) -> None:
    spectrum_id = samples.SURVEY[6]
    address = _address(url, spectrum_id)
    first = _get(session, address)
    table = change.split()[1]
    with psycopg.connect(instance.database, autocommit=True) as connection:
        # What the change touches is put back in one transaction.
        connection.execute(f"CREATE TEMP TABLE before AS SELECT * FROM {table}")  # type: ignore[call-overload]  # noqa: S608 - our own names
        try:
            connection.execute(change, {"id": spectrum_id})  # type: ignore[call-overload]
            changed = _get(session, address, **{"If-None-Match": first.headers["ETag"]})
        finally:
            with connection.transaction():
                connection.execute(f"DELETE FROM {table}")  # type: ignore[call-overload]  # noqa: S608 - as above
                connection.execute(f"INSERT INTO {table} SELECT * FROM before")  # type: ignore[call-overload]  # noqa: S608 - as above
    assert changed.status_code == 200
    assert changed.content != first.content
    assert _get(session, address).content == first.content


def test_many_ask_at_once(url: str, folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    names = [*samples.SURVEY[:4]] * 6
    with ThreadPoolExecutor(12) as pool, requests.Session() as session:
        contents = list(pool.map(lambda name: _get(session, _address(url, name)).content, names))
    assert all(content.startswith(b"\x89PNG") for content in contents)
    assert [len(set(contents[number::4])) for number in range(4)] == [1] * 4
    assert len(set(contents)) == 4
    assert len(list(folder.iterdir())) == 4


def test_what_has_no_pixels_has_no_picture(url: str, session: requests.Session) -> None:
    for name in ("no/such/spectrum", samples.UNREADABLE, "';--", "..%2F..%2Fetc"):
        answer = _get(session, _address(url, name))
        assert answer.status_code == 404
        assert "No spectrum" in answer.text
    assert _get(session, f"{url}/vospec/q/preview/custom").status_code == 404
