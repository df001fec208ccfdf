"""Strengths of lines in rectified spectra: Hα, He I 6678, [N II] and [S II].

Equivalent width is W = ∫ (1 - F) dλ, positive for absorption and negative for emission
(as specutils' ``equivalent_width``). Two ways lead to it:

- over a window, for lines of any width (Hα, He I): pixels that the window cuts count
  with the part that lies inside;
- of a line that the instrument does not resolve (forbidden lines, the night sky): the
  least-squares Gaussian of the instrument's width, in pixels, on a parabola, which the wing
  of a neighbour cannot pass for. The parabola takes its part of a line that is off its
  place: 10 % at 30 km/s, a third at 60 km/s for R = 1800.

Both are sums of flux with fixed weights, so that errors are sums of variances. The error
of W over a window of width Δλ has two parts, of the line's pixels and of the continuum
(Chalabaev & Maillard 1983, A&A 127, 279; Vollmann & Eversberg 2006, AN 327, 862):

    σ²(W) = Σ h_i² σ_i² + (Δλ - W)² σ_c²

σ_c² follows from the polynomial that the continuum is (:mod:`vospec.spectra.rectification`):
b (BᵀB)⁻¹ bᵀ variances of an element, b being the mean of its basis over the window. What
the error does not hold is the continuum's shape: half a percent of it is 0.2 Å in W(Hα);
the clip of the fit lifts it by 0.06 of the noise, a third of the error of W(Hα); and the
wings of A0 stars, which reach beyond the window, make W(Hα) 0.4 Å too small there.

The variance of a pixel is the archive's; where that is unknown it is that of the noise
outside the lines times the flux, as photons scatter (Vollmann & Eversberg, eq. 6).

Cost: the weights of one axis are made once; then one operation a weight.
"""

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from vospec.spectra.adaptation import FWHM_PER_SIGMA
from vospec.spectra.rectification import DEGREE, PROTECTED
from vospec.spectra.resampling import pixel_edges

#: Hα in vacuum, Å (6562.80 in air).
HALPHA = 6564.61
#: Where Hα is summed up, vacuum Å: ±20 Å hold discs' lines at any star's velocity.
HALPHA_WINDOW = (6544.6, 6584.6)
#: He I 6678 in vacuum, Å.
HELIUM = 6679.99
#: ±7 Å around He I 6678 are 314 km/s.
HELIUM_WINDOW = (6673.0, 6687.0)
#: Forbidden lines, vacuum Å (NIST Atomic Spectra Database), by the names of their columns.
FORBIDDEN = {
    "nitrogen_6548": 6549.86,
    "nitrogen_6583": 6585.27,
    "sulphur_6716": 6718.29,
    "sulphur_6731": 6732.67,
}
#: Both [N II] lines leave the same level: 6583 over 6548 (Storey & Zeippen 2000, MNRAS 312, 813).
NITROGEN_RATIO = 3.05
#: An unresolved line is fitted over so many Å on both sides; without the first number there
#: is no line to fit.
_NEEDED, _FITTED = 3.5, 10.0
#: Over how many elements the noise may be correlated.
_LAGS = 3


def equivalent_width(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    window: tuple[float, float] = HALPHA_WINDOW,
) -> NDArray[np.float64]:
    """Return the equivalent width over a window, emission negative.

    Parameters
    ----------
    flux
        Rectified flux, shape (..., n_pixels).
    spectral_axis
        Wavelengths of the pixels in Å, shape (n_pixels,).
    window
        First and last wavelength in Å.

    Returns
    -------
    numpy.ndarray
        Equivalent width in Å, shape (...); NaN where the flux within is.

    Raises
    ------
    ValueError
        If the window is empty or reaches beyond the pixels.
    """
    inside, width = _inside(spectral_axis, window)
    depth = 1.0 - np.asarray(flux, dtype=np.float64)[..., inside]
    return np.asarray(depth @ width)


def equivalent_width_error(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    noise: ArrayLike,
    variance: ArrayLike | None = None,
    window: tuple[float, float] = HALPHA_WINDOW,
) -> NDArray[np.float64]:
    """Return the standard error of the equivalent width over a window.

    Parameters
    ----------
    flux
        Rectified flux, shape (n, n_pixels).
    spectral_axis
        Wavelengths of the pixels in Å, shape (n_pixels,).
    noise
        Scatter of the rectified flux outside the lines, shape (n,).
    variance
        Variance of the rectified flux, shape (n, n_pixels), NaN where it is unknown.
    window
        First and last wavelength in Å.

    Returns
    -------
    numpy.ndarray
        Error in Å, shape (n,).
    """
    values, axis = np.asarray(flux, dtype=np.float64), np.asarray(spectral_axis, dtype=np.float64)
    inside, width = _inside(axis, window)
    scatter = np.asarray(noise, dtype=np.float64)
    # Resampled noise is correlated, and its sums scatter more than its pixels tell.
    common = correlation(values, axis, noise=scatter) * scatter**2
    given = None if variance is None else np.asarray(variance, dtype=np.float64)[:, inside]
    line = pixel_variance(values[:, inside], np.sqrt(common), given) @ width**2
    left = width.sum() - equivalent_width(values, axis, window=window)
    return np.asarray(np.sqrt(line + left**2 * common * _leverage(tuple(axis), window)))


