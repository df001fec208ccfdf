import numpy as np
import pytest
from astropy import units
from astropy.convolution import Gaussian1DKernel, convolve
from scipy.stats import norm
from specutils import Spectrum
from specutils.manipulation import gaussian_smooth

from vospec.spectra import (
    adapt,
    convolution_matrix,
    fwhm_difference,
    kernel_fwhm,
    log_grid,
    pixel_edges,
    resample,
)

FINE = np.arange(6284.0, 6734.0, 0.2567)
GRID = log_grid(6290.0, 6725.0)
FWHM = 2 * np.sqrt(2 * np.log(2))
POWERS = {"resolving_power": 13000.0, "target_resolving_power": 1800.0}


def moments(flux: np.ndarray, axis: np.ndarray) -> tuple[float, float, float]:
    """Area, mean and standard deviation of a line of flux above zero."""
    weight = flux * np.diff(pixel_edges(axis))
    mean = weight @ axis / weight.sum()
    return weight.sum(), mean, np.sqrt(weight @ (axis - mean) ** 2 / weight.sum())


def test_kernel_is_the_difference_of_the_resolutions() -> None:
    width = kernel_fwhm([6564.6], **POWERS)
    assert width[0] == pytest.approx(np.sqrt((6564.6 / 1800) ** 2 - (6564.6 / 13000) ** 2))
    assert width[0] == pytest.approx(3.61, abs=0.005)


@pytest.mark.parametrize("centre", [6400.3, 6564.61, 6680.0])
@pytest.mark.parametrize("fwhm", [0.5, 2.0, 6.0])
def test_gaussian_lines_add_in_quadrature(centre: float, fwhm: float) -> None:
    line = norm.pdf(FINE, centre, fwhm / FWHM)
    kernel = kernel_fwhm(FINE, **POWERS)
    area, mean, sigma = moments(convolution_matrix(FINE, kernel) @ line, FINE)
    wanted = np.hypot(fwhm, np.interp(centre, FINE, kernel)) / FWHM
    # The kernel grows by 1 in 1800/2.35 Å, so the area may grow by its square, 1e-7 or so.
    assert area == pytest.approx(line.sum() * 0.2567, rel=3e-6)
    assert mean == pytest.approx(centre, abs=2e-3)
    assert sigma == pytest.approx(wanted, rel=1e-4)


def test_line_of_the_finer_instrument_gets_the_resolving_power_of_the_survey() -> None:
    centre = 6564.61
    line = 1.0 + norm.pdf(FINE, centre, centre / 13000 / FWHM)
    adapted, mask, _ = adapt(line, FINE, GRID, **POWERS)
    assert not mask.any()
    area, mean, sigma = moments(adapted[0] - 1.0, GRID)
    assert area == pytest.approx(1.0, rel=1e-5)
    assert mean == pytest.approx(centre, abs=0.01)
    # Pixels of width w, of the old and the new axis, add w²/12 to the variance.
    pixels = (0.2567**2 + (centre * np.log(10) * 1e-4) ** 2) / 12
    assert np.sqrt(sigma**2 - pixels) == pytest.approx(centre / 1800 / FWHM, rel=2e-3)


def test_equals_astropy_where_the_kernel_is_constant() -> None:
    flux = np.random.default_rng(1).uniform(0.5, 2.0, FINE.size)
    ours = convolution_matrix(FINE, 3.6) @ flux
    kernel = Gaussian1DKernel((3.6 * units.AA / FWHM / (0.2567 * units.AA)).value, x_size=61)
    theirs = convolve(flux, kernel, boundary="extend")
    np.testing.assert_allclose(ours[31:-31], theirs[31:-31], rtol=1e-6)


def test_equals_specutils_where_the_kernel_is_constant() -> None:
    flux = np.random.default_rng(6).uniform(0.5, 2.0, FINE.size)
    spectrum = Spectrum(flux=flux * units.Jy, spectral_axis=FINE * units.AA)
    theirs = gaussian_smooth(spectrum, stddev=3.6 / FWHM / 0.2567).flux.value
    ours = convolution_matrix(FINE, 3.6) @ flux
    # Theirs is cut at four standard deviations, which hold all but 6e-5 of the area.
    np.testing.assert_allclose(ours[31:-31], theirs[31:-31], rtol=2e-4)


