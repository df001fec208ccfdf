import numpy as np
import pytest

from vospec import spectra
from vospec.columns import UNUSABLE, Quality
from vospec.spectra.features import MAX_BAD_SHARE, covers, feature_vectors

GRID = spectra.log_grid(6310.0, 6725.0)
CONTINUUM = 100.0 + 0.05 * (GRID - 6500.0)
LINE = 1.0 + 0.8 * np.exp(-0.5 * ((GRID - 6564.6) / 4.0) ** 2)


def test_a_spectrum_becomes_flux_over_continuum() -> None:
    vectors = feature_vectors([CONTINUUM * LINE], GRID)
    np.testing.assert_allclose(vectors.flux[0], LINE, atol=1e-3)
    assert vectors.quality[0] == 0
    assert vectors.n_interpolated[0] == 0


def test_vectors_do_not_depend_on_the_scale_of_the_flux() -> None:
    one = feature_vectors([CONTINUUM * LINE], GRID).flux
    np.testing.assert_allclose(feature_vectors([1e6 * CONTINUUM * LINE], GRID).flux, one, rtol=1e-9)


def test_a_few_bad_elements_are_interpolated_and_counted() -> None:
    mask = np.zeros((1, len(GRID)), dtype=bool)
    mask[0, 20:24] = True
    flux = np.where(mask, 1e9, CONTINUUM * LINE)
    vectors = feature_vectors(flux, GRID, mask=mask)
    np.testing.assert_allclose(vectors.flux[0], LINE, atol=1e-3)
    assert vectors.quality[0] == Quality.INTERPOLATED
    assert vectors.n_interpolated[0] == 4


@pytest.mark.parametrize(
    ("flux", "n_bad", "why"),
    [
        (np.zeros(len(GRID)), 0, Quality.NO_SIGNAL),
        (-CONTINUUM, 0, Quality.NO_SIGNAL),
        (CONTINUUM, len(GRID), Quality.NO_SIGNAL),
        (CONTINUUM, int(MAX_BAD_SHARE * len(GRID)) + 1, Quality.BAD_PIXELS),
        (CONTINUUM * np.linspace(-1.0, 1.2, len(GRID)), 0, Quality.NO_CONTINUUM),
    ],
)
def test_what_cannot_be_used_has_no_vector(flux: np.ndarray, n_bad: int, why: Quality) -> None:
    # Not at an end, where a single one is too many; all of them from end to end.
    mask = np.roll(np.arange(len(GRID)) < n_bad, 50)
    vectors = feature_vectors([flux, CONTINUUM], GRID, mask=[mask, np.zeros_like(mask)])
    assert vectors.quality[0] & UNUSABLE == why
    assert np.isnan(vectors.flux[0]).all()
    assert vectors.quality[1] == 0
    assert np.isfinite(vectors.flux[1]).all()


def test_variance_is_carried_and_says_nothing_against_the_flux() -> None:
    variance = np.full((2, len(GRID)), 4.0)
    variance[1, 100:120] = np.nan
    flux = np.stack([CONTINUUM * LINE] * 2)
    mask = np.zeros(flux.shape, dtype=bool)
    mask[0, 30] = True
    plain = feature_vectors(flux, GRID, mask=mask)
    carried = feature_vectors(flux, GRID, mask=mask, variance=variance)
    np.testing.assert_array_equal(carried.flux, plain.flux)
    np.testing.assert_array_equal(carried.quality, plain.quality)
    assert np.isnan(plain.variance).all()
    np.testing.assert_array_equal(np.isnan(carried.variance), np.isnan(variance))
    # Half of each neighbour: half of their variance.
    expected = np.where(mask, 2.0, variance) / CONTINUUM**2
    np.testing.assert_allclose(carried.variance, expected, rtol=5e-3)


def test_what_overflows_in_single_precision_is_no_vector() -> None:
    flux = CONTINUUM.copy()
    flux[100] = 1e200
    vectors = feature_vectors([flux], GRID)
    assert vectors.quality[0] & Quality.NO_CONTINUUM
    assert np.isnan(vectors.flux).all()


def test_a_grid_is_covered_by_its_own_pixels_but_not_by_one_fewer() -> None:
    assert covers(GRID, GRID)
    assert not covers(GRID[1:], GRID)
    assert not covers(GRID[:-1], GRID)
