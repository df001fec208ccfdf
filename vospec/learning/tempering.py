"""Scores of spectra that show no line above their continuum count half.

A graph gives every vertex that a label reaches a class. What no label resembles, a
galaxy whose lines are elsewhere, a star so fast that its absorption leaves its
place, noise, has "no absorption where absorption is expected", and that is what
half-filled profiles look like. The remedy asks the spectrum: does the flux at Hα
stand above the continuum by ``significance`` times its noise?

    score' = score         where peak > significance × noise,
             score / 2     elsewhere.

A half is chosen so that nothing without a visible line stands above 0.5, while
weak emission inside an absorption line, which no threshold on the peak can see,
keeps its place among its like, behind all that is certain.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: What remains of a score without a visible line.
REMAINDER = 0.5


def tempered(
    scores: ArrayLike, peaks: ArrayLike, noise: ArrayLike, *, significance: float = 3.0
) -> NDArray[np.float64]:
    """Halve the scores of spectra without a line above the continuum.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Scores from 0 to 1; NaN stays.
    peaks : array_like, shape (n,)
        Greatest flux at the line over a resolution element, minus 1, see
        `mean_peaks`; NaN shows no line.
    noise : array_like, shape (n,)
        Scatter of the rectified flux of one element, or whatever else a line must stand
        above, such as the night sky's residues; NaN shows no line.
    significance : float, optional
        Multiple of the noise that a line must exceed, 0 or more. Neighbouring
        elements share noise, so that it is not divided by the root of their number.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        When the shapes differ or ``significance`` is negative.
    """
    scores, peaks, noise = (np.asarray(a, dtype=np.float64) for a in (scores, peaks, noise))
    if not scores.shape == peaks.shape == noise.shape:
        found = f"{peaks.shape} and {noise.shape}"
        message = f"expected peaks and noise of shape {scores.shape}, found {found}"
        raise ValueError(message)
    if not significance >= 0:
        message = f"significance: expected 0 or more, found {significance}"
        raise ValueError(message)
    return np.where(peaks > significance * noise, scores, REMAINDER * scores)


def mean_peaks(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    centre: float,
    half_width: float = 10.0,
    n_elements: int = 3,
) -> NDArray[np.float64]:
    """Return the greatest mean flux over a few neighbouring elements near a line, minus 1.

    A line of the survey is as wide as its resolution (3.6 Å at Hα for R 1800, 2.4
    elements of the grid), noise and cosmic rays are narrower.

    Parameters
    ----------
    flux : array_like, shape (n, d)
        Rectified flux.
    spectral_axis : array_like, shape (d,)
        Wavelengths of the elements in Å.
    centre, half_width : float
        Where the middle element may lie, in Å.
    n_elements : int, optional
        Odd number of elements in a mean.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where the flux within is.

    Raises
    ------
    ValueError
        When the shapes do not match, ``n_elements`` is not odd, or the elements needed
        are not all there.
    """
    flux, axis = np.asarray(flux), np.asarray(spectral_axis, dtype=np.float64)
    if flux.ndim != 2 or flux.shape[1:] != axis.shape:  # noqa: PLR2004 -- spectra and elements
        message = f"flux: expected spectra of {axis.size} elements, found shape {flux.shape}"
        raise ValueError(message)
    side, even = divmod(n_elements - 1, 2)
    middle = np.flatnonzero(np.abs(axis - centre) <= half_width)
    if even or n_elements < 1:
        message = f"n_elements: expected an odd number, found {n_elements}"
        raise ValueError(message)
    if middle.size == 0 or middle[0] < side or middle[-1] + side >= axis.size:
        message = f"spectral_axis: expected elements around {centre} ± {half_width} Å, found none"
        raise ValueError(message)
    offsets = np.arange(-side, side + 1)
    means = flux[:, middle[:, None] + offsets].mean(axis=2, dtype=np.float64)
    return np.asarray(means.max(axis=1) - 1)
