"""Closed forms that a simulated spectrum must keep."""

from dataclasses import replace

import numpy as np
import pytest

from vospec.archives.simulated import instruments, photospheres
from vospec.archives.simulated.mixture import SURVEY, Kind
from vospec.archives.simulated.photospheres import FINE, LAMOST
from vospec.archives.simulated.stars import LIGHT_SPEED, Component, Star, draw
from vospec.spectra.lines import HALPHA
from vospec.spectra.resampling import pixel_edges

PLAIN = Kind("absorption", "absorption", 1.0, {"B": 1.0})
#: Nothing but a continuum: no line, no band, no rotation.
BLANK = Star(
    kind=PLAIN,
    spectral_type="B5",
    radial_velocity=0.0,
    v_sin_i=0.0,
    extinction=0.0,
    tilt=0.0,
    metals=0.0,
    core=0.0,
    wings=0.0,
    components=(),
)
WINDOW = np.linspace(6400.0, 6730.0, 3301)


def emission(velocity: float, sigma: float, height: float) -> Star:
    return replace(BLANK, components=(Component(HALPHA, velocity, sigma, height),))


def moments(star: Star, resolving_power: float) -> tuple[float, float, float]:
    """Area, centroid and σ of what stands above the continuum, in Å."""
    excess = instruments.normalised(star, WINDOW, resolving_power) - 1.0
    centres, width = (WINDOW[1:] + WINDOW[:-1]) / 2.0, np.diff(WINDOW)
    area = float(np.sum(excess * width))
    centroid = float(np.sum(excess * width * centres) / area)
    spread = float(np.sum(excess * width * (centres - centroid) ** 2) / area)
    return area, centroid, np.sqrt(spread)


def test_blank_star_is_its_continuum() -> None:
    np.testing.assert_allclose(instruments.normalised(BLANK, WINDOW, 1800.0), 1.0, atol=1e-12)


@pytest.mark.parametrize("resolving_power", [1800.0, 13000.0])
def test_unresolved_line_has_the_width_of_the_instrument(resolving_power: float) -> None:
    _, _, sigma = moments(emission(0.0, 1.0, 50.0), resolving_power)
    instrument = HALPHA / resolving_power / np.sqrt(8.0 * np.log(2.0))
    line = HALPHA / LIGHT_SPEED
    pixels = np.hypot(WINDOW[1] - WINDOW[0], FINE[1] - FINE[0]) / np.sqrt(12.0)
    expected = np.sqrt(instrument**2 + line**2 + pixels**2)
    assert sigma == pytest.approx(expected, rel=0.003)


@pytest.mark.parametrize("resolving_power", [1800.0, 13000.0])
@pytest.mark.parametrize("sigma", [20.0, 150.0])
def test_instrument_keeps_the_equivalent_width(resolving_power: float, sigma: float) -> None:
    star = emission(0.0, sigma, 1.3)
    area, _, _ = moments(star, resolving_power)
    assert area == pytest.approx(-star.equivalent_width, rel=1e-3)
    assert area == pytest.approx(1.3 * np.sqrt(2 * np.pi) * sigma / LIGHT_SPEED * HALPHA, rel=1e-3)


@pytest.mark.parametrize("velocity", [-250.0, 0.0, 90.0])
def test_radial_velocity_shifts_the_line(velocity: float) -> None:
    star = replace(emission(30.0, 50.0, 2.0), radial_velocity=velocity)
    _, centroid, _ = moments(star, 1800.0)
    expected = HALPHA * (1.0 + 30.0 / LIGHT_SPEED) * (1.0 + velocity / LIGHT_SPEED)
    assert centroid == pytest.approx(expected, abs=0.02)


def test_photosphere_keeps_its_equivalent_width_under_rotation() -> None:
    still = replace(BLANK, spectral_type="F5", core=1.0, wings=1.0, metals=1.0)
    fast = replace(still, v_sin_i=250.0)
    # The window ends in the continuum; what is lost at its edges is less than a line.
    areas = [np.sum(1.0 - instruments.normalised(s, WINDOW, 1800.0)) * 0.1 for s in (still, fast)]
    assert areas[1] == pytest.approx(areas[0], rel=0.01)


def test_rotation_widens_by_half_of_v_sin_i() -> None:
    """The variance of a rotation profile without limb darkening is (v sin i)²/4."""
    velocity = np.linspace(-200.0, 200.0, 40001)
    profile = np.sqrt(1.0 - (velocity / 200.0) ** 2)
    spread = np.sqrt(np.sum(profile * velocity**2) / np.sum(profile))
    assert spread == pytest.approx(200.0 / 2.0, rel=1e-4)
    narrow = replace(BLANK, metals=1.0, spectral_type="B2")
    helium = np.linspace(6640.0, 6720.0, 801)
    widths = []
    for v_sin_i in (0.0, 200.0):
        depth = 1.0 - instruments.normalised(replace(narrow, v_sin_i=v_sin_i), helium, 13000.0)
        centre = (helium[1:] + helium[:-1]) / 2.0
        mean = np.sum(depth * centre) / depth.sum()
        widths.append(np.sum(depth * (centre - mean) ** 2) / depth.sum())
    added = np.sqrt(widths[1] - widths[0]) / 6680.0 * LIGHT_SPEED
    assert added == pytest.approx(100.0, rel=0.02)


def test_pixels_keep_the_flux_whatever_their_width() -> None:
    star = emission(0.0, 60.0, 2.0)
    coarse = WINDOW[::50]
    fluxes = [
        np.sum(instruments.normalised(star, edges, 1800.0) * np.diff(edges))
        for edges in (WINDOW, coarse)
    ]
    assert fluxes[0] == pytest.approx(fluxes[1], rel=1e-12)


