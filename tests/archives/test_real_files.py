"""Every real file of the two archives."""

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from vospec.archives import ArchiveSpectrum, read, read_labels
from vospec.columns import Quality
from vospec.spectra import feature_vectors, log_grid, resample

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"

GRID = log_grid(6290.0, 6725.0)
HD_53416 = "spec-56351-GAC108N13V4_sp14-219"

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
        assert spectrum.layout == row["layout"], row["file"]
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


def test_observation_is_the_name_that_the_archive_gave() -> None:
    """Day, plan, spectrograph and fibre, also where a copy has another name."""
    observations = set()
    for row in listed():
        spectrum = read(DATA / row["file"])
        parts = re.fullmatch(r"lamost/spec-\d{5}-(.+)_sp(\d\d)-(\d{3})", spectrum.observation)
        assert parts, row["file"]
        assert spectrum.plan == parts[1], row["file"]
        assert (spectrum.spectrograph, spectrum.fibre) == (int(parts[2]), int(parts[3]))
        observations.add(spectrum.observation)
    # One of them is there in DR7 and in DR9.
    assert len(observations) == 338


def test_bands_and_magnitudes_are_within_reason() -> None:
    known: Counter[str] = Counter()
    for row in listed():
        spectrum = read(DATA / row["file"])
        for name in ("snr_u", "snr_g", "snr_i", "snr_z", "mag_g", "mag_r", "mag_i", "redshift"):
            value = getattr(spectrum, name)
            if value is not None:
                known[name] += 1
                assert {"s": 0 <= value < 1000, "m": 5 < value < 27, "r": abs(value) < 7}[name[0]]
    # The archive itself writes -9999 four times, and no magnitude where it had none.
    assert [known[f"snr_{band}"] for band in "ugiz"] == [339, 339, 336, 338]
    assert min(known[f"mag_{band}"] for band in "gri") > 300


def test_only_one_header_has_a_fault() -> None:
    faults = Counter(read(DATA / row["file"]).quality for row in listed())
    assert faults == {Quality(0): 338, Quality.HEADER_INCOMPLETE: 1}


@pytest.mark.parametrize("name", ["bt-cmi-lamost", "spec-55862-B6212_sp06-003"])
def test_dr1_third_row_is_not_taken_for_wavelengths(name: str) -> None:
    axis = read(DATA / "lamost" / "dr1" / f"{name}.fits").spectral_axis
    assert axis[0] == pytest.approx(10**3.5682)
    assert np.all(np.diff(np.log10(axis)) == pytest.approx(1e-4))


def vector(spectrum: ArchiveSpectrum, mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Feature vector of a spectrum, and how many of its elements were interpolated."""
    assert spectrum.ivar is not None
    variance = np.where(
        spectrum.ivar > 0, 1 / np.where(spectrum.ivar > 0, spectrum.ivar, 1), np.nan
    )
    placed = resample(
        spectrum.flux, spectrum.spectral_axis, GRID, mask=mask, variance=variance.astype(np.float32)
    )
    found = feature_vectors(placed.flux, GRID, mask=placed.mask, variance=placed.variance)
    return found.flux[0], int(found.n_interpolated[0])


@pytest.mark.parametrize("name", ["bt-cmi-lamost", HD_53416])
def test_emission_under_zero_ivar_comes_into_the_vector(name: str) -> None:
    spectrum = read(DATA / "lamost" / "dr1" / f"{name}.fits")
    line = np.abs(spectrum.spectral_axis - 6564.6) < 4.0
    assert spectrum.ivar is not None
    assert not spectrum.ivar[line].any()
    assert not spectrum.mask[line].any()
    kept, n_interpolated = vector(spectrum, spectrum.mask)
    near = np.abs(GRID - 6564.6) < 10.0
    assert n_interpolated == 0
    assert kept[near].max() > 1.2
    # Every element under the line is the file's flux: taking the pixels away takes the line.
    lost, _ = vector(spectrum, spectrum.mask | (spectrum.ivar == 0))
    assert np.isnan(lost).all() or lost[near].max() < 1.0 + 0.5 * (kept[near].max() - 1.0)


def test_empty_spectra_are_flagged_and_none_is_lost() -> None:
    flags: Counter[int] = Counter()
    for row in listed():
        spectrum = read(DATA / row["file"])
        placed = resample(spectrum.flux, spectrum.spectral_axis, GRID, mask=spectrum.mask)
        flags[int(feature_vectors(placed.flux, GRID, mask=placed.mask).quality[0])] += 1
    assert flags.total() == 339
    assert flags[Quality.NO_SIGNAL] == 3


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
