"""The profile of Hα's emission: its peaks, their width, separation and ratio.

A peak is a pixel that is higher than its neighbours, lies within 10 Å of Hα, and stands
by 4 standard deviations above the continuum and by 3 above the ground that parts it from
higher flux (its prominence, as in ``scipy.signal.peak_prominences``; the deviation there
is that of a difference of two pixels). Of single peaks at S/N 20 to 100 fewer than one in
a thousand then fall apart. Height and place are those of the
parabola through the three pixels around it: a line of the instrument's width (σ = 1.03
pixels) keeps 96 % or more of its height, where the highest pixel alone keeps 89 %.

Of the two highest peaks, V being the violet one (Dachs, Hummel & Hanuschik 1992,
A&AS 95, 437):

- separation Δv = c (λ_R - λ_V) / λ_Hα, which tells of the disc's outer radius (Huang
  1972, ApJ 171, 549);
- V/R = (F_V - 1) / (F_R - 1);
- central depth = 1 - 2 F / (F_V + F_R), F the lowest flux between them. Hanuschik (1996,
  A&A 308, 170) calls stars with a depth above 1/3 shell stars, at high resolution.

The full width at half maximum is that of the emission over the continuum, between the
outermost flanks, linear between pixels. The instrument's width (λ/R = 3.65 Å at Hα) is
left in: FWHM² - (λ/R)² is the star's, if both are Gaussian.

Two equal Gaussians of deviation σ have two maxima if they are more than 2σ apart
(Sparrow 1916, ApJ 44, 76). At R = 1800 the instrument alone has σ = 71 km/s: peaks
closer than 142 km/s are one, however sharp, and of discs, whose peaks are as wide as
a third of their separation, those closer than about 190 km/s. Wider ones lean on each
other: peaks 300 km/s apart, with σ = 75 km/s each, show 275 km/s.

Cost: a few operations for each of 13 pixels; of spectra with peaks about 300.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.lines import HALPHA
from vospec.spectra.wavelengths import LIGHT_SPEED

#: Peaks are sought so far from Hα (Å): 457 km/s, and no bright OH line within.
HALF_WIDTH = 10.0
#: How far from Hα the flanks of the emission may be, Å.
FLANKS = 30.0
#: A peak stands out by so many standard deviations, of the continuum and of its ground.
SIGNIFICANCE, DIP_SIGNIFICANCE = 4.0, 3.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profiles:
    """Measures of the emission, shape (n,) each; NaN where there is no such peak.

    Attributes
    ----------
    n_peaks
        Number of significant peaks.
    fwhm
        Å.
    peak_separation
        km/s.
    violet_to_red, central_depth
        Without unit.
    """

    n_peaks: NDArray[np.int_]
    fwhm: Floats
    peak_separation: Floats
    violet_to_red: Floats
    central_depth: Floats


def peak_height(
    flux: ArrayLike,
    spectral_axis: ArrayLike,
    *,
    centre: float = HALPHA,
    half_width: float = HALF_WIDTH,
) -> Floats:
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
        Largest flux minus 1, shape (...): that of the parabola through the highest
        pixel and its neighbours, or of the pixel where a neighbour outside is higher.
        NaN where the flux within is.

    Raises
    ------
    ValueError
        If no pixel lies there.
    """
    block, _, tried = _surroundings(flux, spectral_axis, centre, half_width, half_width)
    highest = block[tried].argmax(axis=0) + tried.start
    height, _ = _vertex(block, highest)
    before, pixel, after = _around(block, highest)
    # The flank of something outside is no maximum, and has no parabola.
    height = np.where(pixel >= np.maximum(before, after), height, pixel)
    return np.asarray(height - 1.0).reshape(np.shape(flux)[:-1])


def measure_profiles(flux: ArrayLike, spectral_axis: ArrayLike, *, variance: ArrayLike) -> Profiles:
    """Find the peaks of Hα's emission and measure them.

    Parameters
    ----------
    flux
        Rectified flux, shape (n, n_pixels).
    spectral_axis
        Wavelengths of the pixels in Å, shape (n_pixels,).
    variance
        Variance of the flux, shape (n, n_pixels).

    Returns
    -------
    Profiles
        One row a spectrum.

    Raises
    ------
    ValueError
        If no pixel lies near Hα.
    """
    where = (spectral_axis, HALPHA, HALF_WIDTH, FLANKS)
    block, axis, tried = _surroundings(flux, *where)
    peaks = _peaks(block, np.sqrt(_surroundings(variance, *where)[0]), tried)
    n_peaks = peaks.sum(axis=0)
    measures = np.full((4, n_peaks.size), np.nan)
    # Most stars have no emission: only the others are measured.
    single, double = n_peaks > 0, n_peaks > 1
    measures[0, single] = _fwhm(block[:, single], axis, peaks[:, single])
    measures[1:, double] = _pairs(block[:, double], axis, peaks[:, double])
    return Profiles(n_peaks, *measures)


