from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from vospec.spectra import Rectified, equivalent_width, log_grid, rectify
from vospec.spectra.rectification import ROWS_AT_ONCE, _median

GRID = log_grid(6290.0, 6725.0)
HALPHA = 6564.61
POSITION = (GRID - GRID.mean()) / np.ptp(GRID)


def gaussian(area: float, centre: float = HALPHA, sigma: float = 4.0) -> np.ndarray:
    return area * norm.pdf(GRID, centre, sigma)


def continua(n: int, seed: int = 0) -> np.ndarray:
    """Quadratic continua as steep as those of LAMOST's stars, of very different scale."""
    rng = np.random.default_rng(seed)
    slope, bend = rng.uniform(-0.4, 0.3, (2, n, 1))
    return 10 ** rng.uniform(-3, 6, (n, 1)) * (1 + slope * POSITION + bend * POSITION**2)


def late_type(depth: float) -> np.ndarray:
    """Many absorption lines, as in G and K stars, between the protected windows."""
    centres = np.random.default_rng(11).uniform(6300.0, 6720.0, 25)
    return 1.0 - depth * sum(np.exp(-0.5 * ((GRID - c) / 1.6) ** 2) for c in centres)


def assert_same(one: Rectified, other: Rectified, *, rtol: float) -> None:
    for name in ("flux", "continuum", "noise"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rtol)
    np.testing.assert_array_equal(one.fitted, other.fitted)


@pytest.mark.parametrize("area", [-8.0, -2.0, 0.0, 5.0, 100.0])
def test_line_comes_out_as_it_went_in(area: float) -> None:
    profile = 1.0 + gaussian(area)
    continuum = continua(20)
    rectified = rectify(continuum * profile, GRID)
    assert rectified.fitted.all()
    np.testing.assert_allclose(rectified.flux, np.broadcast_to(profile, (20, GRID.size)), rtol=1e-5)
    np.testing.assert_allclose(rectified.continuum, continuum, rtol=1e-5)


def test_is_least_squares_without_clipping() -> None:
    flux = np.random.default_rng(1).normal(10.0, 1.0, (4, GRID.size))
    used = (GRID < 6540.0) | (GRID > 6590.0)
    rectified = rectify(flux, GRID, protected=[(6540.0, 6590.0)], degree=3, clip=(np.inf, np.inf))
    for row, continuum in zip(flux, rectified.continuum, strict=True):
        fit = np.polynomial.Polynomial.fit(GRID[used], row[used], 3)
        np.testing.assert_allclose(continuum, fit(GRID), rtol=1e-8)


@cache
def shift_of_clipped_noise(low: float, high: float) -> float:
    """Mean of a normal variate that is clipped about that mean, at multiples of its scatter."""
    values = np.random.default_rng(20).normal(size=1_000_000)
    shift = 0.0
    for _ in range(20):
        scatter = 1.4826 * np.median(np.abs(values - shift))
        kept = (values > shift - low * scatter) & (values < shift + high * scatter)
        shift = float(values[kept].mean())
    return shift


@pytest.mark.parametrize("signal_to_noise", [20.0, 50.0, 200.0])
@pytest.mark.parametrize("area", [-6.0, 20.0])
def test_noise_moves_the_continuum_as_it_must(signal_to_noise: float, area: float) -> None:
    noise = np.random.default_rng(2).normal(0, 1 / signal_to_noise, (1000, GRID.size))
    continuum = continua(1000)
    clipped, plain = (
        rectify(continuum * (1 + gaussian(area) + noise), GRID, clip=clip).continuum / continuum
        for clip in ((2.0, 3.0), (np.inf, np.inf))
    )
    near = np.abs(GRID - HALPHA) < 20.0
    error, least_squares = (ratio[:, near].mean(axis=1) - 1.0 for ratio in (clipped, plain))
    bias = shift_of_clipped_noise(2.0, 3.0) / signal_to_noise
    # Three standard errors of a mean of 1000; clipping loses some of the elements.
    assert error.mean() == pytest.approx(bias, abs=3 * error.std() / np.sqrt(1000))
    assert error.std() < 1.2 * least_squares.std()


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.2])
def test_noise_is_measured(sigma: float) -> None:
    noise = np.random.default_rng(3).normal(0, sigma, (200, GRID.size))
    rectified = rectify(continua(200) * (1 + noise), GRID)
    assert np.median(rectified.noise) == pytest.approx(sigma, rel=0.06)


