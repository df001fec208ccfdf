"""A survey and a labelled training set of known truth, as files of the two archives.

=================  ==============================================================
module             holds
=================  ==============================================================
``mixture``        the kinds of spectra, their shares and true classes
``photospheres``   continua, Balmer and metal lines, TiO bands
``stars``          stars and what surrounds them, drawn at random
``instruments``    line-spread function, pixels, noise and faults
``observations``   positions, times, names
``layouts``        the FITS files
=================  ==============================================================

Every file has a seed of its own, spawned from the set's seed by its number, so that it
does not depend on the order in which files are written or on a run that was cut short.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vospec.archives.labels import COLUMNS, NUMBERS
from vospec.archives.simulated import instruments, layouts, mixture, observations, stars
from vospec.archives.simulated.observations import Observation
from vospec.archives.simulated.photospheres import Array
from vospec.archives.simulated.stars import Star
from vospec.errors import SimulationError
from vospec.spectra.resampling import pixel_edges
from vospec.spectra.wavelengths import air_to_vacuum

__all__ = ["MANIFEST", "simulate"]

#: Tells what a folder holds; written first with ``complete`` false, last with true.
MANIFEST = "simulation.json"
#: Raised when the same seed gives other bytes.
VERSION = 1

TRUTH_COLUMNS = (
    "spectrum_id",
    "class",
    "kind",
    "spectral_type",
    "radial_velocity",
    "equivalent_width",
    "snr",
)

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Parameters:
    """What determines the files."""

    n_survey: int
    n_training: int
    seed: int
    version: int = VERSION


def simulate(
    folder: str | Path,
    *,
    n_survey: int = 5000,
    n_training: int = 1700,
    seed: int = 1,
    progress: Progress | None = None,
) -> None:
    """Write a simulated survey and training set.

    ``folder/survey`` holds LAMOST files by release, ``folder/training`` CCD700 files
    and ``labels.csv`` in the form of the published list; ``folder/truth.csv`` tells the
    true class and kind of every spectrum. Same parameters, same bytes. A run that was
    cut short is carried on, a complete folder is left as it is.

    Parameters
    ----------
    folder
        Where to write; made if missing.
    n_survey, n_training
        Number of files.
    seed
        Of everything random.
    progress
        Called with the number of files done and of all files.

    Raises
    ------
    SimulationError
        The folder holds a simulation of other parameters, or something else.
    ValueError
        A number is negative.
    """
    folder = Path(folder)
    parameters = Parameters(n_survey, n_training, seed)
    if min(n_survey, n_training, seed) < 0:
        message = f"numbers and seed must be 0 or more, given {parameters}"
        raise ValueError(message)
    if _is_complete(folder, parameters):
        return
    _write_manifest(folder, parameters, complete=False)
    truth, labels = [], []
    total = n_survey + n_training
    for done, (observation, star, role) in enumerate(_plan(parameters), 1):
        path = folder / role / observation.path
        if not path.exists():
            _write(path, _content(observation, star, seed))
        truth.append(_truth(observation, star))
        if role == "training":
            labels.append(_label(observation, star))
        if progress is not None:
            progress(done, total)
    _write(folder / "training" / "labels.csv", _csv(COLUMNS, labels))
    _write(folder / "truth.csv", _csv(TRUTH_COLUMNS, truth))
    _write_manifest(folder, parameters, complete=True)


def _is_complete(folder: Path, parameters: Parameters) -> bool:
    """Whether nothing is left to be done; refuses a folder that holds something else."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        if folder.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            message = f"{folder}: expected an empty folder or one with {MANIFEST}, found files"
            raise SimulationError(message)
        return False
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError as fault:
        message = f"{manifest}: expected JSON: {fault}"
        raise SimulationError(message) from fault
    complete = found.pop("complete", False)
    if found != asdict(parameters):
        message = (
            f"{folder}: holds a simulation with {found}, asked for {asdict(parameters)}; "
            "choose another folder or remove this one"
        )
        raise SimulationError(message)
    return bool(complete)


def _plan(parameters: Parameters) -> Iterator[tuple[Observation, Star, str]]:
    """Every file's observation, star and folder, in order."""
    sets = (
        ("survey", 0, mixture.SURVEY, parameters.n_survey, observations.lamost, 35.0),
        ("training", 1, mixture.TRAINING, parameters.n_training, observations.ccd700, 20.0),
    )
    for role, key, kinds, n, observe, spread in sets:
        order = mixture.allot(kinds, n, np.random.SeedSequence(parameters.seed, spawn_key=(5, key)))
        for index, which in enumerate(order):
            child = np.random.SeedSequence(parameters.seed, spawn_key=(key, index))
            rng = np.random.default_rng(child)
            star = stars.draw(kinds[which], rng, velocity_spread=spread)
            yield observe(index, parameters.seed), star, role


def _content(observation: Observation, star: Star, seed: int) -> bytes:
    """Bytes of the file of a star."""
    key = (6, *observation.collection.encode(), observation.number)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    if observation.collection == "lamost":
        exposure = instruments.lamost(star, rng, snr=observation.snr, size=observation.size)
        if observation.release == "dr1":
            instruments.blind(exposure, star)
        return layouts.lamost(observation, star, exposure)
    native = observation.release == "native"
    start = 6252.974 if native else rng.uniform(6282.0, 6282.26)
    wavelength = start + observation.step * np.arange(observation.size)
    edges = air_to_vacuum(pixel_edges(wavelength))
    flux = instruments.ccd700(star, rng, snr=observation.snr, edges=edges)
    return layouts.ccd700(observation, star, wavelength, _counts(flux, rng) if native else flux)


def _counts(flux: Array, rng: np.random.Generator) -> Array:
    """ADU under the blaze of the grating, before any continuum was fitted."""
    place = np.linspace(-1.0, 1.0, flux.size)
    blaze = 1.0 + rng.normal(0.0, 0.1) * place - rng.uniform(0.1, 0.3) * place**2
    return np.asarray(rng.lognormal(np.log(5000.0), 1.0) * blaze * flux)


def _truth(observation: Observation, star: Star) -> tuple[object, ...]:
    return (
        observation.spectrum_id,
        star.kind.class_,
        star.kind.name,
        star.spectral_type,
        f"{star.radial_velocity:.1f}",
        f"{star.equivalent_width:.3f}",
        f"{observation.snr:.1f}",
    )


def _label(observation: Observation, star: Star) -> tuple[object, ...]:
    number = next(number for number, name in NUMBERS.items() if name == star.kind.class_)
    return f"ivo://asu.cas.cz/stel/ccd700/{observation.stem}", number


def _csv(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([columns, *rows])
    return stream.getvalue().encode()


def _write_manifest(folder: Path, parameters: Parameters, *, complete: bool) -> None:
    content = asdict(parameters) | {"complete": complete}
    _write(folder / MANIFEST, json.dumps(content, indent=2).encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is there either whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)
