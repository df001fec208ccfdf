import numpy as np
import pytest
from astropy import units
from specutils import SpectralRegion, Spectrum
from specutils.analysis import equivalent_width as specutils_equivalent_width
from specutils.analysis import line_flux

from tests.spectra.synthetic import GRID, INSTRUMENT, line, noisy
from vospec.spectra import equivalent_width, log_grid, pixel_edges, rectify
from vospec.spectra.lines import (
    FORBIDDEN,
    HALPHA,
    NITROGEN_RATIO,
    correlation,
    equivalent_width_error,
    is_nebular,
    unresolved_line,
)

N = 3000
#: A mean and a variance of N normal numbers lie within four of their own deviations.
MEAN, SPREAD = 4 / np.sqrt(N), 4 * np.sqrt(2 / N)


@pytest.mark.parametrize("area", [-5.0, 0.0, 12.0])
def test_width_of_a_gaussian_is_its_area(area: float) -> None:
    assert equivalent_width(1.0 + line(HALPHA, 3.0, area), GRID) == pytest.approx(-area, abs=1e-4)


def test_width_of_a_box_counts_the_cut_pixels() -> None:
    flux = np.full(GRID.size, 0.7)
    assert equivalent_width(flux, GRID, window=(6550.1, 6579.3)) == pytest.approx(0.3 * 29.2)


def test_width_equals_specutils() -> None:
    rng = np.random.default_rng(1)
    flux = np.stack(
        [noisy(1.0 + line(HALPHA, 3.0, area), 50.0, 1, rng)[0][0] for area in (-4.0, 9.0)]
    )
    inside = slice(170, 201)
    window = tuple(pixel_edges(GRID)[[170, 201]])
    for row, ours in zip(flux, equivalent_width(flux, GRID, window=window), strict=True):
        spectrum = _specutils(row[inside], GRID[inside])
        theirs = specutils_equivalent_width(spectrum, continuum=1)
        assert ours == pytest.approx(theirs.to_value(units.AA), abs=1e-4)
        above = line_flux(
            _specutils(row[inside] - 1.0, GRID[inside]), SpectralRegion(*(window * units.AA))
        )
        assert ours == pytest.approx(-above.to_value(units.AA), abs=1e-4)


def _specutils(flux: np.ndarray, axis: np.ndarray) -> Spectrum:
    return Spectrum(flux=flux * units.dimensionless_unscaled, spectral_axis=axis * units.AA)


def test_windows_without_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        equivalent_width(np.ones(GRID.size), GRID, window=(6700.0, 6800.0))


def _pulls(flux: np.ndarray, *, variance: np.ndarray | None, truth: float) -> np.ndarray:
    # A clip so wide that the continuum is a plain least-squares fit: its error is known.
    fitted = rectify(flux, GRID, variance=variance, clip=(50.0, 50.0))
    error = equivalent_width_error(fitted.flux, GRID, noise=fitted.noise, variance=fitted.variance)
    return (equivalent_width(fitted.flux, GRID) - truth) / error


@pytest.mark.parametrize("snr", [5.0, 20.0, 200.0])
@pytest.mark.parametrize("known", [True, False])
def test_error_of_the_width_is_what_the_width_scatters(snr: float, known: bool) -> None:  # noqa: FBT001 - a parameter
    rng = np.random.default_rng(int(snr))
    flux, variance = noisy(1.0 + line(HALPHA, 3.0, 9.0), snr, N, rng)
    pulls = _pulls(flux, variance=variance if known else None, truth=-9.0)
    # A ratio of two noisy numbers is off by the noise of the continuum, squared.
    assert abs(pulls.mean()) < MEAN + 1.5 / snr
    # The noise of each spectrum is itself known to 7 %, and its correlation never below 1.
    assert 0.86 - SPREAD < pulls.var() < 1.05 + SPREAD


def test_error_of_the_width_knows_correlated_noise() -> None:
    rng = np.random.default_rng(3)
    white = rng.normal(size=(N, GRID.size + 4)) / 50.0
    kernel = np.array([0.1, 0.25, 0.3, 0.25, 0.1])
    smooth = np.stack([np.convolve(row, kernel, "valid") for row in white])
    pulls = _pulls(1.0 + smooth, variance=None, truth=0.0)
    assert 0.8 < pulls.var() < 1.25