def test_absorption_lines_do_not_pull_the_continuum_down() -> None:
    noise = np.random.default_rng(4).normal(0, 0.01, (100, GRID.size))
    flux = continua(100) * (late_type(0.25) + noise)

    def offset(**clip: tuple[float, float]) -> float:
        return float(np.median(rectify(flux, GRID, **clip).continuum / continua(100)) - 1.0)

    asymmetric, symmetric = offset(), offset(clip=(3.0, 3.0))
    assert offset(clip=(np.inf, np.inf)) < symmetric < asymmetric < 0
    # Less than half the noise.
    assert asymmetric > -0.005


def test_protected_windows_take_no_part() -> None:
    rng = np.random.default_rng(15)
    flux = continua(20) * (1 + rng.normal(0, 0.02, (20, GRID.size)))
    # Lines of ±25 Å (Hα) and ±5 Å, moved by up to 400 km/s; sky lines do not move.
    lines = {HALPHA: 25.0 + 8.7, 6680.0: 5.0 + 0.7, 6302.05: 4.5, 6365.54: 4.5}
    within = np.any([np.abs(GRID - line) < width for line, width in lines.items()], axis=0)
    changed = np.where(within, flux * rng.uniform(0.2, 3.0, flux.shape), flux)
    expected = rectify(flux, GRID)
    np.testing.assert_array_equal(rectify(changed, GRID).continuum, expected.continuum)
    np.testing.assert_array_equal(rectify(changed, GRID).noise, expected.noise)


@pytest.mark.parametrize("n_spikes", [1, 6, 40])
@pytest.mark.parametrize("height", [0.2, 30.0])
def test_spikes_do_not_pull_the_continuum_up(n_spikes: int, height: float) -> None:
    rng = np.random.default_rng(5)
    clean = 1.0 + rng.normal(0, 0.01, (200, GRID.size))
    spoilt = clean.copy()
    for row in spoilt:
        spikes = rng.choice(GRID.size, n_spikes, replace=False)
        row[spikes] += height * rng.uniform(0.5, 1.0, n_spikes)
    ratio = rectify(continua(200) * spoilt, GRID).continuum / continua(200)
    # No worse than the same spectra without spikes, but for the elements lost.
    expected = rectify(continua(200) * clean, GRID).continuum / continua(200)
    assert np.std(ratio) < 1.2 * np.std(expected)
    assert np.mean(ratio) == pytest.approx(np.mean(expected), abs=1e-3)


def test_broad_wings_of_emission_keep_their_width() -> None:
    # A narrow line on a base of ±25 Å (three standard deviations).
    profile = 1 + gaussian(40.0, sigma=3.0) + gaussian(20.0, sigma=8.3)
    noise = np.random.default_rng(6).normal(0, 0.01, (100, GRID.size))
    rectified = rectify(continua(100) * (profile + noise), GRID)
    widths = equivalent_width(rectified.flux, GRID, window=(6530.0, 6600.0))
    assert widths.mean() == pytest.approx(-60.0, rel=0.005)


def test_scale_of_the_flux_does_not_matter() -> None:
    flux = continua(10) * (late_type(0.2) + np.random.default_rng(7).normal(0, 0.02, GRID.size))
    one, other = rectify(flux, GRID), rectify(flux * 2.0**40, GRID)
    np.testing.assert_array_equal(one.flux, other.flux)
    np.testing.assert_array_equal(one.continuum * 2.0**40, other.continuum)


def test_rectified_spectra_are_left_alone() -> None:
    noise = np.random.default_rng(8).normal(0, 0.02, (50, GRID.size))
    once = rectify(continua(50) * (1 + gaussian(-5.0) + noise), GRID)
    twice = rectify(once.flux, GRID)
    # Not to rounding: the level by which the flux is scaled moves a few clipped elements.
    np.testing.assert_allclose(twice.continuum, 1.0, atol=0.01)
    assert np.median(np.abs(twice.continuum - 1.0)) < 1e-3


