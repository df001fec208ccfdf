"""The plan of a job: which datasets its settings and inputs lead to.

Every dataset's path contains the fingerprint of what it is made from, and that
contains the fingerprints before it: the chain of the design, from the files to
the runs. Nothing is computed or started here; asking for a dataset tells where
it stands, whether it is there or not.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vospec import columns, inventory, listing, spectra
from vospec.config import Settings
from vospec.errors import ConfigurationError, NoSpectraError
from vospec.store import Dataset, Store, fingerprint


@dataclass(frozen=True)
class Run:
    """The datasets of one run."""

    run_id: str
    method: str
    record: Dataset
    shares: Dataset
    scores: Dataset
    candidates: Dataset
    neighbours: Dataset
    reliability: Dataset
    thresholds: Dataset


def run_of(store: Store, run_id: str) -> Run:
    """The run of an identifier, whether it stands in the store or not."""
    tables = {
        "record": columns.RUNS,
        "shares": columns.SHARES,
        "scores": columns.SCORES,
        "candidates": columns.CANDIDATES,
        "neighbours": columns.NEIGHBOURS,
        "reliability": columns.RELIABILITY,
        "thresholds": columns.THRESHOLDS,
    }
    datasets = {
        name: store.dataset(f"runs/{run_id}/{name}", table) for name, table in tables.items()
    }
    return Run(run_id, run_id.rpartition("-")[0], **datasets)


@dataclass(frozen=True)
class Plan:
    """Where everything of a job stands.

    Parameters
    ----------
    settings : Settings
        The job's settings.
    elsewhere : callable
        Lists folders of file systems that pyarrow does not open (see :mod:`vospec.listing`).
    known : Dataset
        A listing that was made before and stands for what is in the folders by now.
    only : tuple of File
        Some of the files in the folders, which stand for all.
    """

    settings: Settings
    elsewhere: listing.Walk | None = field(default=None, compare=False)
    known: Dataset | None = None
    only: tuple[listing.File, ...] | None = None

    @cached_property
    def store(self) -> Store:
        """The store of all datasets."""
        return Store(self.settings.store.folder)

    @property
    def has_folders(self) -> bool:
        """Whether spectra are read at all."""
        return bool(self.settings.survey.folders or self.settings.training.folders)

    @property
    def folders(self) -> tuple[str, ...]:
        """Where spectra are read from.

        Raises
        ------
        ConfigurationError
            No folder is given.
        """
        given = (*self.settings.survey.folders, *self.settings.training.folders)
        folders = tuple(dict.fromkeys(given))
        if not folders:
            message = "no folders to read: give [survey] folders and [training] folders"
            raise ConfigurationError(message)
        return folders

    @cached_property
    def grid(self) -> NDArray[np.float64]:
        """The common grid, vacuum Å."""
        section = self.settings.grid
        try:
            return spectra.log_grid(section.start_angstrom, section.stop_angstrom)
        except ValueError as fault:
            message = f"[grid]: {fault}"
            raise ConfigurationError(message) from fault

    @cached_property
    def inventory(self) -> tuple[str, int]:
        """Checksum and number of the files."""
        if self.known is not None:
            return str(self.known.manifest["digest"]), int(self.known.manifest["rows"])
        return listing.digest(self.listed())

    def listed(self) -> Iterable[listing.File]:
        """The files, in a fixed order."""
        return listing.files(self.folders, self.elsewhere) if self.only is None else self.only

    @property
    def n_parts(self) -> int:
        """Number of the parts in which files are read and their spectra processed."""
        return inventory.parts_of(self.inventory[1])

    @cached_property
    def files(self) -> Dataset:
        """The listing of the files."""
        return self._dataset("files", self.inventory[0])

    @cached_property
    def spectra(self) -> Dataset:
        """Spectra as read."""
        return self._dataset("spectra", self.files.path, table=columns.SPECTRA)

    @cached_property
    def labels(self) -> Dataset:
        """Labels of the training spectra."""
        return self._dataset(
            "labels", self.spectra.path, *map(_digest, self.label_files), table=columns.LABELS
        )

    @cached_property
    def adapted(self) -> Dataset:
        """Training spectra at the survey's resolution."""
        sections = asdict(self.settings.grid), asdict(self.settings.adaptation)
        return self._dataset("adapted", self.spectra.path, *sections, table=columns.ADAPTED)

    @cached_property
    def features(self) -> Dataset:
        """Feature vectors."""
        return self._dataset("features", self.adapted.path, table=columns.FEATURES)

    @cached_property
    def grid_table(self) -> Dataset:
        """Wavelengths of the features."""
        return self._dataset("grid", asdict(self.settings.grid), table=columns.GRID)

    @cached_property
    def components(self) -> Dataset:
        """The directions of the space in which neighbours are sought."""
        section = self.settings.learning
        given = section.n_components, section.n_sample
        return self._dataset("components", self.features.path, *given, table=columns.COMPONENTS)

    @cached_property
    def vectors(self) -> Dataset:
        """Feature vectors in that space."""
        return self._dataset("vectors", self.components.path, table=columns.VECTORS)

    @cached_property
    def cells(self) -> Dataset:
        """The cells into which the vectors fall."""
        return self._dataset("cells", self.vectors.path, table=columns.CELLS)

    @cached_property
    def vertices(self) -> Dataset:
        """The vectors, sorted by cell: the order of the graph."""
        return self._dataset("vertices", self.cells.path, table=columns.VERTICES)

    @cached_property
    def nearest(self) -> Dataset:
        """Nearest neighbours of every vertex."""
        return self._dataset(
            "nearest", self.vertices.path, self.settings.learning.n_neighbors, table=columns.NEAREST
        )

    @cached_property
    def edges(self) -> Dataset:
        """The matrix of the graph, where it is too large for one process."""
        return self._dataset(
            "edges", self.nearest.path, self.settings.learning.weights, table=columns.EDGES
        )

    @cached_property
    def pairs(self) -> Dataset:
        """Pairs of spectra of one star in both archives."""
        return self._dataset("pairs", *self._of_pairs, table=columns.PAIRS)

    @cached_property
    def pair_candidates(self) -> Dataset:
        """Survey stars near stars of the training archive, with what was decided about them."""
        return self._dataset("pair_candidates", *self._of_pairs, table=columns.PAIR_CANDIDATES)

    @property
    def _of_pairs(self) -> tuple[object, ...]:
        settings = self.settings
        sections = (settings.pairs, settings.grid, settings.adaptation)
        services = (settings.training_archive, settings.survey_archive)
        spectra = self.spectra.path if self.has_folders else ""
        return (spectra, *[asdict(one) for one in (*sections, *services)])

    @cached_property
    def evaluations(self) -> Dataset:
        """Quality of the methods on the labels, and on the survey's truth."""
        learning, truth = asdict(self.settings.learning), self.settings.survey.truth
        del learning["methods"]
        inputs = (self.nearest.path, self.labels.path, learning, self._same_star)
        return self._dataset("evaluations", *inputs, _digest(truth) if truth else "")

    @property
    def _same_star(self) -> dict[str, float]:
        """By what it is decided which labels are of one star."""
        return {"radius_arcsec": self.settings.pairs.radius_arcsec}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs of the methods; the first becomes the current one."""
        learning, selection = asdict(self.settings.learning), asdict(self.settings.selection)
        del learning["methods"]
        truth = _digest(self.settings.survey.truth) if self.settings.survey.truth else ""
        inputs = (self.nearest.path, self.labels.path, learning, selection, self._same_star, truth)
        return tuple(
            run_of(self.store, f"{method}-{fingerprint(method=method, inputs=inputs)}")
            for method in self.settings.learning.methods
        )

    def _dataset(self, name: str, *inputs: object, table: columns.Table | None = None) -> Dataset:
        return self.store.dataset(f"{name}/{fingerprint(name=name, inputs=inputs)}", table)

    @cached_property
    def label_files(self) -> tuple[str, ...]:
        """The label lists: those of the settings, or what lies beside the training spectra.

        Raises
        ------
        NoSpectraError
            There is none.
        """
        named = self.settings.training.labels
        found = named or tuple(_beside(self.settings.training.folders))
        if not found:
            where = ", ".join(self.settings.training.folders) or "[training] folders"
            message = f"{where}: no label list (*labels*.csv); name one in [training] labels"
            raise NoSpectraError(message)
        return found


def _beside(folders: tuple[str, ...]) -> Iterator[str]:
    for folder in folders:
        yield from sorted(str(path) for path in Path(folder).rglob("*labels*.csv"))


def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as fault:
        message = f"{path}: cannot be read ({fault.strerror})"
        raise ConfigurationError(message) from fault
