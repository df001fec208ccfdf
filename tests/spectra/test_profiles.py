import numpy as np
import pytest
from astropy import units
from scipy.signal import find_peaks, peak_prominences
from specutils import Spectrum
from specutils.analysis import fwhm as specutils_fwhm

from tests.spectra.synthetic import GRID, INSTRUMENT, line, noisy, observed
from vospec.spectra import log_grid, peak_height
from vospec.spectra.adaptation import FWHM_PER_SIGMA
from vospec.spectra.lines import HALPHA
from vospec.spectra.profiles import Profiles, measure_profiles
from vospec.spectra.wavelengths import LIGHT_SPEED

#: Standard deviation of a pixel that is one pixel wide.
PIXEL = 1.511 / np.sqrt(12.0)


def measured(flux: np.ndarray, deviation: float = 1e-4) -> Profiles:
    rows = np.atleast_2d(flux)
    return measure_profiles(rows, GRID, variance=np.full(rows.shape, deviation**2))


def double(separation: float, sigma: float, ratio: float = 1.0) -> np.ndarray:
    violet, red = -separation / 2, separation / 2
    return 1.0 + observed(violet, sigma, ratio) + observed(red, sigma, 1.0)


def test_height_of_a_gaussian_is_its_peak() -> None:
    flux = 1.0 + line(GRID[180], 3.0, 12.0)
    assert peak_height(flux, GRID) == pytest.approx(
        12.0 / np.hypot(3.0, PIXEL) / np.sqrt(2 * np.pi), rel=1e-3
    )


@pytest.mark.parametrize("phase", np.linspace(-0.5, 0.5, 11))
def test_height_of_the_narrowest_line_is_nearly_free_of_its_place(phase: float) -> None:
    centre = np.interp(180 + phase, np.arange(GRID.size), GRID)
    height = peak_height(1.0 + line(centre, INSTRUMENT, 4.0), GRID)
    truth = 4.0 / np.hypot(INSTRUMENT, PIXEL) / np.sqrt(2 * np.pi)
    assert 0.955 < height / truth < 1.005


def test_height_sees_only_the_line() -> None:
    flux = np.ones(GRID.size)
    flux[np.abs(GRID - HALPHA) > 10.0] = 5.0
    assert peak_height(flux, GRID) == pytest.approx(0.0)
    assert peak_height(flux, GRID, half_width=20.0) == pytest.approx(4.0)
    with pytest.raises(ValueError, match="no pixel"):
        peak_height(flux, GRID, centre=5000.0)


@pytest.mark.parametrize("sigma", [60.0, 120.0, 250.0])
def test_width_of_a_gaussian_adds_the_instrument_in_quadrature(sigma: float) -> None:
    own = HALPHA * sigma / LIGHT_SPEED
    truth = FWHM_PER_SIGMA * np.sqrt(own**2 + INSTRUMENT**2 + PIXEL**2)
    # Straight lines between pixels cut a curve: at most step²/8 of its bend at the flank,
    # where a Gaussian of deviation s falls by 0.59 in s and bends by 0.19 in s².
    assert measured(1.0 + observed(0.0, sigma, 1.0)).fwhm == pytest.approx(truth, rel=0.02)


def test_width_equals_specutils() -> None:
    # On a pixel's centre, where the parabola's vertex is the highest pixel.
    flux = line(GRID[182], 4.0, 10.0)
    spectrum = Spectrum(flux=flux * units.dimensionless_unscaled, spectral_axis=GRID * units.AA)
    theirs = specutils_fwhm(spectrum).to_value(units.AA)
    assert measured(1.0 + flux).fwhm == pytest.approx(theirs, rel=1e-4)


def test_width_of_two_peaks_is_that_of_both() -> None:
    # Far apart, peaks of equal height: their distance and half of the width of each.
    profile = measured(double(600.0, 60.0))
    each = FWHM_PER_SIGMA * np.sqrt((HALPHA * 60 / LIGHT_SPEED) ** 2 + INSTRUMENT**2 + PIXEL**2)
    assert profile.fwhm == pytest.approx(HALPHA * 600.0 / LIGHT_SPEED + each, rel=0.02)


def test_flanks_beyond_reach_have_no_width() -> None:
    profile = measured(1.0 + line(HALPHA, 40.0, 200.0))
    assert profile.n_peaks == 1
    assert np.isnan(profile.fwhm[0])