def test_rows_do_not_meet() -> None:
    rng = np.random.default_rng(9)
    # More rows than are worked on together.
    n = 2 * ROWS_AT_ONCE + 7
    flux = continua(n) * (1 + gaussian(6.0) + rng.normal(0, 0.03, (n, GRID.size)))
    mask = rng.random(flux.shape) < 0.05
    mask[::2] = False
    order = rng.permutation(n)
    together = rectify(flux, GRID, mask=mask)
    permuted = rectify(flux[order], GRID, mask=mask[order])
    for name in ("flux", "continuum", "noise"):
        expected = getattr(together, name)
        np.testing.assert_array_equal(getattr(permuted, name), expected[order])
        for i in (0, 1, 190, n - 1):
            alone = rectify(flux[i], GRID, mask=mask[i])
            np.testing.assert_array_equal(getattr(alone, name)[0], expected[i])


def test_variance_is_that_of_the_quotient() -> None:
    flux = continua(5) * (
        1 + gaussian(6.0) + np.random.default_rng(19).normal(0, 0.03, (5, GRID.size))
    )
    variance = np.where(np.abs(GRID - HALPHA) < 10.0, np.nan, (0.03 * flux) ** 2)
    plain, carried = rectify(flux, GRID), rectify(flux, GRID, variance=variance)
    assert plain.variance is None
    np.testing.assert_array_equal(carried.flux, plain.flux)
    np.testing.assert_allclose(carried.variance, variance / plain.continuum**2, rtol=1e-14)
    assert np.isnan(carried.variance).any()


def test_bad_elements_take_no_part() -> None:
    rng = np.random.default_rng(10)
    flux = continua(6) * (1 + rng.normal(0, 0.02, (6, GRID.size)))
    mask = rng.random(flux.shape) < 0.1
    expected = rectify(flux, GRID, mask=mask)
    spoilt = rectify(np.where(mask, 1e9 * flux, flux), GRID, mask=mask)
    np.testing.assert_array_equal(spoilt.continuum, expected.continuum)
    np.testing.assert_array_equal(spoilt.noise, expected.noise)
    missing = rectify(np.where(mask, np.nan, flux), GRID)
    np.testing.assert_array_equal(missing.continuum, expected.continuum)
    np.testing.assert_array_equal(np.isnan(missing.flux), mask)


def test_rows_without_continuum_are_told_and_harm_no_other() -> None:
    good = continua(2)[1] * (1 + np.random.default_rng(12).normal(0, 0.02, GRID.size))
    rows = {
        "zero": np.zeros(GRID.size),
        "negative": -good,
        "missing": np.full(GRID.size, np.nan),
        "infinite": np.full(GRID.size, np.inf),
        "falls through zero": np.linspace(1.0, -0.2, GRID.size),
        "falls to zero": np.linspace(1.0, 0.0, GRID.size),
        "noise about zero": np.random.default_rng(13).normal(-0.1, 1.0, GRID.size),
        "most of it below zero": np.where(np.arange(GRID.size) % 9 < 5, -0.05, 1.0),
        "a tenth of it": np.where(np.arange(GRID.size) % 10 == 0, good, np.nan),
        "good": good,
    }
    rectified = rectify(np.stack(list(rows.values())), GRID)
    assert dict(zip(rows, rectified.fitted, strict=True)) == {name: name == "good" for name in rows}
    for values in (rectified.flux, rectified.continuum, rectified.noise):
        assert np.isnan(values[:-1]).all()
        assert np.isfinite(values[-1]).all()
    alone = rectify(good, GRID)
    np.testing.assert_allclose(rectified.flux[-1], alone.flux[0], rtol=1e-12)


def test_no_spectra_are_no_fault() -> None:
    rectified = rectify(np.empty((0, GRID.size)), GRID)
    assert rectified.flux.shape == (0, GRID.size)
    assert rectified.fitted.shape == (0,)


def test_windows_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="outside the protected windows"):
        rectify(np.ones(GRID.size), GRID, protected=[(6000.0, 7000.0)])


def test_median_of_chosen_elements_is_that_of_numpy() -> None:
    rng = np.random.default_rng(16)
    values = rng.normal(size=(50, 21))
    chosen = rng.random(values.shape) < np.linspace(0.2, 1.0, 50)[:, None]
    expected = np.nanmedian(np.where(chosen, values, np.nan), axis=1)
    hidden, count = np.where(chosen, values, np.inf), chosen.sum(axis=1)
    np.testing.assert_array_equal(_median(hidden, count), expected)
    assert np.isnan(_median(np.full_like(values, np.inf), np.zeros_like(count))).all()
