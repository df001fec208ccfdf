import numpy as np
import pytest
from astropy import units
from astropy.nddata import VarianceUncertainty
from specutils import Spectrum
from specutils.manipulation import FluxConservingResampler

from vospec.spectra import log_grid, pixel_edges, resample, resampling_matrix

FINE = np.linspace(6284.0, 6734.0, 1757)
GRID = log_grid(6290.0, 6725.0)


@pytest.fixture
def flux() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.2, 3.0, (7, FINE.size))


def test_edges_of_a_linear_axis() -> None:
    np.testing.assert_allclose(pixel_edges([1.0, 2.0, 3.0, 4.0]), [0.5, 1.5, 2.5, 3.5, 4.5])


def test_edges_do_not_depend_on_where_a_logarithmic_axis_is_cut() -> None:
    long = log_grid(6200.0, 6800.0)
    first = np.searchsorted(long, GRID[0])
    np.testing.assert_allclose(
        pixel_edges(GRID), pixel_edges(long)[first : first + GRID.size + 1], rtol=1e-14
    )


@pytest.mark.parametrize("start", [3800.0, 5000.0, 6290.0, 7777.0])
def test_same_pixels_leave_every_bit(start: float) -> None:
    long, part = log_grid(3700.0, 9000.0), log_grid(start, start + 435.0)
    flux = np.random.default_rng(2).normal(size=(3, long.size))
    resampled, mask, _ = resample(flux, long, part)
    first = np.searchsorted(long, part[0])
    np.testing.assert_array_equal(resampled, flux[:, first : first + part.size])
    assert not mask.any()
    np.testing.assert_array_equal(resampling_matrix(long, part).data, 1.0)


def test_flux_is_conserved(flux: np.ndarray) -> None:
    # Pixels outside a bright stretch are dark, so that the whole of it is caught.
    flux[:, (FINE < 6300.0) | (FINE > 6710.0)] = 0.0
    resampled, _, _ = resample(flux, FINE, GRID)
    before = flux @ np.diff(pixel_edges(FINE))
    np.testing.assert_allclose(resampled @ np.diff(pixel_edges(GRID)), before, rtol=1e-12)


def test_element_is_the_mean_over_its_extent() -> None:
    resampled, _, _ = resample([1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 3.0, 4.0], [1.75, 2.75, 3.75])
    # Element 1.25 … 2.25 takes a quarter of pixel 1 and three of pixel 2, and so on.
    np.testing.assert_allclose(resampled[0], [1.75, 3.5, 7.0])


def test_constant_stays_constant_between_any_axes() -> None:
    rng = np.random.default_rng(3)
    old, new = (np.sort(rng.uniform(low, high, 200)) for low, high in ((0, 10), (1, 9)))
    resampled, mask, _ = resample(np.full((2, 200), 3.7), old, new)
    np.testing.assert_allclose(resampled[~mask], 3.7, rtol=1e-12)
    assert np.count_nonzero(~mask) > 300


def test_equals_specutils(flux: np.ndarray) -> None:
    variance = np.random.default_rng(8).uniform(0.1, 2.0, FINE.size)
    resampled, mask, spread = resample(flux, FINE, GRID, variance=variance)
    assert not mask.any()
    for row, ours, ours_variance in zip(flux, resampled, spread, strict=True):
        spectrum = Spectrum(
            flux=row * units.Jy,
            spectral_axis=FINE * units.AA,
            uncertainty=VarianceUncertainty(variance),
        )
        theirs = FluxConservingResampler()(spectrum, GRID * units.AA)
        # At the ends specutils continues the step of the axis linearly.
        np.testing.assert_allclose(ours[1:-1], theirs.flux.value[1:-1], rtol=1e-10)
        theirs_variance = theirs.uncertainty.represent_as(VarianceUncertainty).array
        np.testing.assert_allclose(ours_variance[1:-1], theirs_variance[1:-1], rtol=1e-10)


def test_rows_do_not_meet(flux: np.ndarray) -> None:
    order = np.random.default_rng(4).permutation(len(flux))
    mask = np.random.default_rng(5).random(flux.shape) < 0.3
    together, together_mask, _ = resample(flux, FINE, GRID, mask=mask)
    permuted, permuted_mask, _ = resample(flux[order], FINE, GRID, mask=mask[order])
    np.testing.assert_array_equal(permuted, together[order])
    np.testing.assert_array_equal(permuted_mask, together_mask[order])
    for i, row in enumerate(flux):
        alone, _, _ = resample(row, FINE, GRID, mask=mask[i])
        np.testing.assert_array_equal(alone[0], together[i])


def test_bad_pixels_have_no_weight(flux: np.ndarray) -> None:
    mask = np.random.default_rng(6).random(flux.shape) < 0.3
    spoilt = np.where(mask, np.random.default_rng(7).choice([np.nan, 1e30], flux.shape), flux)
    np.testing.assert_array_equal(
        resample(spoilt, FINE, GRID, mask=mask)[0], resample(flux, FINE, GRID, mask=mask)[0]
    )
    steady, steady_mask, _ = resample(np.where(mask, 99.0, 2.0), FINE, GRID, mask=mask)
    np.testing.assert_allclose(steady[~steady_mask], 2.0, rtol=1e-12)


