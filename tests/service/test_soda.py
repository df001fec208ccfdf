"""Parts of spectra are cut out, calibrated and written as they are asked for."""

import base64
import csv
import io
import urllib.parse
from collections.abc import Callable

import numpy as np
import pytest
import pyvo
import requests
from astropy import units
from astropy.io import votable
from astropy.table import Table
from pyvo.dal.adhoc import DatalinkResults
from specutils import Spectrum
from specutils.io.parsing_utils import generic_spectrum_from_table

from tests.conftest import Instance
from tests.publication import samples
from tests.service import dachs
from tests.service.conftest import SERVICE

pytestmark = SERVICE

PREFIX = "ivo://x-vospec/~?vospec/q/"
FITS, VOTABLE, CSV = "application/fits", "application/x-votable+xml", "text/csv"
TABLEDATA = f"{VOTABLE};serialization=tabledata"

#: Hα and some Å to both sides, in metres.
BAND = (6.55e-7, 6.58e-7)

Get = Callable[..., requests.Response]


@pytest.fixture
def get(url: str, session: requests.Session) -> Get:
    """Ask for a part of a spectrum."""

    def got(identifier: str, *, expected: int = 200, **parameters: str) -> requests.Response:
        query = urllib.parse.urlencode({"ID": identifier} | parameters)
        answer = session.get(f"{url}/vospec/q/dl/dlget?{query}", timeout=60)
        assert answer.status_code == expected, answer.text
        return answer

    return got


def _inside(wavelength: np.ndarray) -> np.ndarray:
    return (wavelength >= BAND[0] * 1e10) & (wavelength <= BAND[1] * 1e10)


def _read(answer: requests.Response) -> Table:
    return _table(answer.headers["Content-Type"], answer.content)


def _table(kind: str, content: bytes) -> Table:
    if kind == FITS:
        return Table.read(io.BytesIO(content), hdu="SPECTRUM")
    return Table.read(io.BytesIO(content), format="ascii.csv" if kind == CSV else "votable")


@pytest.mark.parametrize("format_", [VOTABLE, TABLEDATA, FITS, CSV])
@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[3], samples.TRAINING])
def test_band_is_cut_out_in_every_format(get: Get, spectrum_id: str, format_: str) -> None:
    answer = get(f"{PREFIX}{spectrum_id}", BAND=f"{BAND[0]} {BAND[1]}", FORMAT=format_)
    assert answer.headers["Content-Type"] == format_
    table, inside = _read(answer), _inside(samples.axis(spectrum_id))
    assert len(table) == inside.sum() > 10
    assert np.array_equal(table["spectral_axis"], samples.axis(spectrum_id)[inside])
    assert np.array_equal(np.float32(table["flux"]), samples.flux(spectrum_id)[inside])
    assert np.array_equal(np.bool_(table["mask"]), samples.mask(spectrum_id)[inside])
    assert ("flux_error" in table.colnames) == (spectrum_id != samples.TRAINING)


@pytest.mark.parametrize("format_", [VOTABLE, TABLEDATA, FITS, CSV])
def test_rectified_is_cut_out_in_every_format(get: Get, format_: str) -> None:
    asked = {"BAND": f"{BAND[0]} {BAND[1]}", "FORMAT": format_}
    converted = get(samples.SURVEY[3], FLUXCALIB="RECTIFIED", **asked)
    table, inside = _read(converted), _inside(samples.GRID_WAVELENGTHS)
    assert table.colnames == ["spectral_axis", "flux"]
    assert np.array_equal(table["spectral_axis"], samples.GRID_WAVELENGTHS[inside])
    expected = np.float32(samples.features()[0].column("flux")[3].as_py())[inside]
    assert np.array_equal(np.float32(table["flux"]), expected)
    # What has been rectified is another dataset of its own.
    itself = get(f"{PREFIX}rectified/{samples.SURVEY[3]}", **asked)
    assert itself.content == converted.content


@pytest.mark.parametrize(
    ("band", "first", "last"),
    [
        ("-Inf 3.71e-7", 0, 12),
        ("9.08e-7 +Inf", 3899, 3901),
        ("-Inf +Inf", 0, 3901),
        ("", 0, 3901),
    ],
)
def test_bands_may_be_open(get: Get, band: str, first: int, last: int) -> None:
    axis = samples.axis(samples.SURVEY[3])[first:last]
    table = _read(get(samples.SURVEY[3], BAND=band, FORMAT=FITS))
    assert np.array_equal(table["spectral_axis"], axis)


def test_whole_file_is_that_of_the_product(get: Get, url: str, session: requests.Session) -> None:
    asked = get(samples.SURVEY[3], FORMAT=FITS)
    product = session.get(f"{url}/vospec/q/product/qp/{samples.SURVEY[3]}.fits", timeout=60)
    assert asked.content == product.content


