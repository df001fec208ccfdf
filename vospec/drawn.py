"""The spectra that a figure asks for: from files, or from the store by name."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from astropy.time import Time
from numpy.typing import ArrayLike

from vospec import archives, pairs
from vospec.config import AdaptationSettings
from vospec.errors import PairError
from vospec.plan import Plan
from vospec.store import Dataset

logger = logging.getLogger(__name__)

_TOLD = ("collection", "object", "mjd", "resolving_power", "snr")


@dataclass(frozen=True, eq=False)
class Drawn:
    """A spectrum with what its legend tells; None where the archive does not tell it."""

    collection: str
    object: str | None
    mjd: float | None
    resolving_power: float
    snr: float | None
    spectral_axis: ArrayLike
    flux: ArrayLike
    mask: ArrayLike

    @property
    def archive(self) -> str:
        """The archive as its people write it."""
        return self.collection.upper()

    @property
    def legend(self) -> str:
        """Archive, date and resolving power, S/N where it is known."""
        date = "of unknown date"
        if self.mjd is not None:
            date = str(Time(self.mjd, format="mjd").strftime("%Y-%m-%d"))
        snr = "" if self.snr is None else f", S/N {self.snr:.0f}"
        return f"{self.archive} {date}, R = {self.resolving_power:.0f}{snr}"


def from_file(path: Path) -> Drawn:
    """Read a spectrum from a file of any of the archives.

    Raises
    ------
    SpectrumError
        The file holds no spectrum that can be read.
    """
    spectrum = archives.read(path)
    return Drawn(**{name: getattr(spectrum, name) for name in (*_TOLD, *pairs.PIXELS)})


def from_store(plan: Plan, *spectrum_ids: str) -> list[Drawn]:
    """Read spectra from the store by their identifiers.

    Raises
    ------
    StoreError
        The spectra of the plan have not been read.
    PairError
        One of them is not there, or is there without pixels.
    """
    # What is to be done is told where they are not there.
    pairs.spectra_of(plan)
    return from_dataset(plan.spectra, *spectrum_ids)


def from_dataset(dataset: Dataset, *spectrum_ids: str) -> list[Drawn]:
    """Read spectra from one dataset of them, all at once: it is looked through each time.

    Raises
    ------
    StoreError
        The dataset is missing.
    PairError
        One of them is not there, or is there without pixels.
    """
    spectra = dataset.read()
    wanted = pc.field("spectrum_id").isin(list(spectrum_ids))
    table = spectra.to_table(columns=["spectrum_id", *_TOLD], filter=wanted)
    told: dict[str, dict[str, Any]] = {row.pop("spectrum_id"): row for row in table.to_pylist()}
    pixels = pairs.pixels(spectra, set(spectrum_ids))
    for name in spectrum_ids:
        if name not in pixels or pixels[name]["flux"].size == 0:
            what = "this spectrum has no pixels" if name in told else "no spectrum of this name"
            message = f"{name}: {what} in {dataset.uri}"
            raise PairError(message)
    return [Drawn(**told[name], **pixels[name]) for name in spectrum_ids]


def pair_of_files(paths: tuple[Path, Path]) -> tuple[Drawn, Drawn]:
    """Read the training and the survey spectrum of a star from two files, in either order.

    Raises
    ------
    SpectrumError
        A file holds no spectrum that can be read.
    PairError
        Both are of one resolving power.
    """
    survey, training = sorted(map(from_file, paths), key=lambda one: one.resolving_power)
    if survey.resolving_power == training.resolving_power:
        message = (
            f"{paths[0]}, {paths[1]}: expected two resolving powers, found "
            f"{survey.resolving_power:.0f} in both"
        )
        raise PairError(message)
    return training, survey


def pair_of_name(plan: Plan, name: str) -> tuple[Drawn, Drawn]:
    """Find the training and the survey spectrum of a star in the store.

    Raises
    ------
    StoreError
        The spectra of the plan have not been read.
    PairError
        No star of this name is in both archives.
    """
    star = pairs.named(pairs.stars_of(plan), name)
    training, survey = star.best
    if len(star.training) + len(star.survey) > 2:  # noqa: PLR2004 - a pair is two
        logger.info(
            "%s: of %d survey spectra that of the best S/N, %s; of %d training spectra the one "
            "nearest to it in time, %s",
            *(star.name, len(star.survey), survey.spectrum_id),
            *(len(star.training), training.spectrum_id),
        )
    first, second = from_store(plan, training.spectrum_id, survey.spectrum_id)
    return first, second


def kernel_width(section: AdaptationSettings, training: Drawn, survey: Drawn) -> float:
    """Return the FWHM (Å at Hα) of the kernel that settings ask for between two spectra."""
    return pairs.kernel_width(section, training, survey, training.spectral_axis)