@pytest.mark.parametrize("centre", [6320.4, 6500.0, 6564.61, 6700.7])
@pytest.mark.parametrize(
    ("own", "target"),
    [
        (0.5, 3.4),
        (0.8, 1.1),
        # Widths that change with wavelength: of constant resolving power, and falling.
        (FINE / 13000.0, FINE / 1800.0),
        (0.5, 5.0 - 0.002 * (FINE - 6284.0)),
    ],
)
def test_line_gets_the_width_of_the_other_instrument(
    centre: float, own: float | np.ndarray, target: float | np.ndarray
) -> None:
    kernel = fwhm_difference(own, target)
    at = {name: np.interp(centre, FINE, np.broadcast_to(width, FINE.shape))
          for name, width in (("own", own), ("target", target))}  # fmt: skip
    line = norm.pdf(FINE, centre, at["own"] / FWHM)
    area, mean, sigma = moments(convolution_matrix(FINE, kernel) @ line, FINE)
    # A kernel that grows by g a unit of wavelength changes moments by g and g² at most.
    growth = np.max(np.abs(np.gradient(np.broadcast_to(kernel, FINE.shape), FINE))) / FWHM
    assert area == pytest.approx(1.0, rel=1e-5 + growth**2)
    assert mean == pytest.approx(centre, abs=1e-4 + 2 * growth * at["target"])
    assert sigma == pytest.approx(at["target"] / FWHM, rel=1e-4 + 10 * growth**2)


def test_widths_in_angstrom_and_resolving_powers_say_the_same() -> None:
    np.testing.assert_allclose(
        fwhm_difference(FINE / 13000.0, FINE / 1800.0), kernel_fwhm(FINE, **POWERS), rtol=1e-12
    )
    flux = np.random.default_rng(7).uniform(0.5, 2.0, FINE.size)
    given = adapt(flux, FINE, GRID, **POWERS, fwhm=fwhm_difference(FINE / 13000.0, FINE / 1800.0))
    np.testing.assert_allclose(given.flux, adapt(flux, FINE, GRID, **POWERS).flux, rtol=1e-12)


@pytest.mark.parametrize(
    ("own", "target"), [(3.0, 2.0), (0.0, 1.0), (np.nan, 1.0), (1.0, np.inf), ([1.0, 3.0], 2.0)]
)
def test_narrower_target_is_refused(own: float, target: float) -> None:
    with pytest.raises(ValueError, match="target_fwhm must be at least fwhm"):
        fwhm_difference(own, target)


@pytest.mark.parametrize("masked", [False, True])
def test_variance_is_that_of_the_weights(masked: bool) -> None:  # noqa: FBT001 - a parameter
    # One impulse a pixel reads off every weight, and with it the variance of the sum.
    axis, grid = FINE[:300], log_grid(6288.0, 6355.0)
    mask = (np.random.default_rng(8).random(300) < 0.4) & masked
    variance = np.random.default_rng(9).uniform(0.1, 2.0, 300)
    weights = adapt(np.eye(300), axis, grid, **POWERS, mask=mask).flux
    carried = adapt(np.ones(300), axis, grid, **POWERS, mask=mask, variance=variance)
    np.testing.assert_allclose(carried.variance[0], variance @ weights**2, rtol=1e-12)


def test_unknown_variance_stays_within_the_reach_of_the_kernel() -> None:
    variance = np.ones((2, FINE.size))
    at = np.searchsorted(FINE, 6500.0)
    variance[1, at] = np.nan
    plain = adapt(np.ones((2, FINE.size)), FINE, GRID, **POWERS)
    carried = adapt(np.ones((2, FINE.size)), FINE, GRID, **POWERS, variance=variance)
    np.testing.assert_array_equal(carried.flux, plain.flux)
    np.testing.assert_array_equal(carried.mask, plain.mask)
    unknown = GRID[np.isnan(carried.variance[1])]
    # Five standard deviations of the kernel, half an element and a pixel.
    reach = 5 * kernel_fwhm([6500.0], **POWERS)[0] / FWHM + 0.75 + 0.26
    assert np.abs(unknown - 6500.0).max() < reach
    assert np.abs(unknown - 6500.0).max() > reach - 2.0
    assert np.isfinite(carried.variance[0]).all()