def test_votable_follows_the_spectrum_model(get: Get) -> None:
    document = votable.parse(io.BytesIO(get(samples.SURVEY[3]).content), verify="exception")
    (resource,) = document.resources
    (table,) = resource.tables
    assert resource.utype == table.utype == "spec:Spectrum"
    fields = {field.name: (field.utype, field.ucd, str(field.unit)) for field in table.fields}
    axes = "spec:Spectrum.Data."
    assert fields["spectral_axis"] == (f"{axes}SpectralAxis.Value", "em.wl", "Angstrom")
    assert fields["flux"] == (f"{axes}FluxAxis.Value", "phot.flux.density;em.wl", "ct")
    told = {param.utype.removeprefix("spec:Spectrum."): param.value for param in table.params}
    assert told["DataModel"] == "Spectrum-1.0"
    assert told["Length"] == 3901
    assert told["Curation.PublisherDID"] == f"{PREFIX}{samples.SURVEY[3]}"
    assert told["Target.Name"] == "Star spec-3"
    assert told["CoordSys.SpaceFrame.Name"] == "ICRS"
    assert told["CoordSys.SpectralFrame.RefPos"] == "HELIOCENTER"
    assert told["CoordSys.TimeFrame.Name"] == "UTC"
    assert told["Char.FluxAxis.Calibration"] == "RELATIVE"
    assert told["Char.SpectralAxis.Resolution"] == pytest.approx(6564.6e-10 / 1800)
    assert told["Char.TimeAxis.Coverage.Location.Value"] == 56003.5
    assert told["Char.SpatialAxis.Coverage.Location.Value"] == pytest.approx(
        [samples.RA + 0.3, samples.DEC]
    )


def test_rectified_votable_has_a_ratio_for_flux(get: Get) -> None:
    answer = get(f"{PREFIX}rectified/{samples.SURVEY[3]}")
    table = votable.parse_single_table(io.BytesIO(answer.content))
    flux = next(field for field in table.fields if field.name == "flux")
    assert flux.unit is None
    assert flux.ucd == "phot.flux.density;em.wl;arith.ratio"
    told = {param.utype.removeprefix("spec:Spectrum."): param.value for param in table.params}
    assert told["Char.FluxAxis.Calibration"] == "NORMALIZED"
    assert told["Char.FluxAxis.Accuracy.StatError"] == pytest.approx(0.01)
    assert told["Derived.SNR"] == pytest.approx(100)


def test_a_part_tells_of_itself(get: Get) -> None:
    answer = get(samples.SURVEY[3], BAND=f"{BAND[0]} {BAND[1]}")
    table = votable.parse_single_table(io.BytesIO(answer.content))
    told = {param.utype.removeprefix("spec:Spectrum."): param.value for param in table.params}
    axis = samples.axis(samples.SURVEY[3])
    axis = axis[_inside(axis)]
    bounds = "Char.SpectralAxis.Coverage.Bounds"
    assert told["Length"] == axis.size
    assert told[f"{bounds}.Start"] == pytest.approx(axis[0] * 1e-10, rel=1e-12)
    assert told[f"{bounds}.Stop"] == pytest.approx(axis[-1] * 1e-10, rel=1e-12)
    assert told["DataID.CreationType"] == "cutout"


def test_specutils_reads_every_format(get: Get) -> None:
    asked = {"BAND": f"{BAND[0]} {BAND[1]}"}
    fits_file = Spectrum.read(io.BytesIO(get(samples.SURVEY[3], FORMAT=FITS, **asked).content))
    document = generic_spectrum_from_table(_read(get(samples.SURVEY[3], **asked)))
    table = _read(get(samples.SURVEY[3], FORMAT=CSV, **asked))
    table["spectral_axis"].unit, table["flux"].unit = units.AA, units.ct
    lines = generic_spectrum_from_table(table)
    for spectrum in (fits_file, document, lines):
        peak = spectrum.spectral_axis[np.argmax(spectrum.flux)]
        assert abs(peak - samples.H_ALPHA * units.AA) < 1 * units.AA
    for spectrum in (fits_file, document):
        assert np.all(spectrum.uncertainty.array == 0.5)
        assert not spectrum.mask.any()


# The archive gives an inverse variance of 0 where it knows none.
_UNKNOWN = """
import base64, json, sys
import numpy as np
from gavo import api

folder, spectrum_id = sys.argv[1:]
datasets, _ = api.loadPythonModule(folder + "/datasets")
files, _ = api.loadPythonModule(folder + "/files")
found = datasets.dataset(spectrum_id, "delivered")
ivar = np.array([4, 0, 1], np.float32)
columns = {"spectral_axis": np.array([6563.0, 6564.5, 6566.0]), "flux": ivar + 1,
  "flux_error": datasets._error(ivar), "ivar": ivar, "mask": ivar == 0}
made = {name: write(datasets.Dataset(found.row, columns))
  for name, (_, write) in files.FORMATS.items()}
print(json.dumps({name: base64.b64encode(content).decode() for name, content in made.items()}))
"""


