"""Toy spectra: a continuum of 1, a Gaussian line at Hα and noise."""

import numpy as np
from numpy.typing import NDArray


def profiles(
    n_spectra: int, n_elements: int = 290, *, seed: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return flux and class: 0 an absorption line, 1 an emission line (every fifth spectrum)."""
    rng = np.random.default_rng(seed)
    wavelength = np.linspace(6290.0, 6725.0, n_elements)
    emission = np.arange(n_spectra) % 5 == 0
    height = np.where(
        emission, rng.uniform(0.3, 2.0, n_spectra), rng.uniform(-0.6, -0.1, n_spectra)
    )
    centre = 6564.61 + rng.normal(0, 1, n_spectra)
    width = rng.uniform(2.0, 10.0, n_spectra)
    offsets = (wavelength - centre[:, None]) / width[:, None]
    noise = rng.normal(0, 0.02, (n_spectra, n_elements))
    flux = 1 + height[:, None] * np.exp(-0.5 * offsets**2) + noise
    return flux.astype(np.float32), emission.astype(np.int64)
