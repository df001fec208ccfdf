"""The continuum from O stars to M dwarfs: simulated ones, whose continuum is known, and real.

``pytest -s`` prints the bias of the continuum at Hα and of the line's equivalent width.
"""

import csv
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from vospec.archives import read
from vospec.archives.simulated import instruments, stars
from vospec.archives.simulated.mixture import SURVEY
from vospec.archives.simulated.photospheres import LAMOST
from vospec.archives.simulated.stars import Star
from vospec.spectra import equivalent_width, log_grid, pixel_edges, rectify, resample

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
GRID = log_grid(6310.0, 6725.0)
FIRST = int(np.searchsorted(LAMOST, GRID[0] - 0.1))
PIXELS = slice(FIRST, FIRST + GRID.size)
LINE = (6544.6, 6584.6)
NEAR = np.abs(GRID - 6564.6) < 30.0
TYPES = ("O5", "B0", "B5", "A0", "A5", "F0", "F5", "G0", "G5", "K0", "K5", "M0", "M2", "M4", "M6")
SNRS = (5.0, 10.0, 20.0, 50.0, 200.0)
N = 40
BANDS = tuple(name for name in TYPES if name[0] == "M")
FLANKS = ((GRID > 6530.0) & (GRID < 6545.0)) | ((GRID > 6585.0) & (GRID < 6600.0))
#: Mean of normal noise clipped at -2 and +3 about that mean, in units of its scatter;
#: test_rectification derives it from a million variates.
CLIP_SHIFT = 0.06
PLAIN = next(kind for kind in SURVEY if kind.name == "absorption")


@dataclass(frozen=True)
class Hot(Star):
    """An O star: hotter than the simulator's types."""

    @property
    def kelvin(self) -> float:
        return 40_000.0


def star(spectral_type: str, rng: np.random.Generator) -> Star:
    drawn = stars.draw(PLAIN, rng, velocity_spread=35.0)
    rotation = {"O": 160.0, "B": 160.0, "A": 120.0, "F": 35.0}.get(spectral_type[0], 6.0)
    turning = {"v_sin_i": abs(rng.normal(0.0, rotation))}
    if spectral_type[0] == "O":
        return Hot(**(vars(drawn) | turning | {"spectral_type": "B0"}))
    return replace(drawn, spectral_type=spectral_type, **turning)


@dataclass(frozen=True)
class Batch:
    """Observed flux, the continuum under it and flux over continuum without noise."""

    flux: np.ndarray
    continuum: np.ndarray
    profile: np.ndarray


@cache
def observed(spectral_type: str, snr: float) -> Batch:
    rng = np.random.default_rng([TYPES.index(spectral_type), int(snr)])
    rows = []
    for _ in range(N):
        one = star(spectral_type, rng)
        exposure = instruments.lamost(one, rng, snr=snr, size=3800)
        profile = instruments.normalised(one, pixel_edges(GRID), 1800.0)
        rows.append((exposure.flux[PIXELS], exposure.continuum[PIXELS], profile))
    return Batch(*(np.stack(arrays) for arrays in zip(*rows, strict=True)))


def level(flux: np.ndarray, continuum: np.ndarray, **clip: tuple[float, float]) -> np.ndarray:
    """How far the fit at Hα lies above the true continuum, relative to it."""
    return np.asarray((rectify(flux, GRID, **clip).continuum / continuum)[:, NEAR].mean(axis=1) - 1)


def tell(spectral_type: str, cells: list[np.ndarray]) -> None:
    told = (f"{100 * np.mean(cell):6.2f} % ±{100 * np.std(cell):4.2f}" for cell in cells)
    print(f"\n{spectral_type}:", " |".join(told), end="")  # noqa: T201 - asked for by -s


@pytest.mark.parametrize("spectral_type", [name for name in TYPES if name not in BANDS])
def test_continuum_lies_between_the_lines_and_the_truth(spectral_type: str) -> None:
    cells = []
    for snr in SNRS:
        batch = observed(spectral_type, snr)
        bias = level(batch.flux, batch.continuum)
        noise = np.std(batch.flux / batch.continuum - batch.profile)
        # A clip that leaves out more below than above raises the fit through all elements,
        # lines included; and it raises pure noise by a share of its scatter. What a cubic
        # does not follow of the continuum itself shows in a fit of it alone.
        plain = {"clip": (np.inf, np.inf)}
        low = level(batch.continuum * batch.profile, batch.continuum, **plain).mean()
        high = level(batch.continuum, batch.continuum, **plain).mean() + CLIP_SHIFT * noise
        error = 3.0 * bias.std() / np.sqrt(N)
        assert low - error < bias.mean() < high + error, snr
        cells.append(bias)
    tell(spectral_type, cells)


@pytest.mark.parametrize("spectral_type", [name for name in TYPES if name not in BANDS])
def test_error_of_the_width_is_that_of_the_continuum(spectral_type: str) -> None:
    # W = ∫ (1 - F) dλ over ±20 Å: a continuum that is wrong by q makes F wrong by -q F.
    for snr in SNRS:
        batch = observed(spectral_type, snr)
        found = equivalent_width(rectify(batch.flux, GRID).flux, GRID, window=LINE)
        truth = equivalent_width(batch.flux / batch.continuum, GRID, window=LINE)
        expected = level(batch.flux, batch.continuum) * (LINE[1] - LINE[0] - truth)
        # The level is a mean over ±30 Å, within which it may slope.
        np.testing.assert_allclose(found - truth, expected, atol=0.2 + 2.0 / snr)


@pytest.mark.parametrize("spectral_type", BANDS)
def test_continuum_of_m_stars_is_that_beside_the_line(spectral_type: str) -> None:
    # Bands hide their continuum; a line is measured against what stands beside it.
    cells = []
    for snr in SNRS:
        batch = observed(spectral_type, snr)
        beside = batch.continuum * batch.profile / rectify(batch.flux, GRID).continuum
        cells.append(1.0 / beside[:, FLANKS].mean(axis=1) - 1.0)
        error = 3.0 * cells[-1].std() / np.sqrt(N)
        assert abs(cells[-1].mean()) < 0.02 + error, snr
    tell(spectral_type, cells)


@pytest.mark.parametrize("spectral_type", TYPES)
def test_all_types_have_a_continuum(spectral_type: str) -> None:
    for snr in SNRS:
        assert rectify(observed(spectral_type, snr).flux, GRID).fitted.all()


@pytest.mark.skipif(
    not (DATA / "lamost.csv").is_file(), reason="spectra of the archives are not at hand"
)
def test_real_stars_beside_the_line_are_level() -> None:
    # A stars are left out: the wings of Hα reach over the flanks.
    with (DATA / "lamost.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["subclass"][:1] in set("FGKM")]
    placed = [resample(s.flux, s.spectral_axis, GRID, mask=s.mask) for s in
              (read(DATA / row["file"]) for row in rows)]  # fmt: skip
    flux, mask = (np.concatenate([one[i] for one in placed]) for i in (0, 1))
    rectified = rectify(flux, GRID, mask=mask)
    for letter in "FGKM":
        of_type = np.array([row["subclass"][0] == letter for row in rows]) & rectified.fitted
        levels = np.median(rectified.flux[of_type][:, FLANKS], axis=1)
        print(f"\n{letter} {len(levels)}: {np.median(levels):.3f} ±{levels.std():.3f}", end="")  # noqa: T201 - as above
        assert len(levels) > 10
        assert np.median(levels) == pytest.approx(1.0, abs=0.02)
