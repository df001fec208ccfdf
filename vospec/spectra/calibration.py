"""The width of the adapting kernel, fitted on pairs of spectra of the same star.

A fine spectrum f, moved by a velocity v, convolved with a Gaussian and re-binned to
the survey's elements, should be the survey's spectrum s of that star up to a smooth
factor. With F(w, v) the adapted spectrum over its own continuum, q = s / F and c the
continuum of q, the residual of an element of the window is

    d = F (q / c - 1)

Both continua are those of :func:`vospec.spectra.rectify`. Taking the second one of the
quotient puts the pair on one continuum: weak lines cancel, which would be clipped in the
clean spectrum and averaged into the continuum of the noisy one. Its degree is four: of
one to six, that which predicts best the level of windows of 50 Å beside Hα that it was
not fitted in (rms 1.2 %, 15 pairs of LAMOST DR1 and CCD700, 6310-6725 Å).

The kernel's FWHM is w λ/λ_Hα. It grows with wavelength as at a constant resolving power, so
that a Doppler shift moves the pixels and leaves the weights as they are: the wavelengths
are shifted before the re-binning, and nothing is interpolated.

What remains in a pair is noise, but also a star that has changed or a faulty sky: its size is
unknown and differs from pair to pair. The likelihood of normal residuals with a variance of
each pair's own, taken at its maximum over the variances and velocities, leaves

    ln L(w) = -½ Σ_pairs n ln RMS²(w) + constant

so a pair counts by how much the width changes its residual *relatively*: neither the
brightest star nor the most variable one decides (in a sum of squares they do).

Every pair is judged with the width that the others give. The same widths w_(i) tell the
error, as the jackknife does (Efron 1982, The Jackknife, the Bootstrap and Other
Resampling Plans, section 3.2), from the pairs' own disagreement:

    σ_w² = (n - 1)/n Σ (w_(i) - mean w_(·))²

The noise expected in the window is σ² = s² mean(F), s the scatter (1.4826 times the median
absolute residual) outside the lines: it holds the noise of both spectra, after convolution and
re-binning, and grows with the flux as that of photons does. The survey's inverse variance does
not serve: in the 15 pairs of DR1 the noise by ``ivar`` is 0.2 to 3.5 times the scatter beside
the line, and ``ivar`` itself falls eightfold, or to 0, across Hα. The share of the residual
that is noise is σ² / RMS².

Cost: 20 ms a pair and width, 0.5 s a pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import speed_of_light
from scipy.interpolate import CubicSpline

from vospec.spectra.adaptation import convolution_matrix
from vospec.spectra.lines import HALPHA
from vospec.spectra.rectification import MAD_TO_SIGMA, PROTECTED, rectify
from vospec.spectra.resampling import (
    checked_batch,
    resample,
    resampling_matrix,
    weighted_mean,
)

#: The residual is taken over these vacuum Å.
WINDOW = (6540.0, 6590.0)
#: FWHM (Å, at Hα) at which the residuals are computed; between them a spline holds.
WIDTHS = np.arange(0.0, 9.1, 0.5)
#: Velocities are sought within this (km/s): 8.8 Å at Hα.
MAX_VELOCITY = 400.0
#: Fewer pairs say nothing about the error of the width.
FEWEST_PAIRS = 3
_LIGHT_SPEED = speed_of_light / 1e3
_COARSE = np.arange(-MAX_VELOCITY, MAX_VELOCITY + 1.0, 20.0)
_FINE = np.arange(-60.0, 61.0, 10.0)
#: Widths are told apart to this (Å), a twentieth of what pairs can tell.
_STEP = 0.01
#: Squares on the spline are not taken for less than this share of the least computed one.
_LEAST = 1e-3
_QUOTIENT = {"degree": 4, "clip": (3.0, 3.0)}


@dataclass(frozen=True, eq=False)
class Pair:
    """A star's spectra of the fine instrument and of the survey, in vacuum Å.

    Attributes
    ----------
    flux, spectral_axis, mask : (n_pixels,)
        Flux, wavelengths and bad pixels of the fine instrument.
    survey_flux, survey_axis, survey_mask : (n_survey,)
        The same of the survey.
    """

    flux: ArrayLike
    spectral_axis: ArrayLike
    mask: ArrayLike
    survey_flux: ArrayLike
    survey_axis: ArrayLike
    survey_mask: ArrayLike


@dataclass(frozen=True, eq=False)
class Calibration:
    """The fitted width, and every pair as the width of the others leaves it.

    Attributes
    ----------
    fwhm, fwhm_error : float
        FWHM in Å at Hα and its standard error.
    fwhm_others : (n,) float64
        FWHM fitted on all pairs but this one.
    velocity, velocity_error : (n,) float64
        Survey minus fine in km/s, with the standard error from the curvature of the
        residual, sqrt(2 n σ² / (Σd²)'').
    before, after : (n,) float64
        RMS residual without kernel, and with that of the others; each at its velocity.
    noise : (n,) float64
        RMS that noise alone would leave.
    apart : (n,) float64
        RMS difference after adaptation when each spectrum is rectified alone, as in the
        feature vectors.
    """

    fwhm: float
    fwhm_error: float
    fwhm_others: NDArray[np.float64]
    velocity: NDArray[np.float64]
    velocity_error: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    noise: NDArray[np.float64]
    apart: NDArray[np.float64]

    @property
    def noise_share(self) -> NDArray[np.float64]:
        """Share of the squared residual that is noise; chance may lift it above 1."""
        return np.asarray((self.noise / self.after) ** 2)

    @property
    def worsened(self) -> NDArray[np.bool_]:
        """Whether the squared residual grows by more than the squared noise."""
        return np.asarray(self.after**2 - self.before**2 > self.noise**2)


@dataclass(frozen=True)
class _Fit:
    """A pair at one width: RMS at the best velocity, and how sharp that is."""

    rms: float
    velocity: float
    curvature: float


class _OnGrid:
    """A pair with the survey's side on the common grid."""

    def __init__(self, pair: Pair, grid: NDArray[np.float64], window: tuple[float, float]) -> None:
        self.grid = grid
        self.near = (grid >= window[0]) & (grid <= window[1])
        self.axis = np.asarray(pair.spectral_axis, dtype=np.float64)
        self.fine = checked_batch(pair.flux, self.axis, pair.mask)
        self.survey = resample(pair.survey_flux, pair.survey_axis, grid, mask=pair.survey_mask)
        if not self.near.any() or self.survey.mask[0, self.near].all():
            msg = f"no good element of the survey's spectrum lies in {window} Å"
            raise ValueError(msg)

    def adapted(self, width: float, velocities: ArrayLike) -> NDArray[np.float64]:
        """The fine spectrum on the grid, shape (n_velocities, n_elements)."""
        matrix = convolution_matrix(self.axis, width * self.axis / HALPHA)
        smooth, mask, _ = weighted_mean(matrix, self.fine.flux, self.fine.mask)
        mask |= self.fine.mask
        shifts = 1.0 + np.atleast_1d(velocities) / _LIGHT_SPEED
        rows = [
            weighted_mean(resampling_matrix(self.axis * shift, self.grid), smooth, mask).flux[0]
            for shift in shifts
        ]
        return np.stack(rows)

    def residual(self, width: float, velocities: ArrayLike) -> NDArray[np.float64]:
        """Residuals on one continuum, shape (n_velocities, n_elements)."""
        fine = rectify(self.adapted(width, velocities), self.grid).flux
        quotient = rectify(self.survey.flux / fine, self.grid, **_QUOTIENT).flux  # type: ignore[arg-type]
        return np.asarray(fine * (quotient - 1.0))

    def rms(self, width: float, velocities: ArrayLike) -> NDArray[np.float64]:
        """RMS residual in the window, shape (n_velocities,)."""
        near = self.residual(width, velocities)[:, self.near]
        rms = np.sqrt(np.nanmean(near**2, axis=1))
        if not np.all(rms > 0):
            msg = "the pair has no continuum, or does not differ at all"
            raise ValueError(msg)
        return np.asarray(rms)

    def fit(self, width: float, near: float) -> _Fit:
        """Best velocity within 60 km/s of one, on a spline through the mean squares."""
        velocities = near + _FINE
        squares = self.rms(width, velocities) ** 2
        curve = CubicSpline(velocities, squares)
        best = _minimum(curve)
        least = max(float(curve(best)), _LEAST * squares.min())
        return _Fit(np.sqrt(least), best, float(curve(best, 2)))

    def noise(self, width: float, velocity: float) -> float:
        """RMS in the window that noise alone would leave."""
        outside = np.ones(self.grid.shape, dtype=bool)
        for low, high in PROTECTED:
            outside &= (self.grid < low) | (self.grid > high)
        scatter = MAD_TO_SIGMA * np.nanmedian(np.abs(self.residual(width, velocity)[0, outside]))
        flux = rectify(self.adapted(width, velocity), self.grid).flux[0, self.near]
        return float(scatter * np.sqrt(np.nanmean(flux)))

    def apart(self, width: float, velocity: float) -> float:
        """RMS difference in the window of the two spectra, each rectified alone."""
        fine = rectify(self.adapted(width, velocity), self.grid).flux
        survey = rectify(self.survey.flux, self.grid).flux
        return float(np.sqrt(np.nanmean((fine - survey)[:, self.near] ** 2)))