def test_pixels_that_are_no_numbers_are_bad(flux: np.ndarray) -> None:
    flux[2, 700:705] = [np.nan, np.inf, -np.inf, np.nan, np.nan]
    mask = np.zeros(flux.shape, dtype=bool)
    mask[2, 700:705] = True
    resampled, _, _ = resample(flux, FINE, GRID)
    np.testing.assert_array_equal(resampled, resample(flux, FINE, GRID, mask=mask)[0])


def test_element_without_a_good_pixel_is_masked(flux: np.ndarray) -> None:
    mask = np.zeros(flux.shape, dtype=bool)
    mask[1, (FINE > 6560.0) & (FINE < 6570.0)] = True
    resampled, resampled_mask, _ = resample(flux, FINE, GRID, mask=mask)
    edges, gap = pixel_edges(GRID), pixel_edges(FINE)[[False, *mask[1]] | np.append(mask[1], False)]
    within = (edges[:-1] >= gap[0]) & (edges[1:] <= gap[-1])
    assert within.any()
    np.testing.assert_array_equal(resampled_mask[1], within)
    np.testing.assert_array_equal(np.isnan(resampled), resampled_mask)
    assert not resampled_mask[[0, 2, 3, 4, 5, 6]].any()


def test_nothing_is_padded(flux: np.ndarray) -> None:
    wide = log_grid(6250.0, 6750.0)
    resampled, mask, _ = resample(flux, FINE, wide)
    edges = pixel_edges(wide)
    outside = (edges[:-1] < pixel_edges(FINE)[0]) | (edges[1:] > pixel_edges(FINE)[-1])
    assert outside[0]
    assert outside[-1]
    np.testing.assert_array_equal(mask, np.broadcast_to(outside, mask.shape))
    np.testing.assert_array_equal(np.isnan(resampled), mask)


@pytest.mark.parametrize("masked", [False, True])
def test_variance_is_that_of_the_weights(masked: bool) -> None:  # noqa: FBT001 - a parameter
    # One impulse a pixel reads off every weight, and with it the variance of the sum.
    old, new = FINE[:200], log_grid(6286.0, 6330.0)
    mask = (np.random.default_rng(9).random(200) < 0.4) & masked
    variance = np.random.default_rng(10).uniform(0.1, 2.0, 200)
    weights = resample(np.eye(200), old, new, mask=mask).flux
    carried = resample(np.ones(200), old, new, mask=mask, variance=variance)
    np.testing.assert_allclose(carried.variance[0], variance @ weights**2, rtol=1e-12)


@pytest.mark.parametrize("grid", [GRID, log_grid(6295.0, 6700.0)])
def test_unknown_variance_stays_where_it_enters(flux: np.ndarray, grid: np.ndarray) -> None:
    # Between other pixels, and cut out of the same ones.
    axis = FINE if grid is GRID else log_grid(6285.0, 6733.0)
    flux = flux[:, : axis.size]
    variance = np.ones(flux.shape)
    unknown = [100, 101, 102, 150]
    variance[2, unknown] = [np.nan, -1.0, np.inf, np.nan]
    mask = np.zeros(flux.shape, dtype=bool)
    mask[2, 150] = True
    plain = resample(flux, axis, grid, mask=mask)
    carried = resample(flux, axis, grid, mask=mask, variance=variance)
    np.testing.assert_array_equal(carried.flux, plain.flux)
    np.testing.assert_array_equal(carried.mask, plain.mask)
    # A bad pixel enters nothing, whatever its variance.
    reached = resampling_matrix(axis, grid).toarray()[:, unknown[:3]].any(axis=1)
    assert reached.any()
    np.testing.assert_array_equal(np.isnan(carried.variance[2]), reached | plain.mask[2])
    assert np.isfinite(np.delete(carried.variance, 2, axis=0)).all()


def test_variance_of_another_shape_is_refused(flux: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"variance must have the shape of flux, \(7, 1757\)"):
        resample(flux, FINE, GRID, variance=np.ones(5))


def test_weights_are_shares() -> None:
    matrix = resampling_matrix(FINE, GRID)
    assert matrix.shape == (GRID.size, FINE.size)
    assert matrix.data.min() > 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("axis", [[1.0, 2.0], [3.0, 2.0, 1.0], [1.0, 1.0, 2.0], [[1.0, 2.0, 3.0]]])
def test_axis_that_is_none_is_refused(axis: list[float]) -> None:
    with pytest.raises(ValueError, match="spectral_axis"):
        pixel_edges(axis)


def test_flux_of_another_length_is_refused(flux: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(n, 1756\).*\(7, 1757\)"):
        resample(flux, FINE[1:], GRID)