@pytest.mark.usefixtures("url")
def test_what_is_not_known_is_no_number_in_every_format(instance: Instance) -> None:
    folder = f"{instance.folder}/dachs/inputs/vospec/res"
    made = dachs.python(instance, _UNKNOWN, folder, samples.SURVEY[0])
    assert set(made) == {VOTABLE, TABLEDATA, FITS, CSV}
    for kind, content in made.items():
        table = _table(kind, base64.b64decode(content))
        error = np.ma.filled(np.ma.asarray(table["flux_error"], dtype=float), np.nan)
        assert np.array_equal(error, [0.5, np.nan, 1], equal_nan=True)
        assert list(table["ivar"]) == [4, 0, 1]
        assert list(np.bool_(table["mask"])) == [False, True, False]


def test_csv_has_a_line_a_pixel(get: Get) -> None:
    answer = get(samples.SURVEY[3], FORMAT=CSV)
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert len(rows) == 3901
    assert rows[0]["flux_error"] == "0.5"
    assert [row["mask"] for row in rows[9:21]] == ["0", *["1"] * 10, "0"]


@pytest.mark.parametrize("band", ["1e-7 2e-7", "1e-6 +Inf", "6.5640e-7 6.5641e-7"])
def test_where_no_pixel_is_there_is_no_content(get: Get, band: str) -> None:
    assert get(samples.SURVEY[3], BAND=band, expected=204).content == b""


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"BAND": "6.58e-7 6.55e-7"}, "UsageError: Field BAND: two wavelengths"),
        ({"BAND": "nan nan"}, "UsageError: Field BAND: two wavelengths"),
        ({"BAND": "6.58e-7"}, "UsageError: Field BAND"),
        ({"BAND": "blue red"}, "UsageError: Field BAND"),
        ({"FORMAT": "image/png"}, "UsageError: Field FORMAT"),
        ({"FLUXCALIB": "MAGNITUDES"}, "UsageError: Field FLUXCALIB"),
        ({"POS": "CIRCLE 1 2 3"}, "UsageError"),
    ],
)
def test_nonsense_is_told(get: Get, parameters: dict[str, str], told: str) -> None:
    answer = get(samples.SURVEY[3], expected=422, **parameters)
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.text.startswith(told)


def test_one_spectrum_is_cut_at_once(url: str, session: requests.Session) -> None:
    address = f"{url}/vospec/q/dl/dlget?ID={samples.SURVEY[0]}&ID={samples.SURVEY[1]}"
    answer = session.get(address, timeout=60)
    assert answer.status_code == 422
    assert answer.text.startswith("MultiValuedParamNotSupported: Field ID: one identifier")
    answer = session.get(f"{url}/vospec/q/dl/dlget", timeout=60)
    assert answer.status_code == 422
    assert answer.text.startswith("UsageError: Field ID")


def test_rectified_is_not_calibrated_back(get: Get) -> None:
    answer = get(f"{PREFIX}rectified/{samples.SURVEY[0]}", FLUXCALIB="DELIVERED", expected=422)
    assert "fluxcalib" in answer.text


def test_unknown_spectrum_is_not_found(get: Get) -> None:
    assert "No spectrum of this identifier" in get("nowhere", expected=404).text


def _parameters(url: str, session: requests.Session, identifier: str) -> dict[str, object]:
    query = urllib.parse.urlencode({"ID": identifier})
    results = DatalinkResults.from_result_url(f"{url}/vospec/q/dl/dlmeta?{query}", session=session)
    (proc,) = results.bysemantics("#proc", include_narrower=False)
    service = next(one for one in results.votable.resources if proc["service_def"] == one.ID)
    return {param.name: param for param in service.groups[0].entries}


def test_service_tells_what_may_be_asked(url: str, session: requests.Session) -> None:
    told = _parameters(url, session, samples.SURVEY[3])
    assert set(told) == {"ID", "BAND", "FLUXCALIB", "FORMAT"}
    band, axis = told["BAND"], samples.axis(samples.SURVEY[3])
    assert (str(band.unit), band.ucd, band.xtype) == ("m", "em.wl", "interval")
    least, most = float(band.values.min), float(band.values.max)
    assert least == pytest.approx(axis[0] * 1e-10)
    assert most == pytest.approx(axis[-1] * 1e-10)
    assert least < axis[0] * 1e-10 < axis[-1] * 1e-10 < most
    assert [value for _, value in told["FLUXCALIB"].values.options] == ["DELIVERED", "RECTIFIED"]
    assert [value for _, value in told["FORMAT"].values.options] == [VOTABLE, TABLEDATA, FITS, CSV]
    assert set(_parameters(url, session, f"{PREFIX}rectified/{samples.SURVEY[3]}")) == {
        *("ID", "BAND", "FORMAT")
    }


def test_pyvo_cuts_out(tap: pyvo.dal.TAPService) -> None:
    query = f"SELECT * FROM vospec.candidates WHERE spectrum_id = '{samples.SURVEY[3]}'"  # noqa: S608 - our own names
    (links,) = tap.search(query).iter_datalinks()
    (proc,) = links.bysemantics("#proc", include_narrower=False)
    stream = proc.process(band=BAND * units.m, FORMAT=FITS)
    table = Table.read(io.BytesIO(stream.read()), hdu="SPECTRUM")
    assert len(table) == _inside(samples.axis(samples.SURVEY[3])).sum()
