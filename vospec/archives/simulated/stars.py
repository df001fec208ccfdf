"""Stars and what surrounds them, drawn at random for a kind."""

from dataclasses import dataclass

import numpy as np

from vospec.archives.simulated import photospheres
from vospec.archives.simulated.mixture import Kind
from vospec.archives.simulated.photospheres import FINE, Array
from vospec.spectra.lines import HALPHA
from vospec.spectra.wavelengths import LIGHT_SPEED


@dataclass(frozen=True)
class Component:
    """A Gaussian line beside the photosphere.

    Attributes
    ----------
    centre
        Vacuum wavelength in Å, at rest.
    velocity, sigma
        Offset and width in km/s.
    height
        Peak over the continuum before the instrument; negative absorbs.
    """

    centre: float
    velocity: float
    sigma: float
    height: float


@dataclass(frozen=True)
class Star:
    """One simulated star, as it would be seen by a perfect instrument."""

    kind: Kind
    spectral_type: str
    radial_velocity: float
    v_sin_i: float
    extinction: float
    tilt: float
    metals: float
    core: float
    wings: float
    components: tuple[Component, ...]

    @property
    def kelvin(self) -> float:
        """Effective temperature in K."""
        return photospheres.temperature(self.spectral_type)

    @property
    def equivalent_width(self) -> float:
        """Equivalent width in Å of what surrounds the star at Hα, emission negative."""
        area = sum(one.height * one.sigma for one in self.components if one.centre == HALPHA)
        return -float(np.sqrt(2.0 * np.pi)) * area * HALPHA / LIGHT_SPEED

    def photosphere(self) -> Array:
        """Flux over continuum on the fine grid, at rest and without rotation."""
        narrow, wide = photospheres.halpha(self.kelvin)
        lines = np.exp(-self.metals * photospheres.metals(self.kelvin))
        balmer = 1.0 - np.minimum(self.core * narrow + self.wings * wide, 0.9)
        return np.asarray(lines * balmer * photospheres.bands(FINE, self.kelvin))


def draw(kind: Kind, rng: np.random.Generator, *, velocity_spread: float) -> Star:
    """Draw a star of a kind.

    Parameters
    ----------
    kind
        What is to be seen.
    rng
        Source of chance.
    velocity_spread
        Dispersion of the disc's radial velocities in km/s; one star in ten is of the
        halo, with a dispersion of 120 km/s.
    """
    weights = np.array(list(kind.hosts.values()))
    letter = str(rng.choice(list(kind.hosts), p=weights / weights.sum()))
    name = photospheres.spectral_type(letter, int(rng.integers(10)))
    halo = rng.random() < 0.1 and letter not in "BM"  # noqa: PLR2004 - the share is told above
    return Star(
        kind=kind,
        spectral_type=name,
        radial_velocity=float(rng.normal(0.0, 120.0 if halo else velocity_spread)),
        # Early types rotate fast (Abt et al. 2002), late ones do not.
        v_sin_i=float(abs(rng.normal(0.0, {"B": 160, "A": 120, "F": 35}.get(letter, 6)))),
        extinction=float(rng.exponential(0.25)),
        # Flux calibration leaves a slope of its own.
        tilt=float(rng.normal(-0.25, 0.35)),
        metals=float(rng.lognormal(-0.3 if halo else 0.0, 0.25)),
        core=float(rng.lognormal(0.0, 0.1)),
        wings=float(rng.lognormal(0.0, 0.2)),
        components=_SURROUNDINGS.get(kind.name, _nothing)(rng),
    )


def _nothing(_: np.random.Generator) -> tuple[Component, ...]:
    return ()


def _single_peak(rng: np.random.Generator) -> tuple[Component, ...]:
    """A disc or wind that is not resolved, with the wings of electron scattering."""
    sigma, height = rng.uniform(50.0, 180.0), _height(rng, 1.2, 0.7)
    return (
        Component(HALPHA, rng.normal(0.0, 10.0), sigma, height),
        Component(HALPHA, 0.0, 3.0 * sigma, 0.12 * height),
    )


def _double_peak(rng: np.random.Generator) -> tuple[Component, ...]:
    """A disc seen at an angle: two peaks, violet over red ratio around 1."""
    return _peaks(rng, rng.uniform(60.0, 400.0), _height(rng, 0.9, 0.6))


def _shell(rng: np.random.Generator) -> tuple[Component, ...]:
    """A disc seen edge-on: it also absorbs, narrowly, what is behind."""
    peaks = _peaks(rng, rng.uniform(180.0, 400.0), _height(rng, 0.6, 0.4))
    depth = rng.uniform(0.4, 0.8)
    return (*peaks, Component(HALPHA, rng.normal(0.0, 5.0), rng.uniform(20.0, 45.0), -depth))


def _peaks(
    rng: np.random.Generator, separation: float, height: float
) -> tuple[Component, Component]:
    # Narrower than their distance, so that R 13 000 shows two peaks.
    sigma = separation * rng.uniform(0.22, 0.36)
    ratio = np.exp(rng.normal(0.0, 0.2))
    return (
        Component(HALPHA, -separation / 2.0, sigma, height * ratio),
        Component(HALPHA, separation / 2.0, sigma, height / ratio),
    )


def _p_cygni(rng: np.random.Generator) -> tuple[Component, ...]:
    """A wind: emission with absorption on its violet side."""
    sigma, height = rng.uniform(50.0, 120.0), _height(rng, 1.2, 0.5)
    return (
        Component(HALPHA, rng.uniform(0.0, 40.0), sigma, height),
        Component(HALPHA, -rng.uniform(2.0, 3.0) * sigma, 0.6 * sigma, -rng.uniform(0.2, 0.5)),
    )


def _active_m_dwarf(rng: np.random.Generator) -> tuple[Component, ...]:
    """A chromosphere: one narrow line."""
    return (Component(HALPHA, 0.0, rng.uniform(25.0, 50.0), _height(rng, 2.0, 0.5)),)


def _nebular(rng: np.random.Generator) -> tuple[Component, ...]:
    """An H II region in the fibre: Hα, [N II] and [S II], all narrow, at their own velocity."""
    velocity, sigma = rng.normal(0.0, 30.0), rng.uniform(10.0, 20.0)
    height = _height(rng, 4.0, 0.7)
    nitrogen, sulphur = rng.uniform(0.15, 0.5), rng.uniform(0.1, 0.35)
    lines = (
        (HALPHA, 1.0),
        (6549.85, nitrogen / 3.0),
        (6585.27, nitrogen),
        (6718.29, sulphur),
        (6732.67, sulphur / 1.4),
    )
    return tuple(Component(centre, velocity, sigma, height * part) for centre, part in lines)


def _height(rng: np.random.Generator, median: float, spread: float) -> float:
    return float(np.clip(rng.lognormal(np.log(median), spread), 0.2 * median, 12.0))


_SURROUNDINGS = {
    "single_peak": _single_peak,
    "double_peak": _double_peak,
    "shell": _shell,
    "p_cygni": _p_cygni,
    "active_m_dwarf": _active_m_dwarf,
    "nebular": _nebular,
}
