"""Spectra are found by SSA and ObsCore, and what they lead to is right."""

import io
import urllib.request
from urllib.error import HTTPError

import numpy as np
import pytest
import pyvo
import requests
from astropy import units
from astropy.io import fits
from astropy.table import Table
from specutils import Spectrum

from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = SERVICE


@pytest.fixture(scope="module")
def ssa(url: str, session: requests.Session) -> pyvo.dal.SSAService:
    """The SSA service."""
    return pyvo.dal.SSAService(f"{url}/vospec/q/ssa/ssap.xml?", session=session)


@pytest.fixture(scope="module")
def found(ssa: pyvo.dal.SSAService) -> dict[str, pyvo.dal.ssa.SSARecord]:
    """Every spectrum that the service has, by its identifier."""
    records = list(ssa.search(format=None))
    return {_spectrum_id(record): record for record in records}


def _spectrum_id(record: pyvo.dal.ssa.SSARecord) -> str:
    return str(record["ssa_dstitle"]).replace(" ", "/", 2).replace("Star ", "")


def _get(address: str) -> tuple[str, bytes]:
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - our own service
        return answer.headers["content-type"], answer.read()


def test_every_spectrum_with_pixels_is_found(found: dict[str, pyvo.dal.ssa.SSARecord]) -> None:
    assert set(found) == set(samples.USABLE)


def test_positions_and_bands_are_searched(ssa: pyvo.dal.SSAService) -> None:
    near = ssa.search(pos=(samples.RA, samples.DEC), diameter=0.3, format=None)
    assert {_spectrum_id(record) for record in near} == set(samples.SURVEY[:2])
    blue = ssa.search(band=(4e-7, 4.1e-7), format=None)
    assert {_spectrum_id(record) for record in blue} == set(samples.USABLE) - {samples.TRAINING}


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[0], samples.TRAINING])
def test_coverage_is_in_the_units_of_ssa(
    found: dict[str, pyvo.dal.ssa.SSARecord], spectrum_id: str
) -> None:
    record, axis = found[spectrum_id], samples.axis(spectrum_id)
    assert record["ssa_specstart"] == pytest.approx(axis[0] * 1e-10)
    assert record["ssa_specend"] == pytest.approx(axis[-1] * 1e-10)
    assert record["ssa_specmid"] == pytest.approx((axis[0] + axis[-1]) / 2 * 1e-10)
    assert record["ssa_length"] == axis.size
    power = 13000 if spectrum_id == samples.TRAINING else 1800
    assert record["ssa_specres"] == pytest.approx(6564.6e-10 / power)
    assert record["ssa_spectralucd"] == "em.wl"
    assert record["ssa_spectralunit"] == "Angstrom"
    assert record["ssa_fluxunit"] == "ct"
    # Stored in single precision by DaCHS: 0.05 arcsec.
    expected = samples.RA + 0.1 * samples.USABLE.index(spectrum_id)
    assert record["location_ra"] == pytest.approx(expected, abs=2e-5)


def test_the_frame_is_declared(ssa: pyvo.dal.SSAService) -> None:
    parameters = {
        parameter.name: parameter.value
        for parameter in ssa.search(format=None).votable.iter_fields_and_params()
        if hasattr(parameter, "value")
    }
    assert parameters["ssa_refpos"] == "HELIOCENTER"


def test_identifiers_tell_what_the_archive_called_it(
    found: dict[str, pyvo.dal.ssa.SSARecord],
) -> None:
    assert found[samples.TRAINING]["ssa_creatorDID"] == "ivo://asu.cas.cz/stel/ccd700/ua280060"
    assert found[samples.SURVEY[0]]["ssa_creatorDID"] == ""
    identifiers = {record["ssa_pubDID"] for record in found.values()}
    assert len(identifiers) == len(samples.USABLE)
    assert all(identifier.startswith("ivo://") for identifier in identifiers)