def _pairs(block: Floats, axis: Floats, peaks: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Separation (km/s), V/R and central depth of the two highest peaks."""
    violet, red = _two_highest(block, peaks)
    (violet_flux, violet_at), (red_flux, red_at) = _vertex(block, violet), _vertex(block, red)
    place = np.arange(axis.size)
    separation = np.interp(red_at, place, axis) - np.interp(violet_at, place, axis)
    depth = 1.0 - 2.0 * _lowest(block, violet, red) / (violet_flux + red_flux)
    ratio = (violet_flux - 1.0) / (red_flux - 1.0)
    return LIGHT_SPEED * separation / HALPHA, ratio, depth


def _surroundings(
    flux: ArrayLike, spectral_axis: ArrayLike, centre: float, tried: float, kept: float
) -> tuple[Floats, Floats, slice]:
    """The flux around a line, its wavelengths, and the pixels of them that may be peaks.

    The pixels come first: what is done for a pixel is done for all spectra in one stretch.
    """
    axis = np.asarray(spectral_axis, dtype=np.float64)
    distance = np.abs(axis[1:-1] - centre)
    chosen = np.flatnonzero(distance <= tried) + 1
    if not chosen.size:
        msg = f"no pixel lies within {tried} Å of {centre} Å"
        raise ValueError(msg)
    around = np.flatnonzero(distance <= kept) + 1
    # One pixel more on either side: a peak has neighbours.
    first, last = around[0] - 1, around[-1] + 2
    values = np.atleast_2d(np.asarray(flux, dtype=np.float64))
    block = np.ascontiguousarray(values[:, first:last].T)
    return block, axis[first:last], slice(chosen[0] - first, chosen[-1] + 1 - first)


def _around(block: Floats, index: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    """Each spectrum's pixel of an index, between its two neighbours."""
    row = np.arange(index.size)
    return block[index - 1, row], block[index, row], block[index + 1, row]


def _vertex(block: Floats, index: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Flux and place (in pixels) of the vertices of parabolas through pixels and neighbours."""
    before, pixel, after = _around(block, index)
    bend = before - 2.0 * pixel + after
    slope = (before - after) / 2.0
    offset = np.divide(slope, bend, out=np.zeros_like(bend), where=bend < 0)
    offset = np.clip(offset, -0.5, 0.5)
    return pixel - slope * offset / 2.0, np.asarray(index + offset, dtype=np.float64)


def _peaks(block: Floats, deviation: Floats, tried: slice) -> NDArray[np.bool_]:
    """Which pixels are significant peaks, of the shape of the block."""
    peaks = np.zeros(block.shape, dtype=bool)
    before, after = slice(tried.start - 1, tried.stop - 1), slice(tried.start + 1, tried.stop + 1)
    peaks[tried] = (block[tried] > block[before]) & (block[tried] >= block[after])
    peaks[tried] &= block[tried] - 1.0 >= SIGNIFICANCE * deviation[tried]
    pixel, row = np.nonzero(peaks)
    prominence = block[pixel, row] - _ground(block, pixel, row)
    difference = np.sqrt(2.0) * deviation[pixel, row]
    peaks[pixel, row] = prominence >= DIP_SIGNIFICANCE * difference
    return peaks


def _ground(block: Floats, pixel: NDArray[np.intp], row: NDArray[np.intp]) -> Floats:
    """The higher of the two lowest fluxes that part pixels from higher flux on their sides."""
    top = block[pixel, row]
    sides = []
    for step in (-1, 1):
        lowest, part = top.copy(), np.ones(top.shape, dtype=bool)
        for distance in range(1, len(block)):
            place = pixel + step * distance
            value = block[np.clip(place, 0, len(block) - 1), row]
            part &= (value <= top) & (place >= 0) & (place < len(block))
            np.minimum(lowest, value, out=lowest, where=part)
        sides.append(lowest)
    return np.maximum(*sides)


def _two_highest(
    block: Floats, peaks: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the two highest peaks, violet before red."""
    heights = np.where(peaks, block, -np.inf)
    first = heights.argmax(axis=0)
    np.put_along_axis(heights, first[None], -np.inf, axis=0)
    second = heights.argmax(axis=0)
    return np.minimum(first, second), np.maximum(first, second)


def _lowest(block: Floats, low: NDArray[np.intp], high: NDArray[np.intp]) -> Floats:
    """The lowest flux between two peaks, by a parabola like theirs."""
    index = np.arange(len(block))[:, None]
    between = (index > low) & (index < high)
    flux, _ = _vertex(-block, np.where(between, block, np.inf).argmin(axis=0))
    return -flux


def _fwhm(block: Floats, axis: Floats, peaks: NDArray[np.bool_]) -> Floats:
    """Width between the outer flanks of the peaks that reach half of the highest one's height."""
    index = np.arange(len(block))[:, None]
    top, _ = _vertex(block, np.where(peaks, block, -np.inf).argmax(axis=0))
    half = (1.0 + top) / 2.0
    tall, below = peaks & (block >= half), block < half
    first, last = tall.argmax(axis=0), len(block) - 1 - tall[::-1].argmax(axis=0)
    left = np.where(below & (index < first), index, -1).max(axis=0)
    right = np.where(below & (index > last), index, len(block)).min(axis=0)
    found = (left >= 0) & (right < len(block))
    left, right = np.clip(left, 0, len(block) - 2), np.clip(right, 1, len(block) - 1)
    blue = _crossing(block, axis, left, half)
    return np.where(found, _crossing(block, axis, right - 1, half) - blue, np.nan)


def _crossing(block: Floats, axis: Floats, index: NDArray[np.intp], level: Floats) -> Floats:
    """Wavelength at which the flux passes a level between a pixel and the next one."""
    row = np.arange(index.size)
    here, there = block[index, row], block[index + 1, row]
    rise = there - here
    share = np.divide(level - here, rise, out=np.zeros_like(rise), where=rise != 0)
    return np.asarray(axis[index] + share * (axis[index + 1] - axis[index]))
