"""How well a fine spectrum agrees with each of many survey spectra, on one scale for all.

The residual of :mod:`vospec.spectra.comparison` is taken at every velocity of a grid, and the
least RMS in the window, r, is weighed against what two spectra of one star differ by:

    misfit = r / sqrt(σ² + f²)

σ is the noise of the survey's spectrum by itself, from elements that are two apart (Stoehr
et al. 2008, ASPC 394, 505),

    σ = 1.4826 / √6 · median |2 s_i - s_(i-2) - s_(i+2)|    outside the lines.

The scatter of the residual, which :mod:`~vospec.spectra.comparison` takes, would do a wrong
partner a favour: lines that only one of the two has would count as its noise. f is what
spectra of one star differ by beyond their noise. Without it the brightest, whose noise is
0.6 %, would agree with nothing, their own star included. In 15 pairs of LAMOST DR1 and CCD700
sqrt(r² - σ²) is 0.014 in the median; with f from 0.01 to 0.03 their mean rank among 336 spectra
of LAMOST is the same within a tenth.

A misfit is compared with other misfits, never with a table: it has no known distribution.

Cost: 0.25 s for 300 survey spectra at 41 velocities.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.comparison import WINDOW, difference, shifted
from vospec.spectra.rectification import MAD_TO_SIGMA, PROTECTED, rectify
from vospec.spectra.resampling import checked_batch

#: What spectra of one star differ by beyond their noise, over continuum.
FLOOR = 0.015
#: km/s. Of 15 true pairs the farthest, an eclipsing binary, is moved by 124.
VELOCITIES = np.arange(-200.0, 201.0, 10.0)
#: Least share of the window's elements that must be good.
FEWEST = 0.5
#: Survey spectra that are worked on together: 41 velocities of each stay in 20 MB.
_AT_ONCE = 128
_APART = 2


@dataclass(frozen=True, eq=False)
class Agreement:
    """A fine spectrum beside each of n survey spectra, at its best velocity.

    Attributes
    ----------
    rms, noise : (n,) float64
        RMS of the residual in the window and noise of the survey's spectrum, over
        continuum; NaN where there is no continuum or no good element in the window.
    velocity : (n,) float64
        Survey minus fine in km/s; NaN likewise.
    """

    rms: NDArray[np.float64]
    noise: NDArray[np.float64]
    velocity: NDArray[np.float64]

    @property
    def misfit(self) -> NDArray[np.float64]:
        """The misfit, (n,); infinite where nothing can be told."""
        misfit = self.rms / np.hypot(self.noise, FLOOR)
        return np.where(np.isfinite(misfit), misfit, np.inf)


def agreement(  # noqa: PLR0913 - all but three by name
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    survey: ArrayLike,
    *,
    grid: NDArray[np.float64],
    fwhm: float,
    mask: ArrayLike | None = None,
    window: tuple[float, float] = WINDOW,
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
    window
        First and last wavelength (Å) of the residual's RMS.
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
    near = (grid >= window[0]) & (grid <= window[1])
    squares = np.concatenate(
        [
            _squares(fine, others[first : first + _AT_ONCE], grid, near)
            for first in range(0, len(others), _AT_ONCE)
        ]
    )
    best = squares.argmin(axis=1)
    least = squares[np.arange(len(others)), best]
    told = np.isfinite(least)
    return Agreement(
        rms=np.sqrt(np.where(told, least, np.nan)),
        noise=noise_of(others, grid),
        velocity=np.where(told, tried[best], np.nan),
    )


def _squares(
    fine: NDArray[np.float64],
    survey: NDArray[np.float64],
    grid: NDArray[np.float64],
    near: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Mean squares in the window, (n, n_velocities); infinite where too little is good."""
    n, elements = survey.shape
    rows = np.broadcast_to(fine, (n, *fine.shape)).reshape(-1, elements)
    residual = difference(rows, np.repeat(survey, len(fine), axis=0), grid)[:, near]
    good = np.isfinite(residual)
    count = good.sum(axis=1)
    total = (np.where(good, residual, 0.0) ** 2).sum(axis=1)
    enough = (count > 0) & (count >= FEWEST * near.sum())
    return np.where(enough, total / np.maximum(count, 1), np.inf).reshape(n, len(fine))


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
    outside = np.ones(grid.shape, dtype=bool)
    for low, high in PROTECTED:
        outside &= (grid < low) | (grid > high)
    middle = flux[:, _APART:-_APART]
    second = np.abs(2.0 * middle - flux[:, : -2 * _APART] - flux[:, 2 * _APART :])
    second = second[:, outside[_APART:-_APART]]
    told = np.isfinite(second).any(axis=1)
    noise = np.full(len(flux), np.nan)
    noise[told] = MAD_TO_SIGMA / np.sqrt(6.0) * np.nanmedian(second[told], axis=1)
    return noise
