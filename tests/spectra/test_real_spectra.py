"""Rectification and adaptation on spectra of the two archives."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vospec.archives import read
from vospec.spectra import adapt, log_grid, peak_height, rectify, resample

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
GRID = log_grid(6290.0, 6725.0)
LIGHT_SPEED = 299_792.458

pytestmark = pytest.mark.skipif(
    not (DATA / "lamost.csv").is_file(), reason="spectra of the archives are not at hand"
)


@dataclass(frozen=True)
class Survey:
    rows: list[dict[str, str]]
    flux: np.ndarray
    mask: np.ndarray


@pytest.fixture(scope="module")
def survey() -> Survey:
    with (DATA / "lamost.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    placed = []
    for row in rows:
        spectrum = read(DATA / row["file"])
        placed.append(resample(spectrum.flux, spectrum.spectral_axis, GRID, mask=spectrum.mask)[:2])
    flux, mask = (np.concatenate(arrays) for arrays in zip(*placed, strict=True))
    return Survey(rows, flux, mask)


def adapted(files: list[str], **kernel: float | str) -> np.ndarray:
    rows = []
    for file in files:
        spectrum = read(DATA / file)
        flux, _, _ = adapt(
            spectrum.flux,
            spectrum.spectral_axis,
            GRID,
            resolving_power=13000.0,
            target_resolving_power=1800.0,
            mask=spectrum.mask,
            **kernel,
        )
        rows.append(flux[0])
    return np.stack(rows)


def residual(one: np.ndarray, other: np.ndarray) -> float:
    """RMS difference around Hα at the best shift in radial velocity.

    The survey's spectrum is shifted by interpolation, which takes away some of its noise.
    """
    near = (GRID >= 6540.0) & (GRID <= 6590.0)
    factors = 1.0 + np.arange(-300.0, 301.0, 5.0) / LIGHT_SPEED
    shifted = np.stack([np.interp(GRID[near] * factor, GRID, one) for factor in factors])
    return float(np.sqrt(np.mean((shifted - other[near]) ** 2, axis=1)).min())


def test_all_but_empty_spectra_have_a_continuum(survey: Survey) -> None:
    rectified = rectify(survey.flux, GRID, mask=survey.mask)
    empty = ~np.any(np.nan_to_num(survey.flux) > 0, axis=1)
    np.testing.assert_array_equal(rectified.fitted, ~empty)
    assert empty.sum() == 3


def test_continuum_of_stars_is_flat(survey: Survey) -> None:
    # Between the lines, for A to G stars with noise below 3 %: nothing but their noise
    # and weak lines is left.
    rectified = rectify(survey.flux, GRID, mask=survey.mask)
    early = np.array([row["subclass"][:1] in {"A", "F", "G"} for row in survey.rows])
    clean = rectified.flux[early & (rectified.noise < 0.03)]
    windows = [(6310, 6345), (6378, 6410), (6610, 6640), (6640, 6670), (6690, 6725)]
    levels = [np.nanmedian(clean[:, (low < GRID) & (high > GRID)], axis=1) for low, high in windows]
    assert len(clean) > 150
    assert np.abs(np.median(levels, axis=1) - 1.0).max() < 0.005
    assert np.std(levels) < 0.012


def test_normalised_spectra_stay_as_people_normalised_them() -> None:
    files = sorted(str(path.relative_to(DATA)) for path in (DATA / "ccd700").glob("*.fits"))
    rectified = rectify(adapted(files), GRID)
    near = np.abs(GRID - 6564.61) < 25.0
    assert rectified.fitted.all()
    assert np.abs(rectified.continuum[:, near].mean(axis=1) - 1.0).mean() < 0.006
    # At the ends a polynomial is free, and people drew splines.
    assert np.abs(rectified.continuum - 1.0).max() < 0.04


def test_same_star_looks_the_same_in_both_archives(survey: Survey) -> None:
    pairs = [i for i, row in enumerate(survey.rows) if row["ccd700_file"]]
    files = [survey.rows[i]["ccd700_file"] for i in pairs]
    lamost = rectify(survey.flux[pairs], GRID, mask=survey.mask[pairs]).flux

    def residuals(**kernel: float | str) -> np.ndarray:
        ccd700 = rectify(adapted(files, **kernel), GRID).flux
        return np.array([residual(*pair) for pair in zip(lamost, ccd700, strict=True)])

    by_resolution, by_paper, unadapted = residuals(), residuals(fwhm="paper"), residuals(fwhm=0.0)
    for summary in (np.median, np.mean):
        assert summary(by_resolution) < summary(by_paper) < summary(unadapted)
    assert np.median(by_resolution) <= 0.031
    assert by_resolution.mean() <= 0.032


def test_emission_survives(survey: Survey) -> None:
    stars = {"BT CMi": 1.5, "HD 53416": 1.0}
    index = [i for i, row in enumerate(survey.rows) if row["object"] in stars]
    rectified = rectify(survey.flux[index], GRID, mask=survey.mask[index])
    heights = peak_height(rectified.flux, GRID)
    for i, height in zip(index, heights, strict=True):
        assert height == pytest.approx(stars[survey.rows[i]["object"]], abs=0.1)
