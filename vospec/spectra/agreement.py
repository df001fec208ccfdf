"""How well a fine spectrum agrees with each of many survey spectra, on one scale for all.

The residual d of :mod:`vospec.spectra.comparison` is weighed at every velocity of a grid
against what two spectra of one star differ by, and the best velocity is taken:

    misfit² = mean of min(d² / (σ² + f²), 6²)

over all elements but those where the night sky leaves residues: here the weak lines count as
well as Hα, for the question is which star it is. Single elements that are far off (cosmic rays,
faulty pixels) count as six times what is expected.

σ is the noise of the survey's spectrum by itself, from elements that are two apart (Stoehr
et al. 2008, ASPC 394, 505),

    σ = 1.4826 / √6 · median |2 s_i - s_(i-2) - s_(i+2)|    outside the lines.

The scatter of the residual, which :mod:`~vospec.spectra.comparison` takes, would do a wrong
partner a favour: lines that only one of the two has would count as its noise. f is what
spectra of one star differ by beyond their noise. Without it the brightest, whose noise is
0.6 %, would agree with nothing, their own star included. In 15 pairs of LAMOST DR1 and CCD700
it is 0.014 in the median near Hα.

Of 336 spectra of LAMOST those of the right stars are in the mean among the best 2 % (15 pairs,
the worst among the best 8 %); by Hα alone, 6540-6590 Å, among the best 4 % (the worst 11 %).

A misfit is compared with other misfits, never with a table: it has no known distribution.

Cost: 0.25 s for 300 survey spectra at 41 velocities.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.comparison import difference, shifted
from vospec.spectra.rectification import MAD_TO_SIGMA, PROTECTED, rectify
from vospec.spectra.resampling import checked_batch

#: What spectra of one star differ by beyond their noise, over continuum.
FLOOR = 0.015
#: km/s. Of 15 true pairs the farthest, an eclipsing binary, is moved by 124.
VELOCITIES = np.arange(-200.0, 201.0, 10.0)
#: An element counts as far off as this at most, in units of what is expected.
MOST = 6.0
#: Residues of the night sky's [O I] 6302 and 6366.
SKY = PROTECTED[:2]
#: Least share of the elements that must be good.
FEWEST = 0.5
#: Survey spectra that are worked on together: 41 velocities of each stay in 20 MB.
_AT_ONCE = 128
_APART = 2


@dataclass(frozen=True, eq=False)
class Agreement:
    """A fine spectrum beside each of n survey spectra, at its best velocity.

    Attributes
    ----------
    misfit : (n,) float64
        Infinite where nothing can be told: no continuum, or too few good elements.
    velocity : (n,) float64
        Survey minus fine in km/s; NaN likewise.
    """

    misfit: NDArray[np.float64]
    velocity: NDArray[np.float64]


def agreement(  # noqa: PLR0913 - all but three by name
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    survey: ArrayLike,
    *,
    grid: NDArray[np.float64],
    fwhm: float,
    mask: ArrayLike | None = None,
    velocities: ArrayLike = VELOCITIES,
) -> Agreement:
    """Compare a fine spectrum with survey spectra.

    Parameters
    ----------
    flux, spectral_axis
        The fine spectrum and its vacuum Å, shape (n_pixels,).
    survey
        Flux of the survey's spectra on the grid, any scale, NaN where bad, shape
        (n, n_elements).
    grid
        Vacuum Å, shape (n_elements,).
    fwhm
        FWHM in Å at Hα of the kernel that adapts the fine spectrum.
    mask
        Bad pixels of the fine spectrum, shape (n_pixels,).
    velocities
        km/s at which the fine spectrum is tried, shape (n_velocities,).

    Returns
    -------
    Agreement
        For each of the survey's spectra.

    Raises
    ------
    ValueError
        If shapes do not agree.
    """
    axis, others = np.asarray(spectral_axis, dtype=np.float64), np.atleast_2d(survey)
    tried = np.atleast_1d(np.asarray(velocities, dtype=np.float64))
    one = checked_batch(flux, axis, mask)
    fine = rectify(shifted(one, axis, grid, width=fwhm, velocities=tried), grid).flux
    seen = _outside(grid, SKY)
    squares = np.concatenate(
        [
            _squares(fine, others[first : first + _AT_ONCE], grid, seen)
            for first in range(0, len(others), _AT_ONCE)
        ]
    )
    best = squares.argmin(axis=1)
    least = squares[np.arange(len(others)), best]
    return Agreement(np.sqrt(least), np.where(np.isfinite(least), tried[best], np.nan))


def _squares(
    fine: NDArray[np.float64],
    survey: NDArray[np.float64],
    grid: NDArray[np.float64],
    seen: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Squared misfits, (n, n_velocities); infinite where too little is good."""
    n, elements = survey.shape
    rows = np.broadcast_to(fine, (n, *fine.shape)).reshape(-1, elements)
    residual = difference(rows, np.repeat(survey, len(fine), axis=0), grid)
    expected = np.repeat(np.hypot(noise_of(survey, grid), FLOOR), len(fine))[:, None]
    squares = np.minimum((residual[:, seen] / expected) ** 2, MOST**2)
    good = np.isfinite(squares)
    count = good.sum(axis=1)
    mean = np.where(good, squares, 0.0).sum(axis=1) / np.maximum(count, 1)
    enough = (count > 0) & (count >= FEWEST * seen.sum())
    return np.where(enough, mean, np.inf).reshape(n, len(fine))


def _outside(
    grid: NDArray[np.float64], windows: tuple[tuple[float, float], ...]
) -> NDArray[np.bool_]:
    outside = np.ones(grid.shape, dtype=bool)
    for low, high in windows:
        outside &= (grid < low) | (grid > high)
    return outside


def noise_of(survey: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the noise of spectra over their continuum by themselves, shape (n,).

    Parameters
    ----------
    survey
        Flux of any scale, NaN where bad, shape (n, n_elements).
    grid
        Vacuum Å, shape (n_elements,).
    """
    flux = rectify(survey, grid).flux
    middle = flux[:, _APART:-_APART]
    second = np.abs(2.0 * middle - flux[:, : -2 * _APART] - flux[:, 2 * _APART :])
    second = second[:, _outside(grid, PROTECTED)[_APART:-_APART]]
    told = np.isfinite(second).any(axis=1)
    noise = np.full(len(flux), np.nan)
    noise[told] = MAD_TO_SIGMA / np.sqrt(6.0) * np.nanmedian(second[told], axis=1)
    return noise
