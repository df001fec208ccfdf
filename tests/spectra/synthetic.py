"""Spectra whose every measure is known: Gaussians over a continuum, integrated over pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from vospec.spectra import log_grid, pixel_edges
from vospec.spectra.adaptation import FWHM_PER_SIGMA
from vospec.spectra.lines import HALPHA
from vospec.spectra.wavelengths import LIGHT_SPEED

GRID = log_grid(6290.0, 6725.0)
#: Deviation of the instrument's line-spread function at Hα, Å (R = 1800).
INSTRUMENT = HALPHA / 1800.0 / FWHM_PER_SIGMA

Floats = NDArray[np.float64]


def line(centre: float, sigma: float, area: float, axis: Floats = GRID) -> Floats:
    """Mean over each pixel of a Gaussian of a deviation (Å) and an area (Å)."""
    edges = pixel_edges(axis)
    return np.asarray(area * np.diff(norm.cdf(edges, centre, sigma)) / np.diff(edges))


def observed(velocity: float, sigma: float, height: float) -> Floats:
    """A component of Hα (km/s; height before the instrument) as the instrument shows it."""
    own = HALPHA * sigma / LIGHT_SPEED
    area = np.sqrt(2.0 * np.pi) * own * height
    return line(HALPHA * (1.0 + velocity / LIGHT_SPEED), np.hypot(own, INSTRUMENT), area)


def noisy(spectrum: Floats, snr: float, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Realisations of a spectrum with photon noise, and their true variance."""
    variance = np.broadcast_to(np.maximum(spectrum, 0.01) / snr**2, (n, spectrum.size))
    return spectrum + rng.normal(size=variance.shape) * np.sqrt(variance), variance
