"""Every element of every feature vector comes from measured pixels: nothing is padded.

Which pixels lie under an element is told here by their edges alone, apart from the
weights of the kernels.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vospec.archives import read
from vospec.archives.simulated import simulate
from vospec.archives.spectrum import ArchiveSpectrum
from vospec.columns import UNUSABLE, Quality
from vospec.config import GridSettings
from vospec.errors import SpectrumError
from vospec.spectra import adapt, feature_vectors, log_grid, pixel_edges, resample
from vospec.spectra.features import MAX_BAD_SHARE, FeatureVectors, covers

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
GRID = log_grid(GridSettings().start_angstrom, GridSettings().stop_angstrom)


def measured(spectrum: ArchiveSpectrum) -> np.ndarray:
    """Elements that lie inside the pixels and over some part of a good one."""
    pixels, elements = pixel_edges(spectrum.spectral_axis), pixel_edges(GRID)
    good = ~spectrum.mask & np.isfinite(spectrum.flux)
    low, high = elements[:-1, None], elements[1:, None]
    overlap = np.minimum(high, pixels[1:][good]) - np.maximum(low, pixels[:-1][good])
    rounding = 1e-9 * np.diff(elements)
    inside = (elements[:-1] >= pixels[0] - rounding) & (elements[1:] <= pixels[-1] + rounding)
    return np.asarray(inside & (overlap.max(axis=1, initial=0.0) > rounding))


def vector(spectrum: ArchiveSpectrum) -> FeatureVectors:
    pixels = (spectrum.flux, spectrum.spectral_axis, GRID)
    if spectrum.collection == "ccd700":
        powers = {"resolving_power": spectrum.resolving_power, "target_resolving_power": 1800.0}
        placed = adapt(*pixels, **powers, mask=spectrum.mask)
    else:
        placed = resample(*pixels, mask=spectrum.mask)
    return feature_vectors(placed.flux, GRID, mask=placed.mask)


def check(spectrum: ArchiveSpectrum) -> Quality:
    """Hold a spectrum's vector against its pixels; return what is said of it."""
    under, made = measured(spectrum), vector(spectrum)
    quality = Quality(int(made.quality[0]))
    if quality & UNUSABLE:
        assert np.isnan(made.flux).all(), spectrum.spectrum_id
        return quality
    assert covers(spectrum.spectral_axis, GRID), spectrum.spectrum_id
    assert np.isfinite(made.flux).all(), spectrum.spectrum_id
    # What is not measured lies between measured elements, is told, and is little.
    assert under[0], spectrum.spectrum_id
    assert under[-1], spectrum.spectrum_id
    assert (~under).sum() == made.n_interpolated[0], spectrum.spectrum_id
    assert (~under).sum() <= MAX_BAD_SHARE * GRID.size, spectrum.spectrum_id
    assert bool(quality & Quality.INTERPOLATED) == (not under.all()), spectrum.spectrum_id
    return quality


def spectra_of(files: list[Path]) -> Iterator[ArchiveSpectrum]:
    for file in files:
        try:
            yield read(file)
        except SpectrumError:
            continue


@pytest.mark.skipif(
    not (DATA / "lamost.csv").is_file(), reason="spectra of the archives are not at hand"
)
@pytest.mark.parametrize(
    ("folder", "n_usable", "n_unusable"),
    # In three of LAMOST's nothing was recorded.
    [("lamost", 336, 3), ("ccd700", 18, 0), ("other", 1, 0)],
)
def test_real_spectra_are_measured_throughout(folder: str, n_usable: int, n_unusable: int) -> None:
    files = [path for path in sorted((DATA / folder).rglob("*")) if ".fits" in path.name]
    found = [check(spectrum) for spectrum in spectra_of(files)]
    unusable = [quality for quality in found if quality & UNUSABLE]
    assert (len(found) - len(unusable), len(unusable)) == (n_usable, n_unusable)
    assert set(unusable) <= {Quality.NO_SIGNAL}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[ArchiveSpectrum]:
    folder = tmp_path_factory.mktemp("measured")
    simulate(folder, n_survey=100, n_training=30, seed=5)
    return list(spectra_of(sorted(folder.rglob("*.fits*"))))


def test_simulated_spectra_are_measured_throughout(simulated: list[ArchiveSpectrum]) -> None:
    found = [check(spectrum) for spectrum in simulated]
    assert len(found) == 130
    assert sum(not quality & UNUSABLE for quality in found) > 120


def test_runs_of_bad_pixels_are_told_or_refused(simulated: list[ArchiveSpectrum]) -> None:
    rng = np.random.default_rng(1)
    found = []
    for spectrum in simulated:
        axis, mask = spectrum.spectral_axis, spectrum.mask.copy()
        first = np.searchsorted(axis, rng.uniform(GRID[0] - 5.0, GRID[-1] + 5.0))
        mask[first : first + rng.integers(3, 40)] = True
        found.append(check(replace(spectrum, mask=mask)))
    # Runs within and runs that reach an end, short and long: all kinds have occurred.
    assert any(quality & Quality.INTERPOLATED for quality in found)
    assert any(quality & Quality.BAD_PIXELS for quality in found)
    assert any(quality == 0 for quality in found)


@pytest.mark.parametrize("end", [slice(0, 1), slice(-1, None), slice(0, 3)])
def test_a_bad_element_at_an_end_is_not_extrapolated(end: slice) -> None:
    mask = np.zeros((1, GRID.size), dtype=bool)
    mask[0, end] = True
    made = feature_vectors(np.ones((1, GRID.size)), GRID, mask=mask)
    assert made.quality[0] == Quality.BAD_PIXELS
    assert np.isnan(made.flux).all()