def calibrate(
    pairs: Sequence[Pair],
    grid: ArrayLike,
    *,
    window: tuple[float, float] = WINDOW,
    widths: ArrayLike = WIDTHS,
) -> Calibration:
    """Fit the kernel's width on pairs, and judge each pair by the others' width.

    Parameters
    ----------
    pairs
        Pairs of different stars, three or more.
    grid
        Common grid, vacuum Å, shape (n_elements,). Elements that a spectrum does not
        cover take no part.
    window
        First and last wavelength (Å) of the residual.
    widths
        FWHM at Hα in Å among which the best is sought, rising, from 0.

    Returns
    -------
    Calibration
        The width with its error, and the pairs in their order.

    Raises
    ------
    ValueError
        If there are fewer than three pairs, a pair has no continuum or no element in the
        window, or the best width is the first or the last.
    """
    if len(pairs) < FEWEST_PAIRS:
        msg = f"a width needs {FEWEST_PAIRS} pairs of different stars, given {len(pairs)}"
        raise ValueError(msg)
    widths = np.asarray(widths, dtype=np.float64)
    elements = np.asarray(grid, dtype=np.float64)
    on_grid = [_OnGrid(pair, elements, window) for pair in pairs]
    starts = [_start(one, float(np.median(widths))) for one in on_grid]
    misfits = np.array(
        [_misfit(one, widths, start) for one, start in zip(on_grid, starts, strict=True)]
    )
    total = misfits.sum(axis=0)
    others = np.array([_best(widths, total - own) for own in misfits])
    error = np.sqrt((len(pairs) - 1) * np.var(others))
    before = [one.fit(0.0, start) for one, start in zip(on_grid, starts, strict=True)]
    after = [one.fit(*both) for one, *both in zip(on_grid, others, starts, strict=True)]
    return _judged(on_grid, _best(widths, total), float(error), others, before, after)


