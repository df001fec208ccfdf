"""Feature vectors like those of a survey, as many as one likes.

``python -m tests.benchmarks.vectors N FILE`` writes ``vectors`` (N, components or all
elements), float32, and ``classes`` (N,), as places in ``columns.CLASSES``, to an ``.npz`` file.

A library of stars comes from the simulator, observed without noise through LAMOST's
pixels and rectified by the package. Each vector is a mean of two library spectra of one
kind, in random proportion, with the noise that a spectrum of its S/N has. Blocks have
seeds of their own: the first N vectors are the same whatever is asked for beyond them.
"""

import argparse
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vospec import spectra
from vospec.archives.simulated import instruments, mixture, observations, stars
from vospec.archives.simulated.photospheres import LAMOST
from vospec.columns import CLASSES
from vospec.config import GridSettings
from vospec.learning import PrincipalComponents
from vospec.spectra.features import feature_vectors

#: Vectors that are made at once, from one seed.
BLOCK = 20_000
#: Library spectra of a kind; the kind without noise and faults needs more.
PER_KIND, PER_COMMON_KIND = 80, 1500
#: S/N of the library: what is left is the floor that no exposure time takes away.
CLEAN = 2000.0
#: Spectra that cannot be used have no vector.
UNUSABLE = {"no_signal", "zero_run"}

Vectors = NDArray[np.float32]


class Set(NamedTuple):
    """Vectors and their true classes, as places in ``columns.CLASSES``."""

    vectors: Vectors
    classes: NDArray[np.int64]


def grid() -> NDArray[np.float64]:
    """The common grid of the default configuration."""
    section = GridSettings()
    return spectra.log_grid(section.start_angstrom, section.stop_angstrom)


@cache
def library(kind_set: str, name: str, seed: int) -> Vectors:
    """Rectified spectra of one kind, without noise."""
    kinds = getattr(mixture, kind_set)
    number, kind = next((i, kind) for i, kind in enumerate(kinds) if kind.name == name)
    rng = np.random.default_rng([seed, len(kinds), number])
    n_spectra = PER_COMMON_KIND if name == "absorption" else PER_KIND
    window = np.isin(np.round(np.log10(LAMOST), 6), np.round(np.log10(grid()), 6))
    exposures = [
        instruments.lamost(star, rng, snr=CLEAN, size=LAMOST.size).flux[window]
        for star in (stars.draw(kind, rng, velocity_spread=35.0) for _ in range(n_spectra))
    ]
    flux = feature_vectors(np.array(exposures), grid()).flux
    return flux[np.isfinite(flux).all(axis=1)].astype(np.float32)


def block(kind_set: str, number: int, *, seed: int, n_vectors: int = BLOCK) -> Set:
    """One block of vectors, in random order."""
    kinds = tuple(k for k in getattr(mixture, kind_set) if k.name not in UNUSABLE)
    rng = np.random.default_rng([seed, len(kinds), number, 1])
    shares = np.array([kind.share for kind in kinds])
    drawn = rng.choice(len(kinds), n_vectors, p=shares / shares.sum())
    vectors = np.empty((n_vectors, grid().size), dtype=np.float32)
    for which, kind in enumerate(kinds):
        rows = np.flatnonzero(drawn == which)
        clean = library(kind_set, kind.name, seed)
        one, other = clean[rng.integers(len(clean), size=(2, rows.size))]
        share = rng.random((rows.size, 1), dtype=np.float32)
        vectors[rows] = share * one + (1 - share) * other
    vectors += _noise(rng, n_vectors, vectors.shape[1])
    return Set(vectors, np.array([CLASSES.index(kind.class_) for kind in kinds])[drawn])


def _noise(rng: np.random.Generator, n_vectors: int, n_elements: int) -> Vectors:
    """Noise over continuum near Hα, correlated between neighbouring pixels as the simulator's."""
    snr = np.array([observations._survey_snr(rng) for _ in range(n_vectors)], dtype=np.float32)
    white = rng.standard_normal((n_vectors, n_elements + 2), dtype=np.float32)
    left, centre, right = instruments._CORRELATION.astype(np.float32)
    noise = left * white[:, :-2] + centre * white[:, 1:-1] + right * white[:, 2:]
    return np.asarray(noise * np.float32(instruments._SCATTER / 1.2) / snr[:, None])


def survey(n_vectors: int, *, n_components: int = 0, seed: int = 1) -> Set:
    """Vectors of a survey; projected on components that its first block gives, or as they are."""
    projection = _projection(n_components, seed)
    made = [
        Set(projection(one.vectors), one.classes)
        for number in range(-(-n_vectors // BLOCK))
        for one in [block("SURVEY", number, seed=seed)]
    ]
    vectors, classes = (np.concatenate(parts)[:n_vectors] for parts in zip(*made, strict=True))
    return Set(vectors, classes)


def training(n_vectors: int, *, n_components: int = 0, seed: int = 1) -> Set:
    """Vectors of a training set, of the same instrument and in the space of `survey`."""
    made = block("TRAINING", 0, seed=seed, n_vectors=n_vectors)
    return Set(_projection(n_components, seed)(made.vectors), made.classes)


@cache
def _projection(n_components: int, seed: int) -> Callable[[Vectors], Vectors]:
    if not n_components:
        return np.asarray
    first = block("SURVEY", 0, seed=seed).vectors
    return PrincipalComponents(n_components).fit(first).transform


def main() -> None:
    """Write vectors to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n_vectors", type=int)
    parser.add_argument("file")
    parser.add_argument("--components", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    made = survey(given.n_vectors, n_components=given.components, seed=given.seed)
    np.savez(given.file, **made._asdict())


if __name__ == "__main__":
    main()
