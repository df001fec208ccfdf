"""A run: labels spread over the graph, scores, candidates, and the record of it all."""

import csv
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from numpy.typing import NDArray

from vospec import __version__, learning
from vospec.columns import CANDIDATES, CLASSES, FEATURES, RUNS, SCORES, SPECTRA, TARGET_CLASSES
from vospec.config import LearningSettings, SelectionSettings
from vospec.errors import ConfigurationError, NoSpectraError
from vospec.store import Dataset, arrow_schema

UNLABELLED = -1

#: What a candidate takes over from its feature vector: noise, quality, the lines' measures.
_MEASURED = [name for name in CANDIDATES.names if name in FEATURES.names and name != "spectrum_id"]
#: What it takes over from its spectrum.
_TOLD = [name for name in CANDIDATES.names if name in SPECTRA.names and name not in FEATURES.names]

#: A scipy sparse array of edge weights, symmetric; scipy ships no types.
Graph = Any


@dataclass(frozen=True, eq=False)
class Vertices:
    """The spectra of a graph, in its order.

    Attributes
    ----------
    spectrum_id : pyarrow.Array of n texts
        Identifiers.
    survey : (n,) bool
        Whether candidates are sought among them.
    classes : (n,) int
        Index into :data:`vospec.columns.CLASSES`, -1 where no label stands.
    peaks, noise : (n,) float
        Height of the flux at Hα above the continuum, and the noise of that.
    """

    spectrum_id: pa.Array
    survey: NDArray[np.bool_]
    classes: NDArray[np.int_]
    peaks: NDArray[np.float64]
    noise: NDArray[np.float64]

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        """Where a label stands."""
        return np.asarray(self.classes != UNLABELLED)


@dataclass(frozen=True, eq=False)
class Propagated:
    """What the propagation of labels gave: shares (n, len(CLASSES)), NaN where none came."""

    shares: NDArray[np.float64]
    n_iter: int
    converged: bool


def propagate(
    graph: Graph,
    classes: NDArray[np.int_],
    method: str,
    settings: LearningSettings,
) -> Propagated:
    """Spread labels over a graph by Label Propagation or Label Spreading.

    Parameters
    ----------
    graph : sparse array, (n, n)
        Weights of the edges; or what gives products with them.
    classes : (n,) int
        Class of each vertex, -1 where unlabelled.
    method : {'label_propagation', 'label_spreading'}
        The estimator.
    settings : LearningSettings
        Its parameters.

    Returns
    -------
    Propagated
        Shares of every class; a class without labels has NaN everywhere.

    Raises
    ------
    NoSpectraError
        As :func:`require_labels`.
    """
    require_labels(classes)
    options: dict[str, Any] = {"max_iter": settings.max_iter, "tol": settings.tol}
    estimator = (
        learning.LabelSpreading(alpha=settings.alpha, **options)
        if method == "label_spreading"
        else learning.LabelPropagation(**options)
    )
    estimator.fit(graph, classes)
    shares = np.full((len(classes), len(CLASSES)), np.nan)
    shares[:, estimator.classes_] = estimator.label_distributions_
    return Propagated(shares, estimator.n_iter_, estimator.converged_)


def require_labels(classes: NDArray[np.int_], *, of: str = "labels") -> None:
    """Refuse labels from which nothing can be learnt.

    With labels of what is sought alone every score would be 1, with none of them 0.

    Parameters
    ----------
    classes : (n,) int
        Class of each vertex, -1 where unlabelled.
    of : str, optional
        Names the labels in the error.

    Raises
    ------
    NoSpectraError
        There are no labels, or none of the target classes, or of these alone.
    """
    counts = np.bincount(classes[classes != UNLABELLED], minlength=len(CLASSES)).tolist()
    known = {name: count for name, count in zip(CLASSES, counts, strict=True) if count}
    if known.keys() & set(TARGET_CLASSES) and known.keys() - set(TARGET_CLASSES):
        return
    others = " or ".join(name for name in CLASSES if name not in TARGET_CLASSES)
    found = ", ".join(f"{count} of {name}" for name, count in known.items()) or "none"
    message = (
        f"{of}: expected some of {' or '.join(TARGET_CLASSES)} and some of {others} on usable "
        f"spectra, found {found}: nothing can be learnt"
    )
    raise NoSpectraError(message)


