"""The fitted kernel: on lines whose convolution is known in closed form, and on real pairs."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import erf

from vospec.archives import read
from vospec.spectra import adapt, air_to_vacuum, kernel_fwhm, log_grid, pixel_edges, rectify
from vospec.spectra.adaptation import FWHM_PER_SIGMA
from vospec.spectra.calibration import Calibration, calibrate
from vospec.spectra.comparison import WINDOW, Pair
from vospec.spectra.lines import HALPHA

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
GRID = log_grid(6310.0, 6725.0)
SURVEY_AXIS = log_grid(6000.0, 7000.0)
FINE_AXIS = air_to_vacuum(6282.0 + 0.2567 * np.arange(1757))
WIDTHS = np.arange(0.0, 8.1, 1.0)
LIGHT_SPEED = 299_792.458
WEAK = np.array([6340.0, 6395.0, 6440.0, 6497.0, 6518.0, 6610.0, 6645.0, 6700.0])


def lines(axis: np.ndarray, star: np.ndarray, *, velocity: float, kernel: float) -> np.ndarray:
    """Gaussian lines as pixels measure them, convolved: variances add, means are erf."""
    centre = np.concatenate([[HALPHA, HALPHA], WEAK]) * (1 + velocity / LIGHT_SPEED)
    depth = np.concatenate([[0.25, star[0]], np.full(WEAK.size, 0.04)])
    fwhm = np.concatenate([[22.0, star[1]], np.full(WEAK.size, 1.5)])
    sigma = np.hypot(fwhm, kernel * centre / HALPHA) / FWHM_PER_SIGMA
    edges = pixel_edges(axis)[:, None]
    integral = np.sqrt(np.pi / 2) * sigma * erf((edges - centre) / (np.sqrt(2) * sigma))
    area = depth * fwhm / FWHM_PER_SIGMA / sigma
    return 1.0 - (area * np.diff(integral, axis=0)).sum(axis=1) / np.diff(edges[:, 0])


def pairs(
    count: int, *, kernel: float, noise: float, velocities: np.ndarray, seed: int = 1
) -> list[Pair]:
    rng = np.random.default_rng(seed)
    made = []
    for velocity in velocities[:count]:
        star = np.array([rng.uniform(-1.0, 0.3), rng.uniform(2.0, 6.0)])
        slope = 1.0 + 3e-4 * (SURVEY_AXIS - HALPHA) + 2e-7 * (SURVEY_AXIS - HALPHA) ** 2
        survey = lines(SURVEY_AXIS, star, velocity=velocity, kernel=kernel) * 700.0 * slope
        survey *= 1.0 + noise * rng.standard_normal(SURVEY_AXIS.size)
        fine = lines(FINE_AXIS, star, velocity=0.0, kernel=0.0)
        fine += 0.3 * noise * rng.standard_normal(FINE_AXIS.size)
        made.append(
            Pair(
                fine,
                FINE_AXIS,
                np.zeros(FINE_AXIS.size, dtype=bool),
                survey,
                SURVEY_AXIS,
                np.zeros(SURVEY_AXIS.size, dtype=bool),
            )
        )
    return made


VELOCITIES = np.array([-137.0, 12.3, 88.8, -41.0, 210.0, 0.0])


@pytest.mark.parametrize("kernel", [1.3, 3.6, 6.2])
def test_kernel_and_velocities_without_noise_are_found(kernel: float) -> None:
    found = calibrate(pairs(4, kernel=kernel, noise=1e-6, velocities=VELOCITIES), GRID)
    # The fine pixels widen the lines twice, when measured and when taken as constant steps,
    # each time by step²/12 in variance: the kernel has that much less to do.
    less = 2 * (FWHM_PER_SIGMA * np.diff(FINE_AXIS).mean()) ** 2 / 12
    assert found.fwhm == pytest.approx(np.sqrt(kernel**2 - less), abs=0.02)
    np.testing.assert_allclose(found.velocity, VELOCITIES[:4], atol=1.0)
    assert np.all(found.after < 0.004)
    assert np.all(found.after < 0.25 * found.before)


def test_truth_lies_within_the_derived_errors() -> None:
    found = calibrate(pairs(6, kernel=3.6, noise=0.02, velocities=VELOCITIES), GRID)
    assert 0.0 < found.fwhm_error < 0.5
    # Efron (1982), chapter 3.
    spread = found.fwhm_others - found.fwhm_others.mean()
    assert found.fwhm_error == pytest.approx(np.sqrt(5 / 6 * np.sum(spread**2)))
    assert abs(found.fwhm - 3.6) < 3.0 * found.fwhm_error
    assert np.all(np.abs(found.velocity - VELOCITIES) < 4.0 * found.velocity_error)
    np.testing.assert_allclose(found.noise, 0.02, rtol=0.25)
    np.testing.assert_allclose(found.noise_share, 1.0, atol=0.6)
    assert not found.worsened.any()


def test_a_direct_search_over_all_parameters_finds_the_same() -> None:
    made = pairs(3, kernel=3.0, noise=0.01, velocities=VELOCITIES)
    near = np.abs(GRID - np.mean(WINDOW)) <= np.ptp(WINDOW) / 2

    def misfit(parameters: np.ndarray) -> float:
        width, *velocities = parameters
        total = 0.0
        for pair, velocity in zip(made, velocities, strict=True):
            axis = FINE_AXIS * (1 + 10.0 * velocity / LIGHT_SPEED)
            fine = adapt(
                pair.flux,
                axis,
                GRID,
                resolving_power=13000.0,
                target_resolving_power=1800.0,
                fwhm=width * axis / HALPHA,
            ).flux
            fine = rectify(fine, GRID).flux
            survey = np.interp(GRID, SURVEY_AXIS, np.asarray(pair.survey_flux))
            quotient = rectify(survey / fine, GRID, degree=4, clip=(3.0, 3.0)).flux
            total += near.sum() * np.log(np.mean((fine * (quotient - 1.0))[0, near] ** 2))
        return total

    start = np.array([2.5, *(VELOCITIES[:3] / 10.0 + 1.0)])
    direct = minimize(misfit, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-4})
    found = calibrate(made, GRID)
    assert direct.success
    assert found.fwhm == pytest.approx(direct.x[0], abs=0.05)
    np.testing.assert_allclose(found.velocity, 10.0 * direct.x[1:], atol=2.0)


def test_a_star_that_has_changed_does_not_decide() -> None:
    made = pairs(5, kernel=3.6, noise=0.01, velocities=VELOCITIES)
    fine = np.asarray(made[0].flux)
    changed = replace(made[0], flux=1.0 + 1.5 * (fine - 1.0))
    steady = calibrate(made[1:], GRID, widths=WIDTHS)
    disturbed = calibrate([changed, *made[1:]], GRID, widths=WIDTHS)
    assert disturbed.after[0] > 3.0 * disturbed.noise[0]
    assert disturbed.fwhm_others[0] == pytest.approx(steady.fwhm)
    assert abs(disturbed.fwhm - steady.fwhm) < disturbed.fwhm_error


def test_bad_pixels_and_order_do_not_matter() -> None:
    made = pairs(3, kernel=3.6, noise=0.005, velocities=VELOCITIES)
    spoilt = np.array(made[0].survey_flux)
    mask = np.abs(SURVEY_AXIS - 6575.0) < 3.0
    spoilt[mask] = 1e6
    fine, fine_mask = np.array(made[1].flux), np.abs(FINE_AXIS - 6568.0) < 0.3
    fine[fine_mask] = 1e6
    masked = [
        replace(made[0], survey_flux=spoilt, survey_mask=mask),
        replace(made[1], flux=fine, mask=fine_mask),
        made[2],
    ]
    found = calibrate(masked, GRID, widths=WIDTHS)
    turned = calibrate(masked[::-1], GRID, widths=WIDTHS)
    assert np.all(found.after < 0.01)
    assert turned.fwhm == pytest.approx(found.fwhm)
    np.testing.assert_allclose(turned.after[::-1], found.after)


def test_what_cannot_be_fitted_is_told() -> None:
    made = pairs(3, kernel=3.6, noise=0.005, velocities=VELOCITIES)
    with pytest.raises(ValueError, match="3 pairs of different stars, given 2"):
        calibrate(made[:2], GRID)
    with pytest.raises(ValueError, match=r"no kernel between 0\.0 and 2\.0 Å: .* least at 2\.0 Å"):
        calibrate(made, GRID, widths=np.arange(3.0))
    hidden = replace(made[0], survey_mask=np.abs(SURVEY_AXIS - HALPHA) < 50.0)
    with pytest.raises(ValueError, match="no good element of the survey's spectrum lies in"):
        calibrate([hidden, *made[1:]], GRID)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    if not (DATA / "lamost.csv").is_file():
        pytest.skip("spectra of the archives are not at hand")
    with (DATA / "lamost.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["ccd700_file"]]


@pytest.fixture(scope="module")
def real(rows: list[dict[str, str]]) -> Calibration:
    made = []
    for row in rows:
        fine, survey = read(DATA / row["ccd700_file"]), read(DATA / row["file"])
        made.append(
            Pair(
                fine.flux,
                fine.spectral_axis,
                fine.mask,
                survey.flux,
                survey.spectral_axis,
                survey.mask,
            )
        )
    return calibrate(made, GRID)


def test_real_pairs_agree_once_adapted(real: Calibration) -> None:
    assert np.median(real.after) <= 0.031
    assert np.median(real.after) < np.median(real.before) - 0.005
    assert not real.worsened.any()


def test_stars_without_emission_agree_on_average(
    real: Calibration, rows: list[dict[str, str]]
) -> None:
    # The two emission-line stars were observed years apart and have changed.
    quiet = np.array([row["halpha_label"] == "absorption" for row in rows])
    assert quiet.sum() == 13
    assert real.after[quiet].mean() <= 0.032


def test_real_width_is_that_of_the_resolving_powers(real: Calibration) -> None:
    expected = kernel_fwhm(HALPHA, resolving_power=13000.0, target_resolving_power=1800.0)
    assert 0.05 < real.fwhm_error < 0.4
    assert abs(real.fwhm - expected) < 3.0 * real.fwhm_error
