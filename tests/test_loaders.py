"""Files of the archives as specutils' spectra."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.nddata import InverseVariance
from specutils import SpectralRegion, Spectrum, SpectrumList
from specutils.analysis import centroid, equivalent_width, line_flux
from specutils.io.registers import identify_spectrum_format
from specutils.manipulation import extract_region

import vospec
from tests.archives import files
from vospec import archives, loaders
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
REAL = {
    "dr1": "lamost/dr1/bt-cmi-lamost.fits",
    "ccd700 export": "ccd700/gamma-cas-emission.fits",
    "ccd700 native": "ccd700/native/ua280060.fits",
}
LAYOUTS = {
    "lamost dr1": (files.lamost_dr1(), "LAMOST"),
    "lamost image": (files.lamost_image(), "LAMOST"),
    "lamost table": (files.lamost_table(), "LAMOST"),
    "ccd700 export": (files.export(), "CCD700"),
    "ccd700 native": (files.native(), "CCD700"),
}
real = pytest.mark.skipif(
    not (DATA / "lamost.csv").is_file(), reason="spectra of the archives are not at hand"
)


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    content, name = LAYOUTS[request.param]
    path = tmp_path / "spectrum.fits"
    path.write_bytes(content)
    return path, name


def same(spectrum: Spectrum, path: Path) -> None:
    """The spectrum is what the archive's reader tells."""
    expected = archives.read(path)
    assert spectrum.spectral_axis.unit == units.AA
    assert np.array_equal(spectrum.spectral_axis.value, expected.spectral_axis)
    assert spectrum.flux.unit == units.ct
    assert np.array_equal(spectrum.flux.value, expected.flux)
    assert np.array_equal(spectrum.mask, expected.mask)
    assert (spectrum.uncertainty is None) == (expected.ivar is None)
    if expected.ivar is not None:
        assert isinstance(spectrum.uncertainty, InverseVariance)
        known = expected.ivar > 0
        assert np.array_equal(spectrum.uncertainty.array[known], expected.ivar[known])
        assert np.isnan(spectrum.uncertainty.array[~known]).all()
    assert spectrum.redshift.value == pytest.approx(expected.redshift or 0.0, abs=1e-12)
    for name in ("spectrum_id", "object", "ra", "resolving_power", "quality", "archive_id"):
        assert spectrum.meta[name] == getattr(expected, name)


def test_every_layout_is_read(layout: tuple[Path, str]) -> None:
    path, _ = layout
    spectrum = vospec.read(path)
    same(spectrum, path)
    assert spectrum.meta["position"].ra.deg == pytest.approx(spectrum.meta["ra"])
    assert spectrum.meta["time"].mjd == pytest.approx(spectrum.meta["mjd"])
    assert spectrum.meta["quality_meaning"] == ()


@pytest.mark.parametrize("packed", [False, True])
def test_specutils_knows_the_format(layout: tuple[Path, str], *, packed: bool) -> None:
    path, name = layout
    if packed:
        # Under a plain name, as LAMOST has such files.
        path.write_bytes(gzip.compress(path.read_bytes()))
    best = identify_spectrum_format(path)
    assert name in ([best] if isinstance(best, str) else best)
    same(Spectrum.read(path), path)
    same(Spectrum.read(path, format=name), path)
    same(Spectrum.read(str(path)), path)
    with path.open("rb") as stream:
        same(Spectrum.read(stream), path)
    (only,) = SpectrumList.read(path)
    same(only, path)


def test_other_files_are_left_to_others(tmp_path: Path, layout: tuple[Path, str]) -> None:
    path, name = layout
    cut = path.read_bytes()[:80]
    for number, content in enumerate(
        (
            b"",
            b"TELESCOP= 'LAMOST'",
            cut,
            gzip.compress(cut)[:-9],
            b"\x1f\x8b damaged",
            files.lamost_image(TELESCOP="SDSS 2.5-M"),
            files.export(DS_IDPUB="ivo://asu.cas.cz/stel/heros/1"),
        )
    ):
        other = tmp_path / f"{number}.fits"
        other.write_bytes(content)
        for known in (loaders._is_lamost, loaders._is_ccd700):
            assert not known("read", str(other), None)
    assert identify_spectrum_format(path) != []
    assert not loaders._is_lamost("write", str(path), None)
    assert name in {"LAMOST", "CCD700"}


def test_a_stream_stands_where_it_stood(layout: tuple[Path, str]) -> None:
    path, name = layout
    with path.open("rb") as stream:
        stream.seek(0)
        assert loaders._is_lamost("read", None, stream) == (name == "LAMOST")
        assert loaders._is_ccd700("read", None, stream) == (name == "CCD700")
        assert stream.tell() == 0


