"""Stars of two archives for tests: positions and spectra of which everything is known."""

from dataclasses import replace
from typing import Any

import numpy as np

from tests.spectra.test_calibration import FINE_AXIS, SURVEY_AXIS, lines
from vospec.pairs import Spectrum

ARCSEC = 1.0 / 3600.0
KERNEL = 3.6


def spectrum(name: str, ra: float, dec: float, **more: Any) -> Spectrum:  # noqa: ANN401 - of any field
    power = 13000.0 if name.startswith("ccd700") else 1800.0
    plain = Spectrum(name, None, ra, dec, 56000.0, 20.0, power)
    return replace(plain, **more)


def pixels(
    name: str, profile: tuple[float, float], *, noise: float = 0.01, seed: int = 1
) -> dict[str, dict[str, np.ndarray]]:
    """What an archive's instrument makes of a star's Hα profile (depth, width)."""
    rng = np.random.default_rng([seed, *name.encode()])
    fine = name.startswith("ccd700")
    axis, kernel = (FINE_AXIS, 0.0) if fine else (SURVEY_AXIS, KERNEL)
    flux = lines(axis, np.array(profile), velocity=0.0, kernel=kernel)
    flux *= 1.0 + noise * rng.standard_normal(axis.size)
    mask = np.zeros(axis.size, dtype=bool)
    return {name: {"spectral_axis": axis, "flux": flux, "mask": mask}}
