"""One fine spectrum against many survey spectra: what is found must be what was put in."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.spectra.test_calibration import DATA, GRID, pairs
from vospec.archives import ArchiveSpectrum, read
from vospec.spectra import kernel_fwhm, resample
from vospec.spectra.agreement import FLOOR, MOST, VELOCITIES, agreement, noise_of
from vospec.spectra.comparison import WINDOW, Pair, PairOnGrid, compare
from vospec.spectra.lines import HALPHA

FWHM = 3.6


def on_grid(made: list[Pair]) -> np.ndarray:
    rows = [resample(one.survey_flux, one.survey_axis, GRID, mask=one.survey_mask) for one in made]
    return np.concatenate([np.where(row.mask, np.nan, row.flux) for row in rows])


def test_the_misfit_is_that_of_the_residual_of_a_pair() -> None:
    made = pairs(4, kernel=FWHM, noise=0.01, velocities=np.array([-137.0, 12.3, 88.8, -41.0]))
    fine, survey = made[1], on_grid(made)
    found = agreement(fine.flux, fine.spectral_axis, survey, grid=GRID, fwhm=FWHM)
    expected = np.hypot(noise_of(survey, GRID), FLOOR)
    seen = (GRID > 6371.0) | ((GRID > 6308.0) & (GRID < 6361.0))
    for index, other in enumerate(made):
        crossed = replace(
            fine,
            survey_flux=other.survey_flux,
            survey_axis=other.survey_axis,
            survey_mask=other.survey_mask,
        )
        residual = PairOnGrid(crossed, GRID, WINDOW).residual(FWHM, VELOCITIES)[:, seen]
        squares = np.minimum((residual / expected[index]) ** 2, MOST**2).mean(axis=1)
        assert found.misfit[index] == pytest.approx(np.sqrt(squares.min()), rel=1e-9)
        assert found.velocity[index] == VELOCITIES[squares.argmin()]
    assert found.misfit.argmin() == 1
    assert abs(found.velocity[1] - 12.3) <= 10.0


def test_two_spectra_of_a_star_differ_by_what_is_expected() -> None:
    # All noise, and no difference beyond it: the misfit is below 1 by the floor's share.
    made = pairs(3, kernel=FWHM, noise=0.05, velocities=np.array([0.0, 40.0, -40.0]))
    for index, one in enumerate(made):
        survey = on_grid(made)[index : index + 1]
        found = agreement(one.flux, one.spectral_axis, survey, grid=GRID, fwhm=FWHM)
        assert found.misfit[0] == pytest.approx(0.05 / np.hypot(0.05, FLOOR), rel=0.15)


def test_a_cosmic_ray_is_no_other_star() -> None:
    made = pairs(3, kernel=FWHM, noise=0.01, velocities=np.array([0.0, 0.0, 0.0]))
    one, survey = made[0], on_grid(made)
    before = agreement(one.flux, one.spectral_axis, survey, grid=GRID, fwhm=FWHM)
    survey[0, 130] *= 50.0
    after = agreement(one.flux, one.spectral_axis, survey, grid=GRID, fwhm=FWHM)
    assert after.misfit[0] < before.misfit[0] + 0.2


def test_noise_is_that_which_was_put_in() -> None:
    rng = np.random.default_rng(4)
    level = np.array([0.003, 0.02, 0.1])
    flux = 500.0 * (1.0 + level[:, None] * rng.standard_normal((3, GRID.size)))
    # A median of 240 correlated differences scatters by some 7 %.
    assert noise_of(flux, GRID) == pytest.approx(level, rel=0.2)


def test_lines_are_no_noise() -> None:
    made = pairs(3, kernel=FWHM, noise=1e-6, velocities=np.array([0.0, 30.0, -30.0]))
    assert np.all(noise_of(on_grid(made), GRID) < 0.005)


def test_wherever_nothing_can_be_told_nothing_agrees() -> None:
    made = pairs(2, kernel=FWHM, noise=0.01, velocities=np.array([0.0, 50.0]))
    survey = np.repeat(on_grid(made)[:1], 4, axis=0)
    most = np.abs(GRID - HALPHA) > 60.0
    survey[1] = np.nan
    survey[2, most] = np.nan
    survey[3] = -1.0
    found = agreement(made[0].flux, made[0].spectral_axis, survey, grid=GRID, fwhm=FWHM)
    assert np.isfinite(found.misfit).tolist() == [True, False, False, False]
    assert np.isnan(found.velocity[1:]).all()


def test_scale_of_the_survey_does_not_matter() -> None:
    made = pairs(3, kernel=FWHM, noise=0.01, velocities=np.array([0.0, 50.0, -50.0]))
    one = made[0]
    found = [
        agreement(one.flux, one.spectral_axis, scale * on_grid(made), grid=GRID, fwhm=FWHM)
        for scale in (1.0, 1e4)
    ]
    assert found[0].misfit == pytest.approx(found[1].misfit, rel=1e-9)


def test_many_rows_are_as_few() -> None:
    made = pairs(6, kernel=FWHM, noise=0.02, velocities=np.arange(6) * 25.0)
    survey = np.tile(on_grid(made), (40, 1))
    one = made[0]
    whole = agreement(one.flux, one.spectral_axis, survey, grid=GRID, fwhm=FWHM)
    few = agreement(one.flux, one.spectral_axis, survey[:6], grid=GRID, fwhm=FWHM)
    assert np.array_equal(whole.misfit, np.tile(few.misfit, 40))


def test_bad_pixels_of_the_fine_spectrum_take_no_part() -> None:
    made = pairs(3, kernel=FWHM, noise=0.005, velocities=np.array([0.0, 60.0, -60.0]))
    one = made[0]
    flux = np.array(one.flux)
    spike = np.abs(np.asarray(one.spectral_axis) - HALPHA) < 0.4
    flux[spike] = 40.0
    survey = on_grid(made)
    seen = agreement(flux, one.spectral_axis, survey, grid=GRID, fwhm=FWHM)
    hidden = agreement(flux, one.spectral_axis, survey, mask=spike, grid=GRID, fwhm=FWHM)
    assert 1.5 * hidden.misfit[0] < seen.misfit[0]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    if not (DATA / "lamost.csv").is_file():
        pytest.skip("spectra of the archives are not at hand")
    with (DATA / "lamost.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_real_stars_agree_with_themselves_better_than_with_most_others(
    rows: list[dict[str, str]],
) -> None:
    survey = np.concatenate([_real(DATA / row["file"]) for row in rows])
    width = float(kernel_fwhm(HALPHA, resolving_power=13000.0, target_resolving_power=1800.0))
    own = [index for index, row in enumerate(rows) if row["ccd700_file"]]
    shares, beyond = [], []
    for index in own:
        fine = read(DATA / rows[index]["ccd700_file"])
        found = agreement(
            fine.flux, fine.spectral_axis, survey, mask=fine.mask, grid=GRID, fwhm=width
        )
        others = np.delete(found.misfit, own)
        shares.append((1 + (others <= found.misfit[index]).sum()) / (1 + others.size))
        near = compare(_pair(fine, read(DATA / rows[index]["file"])), GRID, fwhm=width).after
        beyond.append(max(near**2 - noise_of(survey[index : index + 1], GRID)[0] ** 2, 0.0) ** 0.5)
    assert np.median(beyond) == pytest.approx(FLOOR, rel=0.2)
    # Of unrelated spectra the shares would be uniform: a mean of -ln of 1, a largest of 0.94.
    assert np.mean(-np.log(shares)) > 4.5
    assert max(shares) < 0.1


def _pair(fine: ArchiveSpectrum, survey: ArchiveSpectrum) -> Pair:
    both = (fine, survey)
    return Pair(*(getattr(s, name) for s in both for name in ("flux", "spectral_axis", "mask")))


def _real(path: Path) -> np.ndarray:
    spectrum = read(path)
    made = resample(spectrum.flux, spectrum.spectral_axis, GRID, mask=spectrum.mask)
    return np.where(made.mask, np.nan, made.flux)