@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.6])
def test_two_peaks_are_those_of_the_profile(ratio: float) -> None:
    profile = measured(double(350.0, 80.0, ratio))
    # The same profile in pixels of a hundredth: its maxima and its minimum are read off.
    fine = log_grid(6540.0, 6590.0, step=1e-6)
    own, shift = HALPHA * 80 / LIGHT_SPEED, HALPHA * 175 / LIGHT_SPEED
    sigma = np.sqrt(own**2 + INSTRUMENT**2 + PIXEL**2)
    flux = 1.0 + own / sigma * (
        ratio * np.exp(-0.5 * ((fine - HALPHA + shift) / sigma) ** 2)
        + np.exp(-0.5 * ((fine - HALPHA - shift) / sigma) ** 2)
    )
    violet, red = find_peaks(flux)[0]
    mean, lowest = (flux[violet] + flux[red]) / 2, flux[violet:red].min()
    assert profile.n_peaks == 2
    separation = LIGHT_SPEED * (fine[red] - fine[violet]) / HALPHA
    assert profile.peak_separation == pytest.approx(separation, rel=0.03)
    assert profile.violet_to_red == pytest.approx((flux[violet] - 1) / (flux[red] - 1), rel=0.03)
    assert profile.central_depth == pytest.approx(1 - lowest / mean, abs=0.01)


def test_peaks_merge_at_two_deviations() -> None:
    # Sparrow's limit, for infinitely sharp peaks through instrument and pixel.
    limit = 2.0 * LIGHT_SPEED * np.hypot(INSTRUMENT, PIXEL) / HALPHA
    assert limit == pytest.approx(147.0, abs=2.0)
    assert measured(double(0.95 * limit, 1.0, 1.0)).n_peaks == 1
    assert measured(double(1.5 * limit, 1.0, 1.0)).n_peaks == 2


def test_ratio_and_order_turn_with_the_profile() -> None:
    # Pixels of equal width, as many on both sides of Hα.
    axis = HALPHA + 1.5 * np.arange(-60, 61)
    flux = np.interp(axis, GRID, double(350.0, 80.0, 1.5))
    spread = np.full((1, axis.size), 1e-8)
    here = measure_profiles(flux[None], axis, variance=spread)
    there = measure_profiles(flux[None, ::-1], axis, variance=spread)
    assert here.violet_to_red * there.violet_to_red == pytest.approx(1.0)
    assert here.peak_separation == pytest.approx(there.peak_separation)
    assert here.central_depth == pytest.approx(there.central_depth)


def test_peaks_are_those_of_scipy() -> None:
    rng = np.random.default_rng(5)
    flux = 1.0 + observed(0.0, 250.0, 1.0) + rng.normal(size=(300, GRID.size)) * 0.15
    near = np.abs(GRID - HALPHA) <= 30.0
    first = np.flatnonzero(near)[0] - 1
    window = slice(first, np.flatnonzero(near)[-1] + 2)
    for deviation in (0.05, 0.1, 0.15):
        counts = measured(flux, deviation).n_peaks
        for row, count in zip(flux[:, window], counts, strict=True):
            peaks = find_peaks(row)[0]
            prominences = peak_prominences(row, peaks)[0]
            chosen = (
                (np.abs(GRID[window][peaks] - HALPHA) <= 10.0)
                & (row[peaks] - 1.0 >= 4.0 * deviation)
                & (prominences >= 3.0 * np.sqrt(2.0) * deviation)
            )
            assert chosen.sum() == count


@pytest.mark.parametrize("snr", [5.0, 20.0, 100.0])
def test_noise_makes_no_peaks(snr: float) -> None:
    rng = np.random.default_rng(int(snr))
    n = 2000
    absorbing, variance = noisy(1.0 + line(HALPHA, 6.0, -4.0), snr, n, rng)
    none = measure_profiles(absorbing, GRID, variance=np.maximum(variance, snr**-2.0))
    # 13 pixels beyond four deviations: 4·10⁻⁴, of 2000 spectra fewer than 5 at 99.8 %.
    assert (none.n_peaks > 0).sum() < 5
    single, variance = noisy(1.0 + observed(0.0, 120.0, 1.0), snr, n, rng)
    assert (measure_profiles(single, GRID, variance=variance).n_peaks > 1).mean() < 0.005


def test_stars_without_emission_have_no_profile() -> None:
    profile = measured(1.0 + line(HALPHA, 6.0, -4.0))
    assert profile.n_peaks == 0
    for values in (
        profile.fwhm,
        profile.peak_separation,
        profile.violet_to_red,
        profile.central_depth,
    ):
        assert np.isnan(values).all()
