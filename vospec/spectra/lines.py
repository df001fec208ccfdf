"""Measures of the Hα line in rectified spectra.

Equivalent width W = ∫ (1 - F) dλ over a window, positive for absorption and
negative for emission (as specutils' ``equivalent_width``); pixels that the window
cuts count with the part that lies inside.

Cost: one operation a pixel.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.resampling import pixel_edges

#: Hα in vacuum, Å (6562.80 in air).
HALPHA = 6564.61


def equivalent_width(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    window: tuple[float, float] = (6544.6, 6584.6),
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
    edges = pixel_edges(spectral_axis)
    low, high = window
    if not edges[0] <= low < high <= edges[-1]:
        msg = f"window must lie within {edges[0]:.1f} to {edges[-1]:.1f} Å, given {window}"
        raise ValueError(msg)
    width = np.diff(np.clip(edges, low, high))
    inside = width > 0
    depth = 1.0 - np.asarray(flux, dtype=np.float64)[..., inside]
    return np.asarray(depth @ width[inside])


def peak_height(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    centre: float = HALPHA,
    half_width: float = 10.0,
) -> NDArray[np.float64]:
    """Return the largest flux near a line, above the continuum.

    Parameters
    ----------
    flux
        Rectified flux, shape (..., n_pixels).
    spectral_axis
        Wavelengths of the pixels in Å, shape (n_pixels,).
    centre, half_width
        Where to look, in Å.

    Returns
    -------
    numpy.ndarray
        Largest flux minus 1, shape (...); NaN where the flux within is.

    Raises
    ------
    ValueError
        If no pixel lies there.
    """
    axis = np.asarray(spectral_axis, dtype=np.float64)
    near = np.abs(axis - centre) <= half_width
    if not near.any():
        msg = f"no pixel lies within {half_width} Å of {centre} Å"
        raise ValueError(msg)
    return np.asarray(np.asarray(flux, dtype=np.float64)[..., near].max(axis=-1) - 1.0)
