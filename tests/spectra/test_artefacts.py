import numpy as np
import pytest

from tests.spectra.synthetic import GRID, INSTRUMENT, line, observed
from vospec.spectra import air_to_vacuum, arm_junction, despiked, log_grid, sky_height
from vospec.spectra.artefacts import OH_AIR, OXYGEN_AIR, cosmic_ray, sky_residual
from vospec.spectra.lines import HALPHA

NOISE = np.array([0.02])
WHOLE = log_grid(5500.0, 6800.0)


def spiked(
    width: int, height: float, at: float = 6450.0, under: np.ndarray | None = None
) -> np.ndarray:
    flux = np.ones((1, GRID.size)) if under is None else under[None].copy()
    first = int(np.searchsorted(GRID, at))
    flux[0, first : first + width] += height
    return flux


@pytest.mark.parametrize("width", [1, 2, 3])
def test_spikes_are_cosmic_rays(width: int) -> None:
    assert cosmic_ray(spiked(width, 0.2), GRID, noise=NOISE).all()
    assert not cosmic_ray(spiked(width, 0.1), GRID, noise=NOISE).any()
    wing = 1.0 + line(HALPHA, 8.0, -6.0)
    assert cosmic_ray(spiked(width, 1.0, HALPHA + 9.0, wing), GRID, noise=NOISE).all()


def test_broad_boxes_are_none() -> None:
    assert not cosmic_ray(spiked(4, 1.0), GRID, noise=NOISE).any()


@pytest.mark.parametrize("resolving_power", [1800.0, 2200.0])
@pytest.mark.parametrize("area", [1.0, 50.0])
def test_lines_that_the_instrument_drew_are_no_cosmic_rays(
    resolving_power: float, area: float
) -> None:
    places = 6450.0 + np.linspace(0.0, 3.0, 41)
    sigma = INSTRUMENT * 1800.0 / resolving_power
    flux = 1.0 + np.stack([line(place, sigma, area) for place in places])
    assert not cosmic_ray(flux, GRID, noise=np.full(len(flux), 0.02)).any()
    # Nor are two of them, at any distance.
    pairs = flux[:1] + np.stack([line(6450.0 + gap, sigma, area) for gap in np.linspace(2, 9, 29)])
    assert not cosmic_ray(pairs, GRID, noise=np.full(len(pairs), 0.02)).any()


def test_spikes_on_sky_oxygen_are_the_skys() -> None:
    for wavelength in air_to_vacuum(OXYGEN_AIR):
        assert not cosmic_ray(spiked(1, 1.0, float(wavelength)), GRID, noise=NOISE).any()


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_where_a_spike_stood_flux_is_a_straight_line(width: int, kind: type) -> None:
    slope = 1.0 + 0.1 * np.linspace(-1.0, 1.0, GRID.size)
    spectra = np.vstack([spiked(width, 0.8, under=slope), slope[None]]).astype(kind)
    clean = despiked(spectra, GRID, noise=np.full(2, 0.02))
    assert clean.dtype == kind
    np.testing.assert_allclose(clean, np.tile(slope, (2, 1)), atol=1e-6)
    # Only the spike is touched, and what was given is not.
    beside = np.abs(spectra - slope) < 0.5
    np.testing.assert_array_equal(clean[beside], spectra[beside])
    assert (~beside).sum() == width


@pytest.mark.parametrize("area", [1.0, 50.0])
def test_lines_stay_as_the_instrument_drew_them(area: float) -> None:
    places = HALPHA + np.linspace(-5.0, 5.0, 41)
    flux = 1.0 + np.stack([line(place, INSTRUMENT, area) for place in places])
    np.testing.assert_array_equal(despiked(flux, GRID, noise=np.full(41, 0.02)), flux)