def test_correlation_of_a_moving_average_is_the_square_of_its_sum() -> None:
    # Σ of the autocovariances is (Σ kernel)², the variance Σ kernel².
    rng = np.random.default_rng(4)
    kernel = np.array([0.3, 1.0, 0.3])
    noise = np.stack([np.convolve(row, kernel, "valid") for row in rng.normal(size=(400, 292))])
    scatter = np.full(400, np.sqrt((kernel**2).sum()))
    factor = correlation(1.0 + 0.01 * noise, GRID, noise=0.01 * scatter)
    # Taken about the mean of few elements beyond 3 deviations left out, it is a little low.
    assert np.mean(factor) == pytest.approx(kernel.sum() ** 2 / (kernel**2).sum(), rel=0.05)


@pytest.mark.parametrize("area", [-0.5, 0.0, 2.0])
def test_unresolved_line_is_found_on_any_parabola(area: float) -> None:
    weights = unresolved_line(tuple(GRID), 6585.27, 1800.0)
    assert weights is not None
    distance = GRID - 6585.27
    parabola = 0.8 - 0.03 * distance + 0.002 * distance**2
    flux = parabola + line(6585.27, INSTRUMENT * 6585.27 / HALPHA, area)
    assert flux @ weights == pytest.approx(-area, abs=1e-9)


@pytest.mark.parametrize(("velocity", "least", "most"), [(30.0, 0.87, 0.93), (60.0, 0.6, 0.7)])
def test_unresolved_line_off_its_place_is_weaker_as_told(
    velocity: float, least: float, most: float
) -> None:
    weights = unresolved_line(tuple(GRID), 6585.27, 1800.0)
    assert weights is not None
    shift = 6585.27 * velocity / 299_792.458
    places = (6585.27 - shift, 6585.27 + shift)
    kept = [-line(place, INSTRUMENT, 1.0) @ weights for place in places]
    assert least < np.mean(kept) < most


def test_lines_off_the_grid_are_not_measured() -> None:
    assert unresolved_line(tuple(GRID), FORBIDDEN["sulphur_6731"], 1800.0) is None
    longer = tuple(log_grid(6290.0, 6745.0))
    assert unresolved_line(longer, FORBIDDEN["sulphur_6731"], 1800.0) is not None


@pytest.mark.parametrize(
    ("weak", "strong", "sulphur", "nebular"),
    [
        (-3.0 / NITROGEN_RATIO, -3.0, -2.0, True),
        (-3.0 / NITROGEN_RATIO, -3.0, np.nan, True),  # [S II] off the grid
        (-3.0 / NITROGEN_RATIO, -3.0, -20.0, False),  # a shock's sulphur
        (-3.0, -3.0, -2.0, False),  # not the atom's ratio
        (-0.1, -0.3, -2.0, False),  # [N II] is not seen
        (0.0, -0.45, 0.0, False),  # alone, the strong line proves nothing
        (1.0, 3.0, 2.0, False),  # absorption
    ],
)
def test_gas_is_known_by_its_ratios(
    weak: float,
    strong: float,
    sulphur: float,
    nebular: bool,  # noqa: FBT001 - a parameter
) -> None:
    names = ("nitrogen_6548", "nitrogen_6583", "sulphur_6716")
    strengths = dict(zip(names, np.array([[weak], [strong], [sulphur]]), strict=True))
    errors = {name: np.array([0.1]) for name in names}
    assert is_nebular(strengths, errors).tolist() == [nebular]


def test_many_spectra_at_once_and_nan_stays() -> None:
    flux = np.stack([1 + line(HALPHA, 3, 3), 1 + line(HALPHA, 3, -3), np.full(GRID.size, np.nan)])
    np.testing.assert_allclose(equivalent_width(flux, GRID), [-3.0, 3.0, np.nan], atol=1e-4)
    errors = equivalent_width_error(flux, GRID, noise=np.array([0.1, 0.1, np.nan]))
    assert np.isfinite(errors).tolist() == [True, True, False]
