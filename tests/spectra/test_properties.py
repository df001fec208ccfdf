"""What the kernels must keep whatever the spectra: hypothesis looks for a counterexample."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vospec.spectra import (
    adapt,
    air_to_vacuum,
    convolution_matrix,
    interpolate,
    log_grid,
    pixel_edges,
    rectify,
    resample,
    resampling_matrix,
    vacuum_to_air,
)

# The same examples every time, so that a failure is that of a change.
steady = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)

POWERS = {"resolving_power": 13000.0, "target_resolving_power": 1800.0}
OLD = np.linspace(6480.0, 6620.0, 420)
NEW = log_grid(6500.0, 6600.0)
RECTIFIED = log_grid(6310.0, 6725.0)
N = 3

ordinary = st.floats(0.01, 100.0)
fluxes = arrays(np.float64, (N, OLD.size), elements=ordinary)
variances = arrays(np.float64, (N, OLD.size), elements=st.floats(0.0, 1e4))
masks = arrays(np.bool_, (N, OLD.size), elements=st.booleans())
kernels = pytest.mark.parametrize("kernel", ["resample", "adapt"])


def steps(low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, st.integers(5, 60), elements=st.floats(low, high))


def run(kernel: str, flux: np.ndarray, **given: np.ndarray):  # noqa: ANN201 - Resampled
    if kernel == "resample":
        return resample(flux, OLD, NEW, **given)
    return adapt(flux, OLD, NEW, **POWERS, **given)


def reach(kernel: str) -> np.ndarray:
    """Which old pixel enters which new element, shape (n_new, n_old)."""
    weights = resampling_matrix(OLD, NEW)
    if kernel == "adapt":
        width = OLD * np.sqrt(1800.0**-2 - 13000.0**-2)
        weights = weights @ convolution_matrix(OLD, width)
    return np.asarray(weights.toarray() > 0)


@steady
@given(steps(0.1, 3.0), steps(0.1, 3.0), st.data())
def test_resampling_conserves_flux_between_any_axes(
    old: np.ndarray, new: np.ndarray, data: st.DataObject
) -> None:
    axis = 6000.0 + np.cumsum(old)
    flux = data.draw(arrays(np.float64, axis.size, elements=ordinary))
    # The new pixels begin and end where the light does: they are put into the old ones.
    span, position = pixel_edges(axis), np.cumsum(new)
    inside = span[0] + (span[-1] - span[0]) * (0.1 + 0.8 * position / position[-1])
    resampled, mask, _ = resample(flux, axis, inside)
    edges = pixel_edges(inside)
    good = ~mask[0]
    integral = np.concatenate(([0.0], np.cumsum(flux * np.diff(span))))
    expected = np.diff(np.interp(edges, span, integral))
    np.testing.assert_allclose((resampled[0] * np.diff(edges))[good], expected[good], rtol=1e-8)
    within = (edges[:-1] >= span[0]) & (edges[1:] <= span[-1])
    np.testing.assert_array_equal(good, within)


@steady
@given(fluxes)
def test_adaptation_conserves_the_flux_of_lines(flux: np.ndarray) -> None:
    # Light of the middle only, with no kernel that reaches beyond the new pixels.
    flux = np.where(np.abs(OLD - 6550.0) < 20.0, flux, 0.0)
    adapted = run("adapt", flux).flux @ np.diff(pixel_edges(NEW))
    # The kernel widens by 1 in 1800/2.35 Å: by so much the weights of a pixel differ from 1.
    np.testing.assert_allclose(adapted, flux @ np.diff(pixel_edges(OLD)), rtol=1.5e-3)


@steady
@given(fluxes, variances, masks)
def test_same_pixels_and_no_kernel_change_nothing(
    flux: np.ndarray, variance: np.ndarray, mask: np.ndarray
) -> None:
    given = {"mask": mask, "variance": variance}
    for same in (
        resample(flux, OLD, OLD, **given),
        adapt(flux, OLD, OLD, resolving_power=1800.0, target_resolving_power=1800.0, **given),
    ):
        np.testing.assert_array_equal(same.flux, np.where(mask, np.nan, flux))
        np.testing.assert_array_equal(same.mask, mask)
        np.testing.assert_array_equal(same.variance, np.where(mask, np.nan, variance))


@kernels
@steady
@given(fluxes, fluxes, st.floats(-10.0, 10.0), masks)
def test_is_linear(
    kernel: str, one: np.ndarray, other: np.ndarray, factor: float, mask: np.ndarray
) -> None:
    parts = [run(kernel, flux, mask=mask).flux for flux in (one, other)]
    together = run(kernel, one + factor * other, mask=mask).flux
    np.testing.assert_allclose(together, parts[0] + factor * parts[1], rtol=1e-9, atol=1e-9)


@kernels
@steady
@given(fluxes, variances, masks, st.permutations(range(N)))
def test_spectra_do_not_meet(
    kernel: str, flux: np.ndarray, variance: np.ndarray, mask: np.ndarray, order: list[int]
) -> None:
    together = run(kernel, flux, mask=mask, variance=variance)
    permuted = run(kernel, flux[order], mask=mask[order], variance=variance[order])
    for ours, theirs in zip(permuted, together, strict=True):
        np.testing.assert_array_equal(ours, theirs[order])


@kernels
@steady
@given(
    fluxes, st.integers(0, N - 1), st.integers(0, OLD.size - 1), st.sampled_from([np.nan, np.inf])
)
def test_what_is_no_number_stays_local(
    kernel: str, flux: np.ndarray, row: int, pixel: int, value: float
) -> None:
    spoilt = flux.copy()
    spoilt[row, pixel] = value
    before, after = run(kernel, flux), run(kernel, spoilt)
    touched = np.zeros(before.flux.shape, dtype=bool)
    touched[row] = reach(kernel)[:, pixel]
    np.testing.assert_array_equal(after.flux[~touched], before.flux[~touched])
    # One pixel among several good ones hides no element.
    assert np.isfinite(after.flux).all()


@kernels
@steady
@given(fluxes, variances, st.integers(0, N - 1), st.integers(0, OLD.size - 1))
def test_unknown_variance_is_unknown_where_it_enters_and_nowhere_else(
    kernel: str, flux: np.ndarray, variance: np.ndarray, row: int, pixel: int
) -> None:
    spoilt = variance.copy()
    spoilt[row, pixel] = np.nan
    before, after = (run(kernel, flux, variance=given) for given in (variance, spoilt))
    touched = np.zeros(before.flux.shape, dtype=bool)
    touched[row] = reach(kernel)[:, pixel]
    np.testing.assert_array_equal(np.isnan(after.variance), touched)
    np.testing.assert_array_equal(after.variance[~touched], before.variance[~touched])
    np.testing.assert_array_equal(after.flux, before.flux)
    np.testing.assert_array_equal(after.mask, before.mask)


@kernels
@steady
@given(fluxes, variances, masks, st.floats(0.01, 100.0))
def test_variance_scales_with_the_square(
    kernel: str, flux: np.ndarray, variance: np.ndarray, mask: np.ndarray, factor: float
) -> None:
    one = run(kernel, flux, mask=mask, variance=variance)
    other = run(kernel, factor * flux, mask=mask, variance=factor**2 * variance)
    np.testing.assert_allclose(other.flux, factor * one.flux, rtol=1e-12)
    np.testing.assert_allclose(other.variance, factor**2 * one.variance, rtol=1e-12)


@kernels
@steady
@given(fluxes, masks, masks)
def test_masking_more_unmasks_nothing(
    kernel: str, flux: np.ndarray, mask: np.ndarray, more: np.ndarray
) -> None:
    less, both = (run(kernel, flux, mask=given).mask for given in (mask, mask | more))
    assert not (less & ~both).any()


@kernels
@steady
@given(fluxes, masks)
def test_mean_lies_within_what_it_is_of(kernel: str, flux: np.ndarray, mask: np.ndarray) -> None:
    made, entering = run(kernel, flux, mask=mask), reach(kernel)
    np.testing.assert_array_equal(np.isnan(made.flux), made.mask)
    for row in range(N):
        good = entering & ~mask[row]
        low = np.where(good, flux[row], np.inf).min(axis=1)
        high = np.where(good, flux[row], -np.inf).max(axis=1)
        seen = ~made.mask[row]
        assert (made.flux[row] >= low * (1 - 1e-12))[seen].all()
        assert (made.flux[row] <= high * (1 + 1e-12))[seen].all()


@kernels
@steady
@given(st.integers(3, OLD.size), st.integers(0, OLD.size - 3))
def test_nothing_is_padded(kernel: str, n_pixels: int, first: int) -> None:
    axis = OLD[first : first + n_pixels]
    if axis.size < 3:
        return
    kwargs = POWERS if kernel == "adapt" else {}
    made = {"resample": resample, "adapt": adapt}[kernel](np.ones(axis.size), axis, NEW, **kwargs)
    edges, span = pixel_edges(NEW), pixel_edges(axis)[[0, -1]]
    outside = (edges[:-1] < span[0] - 1e-6) | (edges[1:] > span[1] + 1e-6)
    assert made.mask[0][outside].all()
    assert np.isnan(made.flux[0][outside]).all()


@steady
@given(
    arrays(np.float64, (N, RECTIFIED.size), elements=st.floats(0.5, 1.5)),
    st.integers(-60, 60),
    st.floats(1e-3, 1e3),
)
def test_rectification_does_not_see_the_scale(
    flux: np.ndarray, exponent: int, factor: float
) -> None:
    one = rectify(flux, RECTIFIED)
    # A power of two changes no digit; another factor may at most turn a clip's edge.
    np.testing.assert_array_equal(rectify(flux * 2.0**exponent, RECTIFIED).flux, one.flux)
    np.testing.assert_array_equal(rectify(factor * flux, RECTIFIED).fitted, one.fitted)


@steady
@given(
    arrays(np.float64, (5, RECTIFIED.size), elements=st.floats(-0.5, 3.0)),
    st.permutations(range(5)),
)
def test_rectified_spectra_do_not_meet(flux: np.ndarray, order: list[int]) -> None:
    together, permuted = rectify(flux, RECTIFIED), rectify(flux[order], RECTIFIED)
    np.testing.assert_array_equal(permuted.flux, together.flux[order])
    np.testing.assert_array_equal(permuted.noise, together.noise[order])
    alone = rectify(flux[0], RECTIFIED)
    np.testing.assert_array_equal(alone.flux[0], together.flux[0])


@steady
@given(arrays(np.float64, (2, 40), elements=ordinary), arrays(np.bool_, (2, 40)))
def test_interpolation_stays_between_good_elements(flux: np.ndarray, mask: np.ndarray) -> None:
    filled = interpolate(flux, mask)
    for row, bad, ours, left in zip(flux, mask, filled.flux, filled.mask, strict=True):
        good = np.flatnonzero(~bad)
        inside = np.zeros(40, dtype=bool)
        if good.size:
            inside[good[0] : good[-1] + 1] = True
        np.testing.assert_array_equal(left, ~inside)
        np.testing.assert_array_equal(ours[~bad], row[~bad])
        if good.size:
            assert (ours[inside] <= row[good].max() * (1 + 1e-12)).all()
            assert (ours[inside] >= row[good].min() * (1 - 1e-12)).all()


@steady
@given(arrays(np.float64, st.integers(2, 50), elements=st.floats(2000.0, 30000.0), unique=True))
def test_wavelengths_keep_their_order_and_come_back(wavelengths: np.ndarray) -> None:
    vacuum = np.sort(wavelengths)
    air = vacuum_to_air(vacuum)
    assert (air < vacuum).all()
    assert (np.diff(air) >= 0).all()
    assert (np.diff(air)[np.diff(vacuum) > 1e-9] > 0).all()
    np.testing.assert_allclose(air_to_vacuum(air), vacuum, atol=1e-9, rtol=0)
