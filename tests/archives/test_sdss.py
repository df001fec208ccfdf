"""SDSS's and BOSS's spec files."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time

from tests.archives import files
from vospec.archives import read, read_bytes
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError

REAL = (
    Path(__file__).parents[2] / ".." / "shared" / "data" / "other"
    / "sdss-spec-1230-52672-0233.fits"
)  # fmt: skip


def test_spec_file() -> None:
    spectrum = read_bytes(files.sdss(), "x/spec-1230-52672-0233.fits")
    assert spectrum.spectrum_id == "sdss/run2d-26/spec-1230-52672-0233"
    assert spectrum.observation == "sdss/1230-52672-233"
    assert (spectrum.collection, spectrum.release, spectrum.layout) == ("sdss", "run2d-26", "spec")
    assert (spectrum.ra, spectrum.dec) == (183.87712, 9.5848939)
    assert (spectrum.archive_class, spectrum.archive_subclass) == ("STAR", "B6")
    assert spectrum.archive_id == "1384920976797493248"
    assert (spectrum.snr_u, spectrum.snr_g, spectrum.snr) == (7.5, 25.0, 38.5)
    assert (spectrum.snr_i, spectrum.snr_z) == (40.5, 33.5)
    assert (spectrum.plan, spectrum.spectrograph, spectrum.fibre) == ("1230", 1, 233)
    assert spectrum.redshift == pytest.approx(-1e-4)
    assert (spectrum.exposure_seconds, spectrum.resolving_power) == (2100.3, 2000.0)
    assert (spectrum.quality, spectrum.reason) == (Quality(0), None)
    np.testing.assert_array_equal(spectrum.flux, np.arange(1, 4001))
    np.testing.assert_array_equal(spectrum.ivar, 4.0)
    assert not spectrum.mask.any()


@pytest.mark.parametrize("skipped", [0, 10, 137])
def test_wavelengths_are_those_of_the_cards_from_the_first_pixel_kept(skipped: int) -> None:
    axis = read_bytes(files.sdss(skipped=skipped), "a.fits").spectral_axis
    expected = 3.579 + 1e-4 * (skipped + np.arange(4000))
    np.testing.assert_allclose(np.log10(axis), expected, rtol=0, atol=1e-12)


def test_pixels_without_weight_are_bad_and_of_the_masks_only_bright_sky() -> None:
    ivar, and_mask = np.full(4000, 4.0), np.zeros(4000, np.int32)
    ivar[5] = 0.0
    and_mask[100:132] = [1 << bit for bit in range(31)] + [-(2**31)]
    content = files.sdss(pixels={"ivar": ivar, "and_mask": and_mask, "or_mask": and_mask})
    mask = read_bytes(content, "a.fits").mask
    np.testing.assert_array_equal(np.flatnonzero(mask), [5, 123])


def test_reductions_of_one_observation_are_told_apart() -> None:
    old = read_bytes(files.sdss(), "spec.fits")
    new = read_bytes(files.sdss(files.sdss_row(RUN2D="v5_7_0")), "spec.fits")
    assert old.observation == new.observation
    assert {old.spectrum_id, new.spectrum_id} == {"sdss/run2d-26/spec", "sdss/run2d-v5_7_0/spec"}


def test_time_is_universal_time() -> None:
    spectrum = read_bytes(files.sdss(), "a.fits")
    expected = Time(4550902834.56 / 86400.0, format="mjd", scale="tai").utc.mjd
    assert spectrum.mjd == pytest.approx(expected, abs=1e-9)


def test_begin_and_end_go_before_the_mean() -> None:
    content = files.sdss(**{"TAI-BEG": 4.9e9, "TAI-END": 4.9e9 + 7200.0})
    expected = Time((4.9e9 + 3600.0) / 86400.0, format="mjd", scale="tai").utc.mjd
    assert read_bytes(content, "a.fits").mjd == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("content", "flag", "said"),
    [
        (files.sdss(TAI=None), Quality.NO_TIME, "TAI: expected"),
        (files.sdss(PLUG_RA=400.0), Quality.NO_POSITION, "PLUG_RA: expected"),
        (files.sdss(VACUUM=False), Quality.HEADER_INCOMPLETE, "VACUUM: expected T"),
        (files.sdss(fits.BinTableHDU()), Quality.HEADER_INCOMPLETE, "SPECOBJ or SPALL"),
        (files.sdss(pixels={"flux": np.zeros(4000)}), Quality.NO_SIGNAL, "flux: nowhere"),
    ],
)
def test_faults_are_flags(content: bytes, flag: Quality, said: str) -> None:
    spectrum = read_bytes(content, "a.fits")
    assert spectrum.quality == flag
    assert spectrum.reason is not None
    assert spectrum.reason.startswith(said) or said in spectrum.reason


def test_without_what_the_pipeline_found_there_is_a_spectrum() -> None:
    spectrum = read_bytes(files.sdss(fits.BinTableHDU()), "a.fits")
    assert (spectrum.snr, spectrum.redshift, spectrum.archive_class) == (None, None, None)
    assert spectrum.release == "run2d-unknown"
    assert spectrum.flux.size == 4000


def test_values_that_stand_for_none_are_none() -> None:
    row = files.sdss_row(Z=-9999.0, SUBCLASS=" ", SPECTROGRAPHID=-1)
    spectrum = read_bytes(files.sdss(row), "a.fits")
    assert (spectrum.redshift, spectrum.archive_subclass) == (None, None)
    assert spectrum.spectrograph is None


def test_columns_are_known_in_capitals_too() -> None:
    content = files.sdss()
    for name in (b"flux", b"loglam", b"ivar", b"and_mask"):
        content = content.replace(b"'%s" % name, b"'%s" % name.upper())
    assert read_bytes(content, "a.fits").flux.size == 4000


def test_uneven_steps_are_refused() -> None:
    loglam = 3.58 + 1e-4 * np.arange(4000)
    loglam[2000:] += 2e-5
    with pytest.raises(UnreadableFileError, match=r"loglam: .* found 0\.20"):
        read_bytes(files.sdss(pixels={"loglam": loglam}), "a.fits")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"'COADD   '", b"'COMBINED'", r"expected a table COADD, found \['COMBINED', 'SPECOBJ'\]"),
        (b"'loglam  '", b"'lambda  '", r"table COADD: expected LOGLAM, found \('flux', 'lambda'"),
    ],
)
def test_other_tables_are_refused(old: bytes, new: bytes, said: str) -> None:
    with pytest.raises(UnknownLayoutError, match=said):
        read_bytes(files.sdss().replace(old, new), "a.fits")


@pytest.mark.skipif(not REAL.is_file(), reason="spectra of the archives are not at hand")
def test_real_file() -> None:
    spectrum = read(REAL)
    assert (spectrum.quality, spectrum.reason) == (Quality(0), None)
    assert (spectrum.archive_class, spectrum.archive_subclass) == ("GALAXY", "STARFORMING")
    # WAVEMIN and WAVEMAX of the same file.
    assert spectrum.spectral_axis[0] == pytest.approx(3801.894, abs=1e-3)
    assert spectrum.spectral_axis[-1] == pytest.approx(9183.326, abs=1e-3)
    # Three exposures from 2003-02-02 11:12:10 to 11:53:53 UTC.
    middle = Time(["2003-02-02T11:12:10", "2003-02-02T11:53:53"]).mjd.mean()
    assert spectrum.mjd == pytest.approx(middle, abs=1e-6)
    # 13 pixels have the bit BRIGHTSKY, none has no weight.
    assert int(spectrum.mask.sum()) == 13
    # A galaxy with emission: Hα stands at its redshift.
    assert spectrum.redshift is not None
    peak = spectrum.spectral_axis[np.argmax(spectrum.flux)]
    assert peak == pytest.approx(6564.61 * (1.0 + spectrum.redshift), abs=3.0)
