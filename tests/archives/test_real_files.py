"""Every real file of the two archives."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from vospec.archives import read, read_labels
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError
from vospec.spectra import peak_height

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not (DATA / "lamost.csv").is_file(), reason="spectra of the archives are not at hand"
)


def listed() -> list[dict[str, str]]:
    with (DATA / "lamost.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_lamost_files_say_what_the_list_says() -> None:
    seen = 0
    for row in listed():
        spectrum = read(DATA / row["file"])
        assert spectrum.release == row["release"], row["file"]
        assert spectrum.archive_class == row["class"], row["file"]
        assert (spectrum.archive_subclass or "Non") == row["subclass"], row["file"]
        assert spectrum.ra == pytest.approx(float(row["ra"]), abs=1e-9), row["file"]
        assert spectrum.dec == pytest.approx(float(row["dec"]), abs=1e-9), row["file"]
        seen += 1
    assert seen == 339


def test_time_is_in_the_night_that_the_file_is_named_after() -> None:
    # LMJD is the local day, one more than the UTC day of the evening (see the facts).
    for path in (DATA / "lamost").rglob("spec-*"):
        mjd = read(path).mjd
        assert mjd is not None
        night = int(path.name.split("-")[1]) - 1
        assert 0.3 < mjd - night < 1.0, path.name


def test_only_one_header_has_a_fault() -> None:
    faults = Counter(read(DATA / row["file"]).quality for row in listed())
    assert faults == {Quality(0): 338, Quality.HEADER_INCOMPLETE: 1}


@pytest.mark.parametrize("name", ["bt-cmi-lamost", "spec-55862-B6212_sp06-003"])
def test_dr1_third_row_is_not_taken_for_wavelengths(name: str) -> None:
    axis = read(DATA / "lamost" / "dr1" / f"{name}.fits").spectral_axis
    assert axis[0] == pytest.approx(10**3.5682)
    assert np.all(np.diff(np.log10(axis)) == pytest.approx(1e-4))


def test_emission_under_zero_ivar_is_kept() -> None:
    spectrum = read(DATA / "lamost" / "dr1" / "bt-cmi-lamost.fits")
    line = np.abs(spectrum.spectral_axis - 6564.6) < 5.0
    assert spectrum.ivar is not None
    assert not spectrum.ivar[line].any()
    assert not spectrum.mask[line].any()
    near = np.abs(spectrum.spectral_axis - 6564.6) < 100.0
    level = np.median(spectrum.flux[near])
    assert peak_height(spectrum.flux[near] / level, spectrum.spectral_axis[near]) > 0.5


def test_ccd700_files() -> None:
    published = dict(read_labels(DATA / "ccd700" / "ondrejov-dataset-labels.csv"))
    paths = [*(DATA / "ccd700").glob("*.fits"), *(DATA / "ccd700" / "native").glob("*.fits")]
    assert len(paths) == 18
    for path in paths:
        spectrum = read(path)
        assert (spectrum.quality, spectrum.reason) == (Quality(0), None), path.name
        assert spectrum.archive_id in published, path.name
        assert spectrum.spectral_axis[0] < 6284.1, path.name
        assert spectrum.spectral_axis[-1] > 6734.5, path.name


@pytest.mark.parametrize(
    ("name", "ra", "dec"),
    # J2000 places of α Lyr and γ Cas (Hipparcos, ESA 1997).
    [("alpha-lyr-absorption", 279.2347, 38.7837), ("gamma-cas-emission", 14.1772, 60.7167)],
)
def test_ccd700_positions_are_of_j2000(name: str, ra: float, dec: float) -> None:
    spectrum = read(DATA / "ccd700" / f"{name}.fits")
    assert spectrum.ra == pytest.approx(ra, abs=3e-4)
    assert spectrum.dec == pytest.approx(dec, abs=3e-4)


def test_the_published_list_holds_its_classes() -> None:
    labels = read_labels(DATA / "ccd700" / "ondrejov-dataset-labels.csv")
    counts = Counter(name for _, name in labels)
    assert counts == {"emission": 5301, "absorption": 6102, "double_peak": 1533}


def test_file_of_another_survey_is_named() -> None:
    (path,) = (DATA / "other").iterdir()
    with pytest.raises(UnknownLayoutError, match=f"{path.name}: .* telescope SDSS 2.5-M, 10 HDUs"):
        read(path)
