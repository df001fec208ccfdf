"""Bytes that are no spectrum, and names that tell nothing."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.archives import files
from vospec.archives import read, read_bytes
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


def test_truncated_says_so() -> None:
    with pytest.raises(
        UnreadableFileError,
        match=r"^a\.fits: expected a sound FITS file, found damage within its 50000 bytes",
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
    primary = fits.PrimaryHDU(np.ones((3, 3)))
    primary.header["TELESCOP"] = "KPNO"
    with pytest.raises(UnknownLayoutError, match=r"^a\.fits: expected .* found telescope KPNO"):
        read_bytes(files.content(primary), "a.fits")


@pytest.mark.parametrize("layout", SOUND)
def test_damaged_headers_raise_nothing_else(layout: str) -> None:
    rng = np.random.default_rng(20)
    content = SOUND[layout]
    spectra, faults = 0, 0
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, 2880 * 2, 8):
            damaged[place] = rng.integers(32, 127)
        try:
            spectrum = read_bytes(bytes(damaged), "a.fits")
        except SpectrumError as fault:
            faults += 1
            assert str(fault).startswith("a.fits: ")  # noqa: PT017 - both outcomes are right
        else:
            spectra += 1
            assert spectrum.flux.shape == spectrum.mask.shape == spectrum.spectral_axis.shape
    assert spectra + faults == 60


def test_local_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "abc.fits"
    path.write_bytes(SOUND["image"])
    assert read(path).spectrum_id == "lamost/dr7/abc"


def test_missing_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "none.fits"
    with pytest.raises(UnreadableFileError, match=r"none\.fits: cannot be opened: No such file"):
        read(path)