def _judged(  # noqa: PLR0913, PLR0917 - what calibrate has found, in its order
    on_grid: list[_OnGrid],
    fwhm: float,
    fwhm_error: float,
    others: NDArray[np.float64],
    before: list[_Fit],
    after: list[_Fit],
) -> Calibration:
    velocity = np.array([fit.velocity for fit in after])
    judged = list(zip(on_grid, others, velocity, strict=True))
    noise = np.array([one.noise(*at) for one, *at in judged])
    # The spline is of the mean of the squares; the sum's curvature is n times that.
    curvature = np.array([fit.curvature for fit in after])
    size = np.array([one.near.sum() for one in on_grid])
    return Calibration(
        fwhm=fwhm,
        fwhm_error=fwhm_error,
        fwhm_others=others,
        velocity=velocity,
        velocity_error=np.sqrt(2.0 * noise**2 / (size * curvature)),
        before=np.array([fit.rms for fit in before]),
        after=np.array([fit.rms for fit in after]),
        noise=noise,
        apart=np.array([one.apart(*at) for one, *at in judged]),
    )


def _start(pair: _OnGrid, width: float) -> float:
    """The velocity, to 20 km/s, at which the pair agrees best."""
    return float(_COARSE[pair.rms(width, _COARSE).argmin()])


def _misfit(pair: _OnGrid, widths: NDArray[np.float64], start: float) -> NDArray[np.float64]:
    """-2 ln L at widths that lie 0.01 Å apart, between the given ones."""
    squares = np.array([pair.fit(width, start).rms ** 2 for width in widths])
    # The squares are smooth, their logarithm need not be.
    # A kernel acts by its variance: in the width's square they are nearly a parabola.
    between = CubicSpline(widths**2, squares)(_dense(widths) ** 2)
    logarithms = np.log(np.maximum(between, _LEAST * squares.min()))
    return np.asarray(pair.near.sum() * logarithms)


def _dense(widths: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linspace(widths[0], widths[-1], round((widths[-1] - widths[0]) / _STEP) + 1)


def _best(widths: NDArray[np.float64], misfit: NDArray[np.float64]) -> float:
    """The width of the least misfit."""
    best = _dense(widths)[misfit.argmin()]
    if misfit.argmin() in {0, len(misfit) - 1}:
        msg = (
            f"no kernel between {widths[0]} and {widths[-1]} Å: the residuals are least at {best} Å"
        )
        raise ValueError(msg)
    return float(best)


def _minimum(curve: CubicSpline) -> float:
    """Where a spline is lowest, its ends included."""
    places = np.append(curve.derivative().roots(extrapolate=False), curve.x[[0, -1]])
    return float(places[np.argmin(curve(places))])