def _sky(flux: np.ndarray, noise: float = 0.02) -> list[bool]:
    rows = np.atleast_2d(flux)
    variance = np.full(rows.shape, noise**2)
    return sky_residual(rows, GRID, variance=variance, resolving_power=1800.0).tolist()


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_sky_lines_are_seen_alone_and_together(sign: float) -> None:
    oh = [float(wavelength) for wavelength in air_to_vacuum(OH_AIR)]
    one = 1.0 + sign * line(oh[0], INSTRUMENT, 1.0)
    # Each at three to four deviations only: 0.1 Å is about one at S/N 50.
    weak = 1.0 + sum(sign * line(wavelength, INSTRUMENT, 0.42) for wavelength in oh)
    assert _sky(np.stack([one, weak, np.ones(GRID.size)])) == [True, True, False]
    assert _sky(1.0 + sign * line(oh[0], INSTRUMENT, 0.42)) == [False]


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_height_of_the_strongest_residue_is_measured(sign: float) -> None:
    # The two are far enough from each other.
    oh, heights = np.asarray(air_to_vacuum(OH_AIR[:2])), np.array([0.05, 0.3])
    sigmas = INSTRUMENT * oh / HALPHA
    areas = sign * np.sqrt(2.0 * np.pi) * sigmas * heights
    weak, strong = (line(*each) for each in zip(oh, sigmas, areas, strict=True))
    one, both = 1.0 + strong, 1.0 + weak + strong
    found = sky_height(np.stack([one, both, np.ones(GRID.size)]), GRID)
    np.testing.assert_allclose(found, [0.3, 0.3, 0.0], rtol=1e-3, atol=1e-12)


def test_without_residues_in_reach_there_is_no_height() -> None:
    oxygen = 1.0 + line(float(air_to_vacuum(OXYGEN_AIR[1])), INSTRUMENT, 3.0)
    np.testing.assert_allclose(sky_height(oxygen[None], GRID), 0.0, atol=1e-9)
    short = log_grid(6550.0, 6580.0)
    np.testing.assert_array_equal(sky_height(np.ones((2, short.size)), short), [0.0, 0.0])


def test_wings_of_halpha_and_oxygen_are_no_residues() -> None:
    strong = 1.0 + observed(0.0, 150.0, 5.0) + observed(0.0, 400.0, 1.0)
    oxygen = 1.0 + line(float(air_to_vacuum(OXYGEN_AIR[0])), INSTRUMENT, 3.0)
    early = 1.0 + line(HALPHA, 12.0, -12.0)
    assert _sky(np.stack([strong, oxygen, early]), 0.005) == [False, False, False]


def _arms(step: float, at: float, noise: float = 0.02, n: int = 200) -> np.ndarray:
    rng = np.random.default_rng(6)
    slope = (WHOLE / 5800.0) ** rng.uniform(-3.0, 3.0, (n, 1))
    flux = slope * np.where(at < WHOLE, 1.0 + step, 1.0)
    return 700.0 * flux * (1.0 + noise * rng.normal(size=flux.shape))


def test_no_step_without_a_step() -> None:
    assert arm_junction(_arms(0.0, 5800.0), WHOLE).mean() < 0.01
    # Less than a tenth of the flux is none, however sure.
    assert arm_junction(_arms(0.05, 5790.0, noise=0.002), WHOLE).mean() < 0.01


@pytest.mark.parametrize("step", [-0.3, 0.3])
@pytest.mark.parametrize("at", [5760.0, 5790.0, 5820.0])
def test_steps_between_the_arms_are_seen(step: float, at: float) -> None:
    flux = _arms(step, at)
    found = arm_junction(flux, WHOLE)
    assert found.mean() > 0.98
    np.testing.assert_array_equal(arm_junction(1e-3 * flux, WHOLE), found)


def test_bad_pixels_make_no_step() -> None:
    flux = _arms(0.0, 5800.0)
    mask = np.zeros(flux.shape, dtype=bool)
    mask[:, (WHOLE > 5700.0) & (WHOLE < 5715.0)] = True
    np.testing.assert_array_equal(
        arm_junction(np.where(mask, 1e6, flux), WHOLE, mask=mask),
        arm_junction(np.where(mask, np.nan, flux), WHOLE),
    )
    assert arm_junction(np.where(mask, 1e6, flux), WHOLE, mask=mask).mean() < 0.01


def test_without_both_arms_there_is_no_junction() -> None:
    assert not arm_junction(np.ones((3, GRID.size)), GRID).any()
    mask = (WHOLE > 5600.0) & (WHOLE < 5700.0)
    assert not arm_junction(_arms(0.3, 5790.0), WHOLE, mask=mask).any()
    assert not arm_junction(np.zeros((2, WHOLE.size)), WHOLE).any()