def test_pixels_of_uneven_width_count_with_their_width() -> None:
    # Steps swing between 0.15 and 0.35 Å over 40 pixels.
    axis = 6500.0 + np.cumsum(0.25 + 0.1 * np.sin(np.arange(600) / 6.4))
    smooth = convolution_matrix(axis, 4.0 * FWHM) @ norm.pdf(axis, 6575.0, 3.0)
    middle = np.abs(axis - 6575.0) < 15.0
    expected = norm.pdf(axis[middle], 6575.0, 5.0)
    np.testing.assert_allclose(smooth[middle], expected, rtol=2e-3)


def test_constant_stays_constant_to_the_ends() -> None:
    adapted, mask, _ = adapt(np.full((2, FINE.size), 4.2), FINE, GRID, **POWERS)
    np.testing.assert_allclose(adapted, 4.2, rtol=1e-12)
    assert not mask.any()


def test_no_kernel_is_plain_resampling() -> None:
    flux = np.random.default_rng(2).uniform(0.5, 2.0, (3, FINE.size))
    expected, _, _ = resample(flux, FINE, GRID)
    for kwargs in ({"target_resolving_power": 13000.0}, {**POWERS, "fwhm": 0.0}):
        adapted, _, _ = adapt(flux, FINE, GRID, **{**POWERS, **kwargs})
        np.testing.assert_allclose(adapted, expected, rtol=1e-14)


def test_kernel_of_the_paper_is_five_pixels_wide() -> None:
    flux = np.random.default_rng(3).uniform(0.5, 2.0, (3, FINE.size))
    paper, _, _ = adapt(flux, FINE, GRID, **POWERS, fwhm="paper")
    expected, _, _ = adapt(flux, FINE, GRID, **POWERS, fwhm=5 * 0.2567)
    np.testing.assert_allclose(paper, expected, rtol=1e-9)


def test_bad_pixels_neither_spread_nor_hide() -> None:
    flux = np.full((2, FINE.size), 2.0)
    bad = (FINE > 6500.0) & (FINE < 6510.0)
    flux[1, bad] = [np.nan, 1e6] * (bad.sum() // 2) + [1e6] * (bad.sum() % 2)
    adapted, mask, _ = adapt(flux, FINE, GRID, **POWERS, mask=np.array([[False], [True]]) & bad)
    np.testing.assert_array_equal(mask[1], resample(flux, FINE, GRID, mask=[bad, bad])[1][1])
    assert mask[1].sum() >= 5
    assert not mask[0].any()
    np.testing.assert_allclose(adapted[~mask], 2.0, rtol=1e-12)
    assert np.isnan(adapted[mask]).all()


def test_rows_do_not_meet() -> None:
    flux = np.random.default_rng(4).uniform(0.5, 2.0, (5, FINE.size))
    mask = np.random.default_rng(5).random(flux.shape) < 0.1
    together, _, _ = adapt(flux, FINE, GRID, **POWERS, mask=mask)
    for i in range(len(flux)):
        alone, _, _ = adapt(flux[i], FINE, GRID, **POWERS, mask=mask[i])
        np.testing.assert_array_equal(alone[0], together[i])


@pytest.mark.parametrize("target", [13001.0, 0.0, -1800.0, np.nan])
def test_higher_target_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="target_resolving_power"):
        adapt(np.ones(FINE.size), FINE, GRID, resolving_power=13000, target_resolving_power=target)


@pytest.mark.parametrize("fwhm", [-1.0, np.nan])
def test_width_that_is_none_is_refused(fwhm: float) -> None:
    with pytest.raises(ValueError, match="fwhm"):
        adapt(np.ones(FINE.size), FINE, GRID, **POWERS, fwhm=fwhm)
