"""Measures of lines on spectra of the two archives."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.spectra.synthetic import GRID
from vospec.archives import read
from vospec.columns import LineFlag
from vospec.spectra import (
    LineMeasures,
    adapt,
    arm_junction,
    feature_vectors,
    measure_lines,
    rectify,
    resample,
)

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
CCD700 = {"BT CMi": "bt-cmi-ondrejov", "HD 53416": "ud210022"}

pytestmark = pytest.mark.skipif(
    not (DATA / "lamost.csv").is_file(), reason="spectra of the archives are not at hand"
)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (DATA / "lamost.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def survey(rows: list[dict[str, str]]) -> LineMeasures:
    placed = []
    for row in rows:
        spectrum = read(DATA / row["file"])
        ivar = np.asarray(spectrum.ivar, dtype=float)
        variance = np.full_like(ivar, np.nan)
        np.divide(1.0, ivar, out=variance, where=ivar > 0)
        given = {"mask": spectrum.mask, "variance": variance}
        placed.append(resample(spectrum.flux, spectrum.spectral_axis, GRID, **given))
    flux, mask, variance = (np.concatenate(arrays) for arrays in zip(*placed, strict=True))
    vectors = feature_vectors(flux, GRID, mask=mask, variance=variance)
    return measure_lines(
        vectors.flux, GRID, noise=vectors.continuum_noise, variance=vectors.variance
    )


def full_and_adapted(name: str) -> tuple[LineMeasures, LineMeasures]:
    """Measures of a CCD700 spectrum at its own resolution and at the survey's."""
    spectrum = read(DATA / "ccd700" / f"{name}.fits")
    axis = np.asarray(spectrum.spectral_axis)
    full = rectify(spectrum.flux, axis, mask=spectrum.mask)
    flux, mask, _ = adapt(
        spectrum.flux,
        axis,
        GRID,
        resolving_power=13000.0,
        target_resolving_power=1800.0,
        mask=spectrum.mask,
    )
    vectors = feature_vectors(flux, GRID, mask=mask)
    return (
        measure_lines(full.flux, axis, noise=full.noise, resolving_power=13000.0),
        measure_lines(vectors.flux, GRID, noise=vectors.continuum_noise),
    )


def test_only_emission_stars_have_peaks(rows: list[dict[str, str]], survey: LineMeasures) -> None:
    found = {row["object"] for row, n in zip(rows, survey.n_peaks, strict=True) if n}
    assert found == set(CCD700)


def test_flags_are_rare_among_normal_stars(survey: LineMeasures) -> None:
    for flag in (LineFlag.NEBULAR, LineFlag.SKY_RESIDUAL, LineFlag.COSMIC_RAY):
        assert np.mean((survey.line_flags & flag) != 0) < 0.02


def test_arms_seldom_part(rows: list[dict[str, str]]) -> None:
    found = []
    for row in rows:
        spectrum = read(DATA / row["file"])
        found += arm_junction(spectrum.flux, spectrum.spectral_axis, mask=spectrum.mask).tolist()
    assert np.mean(found) < 0.02


@pytest.mark.parametrize("name", sorted(CCD700))
def test_both_archives_show_the_same_star(
    rows: list[dict[str, str]], survey: LineMeasures, name: str
) -> None:
    lamost = [row["object"] for row in rows].index(name)
    full, adapted = full_and_adapted(CCD700[name])
    # The instruments differ in time, too: discs change their strength by some tenths, their
    # width hardly.
    assert survey.fwhm[lamost] == pytest.approx(adapted.fwhm[0], rel=0.06)
    assert survey.equivalent_width[lamost] == pytest.approx(full.equivalent_width[0], abs=1.5)
    # Two peaks closer than the survey's resolution are one there.
    assert full.n_peaks.tolist() == [2]
    assert full.peak_separation[0] < 190.0
    assert adapted.n_peaks.tolist() == [1]


def test_resolution_leaves_the_equivalent_width_as_it_is() -> None:
    differences, errors = [], []
    for path in sorted((DATA / "ccd700").glob("*.fits")):
        full, adapted = full_and_adapted(path.stem)
        differences.append(adapted.equivalent_width[0] - full.equivalent_width[0])
        errors.append(np.hypot(adapted.equivalent_width_error, full.equivalent_width_error)[0])
    assert np.all(np.abs(differences) < 4.0 * np.array(errors))