def test_balmer_line_has_the_equivalent_width_of_its_table() -> None:
    narrow, wide = photospheres.halpha(9700.0)
    width = np.diff(pixel_edges(FINE))
    assert np.sum(narrow * width) == pytest.approx(0.8, rel=1e-3)
    assert np.sum(wide * width) == pytest.approx(10.0, rel=0.01)


def test_bands_belong_to_cool_stars() -> None:
    assert np.all(photospheres.bands(FINE, 4400.0) == 1.0)
    assert photospheres.bands(FINE, 3300.0).min() < 0.85


def test_continuum_is_that_of_a_black_body_under_dust() -> None:
    wavelength = np.array([6290.0, 6500.0, 6725.0])
    flux = photospheres.continuum(wavelength, 5772.0, 0.0)
    # Planck's law: λ^-5 / (exp(hc/λkT) - 1), hc/k = 14387.77 µm K.
    x = 1.438777e8 / (wavelength * 5772.0)
    planck = wavelength**-5 / (np.exp(x) - 1.0)
    np.testing.assert_allclose(flux, planck / planck[1], rtol=1e-5)
    reddened = photospheres.continuum(wavelength, 5772.0, 1.0)
    assert np.all(np.diff(reddened / flux) > 0)


def test_temperatures_fall_along_the_types() -> None:
    names = [
        photospheres.spectral_type(letter, digit)
        for letter in "BAFGKM"
        for digit in range(7 if letter == "M" else 10)
    ]
    kelvin = np.array([photospheres.temperature(name) for name in names])
    assert np.all(np.diff(kelvin) < 0)
    assert kelvin[names.index("G2")] == pytest.approx(5772.0, abs=100.0)


def test_noise_is_what_ivar_promises_but_for_its_correlation() -> None:
    rng = np.random.default_rng(11)
    size = LAMOST.size
    clean = np.abs(LAMOST - 6330.0) > 80.0
    pulls = []
    for _ in range(20):
        exposure = instruments.lamost(BLANK, rng, snr=8.0, size=size)
        profile = photospheres.far(BLANK.kelvin)
        pulls.append((exposure.flux / exposure.continuum - profile)[clean])
        pulls[-1] *= (exposure.continuum * np.sqrt(exposure.ivar))[clean]
    values = np.array(pulls)
    assert values.mean() == pytest.approx(0.0, abs=0.02)
    assert values.std() == pytest.approx(0.75, abs=0.03)
    shared = np.mean(values[:, 1:] * values[:, :-1]) / np.mean(values**2)
    # Weights 0.3, 1, 0.3: 2·0.3 / (1 + 2·0.09).
    assert shared == pytest.approx(0.6 / 1.18, abs=0.02)


def test_dr1_loses_its_ivar_over_strong_emission_only() -> None:
    rng = np.random.default_rng(12)
    bright = emission(0.0, 100.0, 2.0)
    exposure = instruments.lamost(bright, rng, snr=100.0, size=LAMOST.size)
    flux = exposure.flux.copy()
    instruments.blind(exposure, bright)
    blind = np.flatnonzero(exposure.ivar == 0)
    assert np.abs(LAMOST[blind] - HALPHA).max() < 12.0
    assert exposure.ivar[np.argmin(np.abs(LAMOST - HALPHA))] == 0
    np.testing.assert_array_equal(exposure.flux, flux)
    for star in (BLANK, emission(0.0, 100.0, 0.05)):
        exposure = instruments.lamost(star, rng, snr=100.0, size=LAMOST.size)
        instruments.blind(exposure, star)
        assert np.all(exposure.ivar > 0)


@pytest.mark.parametrize("kind", SURVEY, ids=lambda kind: kind.name)
def test_what_surrounds_a_star_is_what_its_kind_says(kind: Kind) -> None:
    rng = np.random.default_rng(13)
    for _ in range(30):
        star = draw(kind, rng, velocity_spread=30.0)
        heights = [one.height for one in star.components if one.centre == HALPHA]
        peaks = {"double_peak": 2, "shell": 2, "emission": 1, "p_cygni": 1}
        expected = peaks.get(kind.name, 1 if heights else 0)
        assert star.spectral_type[0] in kind.hosts
        assert bool(heights) == (kind.class_ in {"emission", "double_peak"})
        assert sum(height > 0.13 for height in heights) >= expected
        assert any(height < 0 for height in heights) == (kind.name in {"shell", "p_cygni"})


def maxima(star: Star, resolving_power: float) -> int:
    edges = 10.0 ** np.arange(np.log10(6540.0), np.log10(6590.0), 2e-5)
    flux = instruments.normalised(star, edges, resolving_power)
    inner = flux[1:-1]
    return int(np.sum((inner > flux[:-2]) & (inner > flux[2:]) & (inner > flux.min() + 0.02)))


def test_double_peaks_are_double_at_high_resolution_and_smear_at_low() -> None:
    kind = next(kind for kind in SURVEY if kind.name == "double_peak")
    rng = np.random.default_rng(14)
    stars = [draw(kind, rng, velocity_spread=30.0) for _ in range(60)]
    high = np.array([maxima(replace(s, metals=0.0), 13000.0) for s in stars])
    low = np.array([maxima(replace(s, metals=0.0), 1800.0) for s in stars])
    assert np.mean(high == 2) > 0.9
    assert np.mean(low == 1) > 0.25
