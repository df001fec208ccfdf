import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from tests.learning.profiles import profiles
from vospec.learning import mean_peaks, tempered

GRID = np.linspace(6290.0, 6725.0, 290)
HALPHA = 6564.61


def test_scores_without_a_line_count_half() -> None:
    found = tempered([0.9, 0.9, 0.9, np.nan], [0.31, 0.30, np.nan, 1.0], [0.1, 0.1, 0.1, 0.1])
    np.testing.assert_array_equal(found, [0.9, 0.45, 0.45, np.nan])
    np.testing.assert_array_equal(tempered([0.8], [0.5], [np.nan]), [0.4])


def test_nothing_without_a_line_stands_above_a_half() -> None:
    scores = np.linspace(0, 1, 101)
    found = tempered(scores, np.zeros(101), np.ones(101))
    assert found.max() == 0.5
    # Among themselves they keep their order.
    np.testing.assert_array_equal(np.argsort(found), np.argsort(scores))


def test_more_asked_never_raises_a_score() -> None:
    rng = np.random.default_rng(3)
    scores, peaks, noise = rng.random(200), rng.normal(0, 1, 200), rng.random(200)
    found = [tempered(scores, peaks, noise, significance=s) for s in (0, 1, 3, 10)]
    assert np.all(np.diff(found, axis=0) <= 0)
    # Flux of another unit has noise of the same.
    np.testing.assert_array_equal(tempered(scores, 8 * peaks, 8 * noise), found[2])


def test_peaks_are_those_of_a_running_mean() -> None:
    flux = profiles(50)[0].astype(np.float64)
    near = np.abs(GRID - HALPHA) <= 10
    for width in (1, 3, 5):
        expected = uniform_filter1d(flux, width, axis=1)[:, near].max(axis=1) - 1
        found = mean_peaks(flux, GRID, centre=HALPHA, n_elements=width)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_spike_counts_a_third_and_a_line_whole() -> None:
    flux = np.ones((3, 290))
    middle = int(np.abs(GRID - HALPHA).argmin())
    flux[0, middle] += 0.3
    flux[1, middle - 1 : middle + 2] += 0.3
    flux[2, middle + 50] += 9
    np.testing.assert_allclose(mean_peaks(flux, GRID, centre=HALPHA), [0.1, 0.3, 0], atol=1e-12)


def test_missing_flux_shows_no_line() -> None:
    flux = np.full((1, 290), np.nan)
    peaks = mean_peaks(flux, GRID, centre=HALPHA)
    assert np.isnan(peaks).all()
    np.testing.assert_array_equal(tempered([1.0], peaks, [0.01]), [0.5])


def test_emission_shows_and_absorption_does_not() -> None:
    flux, classes = profiles(500)
    peaks = mean_peaks(flux, GRID, centre=HALPHA)
    found = tempered(np.ones(500), peaks, np.full(500, 0.02))
    np.testing.assert_array_equal(found, np.where(classes == 1, 1, 0.5))


def test_refuses_what_is_none() -> None:
    with pytest.raises(ValueError, match=r"shape \(1,\), found \(2,\) and \(1,\)"):
        tempered([0.5], [1.0, 2.0], [0.1])
    with pytest.raises(ValueError, match="significance: expected 0 or more, found -1"):
        tempered([0.5], [1.0], [0.1], significance=-1)
    with pytest.raises(ValueError, match="flux: expected spectra of 290 elements"):
        mean_peaks(np.ones((2, 3)), GRID, centre=HALPHA)
    with pytest.raises(ValueError, match="n_elements: expected an odd number, found 2"):
        mean_peaks(np.ones((2, 290)), GRID, centre=HALPHA, n_elements=2)
    with pytest.raises(ValueError, match="spectral_axis: expected elements around 7000"):
        mean_peaks(np.ones((2, 290)), GRID, centre=7000)
    with pytest.raises(ValueError, match="spectral_axis: expected elements around 6725"):
        mean_peaks(np.ones((2, 290)), GRID, centre=6725)
