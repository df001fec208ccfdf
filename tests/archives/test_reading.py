"""Bytes that are no spectrum, and names that tell nothing."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.archives import files
from vospec.archives import read, read_bytes
from vospec.columns import Quality
from vospec.errors import SpectrumError, UnknownLayoutError, UnreadableFileError

SOUND = {
    "image": files.lamost_image(),
    "table": files.lamost_table(),
    "export": files.export(),
    "native": files.native(),
}


@pytest.mark.parametrize("layout", SOUND)
@pytest.mark.parametrize("name", ["x.fits", "x.fits.gz", "x.fit", "X"])
def test_gzip_is_known_by_its_content(layout: str, name: str) -> None:
    plain = read_bytes(SOUND[layout], "x.fits")
    packed = read_bytes(gzip.compress(SOUND[layout]), f"s3a://bucket/a b/{name}")
    np.testing.assert_array_equal(packed.flux, plain.flux)
    np.testing.assert_array_equal(packed.spectral_axis, plain.spectral_axis)
    assert packed.spectrum_id.lower() == plain.spectrum_id


@pytest.mark.parametrize("layout", SOUND)
def test_truncated_anywhere_it_is_unreadable(layout: str) -> None:
    content = SOUND[layout]
    # The data end before the last block does; its padding alone may be cut.
    for length in np.linspace(1, len(content) - 2881, 40).astype(int):
        with pytest.raises(SpectrumError, match=r"^dir/cut\.fits: "):
            read_bytes(content[:length], "dir/cut.fits")


def test_a_spec_file_cut_between_its_tables_is_flagged() -> None:
    content = files.sdss()
    cut = content[: content.index(b"XTENSION", content.index(b"XTENSION") + 1)]
    spectrum = read_bytes(cut, "cut.fits")
    assert spectrum.quality == Quality.HEADER_INCOMPLETE
    np.testing.assert_array_equal(spectrum.flux, read_bytes(content, "a.fits").flux)


def test_truncated_says_so() -> None:
    with pytest.raises(
        UnreadableFileError,
        match=r"^a\.fits: data at byte 2880: expected 78180 bytes .* found 47120$",
    ):
        read_bytes(SOUND["image"][:50000], "a.fits")


@pytest.mark.parametrize("layout", SOUND)
def test_truncated_gzip_is_unreadable(layout: str) -> None:
    content = gzip.compress(SOUND[layout])
    with pytest.raises(UnreadableFileError, match=r"^a\.fits\.gz: expected gzip, found damage"):
        read_bytes(content[: len(content) // 2], "a.fits.gz")


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "found nothing"), (b"<html>", "found bytes b'<html>'"), (b"\0" * 5000, "found bytes")],
)
def test_no_fits_at_all(content: bytes, found: str) -> None:
    with pytest.raises(UnreadableFileError, match=rf"^a\.fits: expected a FITS file, {found}"):
        read_bytes(content, "a.fits")


def test_other_fits_is_of_unknown_layout() -> None:
    primary = fits.PrimaryHDU(np.ones((3, 4)))
    primary.header["TELESCOP"] = "KPNO"
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=[1.0])], name="SPEC")
    with pytest.raises(UnknownLayoutError) as raised:
        read_bytes(files.content(primary, table), "a.fits")
    said = str(raised.value)
    assert said.startswith("a.fits: expected a low-resolution spectrum of LAMOST (image of 5 rows")
    assert "a spectrum of CCD700 (table of spectral and flux" in said
    assert "a spectrum of SDSS or BOSS (spec file" in said
    assert said.endswith("found telescope KPNO, 2 HDUs: unnamed (3, 4), SPEC (1, 4)")


def test_spectra_of_one_scale_share_their_wavelengths() -> None:
    first, second = (read_bytes(files.lamost_image(), name) for name in ("a.fits", "b.fits"))
    assert first.spectral_axis is second.spectral_axis
    with pytest.raises(ValueError, match="read-only"):
        first.spectral_axis[0] = 1.0
    other = read_bytes(files.lamost_image(COEFF0=3.5840), "c.fits")
    assert other.spectral_axis[0] == pytest.approx(10**3.5840)


def test_local_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "abc.fits"
    path.write_bytes(SOUND["image"])
    assert read(path).spectrum_id == "lamost/dr7/abc"


def test_missing_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "none.fits"
    with pytest.raises(UnreadableFileError, match=r"none\.fits: cannot be opened: No such file"):
        read(path)
