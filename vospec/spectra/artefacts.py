"""What mimics a star's emission: the night sky, cosmic rays, the junction of two arms.

- Sky: residues of OH lines on both sides of Hα, of either sign, one by one and in the mean
  of their significances. Lines from 6540 to 6590 Å do not count: the wings of Hα pass for
  them. Nor does 6498.7, which lies on lines of late stars, nor [O I] 6300: it leaves residues
  in two thirds of LAMOST's spectra, comes from another layer of the atmosphere, and tells
  little of Hα.
- Cosmic ray: a spike whose two edges both lose 80 % of its height from one pixel to the
  next. Behind a Gaussian of the instrument's width (σ = 1.03 pixels at R = 1800) a line
  of one to three pixels loses 60 % at most, and 76 % were R 2200 (sharpness, as in Stetson
  1987, PASP 99, 191; van Dokkum 2001, PASP 113, 1420). [O I] of the sky is left out: its
  residues are as sharp.
- Junction: LAMOST's arms meet between 5700 and 5900 Å. The flux is averaged in twelve blocks
  of 30 Å, Na D left out; where the arms may meet, a straight line through the blocks before
  and one through those behind are continued to the middle between, and their difference
  over their mean is the step (a regression discontinuity: Chow 1960, Econometrica 28, 591).

Cost: a spectrum takes ten weights a sky line, three operations a pixel for spikes (sixty where
there may be one), and 12 sums of 25 pixels for the junction.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vospec.spectra.adaptation import FWHM_PER_SIGMA
from vospec.spectra.interpolation import interpolate
from vospec.spectra.lines import unresolved_line
from vospec.spectra.resampling import checked_batch, pixel_edges
from vospec.spectra.wavelengths import air_to_vacuum

Floats = NDArray[np.float64]
#: In double precision or in single precision, as features are kept.
Reals = NDArray[np.floating[Any]]
_Real = TypeVar("_Real", bound=np.floating[Any])

#: OH 6-1 lines, air Å (Osterbrock et al. 1996, PASP 108, 277, table 1).
OH_AIR = (6533.044, 6596.643, 6604.134)
#: [O I] 6300 and 6364, air Å (ibid.).
OXYGEN_AIR = (6300.304, 6363.780)
#: Residues count from so many standard errors on, of one line or of the mean of all.
SKY_SIGNIFICANCE = 5.0
#: Spikes of so many pixels are cosmic rays.
SPIKE_PIXELS = (1, 2, 3)
#: The share of its height that a spike loses within one pixel, on both edges.
SPIKE_SHARE = 0.8
#: Height of a spike over the noise.
SPIKE_SIGNIFICANCE = 6.0
#: Edges of the blocks about the junction, and Na D among them, vacuum Å.
BLOCK_EDGES = np.arange(5610.0, 5971.0, 30.0)
#: The arms meet before one of these blocks, from 5760 to 5820 Å: at 5847 Å TiO makes steps.
JUNCTION_BLOCKS = range(5, 8)
SODIUM = (5882.0, 5905.0)
#: A step is one from this share of the flux and so many of its standard errors on.
STEP, STEP_SIGNIFICANCE = 0.1, 4.0
#: Å about [O I] where a spike is the sky's.
_OXYGEN_REACH = 6.0
#: The height of an edge is counted from the mean of so many pixels, one pixel between.
_GROUND = 3


def sky_residual(
    flux: Floats, spectral_axis: Floats, *, variance: Floats, resolving_power: float
) -> NDArray[np.bool_]:
    """Whether OH lines around Hα were subtracted too little or too much.

    Parameters
    ----------
    flux, variance
        Rectified flux and its variance, shape (n, n_pixels).
    spectral_axis
        Vacuum wavelengths in Å, shape (n_pixels,).
    resolving_power
        λ/FWHM of the instrument.

    Returns
    -------
    numpy.ndarray
        True where residues are significant, shape (n,).
    """
    _, each = _sky_lines(tuple(spectral_axis), resolving_power)
    if not each.size:
        return np.zeros(len(flux), dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        significance = (flux @ each) / np.sqrt(variance @ each**2)
    mean = significance.sum(axis=1) / np.sqrt(each.shape[1])
    together = np.column_stack([significance, mean])
    return np.asarray((np.abs(together) > SKY_SIGNIFICANCE).any(axis=1))


def sky_height(
    flux: ArrayLike, spectral_axis: ArrayLike, *, resolving_power: float = 1800.0
) -> Floats:
    """Return the height of the strongest residue of the OH lines around Hα.

    Parameters
    ----------
    flux
        Rectified flux, shape (n, n_pixels).
    spectral_axis
        Vacuum wavelengths in Å, shape (n_pixels,).
    resolving_power
        λ/FWHM of the instrument.

    Returns
    -------
    numpy.ndarray
        Over the continuum, of either sign, without it, shape (n,); noise has one, too.
    """
    axis = np.asarray(spectral_axis, dtype=np.float64)
    lines, each = _sky_lines(tuple(axis), resolving_power)
    # A Gaussian's area over its height.
    areas = np.sqrt(2.0 * np.pi) * lines / resolving_power / FWHM_PER_SIGMA
    heights = np.abs(np.asarray(flux) @ each) / areas
    return np.asarray(heights.max(axis=1, initial=0.0))


@lru_cache(maxsize=8)
def _sky_lines(axis: tuple[float, ...], resolving_power: float) -> tuple[Floats, Floats]:
    """Vacuum wavelengths of the OH lines that the axis holds, and weights of their areas."""
    lines = [float(air_to_vacuum(wavelength)) for wavelength in OH_AIR]
    found = [(line, unresolved_line(axis, line, resolving_power)) for line in lines]
    held = [(line, weights) for line, weights in found if weights is not None]
    weights = [weights for _, weights in held] or [np.empty((len(axis), 0))]
    return np.array([line for line, _ in held]), np.column_stack(weights)


def cosmic_ray(flux: Floats, spectral_axis: Floats, *, noise: Floats) -> NDArray[np.bool_]:
    """Whether a spike is narrower than the instrument can draw a line.

    Parameters
    ----------
    flux
        Rectified flux, shape (n, n_pixels).
    spectral_axis
        Vacuum wavelengths in Å, shape (n_pixels,).
    noise
        Scatter of the flux outside the lines, shape (n,).

    Returns
    -------
    numpy.ndarray
        True where there is one, shape (n,).
    """
    return np.asarray(_spikes(flux, spectral_axis, noise=noise).any(axis=1))


def despiked(flux: NDArray[_Real], spectral_axis: Floats, *, noise: Reals) -> NDArray[_Real]:
    """Return spectra whose cosmic rays are replaced by what is on both sides.

    Parameters
    ----------
    flux
        Rectified flux, shape (n, n_pixels).
    spectral_axis
        Vacuum wavelengths in Å, shape (n_pixels,).
    noise
        Scatter of the flux outside the lines, shape (n,).

    Returns
    -------
    numpy.ndarray
        Flux of the same kind, shape (n, n_pixels), linear where there was a spike.
    """
    spikes = _spikes(flux, spectral_axis, noise=noise)
    hit, clean = spikes.any(axis=1), np.array(flux)
    clean[hit] = interpolate(clean[hit], spikes[hit]).flux
    return clean


def _spikes(flux: Reals, spectral_axis: Floats, *, noise: Reals) -> NDArray[np.bool_]:
    """Which pixels belong to spikes, shape (n, n_pixels)."""
    oxygen = np.asarray(air_to_vacuum(OXYGEN_AIR))[:, None]
    elsewhere = np.all(np.abs(spectral_axis - oxygen) > _OXYGEN_REACH, axis=0)
    # A rise and a fall so close and steep are rare: few spectra remain to be looked at.
    edge = SPIKE_SHARE * SPIKE_SIGNIFICANCE * noise[:, None]
    steps = np.diff(flux, axis=1)
    rises, falls = (steps > edge) & elsewhere[1:], steps < -edge
    both = [rises[:, :-width] & falls[:, width:] for width in SPIKE_PIXELS]
    maybe = np.any([one.any(axis=1) for one in both], axis=0)
    spikes = np.zeros(flux.shape, dtype=bool)
    spikes[maybe] = _sharp(flux[maybe], elsewhere, SPIKE_SIGNIFICANCE * noise[maybe, None])
    return spikes


def _sharp(flux: Reals, elsewhere: NDArray[np.bool_], least: Reals) -> NDArray[np.bool_]:
    """Where one to three pixels stand on sharp edges, higher than the least."""
    hit = np.zeros(flux.shape, dtype=bool)
    ground = (flux[:, :-2] + flux[:, 1:-1] + flux[:, 2:]) / _GROUND
    start = _GROUND + 1
    for width in SPIKE_PIXELS:
        n = max(flux.shape[1] - width - 2 * start, 0)
        inside = np.stack([flux[:, start + k :][:, :n] for k in range(width)])
        lowest, highest = inside.min(axis=0), inside.max(axis=0)
        before, behind = ground[:, :n], ground[:, start + width + 1 :][:, :n]
        sharp = highest - np.maximum(before, behind) > least
        sharp &= lowest - flux[:, start - 1 :][:, :n] > SPIKE_SHARE * (highest - before)
        sharp &= lowest - flux[:, start + width :][:, :n] > SPIKE_SHARE * (highest - behind)
        sharp &= elsewhere[start:][:n]
        for k in range(width):
            hit[:, start + k :][:, :n] |= sharp
    return hit


def arm_junction(
    flux: ArrayLike, spectral_axis: ArrayLike, *, mask: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Whether the flux has a step where the arms of LAMOST's spectrographs meet.

    Parameters
    ----------
    flux
        Flux in its original pixels, shape (n, n_pixels).
    spectral_axis
        Vacuum wavelengths in Å, shape (n_pixels,).
    mask
        True where a pixel is bad, shape (n, n_pixels).

    Returns
    -------
    numpy.ndarray
        True where the step is at least a tenth of the flux and 4 times its error, shape
        (n,); False where the pixels do not reach from 5610 to 5970 Å or a block of 30 Å
        has no good one.
    """
    values, bad, *_ = checked_batch(flux, spectral_axis, mask)
    edges = pixel_edges(spectral_axis)
    if edges[0] > BLOCK_EDGES[0] or edges[-1] < BLOCK_EDGES[-1]:
        return np.zeros(len(values), dtype=bool)
    used, members, places = _blocks(tuple(np.asarray(spectral_axis, dtype=np.float64)))
    good = ~bad[:, used]
    found = np.zeros(len(values), dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (np.where(good, values[:, used], 0.0) @ members) / (good @ members)
        for block in JUNCTION_BLOCKS:
            found |= _is_step(means, places, block)
    return found


@lru_cache(maxsize=8)
def _blocks(axis: tuple[float, ...]) -> tuple[slice, Floats, Floats]:
    """The pixels of the blocks, which block each is in (1 or 0), and the blocks' places."""
    grid = np.array(axis)
    sodium = (grid >= SODIUM[0]) & (grid <= SODIUM[1])
    limits = pairwise(BLOCK_EDGES)
    members = np.column_stack([(grid >= low) & (grid < high) & ~sodium for low, high in limits])
    held = np.flatnonzero(members.any(axis=1))
    used = slice(held[0], held[-1] + 1)
    weights = members[used].astype(np.float64)
    return used, weights, grid[used] @ weights / weights.sum(axis=0)


def _is_step(means: Floats, places: Floats, block: int) -> NDArray[np.bool_]:
    """Whether there is a step before a block."""
    junction = places[block - 1 : block + 1].mean()
    blue, blue_error = _continued(means[:, :block], places[:block] - junction)
    red, red_error = _continued(means[:, block:], places[block:] - junction)
    level = (np.abs(blue) + np.abs(red)) / 2.0
    error = np.hypot(blue_error, red_error)
    least = np.maximum(STEP * level, STEP_SIGNIFICANCE * error)
    return np.asarray(np.abs(red - blue) > least)


def _continued(means: Floats, distance: Floats) -> tuple[Floats, Floats]:
    """Straight lines through blocks at distance 0, with standard errors."""
    basis = np.column_stack([np.ones_like(distance), distance])
    inverse = np.linalg.pinv(basis)
    coefficients = means @ inverse.T
    residual = means - coefficients @ basis.T
    scatter = np.sqrt((residual**2).sum(axis=1) / (distance.size - 2))
    return coefficients[:, 0], scatter * np.sqrt((inverse[0] ** 2).sum())
