"""Every layout of LAMOST, card by card."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.archives import files
from vospec.archives import read_bytes
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError

LAYOUTS = {
    "dr1": files.lamost_dr1,
    "dr7": files.lamost_image,
    "dr13-q1": files.lamost_table,
}


@pytest.fixture(params=LAYOUTS)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_layout_gives_the_same_spectrum(release: str) -> None:
    spectrum = read_bytes(LAYOUTS[release](), "hdfs://node/survey/spec-56342-X_sp14-101.fits")
    assert spectrum.spectrum_id == f"lamost/{release}/spec-56342-X_sp14-101"
    assert (spectrum.collection, spectrum.release) == ("lamost", release)
    assert spectrum.observation == "lamost/spec-56342-X_sp14-101"
    assert spectrum.layout == ("table" if release == "dr13-q1" else "image")
    np.testing.assert_array_equal(spectrum.flux, np.arange(1, files.SIZE + 1))
    np.testing.assert_array_equal(spectrum.ivar, 4.0)
    assert not spectrum.mask.any()
    assert spectrum.object == "LAMOST J075703.80+025653.6"
    assert (spectrum.ra, spectrum.dec) == (119.26584, 2.9482255)
    assert (spectrum.archive_class, spectrum.archive_subclass) == ("STAR", "A2V")
    assert spectrum.snr == 64.14
    assert spectrum.exposure_seconds == 1200.0
    assert spectrum.resolving_power == 1800.0
    assert (spectrum.quality, spectrum.reason) == (Quality(0), None)


def test_arrays_are_of_this_machine(release: str) -> None:
    spectrum = read_bytes(LAYOUTS[release](), "a.fits")
    assert spectrum.flux.dtype == np.dtype("=f4")
    assert spectrum.ivar is not None
    assert spectrum.ivar.dtype == np.dtype("=f4")
    assert spectrum.spectral_axis.dtype == np.dtype("=f8")
    assert spectrum.mask.dtype == np.dtype(bool)


def test_wavelengths_come_from_the_coefficients_whatever_the_third_row_holds(release: str) -> None:
    content = LAYOUTS[release](COEFF0=3.5840)
    axis = read_bytes(content, "a.fits").spectral_axis
    np.testing.assert_allclose(np.log10(axis), 3.5840 + 1e-4 * np.arange(files.SIZE), rtol=1e-14)


def test_zero_ivar_masks_nothing_where_there_is_flux(release: str) -> None:
    data = files.rows()
    data[1, 2500:2510] = 0.0
    spectrum = read_bytes(LAYOUTS[release](data), "a.fits")
    assert not spectrum.mask.any()
    assert spectrum.ivar is not None
    np.testing.assert_array_equal(np.flatnonzero(spectrum.ivar == 0), np.arange(2500, 2510))


def test_pixels_without_flux_and_ivar_are_bad(release: str) -> None:
    data = files.rows()
    data[:2, :7] = 0.0
    data[0, 100] = 0.0
    mask = read_bytes(LAYOUTS[release](data), "a.fits").mask
    np.testing.assert_array_equal(np.flatnonzero(mask), np.arange(7))


@pytest.mark.parametrize("bits", [1, 4, 64, 65])
def test_and_mask_makes_a_pixel_bad_and_or_mask_does_not(release: str, bits: int) -> None:
    data = files.rows()
    data[3, 11] = bits
    data[4] = bits
    mask = read_bytes(LAYOUTS[release](data), "a.fits").mask
    np.testing.assert_array_equal(np.flatnonzero(mask), [11])


def test_flux_that_is_no_number_is_bad(release: str) -> None:
    data = files.rows()
    data[0, [3, 5]] = np.nan, np.inf
    mask = read_bytes(LAYOUTS[release](data), "a.fits").mask
    np.testing.assert_array_equal(np.flatnonzero(mask), [3, 5])


def test_double_precision_of_dr2() -> None:
    content = files.lamost_image(
        files.rows().astype(np.float64),
        DATA_V=None,
        OBSID=None,
        EXTEN0="Flux Inverse Wavelength Andmask Ormask",
    )
    spectrum = read_bytes(content, "a.fits")
    assert spectrum.release == "dr2"
    assert spectrum.flux.dtype == np.float32
    assert spectrum.archive_id is None


@pytest.mark.parametrize(
    ("version", "release"),
    [("LAMOST DR7", "dr7"), ("LAMOST DR13 Q1", "dr13-q1"), ("LAMOST DR5 v3", "dr5-v3")],
)
def test_release_of_data_v(version: str, release: str) -> None:
    assert read_bytes(files.lamost_image(DATA_V=version), "a.fits").release == release


def test_obsid_is_the_identifier_in_the_archive() -> None:
    assert read_bytes(files.lamost_image(OBSID=-28762), "a.fits").archive_id == "-28762"
    assert read_bytes(files.lamost_dr1(), "a.fits").archive_id is None


def test_an_observation_is_the_same_in_every_release() -> None:
    name = "spec-56342-GAC121N02V2_sp14-101"
    again = [read_bytes(make(), f"release/{name}.fits.gz") for make in LAYOUTS.values()]
    assert {spectrum.observation for spectrum in again} == {f"lamost/{name}"}
    assert len({spectrum.spectrum_id for spectrum in again}) == len(LAYOUTS)
    # The archive's own name of the file holds where somebody gave it another.
    renamed = read_bytes(files.lamost_image(FILENAME=f"{name}.fits"), "101009.fits")
    assert renamed.observation == f"lamost/{name}"
    assert renamed.spectrum_id == "lamost/dr7/101009"


SNR = {"U": 1.5, "G": 2.5, "R": 3.5, "I": 4.5, "Z": 5.5}


@pytest.mark.parametrize(
    "content",
    [
        files.lamost_dr1(**{f"SN_{band}": value for band, value in SNR.items()}),
        files.lamost_image(**{f"SNR{band}": value for band, value in SNR.items()}),
        files.lamost_table(**{f"SNR{band}": value for band, value in SNR.items()}),
    ],
)
def test_signal_to_noise_of_every_band(content: bytes) -> None:
    spectrum = read_bytes(content, "a.fits")
    assert (spectrum.snr_u, spectrum.snr_g, spectrum.snr) == (1.5, 2.5, 3.5)
    assert (spectrum.snr_i, spectrum.snr_z) == (4.5, 5.5)


def test_other_bands_without_signal_are_no_fault() -> None:
    spectrum = read_bytes(files.lamost_image(SNRI=-9999.0, SNRZ=-9999), "a.fits")
    assert (spectrum.snr_i, spectrum.snr_z) == (None, None)
    assert spectrum.quality == 0


@pytest.mark.parametrize("fibre", [126, "126", " 126"])
def test_place_in_the_plan(fibre: object) -> None:
    content = files.lamost_image(PLANID="GAC088N20V1", SPID=8, FIBERID=fibre)
    spectrum = read_bytes(content, "a.fits")
    assert (spectrum.plan, spectrum.spectrograph, spectrum.fibre) == ("GAC088N20V1", 8, 126)


@pytest.mark.parametrize("fibre", [None, -1, 1.5, "F1", True, 40000])
def test_place_that_is_none(fibre: object) -> None:
    assert read_bytes(files.lamost_image(FIBERID=fibre), "a.fits").fibre is None


def magnitudes(kind: str | None, *values: float) -> list[float | None]:
    given = {f"MAG{number}": value for number, value in enumerate(values, 1)}
    spectrum = read_bytes(files.lamost_image(MAGTYPE=kind, **given), "a.fits")
    return [spectrum.mag_g, spectrum.mag_r, spectrum.mag_i]


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("ugriz", (2, 3, 4)),
        ("psf_ugriz", (2, 3, 4)),
        ("MODugriz", (2, 3, 4)),
        ("ugrizjh", (2, 3, 4)),
        ("ugrijhk", (2, 3, 4)),
        # The second r and i are of another catalogue.
        ("ugrizri", (2, 3, 4)),
        ("gri", (1, 2, 3)),
        ("griz", (1, 2, 3)),
        ("grizyjh", (1, 2, 3)),
        ("gribvjh", (1, 2, 3)),
        ("v", None),
        ("Kp", None),
        ("BR1R2I", None),
        ("RJHKBR2I", None),
        ("fibermagr", None),
        (None, None),
    ],
)
def test_magnitudes_by_the_letters_of_their_type(
    kind: str | None, places: tuple[int, int, int] | None
) -> None:
    expected = [10.5 + place for place in places] if places else [None] * 3
    assert magnitudes(kind, 11.5, 12.5, 13.5, 14.5, 15.5, 16.5, 17.5) == expected


@pytest.mark.parametrize("none", [99.0, 0.0, 10.0, -999.0])
def test_magnitudes_that_stand_for_none(none: float) -> None:
    assert magnitudes("gri", none, 14.2, none) == [None, 14.2, None]


def test_magnitudes_of_pan_starrs() -> None:
    content = files.lamost_table(MAG_PS_G=17.04, MAG_PS_R=-999.0, MAG_PS_I=16.16)
    spectrum = read_bytes(content, "a.fits")
    assert (spectrum.mag_g, spectrum.mag_r, spectrum.mag_i) == (17.04, None, 16.16)


@pytest.mark.parametrize(("given", "found"), [(2.5e-4, 2.5e-4), (-9999.0, None), (None, None)])
def test_redshift(given: object, found: float | None) -> None:
    assert read_bytes(files.lamost_image(Z=given), "a.fits").redshift == found


def test_columns_of_different_lengths_are_refused() -> None:
    content = files.lamost_table().replace(b"'3909E   '", b"'3908E   '", 1)
    content = content.replace(b"'3909E   '", b"'3910E   '", 1)
    with pytest.raises(UnknownLayoutError, match="columns of one length, found 3908, 3910, 3909"):
        read_bytes(content, "a.fits")


def test_wavelengths_beyond_the_optical_are_refused() -> None:
    with pytest.raises(UnreadableFileError, match=r"expected wavelengths below .* COEFF1 0\.001"):
        read_bytes(files.lamost_image(COEFF1=1e-3), "a.fits")


def test_median_time_is_taken_as_it_is() -> None:
    spectrum = read_bytes(files.lamost_dr1(), "a.fits")
    since_2000 = datetime(2013, 2, 18, 15, 54, 49, 440000, UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    assert spectrum.mjd == pytest.approx(51544.0 + since_2000.total_seconds() / 86400.0, abs=1e-9)


def test_time_of_the_start_is_moved_to_the_middle() -> None:
    content = files.lamost_table(
        **{
            "DATE-OBS": "2024-10-07T18:00:00.25",
            "DATE-BEG": "2024-10-08T02:00:00.25",
            "DATE-END": "2024-10-08T04:00:00.25",
        }
    )
    # 2024-10-07 is MJD 60590; 18 h and half of two hours.
    expected = 60590.0 + (19.0 * 3600.0 + 0.25) / 86400.0
    assert read_bytes(content, "a.fits").mjd == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("given", [None, "2013-02-31T00:00:00", "yesterday", "1858-11-17", 7])
def test_bad_time_is_a_flag(given: object) -> None:
    spectrum = read_bytes(files.lamost_image(**{"DATE-OBS": given}), "a.fits")
    assert spectrum.mjd is None
    assert spectrum.quality == Quality.NO_TIME
    assert spectrum.reason is not None
    assert "DATE-OBS" in spectrum.reason
    assert str(given or "nothing") in spectrum.reason


@pytest.mark.parametrize("given", [{"RA": None}, {"RA": 360.5}, {"DEC": "north"}, {"DEC": -90.1}])
def test_bad_position_is_a_flag(given: dict[str, object]) -> None:
    spectrum = read_bytes(files.lamost_image(**given), "a.fits")
    assert (spectrum.ra, spectrum.dec) == (None, None)
    assert spectrum.quality == Quality.NO_POSITION
    assert spectrum.reason is not None
    assert spectrum.reason.startswith(next(iter(given)))


def test_missing_and_negative_numbers_are_flagged_together() -> None:
    spectrum = read_bytes(files.lamost_image(SNRR=-9999.0, EXPTIME=None), "a.fits")
    assert (spectrum.snr, spectrum.exposure_seconds) == (None, None)
    assert spectrum.quality == Quality.HEADER_INCOMPLETE
    assert spectrum.reason is not None
    assert "EXPTIME: expected a number from 0, found nothing" in spectrum.reason
    assert "SNRR or SN_R: expected a number from 0, found -9999.0" in spectrum.reason


def test_wavelengths_that_are_not_said_to_be_vacuum_are_flagged() -> None:
    spectrum = read_bytes(files.lamost_image(VACUUM=False), "a.fits")
    assert spectrum.quality == Quality.HEADER_INCOMPLETE


def test_no_subclass_is_none() -> None:
    spectrum = read_bytes(files.lamost_image(CLASS="GALAXY", SUBCLASS="Non"), "a.fits")
    assert (spectrum.archive_class, spectrum.archive_subclass) == ("GALAXY", None)


def test_spectrum_without_signal_is_flagged(release: str) -> None:
    data = files.rows()
    data[:2] = 0.0
    spectrum = read_bytes(LAYOUTS[release](data), "a.fits")
    assert spectrum.quality == Quality.NO_SIGNAL
    assert spectrum.mask.all()


@pytest.mark.parametrize(
    ("given", "found"),
    [({"COEFF0": None}, "COEFF0"), ({"COEFF1": 0.0}, "COEFF1"), ({"COEFF0": 3700.0}, "3700")],
)
def test_without_wavelengths_there_is_no_spectrum(given: dict[str, object], found: str) -> None:
    with pytest.raises(UnreadableFileError, match=f"^dir/a.fits: no wavelength scale: .*{found}"):
        read_bytes(files.lamost_image(**given), "dir/a.fits")


def test_rows_in_another_order_are_refused() -> None:
    content = files.lamost_image(EXTEN0="Wavelength Flux Inverse Andmask Ormask")
    with pytest.raises(UnknownLayoutError, match=r"a\.fits: EXTEN0: .*found wavelength, flux"):
        read_bytes(content, "a.fits")


def test_image_of_another_shape_is_refused() -> None:
    with pytest.raises(UnknownLayoutError, match=r"5 rows, found shape \(4, 3909\)"):
        read_bytes(files.lamost_image(files.rows()[:4]), "a.fits")


def test_table_without_a_column_is_refused() -> None:
    content = files.lamost_table().replace(b"'ANDMASK '", b"'FLAGS   '")
    with pytest.raises(UnknownLayoutError, match=r"COADD: .*ANDMASK, found .*FLAGS"):
        read_bytes(content, "a.fits")


def test_lamost_file_without_the_table_is_refused() -> None:
    content = files.lamost_table().replace(b"'COADD   '", b"'COADD_B '")
    with pytest.raises(UnknownLayoutError, match=r"expected a table COADD, found \['COADD_B'\]"):
        read_bytes(content, "a.fits")