def test_what_is_wrong_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "bad.fits"
    path.write_bytes(files.lamost_image(**{"DATE-OBS": None, "RA": None}))
    meta = vospec.read(path).meta
    assert meta["position"] is None
    assert meta["time"] is None
    assert meta["quality"] == Quality.NO_POSITION | Quality.NO_TIME
    assert meta["quality_meaning"] == (
        "the header gives no usable position",
        "the header gives no usable time",
    )


def test_a_variance_that_is_not_known_removes_no_pixel(tmp_path: Path) -> None:
    rows = files.rows()
    rows[1, 10:20] = 0
    path = tmp_path / "line.fits"
    path.write_bytes(files.lamost_image(rows))
    spectrum = vospec.read(path)
    unknown = np.isnan(spectrum.uncertainty.array)
    assert np.array_equal(np.flatnonzero(unknown), np.arange(10, 20))
    assert not spectrum.mask.any()
    assert spectrum.uncertainty.unit == units.ct**-2


def test_faults_are_those_of_the_archives(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.fits"):
        vospec.read(tmp_path / "none.fits")
    path = tmp_path / "other.fits"
    path.write_bytes(files.lamost_image(TELESCOP="Other"))
    with pytest.raises(UnknownLayoutError, match=r"other\.fits: expected"):
        vospec.read(path)


@pytest.mark.parametrize("width", [1.0, 3.0])
def test_measures_of_specutils_are_those_of_the_line(width: float, tmp_path: Path) -> None:
    """A Gaussian of height 2 over a continuum of 1 has the equivalent width -2 σ √(2π)."""
    pixel = np.arange(files.SIZE)
    wavelength = 10 ** (files.COEFF0 + files.COEFF1 * pixel)
    rows = files.rows()
    rows[0] = 1 + 2 * np.exp(-0.5 * ((wavelength - 6564.61) / width) ** 2)
    path = tmp_path / "line.fits"
    path.write_bytes(files.lamost_image(rows))
    line = extract_region(vospec.read(path), SpectralRegion(6500 * units.AA, 6630 * units.AA))
    area = 2 * width * np.sqrt(2 * np.pi)
    measured = equivalent_width(line, continuum=1 * units.ct)
    # Pixels of 1.5 Å sample a Gaussian of σ = 1 Å to 0.02 %.
    assert measured.to_value(units.AA) == pytest.approx(-area, rel=1e-3)
    flux = line_flux(line - 1 * units.ct)
    assert flux.to_value(units.ct * units.AA) == pytest.approx(area, rel=1e-3)
    middle = centroid(line - 1 * units.ct, regions=None)
    assert middle.to_value(units.AA) == pytest.approx(6564.61, abs=0.01)


def test_a_spectrum_survives_writing_by_specutils(layout: tuple[Path, str], tmp_path: Path) -> None:
    spectrum = vospec.read(layout[0])
    written = tmp_path / "written.fits"
    spectrum.write(written, format="tabular-fits")
    again = Spectrum.read(written, format="tabular-fits")
    assert again.flux.unit == units.ct
    assert np.array_equal(again.flux.value, spectrum.flux.value)
    assert np.array_equal(again.spectral_axis.value, spectrum.spectral_axis.value)


@real
def test_all_real_files() -> None:
    seen = 0
    for folder in (*(DATA / "lamost").iterdir(), DATA / "ccd700"):
        paths = sorted(folder.rglob("*.fits*"))
        for path in paths:
            same(vospec.read(path), path)
        # specutils asks all of its loaders, which takes a while.
        for path in paths[:2]:
            same(Spectrum.read(path), path)
        seen += len(paths)
    assert seen >= 339 + 17


@real
def test_emission_of_real_stars_is_measured() -> None:
    """BT CMi's Hα has no variance in LAMOST, and is there all the same."""
    spectrum = vospec.read(DATA / "lamost/dr1/bt-cmi-lamost.fits")
    line = SpectralRegion(6556.9 * units.AA, 6572 * units.AA)
    inside = extract_region(spectrum, line)
    assert not inside.mask.any()
    assert np.isnan(inside.uncertainty.array).all()
    beside = extract_region(spectrum, SpectralRegion(6580 * units.AA, 6620 * units.AA))
    continuum = np.median(beside.flux)
    assert equivalent_width(inside, continuum=continuum) < -5 * units.AA


@real
@pytest.mark.parametrize("name", REAL)
def test_a_loader_in_the_home_folder_needs_no_import(name: str, tmp_path: Path) -> None:
    folder = tmp_path / ".specutils"
    folder.mkdir()
    (folder / "vospec_loaders.py").write_text("import vospec.loaders\n")
    program = (
        "import sys; from specutils import Spectrum; "
        "print(Spectrum.read(sys.argv[1]).meta['spectrum_id'])"
    )
    path = DATA / REAL[name]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout.strip() == archives.read(path).spectrum_id


def test_the_package_itself_stays_light() -> None:
    program = (
        "import sys, vospec; "
        "print([m for m in ('numpy', 'astropy', 'specutils', 'pyspark') if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
