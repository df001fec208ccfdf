"""Files of spectra are what the answers say that lead to them, and clients read them."""

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

DELIVERED, RECTIFIED = "delivered", "rectified"
SOME = [samples.SURVEY[3], samples.ODD, samples.NOWHERE, samples.TRAINING]

Rows = dict[tuple[str, str], pyvo.dal.Record]


@pytest.fixture(scope="module")
def rows(tap: pyvo.dal.TAPService) -> Rows:
    """Everything that has a file."""
    found = tap.search("SELECT * FROM vospec.ssa_spectra")
    return {(row["spectrum_id"], row["processing"]): row for row in found}


@pytest.fixture(scope="module")
def files(rows: Rows, session: requests.Session) -> dict[tuple[str, str], bytes]:
    """Some of the files."""
    wanted = {key: row for key, row in rows.items() if key[0] in SOME}
    answers = {key: session.get(row["accref"], timeout=60) for key, row in wanted.items()}
    for key, answer in answers.items():
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == rows[key]["mime"] == "application/fits"
    return {key: answer.content for key, answer in answers.items()}


def _header(content: bytes, hdu: int = 1) -> fits.Header:
    with fits.open(io.BytesIO(content), checksum=True) as hdus:
        return hdus[hdu].header


@pytest.mark.parametrize("spectrum_id", SOME)
def test_delivered_file_holds_every_pixel(
    files: dict[tuple[str, str], bytes], spectrum_id: str
) -> None:
    table = Table.read(io.BytesIO(files[spectrum_id, DELIVERED]), hdu="SPECTRUM")
    assert table["spectral_axis"].unit == units.AA
    assert np.array_equal(table["spectral_axis"], samples.axis(spectrum_id))
    assert table["flux"].unit == units.ct
    assert np.array_equal(table["flux"], samples.flux(spectrum_id))
    assert np.array_equal(table["mask"], samples.mask(spectrum_id))
    measured = spectrum_id != samples.TRAINING
    assert ("ivar" in table.colnames) == ("flux_error" in table.colnames) == measured
    if measured:
        assert np.all(table["ivar"] == 4)
        assert np.all(table["flux_error"] == 0.5)
        assert table["flux_error"].unit == units.ct


@pytest.mark.parametrize("spectrum_id", SOME)
def test_rectified_file_holds_the_features(
    files: dict[tuple[str, str], bytes], spectrum_id: str
) -> None:
    table = Table.read(io.BytesIO(files[spectrum_id, RECTIFIED]), hdu="SPECTRUM")
    assert table.colnames == ["spectral_axis", "flux"]
    assert np.array_equal(table["spectral_axis"], samples.GRID_WAVELENGTHS)
    expected = {row["spectrum_id"]: row["flux"] for row in samples.features()[0].to_pylist()}[
        spectrum_id
    ]
    assert np.array_equal(table["flux"], np.float32(expected))


@pytest.mark.parametrize("kind", [DELIVERED, RECTIFIED])
@pytest.mark.parametrize("spectrum_id", SOME)
def test_files_are_as_long_as_told(
    files: dict[tuple[str, str], bytes], rows: Rows, spectrum_id: str, kind: str
) -> None:
    assert len(files[spectrum_id, kind]) == rows[spectrum_id, kind]["accsize"]


@pytest.mark.parametrize("kind", [DELIVERED, RECTIFIED])
@pytest.mark.parametrize("spectrum_id", SOME)
def test_files_say_what_the_answer_said(
    files: dict[tuple[str, str], bytes], rows: Rows, spectrum_id: str, kind: str
) -> None:
    row, header = rows[spectrum_id, kind], _header(files[spectrum_id, kind])
    assert header["DS_IDPUB"] == row["ssa_pubDID"]
    assert header["FLUX_CAL"] == row["ssa_fluxcalib"]
    assert header["SPEC_RES"] == pytest.approx(row["ssa_specres"])
    assert header["DER_SNR"] == pytest.approx(row["ssa_snr"])
    assert header["DATALEN"] == row["ssa_length"] == header["NAXIS2"]
    assert header["TDMIN1"] == pytest.approx(row["ssa_specstart"] * 1e10)
    assert header["TDMAX1"] == pytest.approx(row["ssa_specend"] * 1e10)
    assert header["VOCLASS"] == "Spectrum-1.0"
    assert header["SPECSYS"] == "HELIOCEN"
    assert header["AIRORVAC"] == "vac"
    assert header["TIMESYS"] == "UTC"
    assert ("RA" in header) == ("TMID" in header) == (spectrum_id != samples.NOWHERE)
    first = _header(files[spectrum_id, kind], 0)
    assert first["OBS_ID"] == spectrum_id
    assert first["SPEC_RP"] == row["resolving_power"]


def test_columns_are_those_of_the_spectrum_model(files: dict[tuple[str, str], bytes]) -> None:
    header = _header(files[samples.SURVEY[3], DELIVERED])
    assert header["TUCD1"] == "em.wl"
    assert header["TUTYP1"] == "spec:Spectrum.Data.SpectralAxis.Value"
    assert header["TUCD2"] == "phot.flux.density;em.wl"
    assert header["TUTYP2"] == "spec:Spectrum.Data.FluxAxis.Value"
    assert header["TUTYP3"] == "spec:Spectrum.Data.FluxAxis.Accuracy.StatError"
    rectified = _header(files[samples.SURVEY[3], RECTIFIED])
    assert rectified["TUCD2"] == "phot.flux.density;em.wl;arith.ratio"


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[3], samples.TRAINING, samples.ODD])
def test_delivered_file_is_read_by_specutils(rows: Rows, spectrum_id: str) -> None:
    spectrum = Spectrum.read(rows[spectrum_id, DELIVERED]["accref"])
    assert spectrum.spectral_axis.unit == units.AA
    assert np.array_equal(spectrum.spectral_axis.value, samples.axis(spectrum_id))
    assert spectrum.flux.unit == units.ct
    assert np.array_equal(spectrum.flux.value, samples.flux(spectrum_id))
    assert np.array_equal(spectrum.mask, samples.mask(spectrum_id))
    if spectrum_id != samples.TRAINING:
        assert np.all(spectrum.uncertainty.array == 0.5)
    peak = spectrum.spectral_axis[np.argmax(spectrum.flux)]
    assert abs(peak - samples.H_ALPHA * units.AA) < 1 * units.AA


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[3], samples.TRAINING, samples.ODD])
def test_rectified_file_is_read_by_specutils(rows: Rows, spectrum_id: str) -> None:
    spectrum = Spectrum.read(rows[spectrum_id, RECTIFIED]["accref"])
    assert np.array_equal(spectrum.spectral_axis.value, samples.GRID_WAVELENGTHS)
    peak = spectrum.spectral_axis[np.argmax(spectrum.flux)]
    assert abs(peak - samples.H_ALPHA * units.AA) < 1.5 * units.AA


@pytest.mark.parametrize("service", ["product", "rectified", "preview"])
@pytest.mark.parametrize("spectrum_id", ["no/such/spectrum", samples.UNREADABLE, "%27;--"])
def test_what_has_no_pixels_is_not_found(url: str, service: str, spectrum_id: str) -> None:
    with pytest.raises(HTTPError, match="404") as fault:
        urllib.request.urlopen(f"{url}/vospec/q/{service}/qp/{spectrum_id}", timeout=60)  # noqa: S310 - our own service
    with fault.value:
        assert b"No spectrum" in fault.value.read()
