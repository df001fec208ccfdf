"""Spectra that came after a run, scored by its graph between two full runs.

A new spectrum takes over the weighted mean of the class shares that its nearest vertices
have (see :mod:`vospec.learning.induction`). Nothing is propagated again and nothing of the
run changes; new spectra may come one by one or all at once, their scores are the same. They
do not teach each other: that is what the next full run is for.

The datasets stand under the run, and under the fingerprint of what they were made from. A
full run over the new folders too is another run: it has no additions, and those of the old
run go with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from vospec import learning, neighbourhood, runs
from vospec.columns import CLASSES
from vospec.config import (
    LearningSettings,
    SelectionSettings,
    Settings,
    SurveySettings,
    TrainingSettings,
)
from vospec.errors import StoreError
from vospec.learning.graph import mean_gamma
from vospec.plan import Plan, Run
from vospec.progress import Progress
from vospec.store import Dataset, fingerprint, matrix

#: Spectra that go through the search between two reports of progress.
BATCH = 8192

Indices = NDArray[np.int32]
Distances = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph as it meets new vectors.

    Attributes
    ----------
    search : CellSearch
        Over its vertices.
    distances : (n_vertices, k) array
        From every vertex to its nearest ones, ascending: how edges were weighted.
    weights : {'local_scaling', 'rbf', 'binary'}
        In which way.
    """

    search: learning.CellSearch
    distances: Distances
    weights: learning.Weights

    def nearest(
        self,
        vectors: Distances,
        *,
        n_jobs: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Indices, Distances]:
        """Find as many vertices near new vectors as every vertex has neighbours.

        Parameters
        ----------
        vectors : (n, d) array
            In the space of the graph.
        n_jobs : int
            Threads. Does not change the answer.
        progress : callable, optional
            Called with the number of vectors done so far.

        Returns
        -------
        indices : (n, k) int array
            Vertices, nearest first.
        distances : (n, k) array
        """
        n_neighbors = self.distances.shape[1]
        shape = len(vectors), n_neighbors
        indices, distances = np.empty(shape, np.int32), np.empty(shape, np.float32)
        for start in range(0, len(vectors), BATCH):
            some = slice(start, start + BATCH)
            found = self.search.nearest(vectors[some], n_neighbors=n_neighbors, n_jobs=n_jobs)
            indices[some], distances[some] = found
            if progress is not None:
                progress(min(start + BATCH, len(vectors)))
        return indices, distances

    def inherited(
        self, indices: Indices, distances: Distances, shares: ArrayLike
    ) -> NDArray[np.float64]:
        """Give new vectors the shares of the vertices near them, weighted as edges are.

        Parameters
        ----------
        indices, distances : (n, k) arrays
            As :meth:`nearest` gives them.
        shares : (n_vertices, n_classes) array
            Of the vertices; a column of NaN is a class without labels, a row of NaN a
            vertex that no label reaches.

        Returns
        -------
        (n, n_classes) array
            NaN where the shares say so, and where no label reaches any of the vertices.
        """
        shares = np.asarray(shares, dtype=np.float64)
        inherited = np.full((len(indices), shares.shape[1]), np.nan)
        taught = ~np.isnan(shares).all(axis=0)
        inherited[:, taught] = learning.induced(
            indices,
            distances,
            shares[:, taught],
            scales=learning.local_scales(self.distances),
            weights=self.weights,
            gamma=mean_gamma(self.distances),
        )
        return inherited


@dataclass(frozen=True)
class Additions:
    """The datasets of spectra that were added to a run.

    Attributes
    ----------
    scores, candidates : Dataset
        Rows like those of the run, without rank: ranks are the run's. The candidates come
        last and make the additions complete.
    """

    scores: Dataset
    candidates: Dataset


def settings_of(settings: Settings, folders: tuple[str, ...]) -> Settings:
    """The settings with which new folders are read: nothing there is asked to teach."""
    survey = SurveySettings(folders)
    return replace(settings, survey=survey, training=TrainingSettings())


def require_runs(plan: Plan) -> None:
    """Refuse to add to what is not there.

    Raises
    ------
    StoreError
        A run of the plan is missing or incomplete.
    """
    for run in plan.runs:
        if not run.record.is_complete():
            message = (
                f"{plan.store.uri}: run {run.run_id} is missing or incomplete: additions need "
                "the run of these settings and the files in their folders as it saw them; "
                "new files in these folders need a full run"
            )
            raise StoreError(message)