@pytest.mark.parametrize("spectrum_id", samples.USABLE[-4:])
def test_product_is_read_by_astropy(
    found: dict[str, pyvo.dal.ssa.SSARecord], spectrum_id: str
) -> None:
    record = found[spectrum_id]
    kind, content = _get(record.getdataurl())
    assert kind == record["mime"] == "application/fits"
    with fits.open(io.BytesIO(content), checksum=True) as hdus:
        table = Table.read(hdus["SPECTRUM"])
        header = hdus[0].header
        assert hdus["SPECTRUM"].header["SPECSYS"] == "HELIOCEN"
    assert table["spectral_axis"].unit == units.AA
    assert np.array_equal(table["spectral_axis"], samples.axis(spectrum_id))
    assert table["flux"].unit == units.ct
    assert np.array_equal(table["flux"], samples.flux(spectrum_id))
    assert np.array_equal(table["mask"], samples.mask(spectrum_id))
    assert ("ivar" in table.colnames) == (spectrum_id != samples.TRAINING)
    assert header["OBS_ID"] == spectrum_id
    assert ("RA" in header) == (spectrum_id != samples.NOWHERE)
    assert record["accsize"] == len(content)


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[3], samples.TRAINING, samples.ODD])
def test_product_is_read_by_specutils(
    found: dict[str, pyvo.dal.ssa.SSARecord], spectrum_id: str
) -> None:
    spectrum = Spectrum.read(found[spectrum_id].getdataurl())
    assert spectrum.spectral_axis.unit == units.AA
    assert np.array_equal(spectrum.spectral_axis.value, samples.axis(spectrum_id))
    assert spectrum.flux.unit == units.ct
    assert np.array_equal(spectrum.flux.value, samples.flux(spectrum_id))
    assert np.array_equal(spectrum.mask, samples.mask(spectrum_id))
    peak = spectrum.spectral_axis[np.argmax(spectrum.flux)]
    assert abs(peak - samples.H_ALPHA * units.AA) < 1 * units.AA


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[0], samples.ODD, samples.NOWHERE])
def test_every_spectrum_has_a_picture(
    found: dict[str, pyvo.dal.ssa.SSARecord], spectrum_id: str
) -> None:
    kind, content = _get(found[spectrum_id]["preview"])
    assert kind == "image/png"
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = np.frombuffer(content[16:24], ">u4")
    assert (width, height) == (720, 600)


def test_pictures_differ(found: dict[str, pyvo.dal.ssa.SSARecord]) -> None:
    pictures = {_get(found[spectrum_id]["preview"])[1] for spectrum_id in samples.SURVEY[:3]}
    assert len(pictures) == 3


def test_links_lead_to_product_and_preview(ssa: pyvo.dal.SSAService) -> None:
    (record,) = ssa.search(pos=(samples.RA, samples.DEC), diameter=0.01, format=None)
    links = {link["semantics"]: link for link in record.getdatalink()}
    assert links["#this"]["access_url"] == record.getdataurl()
    assert links["#preview"]["access_url"] == record["preview"]
    assert links["#preview"]["content_type"] == "image/png"


@pytest.mark.parametrize("table", ["candidates", "spectra", "features"])
def test_rows_of_tables_lead_to_the_same_links(tap: pyvo.dal.TAPService, table: str) -> None:
    query = f"SELECT * FROM vospec.{table} WHERE spectrum_id = '{samples.SURVEY[0]}'"  # noqa: S608 - our own names
    (links,) = tap.search(query).iter_datalinks()
    assert {link["semantics"] for link in links} == {"#this", "#preview"}
    assert all(f"{samples.SURVEY[0]}." in link["access_url"] for link in links)


def test_obscore_tells_the_times_of_the_exposure(tap: pyvo.dal.TAPService) -> None:
    query = f"SELECT * FROM ivoa.obscore WHERE obs_id = '{samples.SURVEY[0]}'"  # noqa: S608 - as above
    (row,) = tap.search(query)
    # 1728 s are a fiftieth of a day.
    assert row["t_min"] == pytest.approx(56000.5 - 0.01, abs=1e-9)
    assert row["t_max"] == pytest.approx(56000.5 + 0.01, abs=1e-9)
    assert row["t_exptime"] == 1728
    assert row["em_res_power"] == pytest.approx(1800)
    assert row["em_min"] == pytest.approx(3699.9e-10, rel=1e-4)
    assert row["s_ra"] == pytest.approx(samples.RA)
    assert row["dataproduct_type"] == "spectrum"
    assert _get(row["access_url"])[0] == row["access_format"]


@pytest.mark.parametrize("service", ["product", "preview"])
@pytest.mark.parametrize("spectrum_id", ["no/such/spectrum", samples.UNREADABLE, "%27;--"])
def test_what_has_no_pixels_is_not_found(url: str, service: str, spectrum_id: str) -> None:
    with pytest.raises(HTTPError, match="404") as fault:
        _get(f"{url}/vospec/q/{service}/qp/{spectrum_id}")
    with fault.value:
        assert b"that has pixels" in fault.value.read()


def test_unknown_identifiers_are_a_clear_fault(url: str) -> None:
    _, content = _get(f"{url}/vospec/q/dl/dlmeta?ID=nowhere")
    assert b"NotFoundFault: No spectrum of this identifier" in content
