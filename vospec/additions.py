"""Spectra that came after a run, scored by its graph between two full runs.

A new spectrum takes over the weighted mean of the class shares that its nearest vertices
have (see :mod:`vospec.learning.induction`). Nothing is propagated again and nothing of the
run changes; new spectra may come one by one or all at once, their scores are the same. They
do not teach each other: that is what the next full run is for.

The datasets stand under the run, and under the fingerprint of what they were made from. A
full run over the new folders too is another run: it has no additions, and those of the old
run go with it.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec import evidence, learning, neighbourhood, probability, runs
from vospec.columns import (
    CANDIDATES,
    CLASSES,
    FEATURES,
    NEIGHBOUR,
    NEIGHBOURS,
    SCORES,
    SPECTRA,
    VECTORS,
)
from vospec.config import (
    LearningSettings,
    SelectionSettings,
    Settings,
    SurveySettings,
    TrainingSettings,
)
from vospec.errors import StoreError
from vospec.plan import Plan, Run
from vospec.progress import Progress
from vospec.store import Dataset, Store, fingerprint, matrix


@dataclass(frozen=True)
class Additions:
    """The datasets of spectra that were added to a run.

    Attributes
    ----------
    scores, candidates : Dataset
        Rows like those of the run, without rank: ranks are the run's.
    neighbours : Dataset
        The vertices near each candidate. It comes last and makes the additions complete.
    """

    scores: Dataset
    candidates: Dataset
    neighbours: Dataset

    @property
    def are_complete(self) -> bool:
        """Whether all of it was written to its end."""
        return self.neighbours.is_complete()

    @property
    def spectra(self) -> Dataset:
        """All spectra of the new folders, those that cannot be used among them."""
        return self.scores.store.dataset(self.scores.manifest["spectra"], SPECTRA)

    @property
    def features(self) -> Dataset:
        """Their feature vectors."""
        return self.scores.store.dataset(self.scores.manifest["features"], FEATURES)


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
    return plan.store.dataset(f"vectors/{fingerprint(name='vectors', inputs=inputs)}", VECTORS)


def of_run(run: Run, vectors: Dataset) -> Additions:
    """Where the additions to a run stand."""
    return _under(vectors.store, f"{_folder(run)}/{vectors.path.rpartition('/')[2]}")


def all_of(store: Store, run: Run) -> list[Additions]:
    """All that was added to a run, in the order in which it came."""
    last = (d for d in store.find(_folder(run)) if d.path.endswith(f"/{NEIGHBOURS.name}"))
    in_order = sorted(last, key=lambda dataset: dataset.completed)
    return [_under(store, dataset.path.rpartition("/")[0]) for dataset in in_order]


def _folder(run: Run) -> str:
    return f"runs/{run.run_id}/additions"


def _under(store: Store, folder: str) -> Additions:
    tables = SCORES, CANDIDATES, NEIGHBOURS
    return Additions(*(store.dataset(f"{folder}/{table.name}", table) for table in tables))


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
    todo = [run for run in plan.runs if not of_run(run, vectors).are_complete]
    if not todo:
        return
    vertices = neighbourhood.vertices(plan)
    arrived, points = _arrived(vectors, vertices.spectrum_id)
    graph = learning.KnownGraph(
        neighbourhood.search(plan), neighbourhood.nearest(plan)[1], neighbourhood.weights(plan)
    )
    with Progress("scoring additions", len(points)) as progress:
        nearest = graph.nearest(points, n_jobs=n_jobs, progress=progress.update)
    for run in todo:
        shares = graph.inherited(*nearest, _shares(run, vertices.spectrum_id))
        scores = _scores(run, plan.settings.learning, arrived, shares)
        candidates = runs.candidate_table(
            scores,
            of=new.spectra,
            features=new.features,
            selection=_selection(run, plan.settings.selection),
        )
        additions = of_run(run, vectors)
        origin = {"spectra": new.spectra.path, "features": new.features.path}
        additions.scores.write(_without_rank(scores), **origin)
        additions.candidates.write(_without_rank(candidates))
        names = candidates.column("spectrum_id").combine_chunks()
        rows = pc.index_in(names, arrived.spectrum_id).to_numpy()
        earlier = [added.neighbours for added in all_of(plan.store, run)]
        near = _strongest(nearest[0][rows], graph.edges(*(part[rows] for part in nearest)))
        additions.neighbours.write(
            evidence.partner_table(run.run_id, NEIGHBOUR, names, vertices, near), behind=earlier
        )


def _strongest(indices: NDArray[np.int32], edges: NDArray[np.float64]) -> learning.Partners:
    """The vertices near each candidate by their parts in its score, the greatest first."""
    order = np.argsort(-edges, axis=1, kind="stable")[:, : evidence.N_TOLD]
    shares = edges / edges.sum(axis=1, keepdims=True)
    found = (np.take_along_axis(values, order, axis=1) for values in (indices, shares))
    return learning.Partners(*found)


def _arrived(vectors: Dataset, vertices: pa.Array) -> tuple[runs.Vertices, NDArray[np.float32]]:
    """What is not in the graph, and its vectors."""
    rows = vectors.table()
    known = pc.is_in(rows.column("spectrum_id"), vertices)
    rows = rows.filter(pc.invert(known)).combine_chunks()
    # A list column without lists does not tell how long they would be.
    points = np.empty((0, 0), np.float32)
    if len(rows):
        points = matrix(rows.column("vector").combine_chunks())
    return neighbourhood.placed(rows, np.full(len(rows), runs.UNLABELLED)), points


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
    # The curve that the run found for its own scores.
    curve = probability.Curve.of(run.record.table().to_pylist()[0])
    columns = shares, score, rank, curve.predict(score)
    return runs.score_table(run.run_id, arrived.spectrum_id, *columns)


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
