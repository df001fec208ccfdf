import numpy as np
import pytest
from astropy import units
from scipy.stats import norm
from specutils import Spectrum
from specutils.analysis import equivalent_width as specutils_equivalent_width

from vospec.spectra import equivalent_width, log_grid, peak_height, pixel_edges

GRID = log_grid(6290.0, 6725.0)


def line(area: float, sigma: float = 3.0, centre: float = 6564.61) -> np.ndarray:
    return 1.0 + area * norm.pdf(GRID, centre, sigma)


@pytest.mark.parametrize("area", [-5.0, 0.0, 12.0])
def test_width_of_a_gaussian_is_its_area(area: float) -> None:
    assert equivalent_width(line(area), GRID) == pytest.approx(-area, abs=1e-4)


def test_width_of_a_box_counts_the_cut_pixels() -> None:
    flux = np.full(GRID.size, 0.7)
    assert equivalent_width(flux, GRID, window=(6550.1, 6579.3)) == pytest.approx(0.3 * 29.2)


def test_width_equals_specutils() -> None:
    rng = np.random.default_rng(1)
    flux = np.stack([line(area) + rng.normal(0, 0.02, GRID.size) for area in (-4.0, 9.0)])
    line_only = slice(170, 201)
    window = tuple(pixel_edges(GRID)[[170, 201]])
    for row, ours in zip(flux, equivalent_width(flux, GRID, window=window), strict=True):
        spectrum = Spectrum(
            flux=row[line_only] * units.dimensionless_unscaled,
            spectral_axis=GRID[line_only] * units.AA,
        )
        theirs = specutils_equivalent_width(spectrum, continuum=1)
        assert ours == pytest.approx(theirs.to_value(units.AA), abs=1e-4)


def test_height_of_a_gaussian_is_its_peak() -> None:
    flux = line(12.0, centre=GRID[180])
    assert peak_height(flux, GRID) == pytest.approx(12.0 / (3.0 * np.sqrt(2 * np.pi)))


def test_height_sees_only_the_line() -> None:
    flux = line(0.0)
    flux[np.abs(GRID - 6564.61) > 10.0] = 5.0
    assert peak_height(flux, GRID) == pytest.approx(0.0)
    assert peak_height(flux, GRID, half_width=20.0) == pytest.approx(4.0)


def test_many_spectra_at_once_and_nan_stays() -> None:
    flux = np.stack([line(3.0), line(-3.0), np.full(GRID.size, np.nan)])
    np.testing.assert_allclose(equivalent_width(flux, GRID), [-3.0, 3.0, np.nan], atol=1e-4)
    heights = peak_height(flux, GRID)
    assert heights.shape == (3,)
    assert heights[0] > 0.3
    assert np.isnan(heights[2])


def test_windows_without_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        equivalent_width(line(1.0), GRID, window=(6700.0, 6800.0))
    with pytest.raises(ValueError, match="no pixel"):
        peak_height(line(1.0), GRID, centre=5000.0)
