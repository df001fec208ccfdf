"""Spectra of a running DaCHS are downloaded and understood."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Instance
from tests.publication import samples
from tests.service import ccd700
from tests.service.conftest import SERVICE
from vospec import listing
from vospec.__main__ import main
from vospec.archives import read
from vospec.archives.ssa import Manners, Region, Transport, fetch

pytestmark = SERVICE


@pytest.fixture(scope="module")
def observed() -> list[ccd700.Observed]:
    """What the service has."""
    return ccd700.observations()


@pytest.fixture(scope="module")
def archive(instance: Instance, observed: list[ccd700.Observed]) -> str:
    """The address below which the services stand."""
    ccd700.install(instance.folder, instance.url, observed)
    return f"{instance.url}/{ccd700.RESOURCE}"


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport(Manners(pause=0.0)) as transport:
        yield transport


@pytest.mark.parametrize("service", ["direct", "linked", "described"])
def test_each_observation_around_halpha_comes_once(
    archive: str, observed: list[ccd700.Observed], tmp_path: Path, service: str
) -> None:
    command = ["fetch", "--ssa", f"{archive}/ssa_{service}/ssap.xml?", "--pause", "0"]
    assert main([*command, str(tmp_path / "got")]) == 0
    expected = {one.name: one for one in observed if one.covers}
    got = {file.stem: file.path for file in listing.files((str(tmp_path / "got"),))}
    assert set(got) == set(expected)
    for name, path in got.items():
        assert Path(path).read_bytes() == expected[name].content
        assert read(path).archive_id == expected[name].did


def test_positions_select(
    archive: str, observed: list[ccd700.Observed], tmp_path: Path, transport: Transport
) -> None:
    one = next(one for one in observed if one.covers)
    near = {o.did for o in observed if o.covers and (o.ra, o.dec) == (one.ra, one.dec)}
    regions = [Region(one.ra, one.dec, 2 / 3600), Region((one.ra + 180) % 360, -one.dec, 2 / 3600)]
    outcome = fetch(
        f"{archive}/ssa_direct/ssap.xml", tmp_path, regions=regions, transport=transport
    )
    assert outcome.queries == {"found": 1, "nothing": 1}
    assert outcome.spectra == {"fetched": len(near)}


def test_other_bands_are_fetched_where_asked_for(
    archive: str, observed: list[ccd700.Observed], tmp_path: Path, transport: Transport
) -> None:
    url = f"{archive}/ssa_direct/ssap.xml"
    outcome = fetch(url, tmp_path, band=(4200.0, 4300.0), transport=transport)
    assert outcome.spectra == {"fetched": 1}
    (path,) = tmp_path.glob("*.fits")
    axis = read(path).spectral_axis
    assert axis[0] < 4200
    assert axis[-1] > 4300
    assert not next(one for one in observed if one.name == path.stem).covers


def test_a_cut_answer_of_dachs_is_noticed(
    archive: str, tmp_path: Path, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vospec.archives.ssa.query.MAXREC", 4)
    outcome = fetch(f"{archive}/ssa_direct/ssap.xml", tmp_path, transport=transport)
    assert outcome.queries == {"cut": 1}
    assert not outcome.complete


def test_the_own_service_is_fetched(url: str, tmp_path: Path, transport: Transport) -> None:
    outcome = fetch(f"{url}/vospec/q/ssa/ssap.xml", tmp_path, transport=transport)
    assert outcome.complete
    assert outcome.spectra["fetched"] >= len(samples.USABLE) - 1
    assert all(path.read_bytes().startswith(b"SIMPLE") for path in tmp_path.glob("*.fits"))


def test_an_address_of_something_else_is_told(
    instance: Instance, tmp_path: Path, transport: Transport
) -> None:
    outcome = fetch(f"{instance.url}/", tmp_path, transport=transport)
    assert outcome.queries == {"failed": 1}
    assert "expected a VOTable, found text/html" in outcome.reasons[0]