def scores(
    shares: NDArray[np.float64],
    *,
    peaks: NDArray[np.float64],
    noise: NDArray[np.float64],
    significance: float,
) -> NDArray[np.float64]:
    """The sum of the shares of all target classes, half of it where no line is seen.

    Parameters
    ----------
    shares : (n, len(CLASSES)) array
        Shares of every class.
    peaks, noise : (n,) arrays
        Height of the flux at Hα above the continuum, and the noise of that.
    significance : float
        Multiple of the noise by which a line stands above the continuum.

    Returns
    -------
    (n,) float64
        NaN where no label reached.
    """
    reached = ~np.isnan(shares).all(axis=1)
    targets = [CLASSES.index(name) for name in TARGET_CLASSES]
    raw = np.where(reached, np.nansum(shares[:, targets], axis=1), np.nan)
    return learning.tempered(raw, peaks, noise, significance=significance)


def ranks(vertices: Vertices, score: NDArray[np.float64]) -> pa.Array:
    """Places of the survey's spectra by score, of equal ones the clearer line first.

    Parameters
    ----------
    vertices : Vertices
        The spectra of the graph.
    score : (n,) array
        Their scores.

    Returns
    -------
    Array of int
        From 1; null where there is no score, and where no candidates are sought.
    """
    # Scores are published in single precision, in which the best are all but 1.
    ranked = np.where(vertices.survey, score, np.nan).astype(np.float32)
    peaks, noise = vertices.peaks, vertices.noise
    clearness = np.divide(peaks, noise, out=np.zeros_like(peaks), where=noise > 0)
    return pa.array(learning.ranks(ranked, -clearness), mask=np.isnan(ranked))


def score_table(  # noqa: PLR0913, PLR0917 - columns
    run_id: str,
    names: pa.Array,
    shares: NDArray[np.float64],
    score: NDArray[np.float64],
    rank: pa.Array,
    probability: NDArray[np.float64],
) -> pa.Table:
    """Rows of :data:`vospec.columns.SCORES`; a spectrum that no label reached has nulls.

    Parameters
    ----------
    run_id : str
        The run.
    names : Array of n texts
        Identifiers of the spectra.
    shares : (n, len(CLASSES)) array
        Shares of every class.
    score : (n,) array
        As :func:`scores` gives them.
    rank : Array of n int
        As :func:`ranks` gives them.
    probability : (n,) array
        NaN where there is none.

    Returns
    -------
    Table
        In the order of the names.
    """
    reached = ~np.isnan(shares).all(axis=1)
    # A class without labels has no share: it adds nothing to the entropy.
    entropy = np.where(reached, learning.entropy(np.nan_to_num(shares)), np.nan)
    columns = {
        "run_id": pa.repeat(run_id, len(score)),
        "spectrum_id": names,
        **{f"p_{name}": _nullable(shares[:, i]) for i, name in enumerate(CLASSES)},
        "score": _nullable(score),
        "probability": _nullable(probability),
        "rank": rank,
        "entropy": _nullable(entropy),
    }
    return pa.table(columns).cast(arrow_schema(SCORES))


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def candidate_table(
    scores: pyarrow.dataset.Dataset | pa.Table,
    *,
    of: Dataset,
    features: Dataset,
    selection: SelectionSettings,
) -> pa.Table:
    """The best scores of the survey with measures of their lines.

    Parameters
    ----------
    scores : Dataset of pyarrow, or Table
        Rows of :data:`vospec.columns.SCORES`.
    of, features : Dataset
        Spectra, and their vectors with the measures of their lines.
    selection : SelectionSettings
        What makes a candidate.

    Returns
    -------
    Table
        Rows of :data:`vospec.columns.CANDIDATES`, best first.
    """
    best = (pc.field("score") > selection.min_score) & (pc.field("rank") <= selection.n_candidates)
    chosen = scores.filter(best)
    if isinstance(chosen, pyarrow.dataset.Dataset):
        chosen = chosen.to_table()
    chosen = chosen.sort_by("rank").combine_chunks()
    names = chosen.column("spectrum_id")
    for table in (_rows_of(of, names, _TOLD), _rows_of(features, names, _MEASURED)):
        for name in table.column_names:
            chosen = chosen.append_column(name, table.column(name))
    chosen = chosen.append_column("class", _largest(chosen))
    return chosen.select(list(CANDIDATES.names)).cast(arrow_schema(CANDIDATES))