def vectors_of(plan: Plan, new: Plan) -> Dataset:
    """Where new spectra stand in the space of a plan's graph."""
    inputs = new.features.path, plan.components.path
    return plan.store.dataset(f"vectors/{fingerprint(name='vectors', inputs=inputs)}")


def of_run(run: Run, vectors: Dataset) -> Additions:
    """Where the additions to a run stand."""
    folder = f"runs/{run.run_id}/additions/{vectors.path.rpartition('/')[2]}"
    return Additions(*(vectors.store.dataset(f"{folder}/{n}") for n in ("scores", "candidates")))


def score(plan: Plan, new: Plan, *, n_jobs: int) -> None:
    """Score new spectra for every run of a plan, as far as that is not done.

    Parameters
    ----------
    plan : Plan
        Its runs are complete.
    new : Plan
        That of the new folders; its features are complete, and so are their vectors (see
        :func:`vectors_of`). Spectra that are vertices of the graph are left out.
    n_jobs : int
        Threads. Does not change the answer.
    """
    vectors = vectors_of(plan, new)
    todo = [run for run in plan.runs if not of_run(run, vectors).candidates.is_complete()]
    if not todo:
        return
    vertices = neighbourhood.vertices(plan).spectrum_id
    arrived, points = _arrived(vectors, vertices)
    weights = cast("learning.Weights", plan.settings.learning.weights)
    graph = Graph(neighbourhood.search(plan), neighbourhood.nearest(plan)[1], weights)
    with Progress("scoring additions", len(points)) as progress:
        nearest = graph.nearest(points, n_jobs=n_jobs, progress=progress.update)
    for run in todo:
        shares = graph.inherited(*nearest, _shares(run, vertices))
        scores = _scores(run, plan.settings.learning, arrived, shares)
        candidates = runs.candidate_table(
            scores,
            of=new.spectra,
            features=new.features,
            selection=_selection(run, plan.settings.selection),
        )
        additions = of_run(run, vectors)
        additions.scores.write(_without_rank(scores))
        additions.candidates.write(_without_rank(candidates))


def _arrived(vectors: Dataset, vertices: pa.Array) -> tuple[runs.Vertices, NDArray[np.float32]]:
    """What is not in the graph, and its vectors."""
    rows = vectors.table()
    known = pc.is_in(rows.column("spectrum_id"), vertices)
    rows = rows.filter(pc.invert(known)).combine_chunks()
    # A list column without lists does not tell how long they would be.
    points = np.empty((0, 0), np.float32)
    if len(rows):
        points = matrix(rows.column("vector").combine_chunks())
    return _vertices(rows), points


def _vertices(rows: pa.Table) -> runs.Vertices:
    """Rows of vectors as vertices are told, without labels."""
    peaks, noise = (
        rows.column(name).fill_null(np.nan).to_numpy().astype(np.float64)
        for name in ("peak", "continuum_noise")
    )
    return runs.Vertices(
        rows.column("spectrum_id").combine_chunks(),
        rows.column("survey").to_numpy(),
        np.full(len(rows), runs.UNLABELLED),
        peaks,
        noise,
    )


def _shares(run: Run, vertices: pa.Array) -> NDArray[np.float64]:
    """The class shares that a run gave to the vertices, in their order."""
    table = run.scores.table(["spectrum_id", *(f"p_{name}" for name in CLASSES)])
    rows = table.take(pc.index_in(vertices, table.column("spectrum_id").combine_chunks()))
    columns = (rows.column(f"p_{name}") for name in CLASSES)
    return np.column_stack([column.fill_null(np.nan).to_numpy() for column in columns])


def _scores(
    run: Run, settings: LearningSettings, arrived: runs.Vertices, shares: NDArray[np.float64]
) -> pa.Table:
    """Scores of what arrived, ranked among themselves."""
    score = runs.scores(
        shares,
        peaks=arrived.peaks,
        noise=arrived.noise,
        significance=settings.line_significance,
    )
    rank = runs.ranks(arrived, score)
    return runs.score_table(run.run_id, arrived.spectrum_id, shares, score, rank)


def _selection(run: Run, selection: SelectionSettings) -> SelectionSettings:
    """What makes a candidate, where the run has all that it may have: more than its last."""
    score = run.candidates.table(["score"]).column("score")
    if len(score) < selection.n_candidates:
        return selection
    return replace(selection, min_score=pc.min(score).as_py())


def _without_rank(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("rank")
    nothing = pa.nulls(len(table), table.schema.field(place).type)
    return table.set_column(place, table.schema.field(place), nothing)
