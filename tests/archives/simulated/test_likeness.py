"""Simulated stars beside the real ones of the same types and S/N."""

import csv
from pathlib import Path

import numpy as np
import pytest

from vospec.archives import read
from vospec.archives.simulated import instruments
from vospec.archives.simulated.mixture import Kind
from vospec.archives.simulated.photospheres import LAMOST
from vospec.archives.simulated.stars import draw
from vospec.spectra import equivalent_width, log_grid, rectify
from vospec.spectra.lines import HALPHA

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
GRID = log_grid(6290.0, 6725.0)
#: Share of the area that the two histograms must have in common; samples of this size
#: drawn from one distribution have about 0.93.
LIKE = 0.7

pytestmark = pytest.mark.skipif(
    not (DATA / "lamost.csv").is_file(), reason="spectra of the archives are not at hand"
)

Measures = dict[str, np.ndarray]


def real() -> tuple[np.ndarray, list[str], list[float]]:
    """Flux on the grid, type and S/N of the real stars of types B … M."""
    flux, letters, snr = [], [], []
    with (DATA / "lamost.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        # dM1 is a dwarf, gM3 a giant of M.
        letter = row["subclass"].lstrip("dg")[:1]
        spectrum = read(DATA / row["file"])
        first = np.searchsorted(spectrum.spectral_axis, GRID[0] - 0.1)
        pixels = slice(first, first + GRID.size)
        usable = not spectrum.mask[pixels].any() and np.all(spectrum.flux[pixels] > 0)
        if row["class"] == "STAR" and letter in "BAFGKM" and usable and spectrum.snr:
            flux.append(spectrum.flux[pixels])
            letters.append(letter)
            snr.append(spectrum.snr)
    return np.array(flux, np.float64), letters, snr


def simulated(letters: list[str], snr: list[float]) -> np.ndarray:
    rng = np.random.default_rng(31)
    first = int(np.argmin(np.abs(LAMOST - GRID[0])))
    flux = []
    for letter, ratio in zip(letters, snr, strict=True):
        star = draw(Kind("absorption", "absorption", 1.0, {letter: 1.0}), rng, velocity_spread=35.0)
        exposure = instruments.lamost(star, rng, snr=ratio, size=3890)
        flux.append(exposure.flux[first : first + GRID.size])
    return np.array(flux)


def measure(flux: np.ndarray) -> Measures:
    rectified = rectify(flux, GRID)
    place = (GRID - GRID.mean()) / (GRID[-1] - GRID[0])
    level = flux / np.median(flux, axis=1)[:, None]
    near = np.abs(GRID - HALPHA) < 8.0
    # Three pixels together are one element of resolution.
    smooth = np.apply_along_axis(np.convolve, 1, rectified.flux, np.ones(3) / 3.0, "same")
    depth = 1.0 - smooth[:, near].min(axis=1)
    area = equivalent_width(rectified.flux, GRID, window=(HALPHA - 40.0, HALPHA + 40.0))
    return {
        "slope": np.polyfit(place, level.T, 1)[0],
        "noise": np.asarray(rectified.noise),
        "depth": depth,
        "width": area / np.maximum(depth, 0.02),
    }


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Area that the histograms over the deciles of both samples have in common."""
    edges = np.quantile(np.concatenate([one, other]), np.linspace(0.0, 1.0, 11))
    shares = [np.histogram(sample, edges)[0] / sample.size for sample in (one, other)]
    return float(np.minimum(*shares).sum())


@pytest.fixture(scope="module")
def samples() -> tuple[list[str], Measures, Measures]:
    flux, letters, snr = real()
    assert len(letters) > 250
    return letters, measure(flux), measure(simulated(letters, snr))


def test_overlap_tells_same_from_other() -> None:
    rng = np.random.default_rng(32)
    one, same, other = rng.normal(size=300), rng.normal(size=300), rng.normal(2.0, 1.0, 300)
    assert overlap(one, same) > 0.85
    assert overlap(one, other) < 0.5


@pytest.mark.parametrize("name", ["slope", "noise", "depth", "width"])
def test_distributions_overlap(samples: tuple[list[str], Measures, Measures], name: str) -> None:
    _, real_values, simulated_values = samples
    assert overlap(real_values[name], simulated_values[name]) > LIKE


@pytest.mark.parametrize("letter", "AFGK")
@pytest.mark.parametrize("name", ["slope", "depth", "width"])
def test_medians_of_a_type_lie_within_each_other(
    samples: tuple[list[str], Measures, Measures], name: str, letter: str
) -> None:
    """The median of either sample is between the 10 % and 90 % quantiles of the other."""
    letters, *both = samples
    chosen = np.array(letters) == letter
    for one, other in (both, both[::-1]):
        low, high = np.quantile(one[name][chosen], [0.1, 0.9])
        assert low < np.median(other[name][chosen]) < high
