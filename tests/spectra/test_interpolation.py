import numpy as np
import pytest

from vospec.spectra import interpolate

INDEX = np.arange(50)


@pytest.fixture
def mask() -> np.ndarray:
    rng = np.random.default_rng(14)
    return rng.random((20, INDEX.size)) < np.linspace(0.0, 0.9, 20)[:, None]


def between(good: np.ndarray) -> np.ndarray:
    """Elements from the first to the last good one."""
    first, *_, last = np.flatnonzero(good)
    return (first <= INDEX) & (last >= INDEX)


def test_equals_numpy_between_good_elements(mask: np.ndarray) -> None:
    flux = np.random.default_rng(1).normal(size=mask.shape)
    filled = interpolate(np.where(mask, 1e9, flux), mask)
    for row, bad, ours, left in zip(flux, mask, filled.flux, filled.mask, strict=True):
        inside = between(~bad)
        expected = np.interp(INDEX[inside], INDEX[~bad], row[~bad])
        np.testing.assert_allclose(ours[inside], expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(left, ~inside)
    np.testing.assert_array_equal(filled.flux[~mask], flux[~mask])


def test_nothing_is_extrapolated(mask: np.ndarray) -> None:
    filled = interpolate(np.ones(mask.shape), mask, variance=np.ones(mask.shape))
    assert filled.mask.any()
    np.testing.assert_array_equal(np.isnan(filled.flux), filled.mask)
    np.testing.assert_array_equal(np.isnan(filled.variance), filled.mask)


def test_variance_is_that_of_the_filled_flux() -> None:
    # Of many draws: the scatter of a variance of n values is √(2/n) of it.
    n, sigma = 40_000, np.array([1.0, 9.0, 9.0, 9.0, 2.0, 3.0])
    draws = np.random.default_rng(2).normal(size=(n, 6)) * sigma
    bad = np.array([False, True, True, True, False, False])
    filled = interpolate(draws, np.broadcast_to(bad, draws.shape), variance=sigma**2)
    scatter = np.var(filled.flux, axis=0)
    np.testing.assert_allclose(filled.variance[0], scatter, rtol=5 * np.sqrt(2 / n))
    # A quarter of the way: 9/16 of the first and 1/16 of the second.
    assert filled.variance[0, 1] == pytest.approx((9 * 1 + 1 * 4) / 16)


def test_unknown_variance_makes_unknown_what_rests_on_it() -> None:
    variance = np.array([1.0, np.nan, 1.0, 1.0, 1.0, 1.0])
    bad = np.array([[False, False, True, False, True, False]])
    filled = interpolate(np.ones((1, 6)), bad, variance=variance)
    np.testing.assert_array_equal(np.isnan(filled.variance[0]), [0, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(filled.flux, np.ones((1, 6)))


def test_what_is_no_number_is_filled() -> None:
    filled = interpolate([[1.0, np.nan, np.inf, 4.0]])
    np.testing.assert_allclose(filled.flux, [[1.0, 2.0, 3.0, 4.0]])
    assert not filled.mask.any()


def test_interpolation_of_nothing_is_nothing() -> None:
    filled = interpolate(np.ones((2, 5)), np.array([[True], [False]]) & np.ones(5, dtype=bool))
    np.testing.assert_array_equal(filled.flux, [[np.nan] * 5, [1.0] * 5])
