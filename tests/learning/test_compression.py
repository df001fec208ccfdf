import numpy as np
import pytest

from vospec.learning import compressed


def test_is_the_logarithm_between_the_limits_and_flat_beyond() -> None:
    flux = np.array([[-1.0, 0.0, 0.1, 0.5, 1.0, 3.0, 12.0, np.nan]])
    expected = np.log([[0.1, 0.1, 0.1, 0.5, 1.0, 3.0, 3.0, np.nan]])
    np.testing.assert_allclose(compressed(flux, limits=(0.1, 3.0)), expected, rtol=1e-6)
    assert compressed(flux).dtype == np.float32


def test_weak_lines_keep_their_shape() -> None:
    depth = np.linspace(-0.01, 0.01, 21)[None]
    np.testing.assert_allclose(compressed(1 + depth), depth, atol=0.01**2 / 2 * 1.01 + 1e-7)


def test_heights_of_emission_come_nearer_than_emission_to_absorption() -> None:
    weak, strong, absorption = np.array([1.8]), np.array([8.0]), np.array([0.4])
    assert abs(weak - strong) > abs(weak - absorption)
    near, far, other = (compressed(flux) for flux in (weak, strong, absorption))
    assert abs(near - far) < abs(near - other)


def test_refuses_limits_that_are_none() -> None:
    with pytest.raises(ValueError, match="limits: expected 0 < lower < upper, found"):
        compressed([[1.0]], limits=(0.0, 2.0))
