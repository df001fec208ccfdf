"""The width of the adapting kernel, fitted on pairs of spectra of the same star.

The residual d(w) of a pair at a kernel's width w is that of :mod:`vospec.spectra.comparison`, at
the velocity where it is least.

What remains in a pair is noise, but also a star that has changed or a faulty sky: its size is
unknown and differs from pair to pair. The likelihood of normal residuals with a variance of
each pair's own, taken at its maximum over the variances and velocities, leaves

    ln L(w) = -½ Σ_pairs n ln RMS²(w) + constant

so a pair counts by how much the width changes its residual *relatively*: neither the
brightest star nor the most variable one decides (in a sum of squares they do).

Every pair is judged with the width that the others give. The same widths w_(i) tell the
error, as the jackknife does (Efron 1982, The Jackknife, the Bootstrap and Other
Resampling Plans, chapter 3), from the pairs' own disagreement:

    σ_w² = (n - 1)/n Σ (w_(i) - mean w_(·))²

Cost: 0.02 s a pair and width, 0.5 s a pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from vospec.spectra.comparison import LEAST, WINDOW, Fit, Pair, PairOnGrid

#: FWHM (Å, at Hα) at which the residuals are computed; between them a spline holds.
WIDTHS = np.arange(0.0, 9.1, 0.5)
#: Fewer pairs say nothing about the error of the width.
FEWEST_PAIRS = 3
#: Widths are told apart to this (Å), a twentieth of what pairs can tell.
_STEP = 0.01


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
        residual, sqrt(2 σ² / (Σd²)''); NaN where it has no minimum.
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
    on_grid = [PairOnGrid(pair, elements, window) for pair in pairs]
    starts = [one.start(float(np.median(widths))) for one in on_grid]
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
    on_grid: list[PairOnGrid],
    fwhm: float,
    fwhm_error: float,
    others: NDArray[np.float64],
    before: list[Fit],
    after: list[Fit],
) -> Calibration:
    velocity = np.array([fit.velocity for fit in after])
    judged = list(zip(on_grid, others, velocity, strict=True))
    noise = np.array([one.noise(*at) for one, *at in judged])
    # The spline is of the mean of the squares; the sum's curvature is n times that.
    curvature = np.array([fit.curvature if fit.curvature > 0 else np.nan for fit in after])
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


def _misfit(pair: PairOnGrid, widths: NDArray[np.float64], start: float) -> NDArray[np.float64]:
    """-2 ln L at widths that lie 0.01 Å apart, between the given ones."""
    squares = np.array([pair.fit(width, start).rms ** 2 for width in widths])
    # The squares are smooth, their logarithm need not be.
    # A kernel acts by its variance: in the width's square they are nearly a parabola.
    between = CubicSpline(widths**2, squares)(_dense(widths) ** 2)
    logarithms = np.log(np.maximum(between, LEAST * squares.min()))
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
