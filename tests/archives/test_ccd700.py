"""Both forms of CCD700's spectra."""

import numpy as np
import pytest

from tests.archives import files
from vospec.archives import read_bytes
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError
from vospec.spectra import vacuum_to_air


def test_export() -> None:
    spectrum = read_bytes(files.export(), "x/some-name.fits")
    assert spectrum.spectrum_id == "ccd700/vo/some-name"
    assert (spectrum.collection, spectrum.release) == ("ccd700", "vo")
    assert spectrum.archive_id == "ivo://asu.cas.cz/stel/ccd700/ab010001"
    assert (spectrum.object, spectrum.archive_class) == ("HD 1", "star")
    assert (spectrum.ra, spectrum.dec, spectrum.mjd) == (79.75, 33.5, 56691.25)
    assert spectrum.exposure_seconds == 2701.0
    assert spectrum.resolving_power == 13000.0
    assert (spectrum.snr, spectrum.ivar) == (None, None)
    assert (spectrum.quality, spectrum.reason) == (Quality(0), None)
    np.testing.assert_array_equal(spectrum.flux, np.float32(1.5))
    assert not spectrum.mask.any()


def test_wavelengths_are_taken_from_air_to_vacuum() -> None:
    axis = read_bytes(files.export(), "a.fits").spectral_axis
    np.testing.assert_allclose(
        vacuum_to_air(axis), 6282.0 + 0.25667 * np.arange(1757), rtol=0, atol=1e-6
    )
    # Hα: 6562.80 Å in air, 6564.61 Å in vacuum (NIST).
    assert np.interp(6562.80, 6282.0 + 0.25667 * np.arange(1757), axis) == pytest.approx(
        6564.61, abs=0.01
    )


def test_native() -> None:
    spectrum = read_bytes(files.native(), "ua280060.fit")
    assert spectrum.spectrum_id == "ccd700/native/ua280060"
    assert spectrum.archive_id == "ivo://asu.cas.cz/stel/ccd700/ua280060"
    np.testing.assert_array_equal(spectrum.flux, np.arange(1, 1998))
    np.testing.assert_allclose(
        vacuum_to_air(spectrum.spectral_axis), 6252.0 + 0.25 * np.arange(1997), atol=1e-6
    )
    # JD 2455590.75 is MJD 55590.25.
    assert spectrum.mjd == 55590.25
    assert spectrum.exposure_seconds == 500.0
    assert spectrum.quality == 0


def test_native_position_is_read_as_it_stands() -> None:
    # 10 h 10 min 7.5 s are (10 + 10/60 + 7.5/3600) * 15 degrees; the equinox is not used.
    spectrum = read_bytes(files.native(), "a.fits")
    assert spectrum.ra == pytest.approx(152.53125, abs=1e-10)
    assert spectrum.dec == pytest.approx(-8.41, abs=1e-10)


def test_declination_just_south_of_the_equator_keeps_its_sign() -> None:
    assert read_bytes(files.native(DEC="-00:30:00.0"), "a.fits").dec == pytest.approx(-0.5)


def test_reference_pixel_is_obeyed() -> None:
    axis = read_bytes(files.native(CRPIX1=11.0), "a.fits").spectral_axis
    assert vacuum_to_air(axis)[10] == pytest.approx(6252.0, abs=1e-6)


@pytest.mark.parametrize("given", [{"RA": None}, {"DEC": "-8.4"}, {"RA": "25:00:00.0"}])
def test_bad_native_position_is_a_flag(given: dict[str, object]) -> None:
    spectrum = read_bytes(files.native(**given), "a.fits")
    assert (spectrum.ra, spectrum.dec) == (None, None)
    assert spectrum.quality == Quality.NO_POSITION


@pytest.mark.parametrize(
    ("content", "flag"),
    [
        (files.export(TMID=None), Quality.NO_TIME),
        (files.export(TMID=0.0), Quality.NO_TIME),
        (files.export(RA=None), Quality.NO_POSITION),
        (files.export(TELAPSE=None), Quality.HEADER_INCOMPLETE),
        (files.native(JD=None), Quality.NO_TIME),
        (files.native(np.zeros(1997, np.float32)), Quality.NO_SIGNAL),
    ],
)
def test_bad_cards_are_flags(content: bytes, flag: Quality) -> None:
    spectrum = read_bytes(content, "a.fits")
    assert spectrum.quality == flag
    assert spectrum.reason is not None


def test_other_units_are_refused() -> None:
    with pytest.raises(UnknownLayoutError, match=r"spectral in Angstrom .* found .*'nm'"):
        read_bytes(files.export(unit="nm"), "a.fits")


def test_table_of_another_publisher_is_refused() -> None:
    content = files.export(DS_IDPUB="ivo://elsewhere/ccd700/ab010001")
    with pytest.raises(UnknownLayoutError, match=r"^a\.fits: expected a low-resolution spectrum"):
        read_bytes(content, "a.fits")


def test_logarithmic_native_scale_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match="no linear wavelength scale: CTYPE1 LOG"):
        read_bytes(files.native(CTYPE1="LOG"), "a.fits")


def test_native_image_of_two_axes_is_refused() -> None:
    with pytest.raises(UnknownLayoutError, match=r"one axis, found shape \(2, 5\)"):
        read_bytes(files.native(np.ones((2, 5), np.float32)), "a.fits")