def pixel_variance(
    flux: NDArray[np.float64],
    noise: NDArray[np.float64],
    variance: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """The variance of pixels (n, n_pixels); the noise's, times the flux, where it is unknown."""
    photons = noise[:, None] ** 2 * np.maximum(flux, 1.0)
    return photons if variance is None else np.where(np.isfinite(variance), variance, photons)


def correlation(
    flux: NDArray[np.float64], spectral_axis: NDArray[np.float64], *, noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much correlated noise raises the variance of a sum of pixels.

    The factor is 1 + 2 Σ ρ_k, ρ_k being the autocorrelation at a distance of k = 1, 2, 3
    elements outside the lines (Priestley 1981, Spectral Analysis and Time Series, section
    5.3); at least 1.

    Parameters
    ----------
    flux
        Rectified flux, shape (n, n_pixels).
    spectral_axis
        Wavelengths in Å, shape (n_pixels,).
    noise
        Scatter outside the lines, shape (n,).

    Returns
    -------
    numpy.ndarray
        Factors, shape (n,).
    """
    residual = flux[:, _continuum(tuple(spectral_axis))] - 1.0
    residual *= np.abs(residual) < 3.0 * noise[:, None]
    power = np.maximum(np.einsum("ij,ij->i", residual, residual), np.finfo(float).tiny)
    together = sum(
        np.einsum("ij,ij->i", residual[:, lag:], residual[:, :-lag]) for lag in range(1, _LAGS + 1)
    )
    return np.asarray(np.maximum(1.0 + 2.0 * together / power, 1.0))


@lru_cache(maxsize=128)
def unresolved_line(
    axis: tuple[float, ...], wavelength: float, resolving_power: float
) -> NDArray[np.float64] | None:
    """Weights whose sum with the flux is the equivalent width of an unresolved line.

    Parameters
    ----------
    axis
        Wavelengths of the pixels in Å.
    wavelength
        That of the line in Å.
    resolving_power
        λ/FWHM of the instrument.

    Returns
    -------
    numpy.ndarray
        Weights in Å, shape (n_pixels,), 0 beyond 10 Å from the line; None where the
        pixels do not hold the line.
    """
    grid = np.array(axis)
    if not grid[0] <= wavelength - _NEEDED < wavelength + _NEEDED <= grid[-1]:
        return None
    distance = grid - wavelength
    near = np.abs(distance) <= _FITTED
    sigma = wavelength / resolving_power / FWHM_PER_SIGMA
    edges = pixel_edges(grid)
    line = np.diff(ndtr((edges - wavelength) / sigma)) / np.diff(edges)
    parabola = np.vander(distance[near] / _FITTED, 3)
    weights = np.zeros(grid.size)
    weights[near] = -np.linalg.pinv(np.column_stack([line[near], parabola]))[0]
    return weights


def is_nebular(
    strengths: dict[str, NDArray[np.float64]], errors: dict[str, NDArray[np.float64]]
) -> NDArray[np.bool_]:
    """Whether forbidden lines stand in the ratios of ionised gas.

    [N II] 6583 is seen at 4 standard errors; 6548 is a third of it within 3, for the atom
    fixes their ratio; [S II] 6716 is no more than 4 times as strong (H II regions have 0.3
    to 2, supernova remnants more: Sabbadin, Minello & Bianchini 1977, A&A 60, 147); and the
    two weaker lines together are seen at 2.5.

    Parameters
    ----------
    strengths, errors
        Equivalent widths (Å, emission negative) and their errors by the names of
        :data:`FORBIDDEN`, each of shape (n,); NaN where not measured.

    Returns
    -------
    numpy.ndarray
        True where they are, shape (n,).
    """
    weak, strong, sulphur = (
        (strengths[name], errors[name])
        for name in ("nitrogen_6548", "nitrogen_6583", "sulphur_6716")
    )
    a_third = strong[0] / NITROGEN_RATIO
    spread = np.hypot(weak[1], strong[1] / NITROGEN_RATIO)
    as_nitrogen = np.abs(weak[0] - a_third) < 3.0 * spread
    as_sulphur = -sulphur[0] < -4.0 * strong[0] + 3.0 * sulphur[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        # A line off the grid says nothing for the gas and nothing against it.
        both = [np.nan_to_num(value / error) for value, error in (weak, sulphur)]
    seen = (strong[0] < -4.0 * strong[1]) & (sum(both) < -2.5 * np.sqrt(2.0))
    return np.asarray(seen & as_nitrogen & (as_sulphur | np.isnan(sulphur[0])))


def _inside(
    spectral_axis: ArrayLike, window: tuple[float, float]
) -> tuple[slice, NDArray[np.float64]]:
    """The pixels that a window touches and how much of each lies within, in Å."""
    edges = pixel_edges(spectral_axis)
    low, high = window
    if not edges[0] <= low < high <= edges[-1]:
        msg = f"window must lie within {edges[0]:.1f} to {edges[-1]:.1f} Å, given {window}"
        raise ValueError(msg)
    width = np.diff(np.clip(edges, low, high))
    touched = np.flatnonzero(width)
    inside = slice(touched[0], touched[-1] + 1)
    return inside, width[inside]


@lru_cache(maxsize=8)
def _continuum(axis: tuple[float, ...]) -> NDArray[np.intp]:
    """The elements that the continuum is fitted in."""
    grid = np.array(axis)
    lines = [(grid >= low) & (grid <= high) for low, high in PROTECTED]
    return np.flatnonzero(~np.any(lines, axis=0))


@lru_cache(maxsize=8)
def _leverage(axis: tuple[float, ...], window: tuple[float, float]) -> float:
    """Variance of the mean continuum in a window, over that of an element."""
    grid = np.array(axis)
    basis = chebyshev.chebvander(2.0 * (grid - grid[0]) / (grid[-1] - grid[0]) - 1.0, DEGREE)
    inside, width = _inside(grid, window)
    mean = width @ basis[inside] / width.sum()
    fitted = basis[_continuum(axis)]
    return float(mean @ np.linalg.solve(fitted.T @ fitted, mean))
