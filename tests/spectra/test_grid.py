import numpy as np
import pytest

from vospec.spectra import log_grid, pixel_edges


def test_elements_are_pixels_of_lamost() -> None:
    pixels = 10 ** (3.5682 + 1e-4 * np.arange(3909))
    grid = log_grid(6290.0, 6725.0)
    assert set(grid) <= set(pixels)
    assert grid.size == np.count_nonzero((pixels >= 6290.0) & (pixels <= 6725.0))


def test_reaches_as_far_as_it_may() -> None:
    grid = log_grid(6290.0, 6725.0)
    factor = 10**1e-4
    assert grid[0] / factor < 6290.0 <= grid[0]
    assert grid[-1] <= 6725.0 < grid[-1] * factor


def test_lies_inside_both_archives() -> None:
    # CCD700's export covers vacuum 6284 to 6734 Å, LAMOST 3700 to 9100 Å.
    edges = pixel_edges(log_grid(6290.0, 6725.0))
    assert edges[0] > 6284.1
    assert edges[-1] < 6734.5


def test_takes_its_own_elements_as_limits() -> None:
    grid = log_grid(6290.0, 6725.0)
    np.testing.assert_array_equal(log_grid(grid[3], grid[-5]), grid[3:-4])


def test_other_origin_and_step() -> None:
    np.testing.assert_allclose(log_grid(10.0, 1000.0, origin=0.0, step=1.0), [10.0, 100.0, 1000.0])


@pytest.mark.parametrize(("start", "stop"), [(6725.0, 6290.0), (0.0, 6725.0), (6564.0, 6564.001)])
def test_empty_grid_is_refused(start: float, stop: float) -> None:
    with pytest.raises(ValueError, match="grid"):
        log_grid(start, stop)