def _rows_of(dataset: Dataset, names: pa.ChunkedArray, columns: list[str]) -> pa.Table:
    """The rows of some spectra, in the order of the names."""
    # Combined, names keep their type also where there are none.
    wanted = pc.field("spectrum_id").isin(names.combine_chunks())
    found = dataset.table(["spectrum_id", *columns], where=wanted)
    return found.take(pc.index_in(names, found.column("spectrum_id"))).select(columns)


def _largest(rows: pa.Table) -> pa.Array:
    """The class of the largest share."""
    shares = np.column_stack(
        [rows.column(f"p_{name}").to_numpy(zero_copy_only=False) for name in CLASSES]
    ).astype(float)
    best = np.nan_to_num(shares, nan=-1).argmax(axis=1)
    return pa.array([CLASSES[i] for i in best], pa.string())


def record(method: str, settings: LearningSettings, **facts: Any) -> pa.Table:  # noqa: ANN401 - of the columns' types
    """The row of :data:`vospec.columns.RUNS` for a run.

    Parameters
    ----------
    method : {'label_propagation', 'label_spreading'}
        The estimator.
    settings : LearningSettings
        Its parameters.
    **facts
        All other columns by their names.

    Returns
    -------
    Table
        One row.
    """
    parameters = asdict(settings)
    del parameters["methods"]
    row = {
        "method": method,
        "parameters": json.dumps(parameters, sort_keys=True),
        "versions": json.dumps(versions(), sort_keys=True),
        "state": "kept",
        **facts,
    }
    return pa.Table.from_pylist([row], schema=arrow_schema(RUNS))


def told(record: dict[str, Any]) -> Iterator[str]:
    """What a person wants to hear of a run, from its row of :data:`vospec.columns.RUNS`."""
    name = f"run {record['run_id']}"
    yield (
        f"{name}: {record['n_candidates']} candidates among {record['n_usable']} spectra, "
        f"{record['n_labelled']} of them labelled"
    )
    if not record["converged"]:
        yield f"{name}: not converged after {record['n_iter']} iterations; see max_iter and tol"
    if record["average_precision"] is not None:
        targets = " + ".join(TARGET_CLASSES)
        yield f"{name}: average precision of {targets} {record['average_precision']:.3f}"
    if record["calibration_note"] is not None:
        yield f"{name}: no probabilities: {record['calibration_note']}"
    if record["candidate_precision"] is not None:
        yield (
            f"{name}: expected precision of the candidates {record['candidate_precision']:.3f} ± "
            f"{record['candidate_precision_error']:.3f}; share of targets in the survey "
            f"{record['target_share']:.4f}"
        )


def versions() -> dict[str, str]:
    """Versions of the software that numbers depend on."""
    packages = ("numpy", "scipy", "scikit-learn", "astropy", "pyspark", "pyarrow")
    return {
        "vospec": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def read_truth(path: str) -> dict[str, str]:
    """True classes by spectrum_id from a CSV with the columns spectrum_id and class.

    Raises
    ------
    ConfigurationError
        The file cannot be read or lacks a column.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as stream:
            return {row["spectrum_id"]: row["class"] for row in csv.DictReader(stream)}
    except OSError as fault:
        message = f"{path}: the truth cannot be read ({fault.strerror})"
        raise ConfigurationError(message) from fault
    except KeyError as fault:
        message = f"{path}: expected the columns spectrum_id and class, found no {fault}"
        raise ConfigurationError(message) from fault


def average_precision(
    vertices: Vertices, score: NDArray[np.float64], truth: dict[str, str]
) -> float | None:
    """Average precision of the target classes among survey spectra; None where there are none.

    Parameters
    ----------
    vertices : Vertices
        The spectra of the graph.
    score : (n,) array
        Their scores.
    truth : dict
        True classes by spectrum_id.
    """
    place = pc.index_in(vertices.spectrum_id, pa.array(list(truth), pa.string()))
    classes = pa.array(list(truth.values()), pa.string()).take(place).fill_null("")
    known = (np.asarray(classes) != "") & vertices.survey & ~np.isnan(score)
    found, values = np.asarray(classes)[known], score[known].astype(np.float32)
    if not np.isin(found, TARGET_CLASSES).any():
        return None
    return learning.average_precision(found, values, targets=TARGET_CLASSES)
