"""From feature vectors to runs: the graph, the labels spread over it, the scores."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec import evidence, neighbourhood, probability, runs
from vospec.backend import graph, parts
from vospec.blocks import Blocks
from vospec.columns import NEAREST, SCORES, VECTORS, VERTICES
from vospec.errors import NoSpectraError, StoreError
from vospec.job import Job
from vospec.plan import Plan, Run
from vospec.progress import Progress
from vospec.store import matrix

logger = logging.getLogger(__name__)


def score(job: Job) -> None:
    """Build the graph and make a run of every method."""
    plan = job.plan
    todo = [run for run in plan.runs if not run.record.is_complete()]
    if todo:
        _build_graph(job)
        vertices, edges = neighbourhood.vertices(plan), neighbourhood.edges(plan)
        aside = neighbourhood.aside(plan, vertices)
        for run in todo:
            _run(job, run, vertices, edges, aside)
    for run in plan.runs:
        for line in runs.told(run.record.table().to_pylist()[0]):
            logger.info("%s", line)


def _build_graph(job: Job) -> None:
    for dataset, stage in (
        (job.plan.components, _fit),
        (job.plan.vectors, _project),
        (job.plan.vertices, _sort),
        (job.plan.nearest, _seek),
    ):
        if not dataset.is_complete():
            stage(job)


def _fit(job: Job) -> None:
    plan, section = job.plan, job.settings.learning
    usable = plan.features.manifest["usable"]
    limit = min(usable - 1, len(plan.grid))
    made = graph.components(
        plan.features,
        plan.n_parts,
        n_components=_at_most(limit, "n_components", section.n_components),
        n_sample=section.n_sample,
    )
    if (found := len(made) - 1) < min(limit, section.n_components):
        told = "n_components = %d is more than a sample of n_sample = %d gives: taking %d"
        logger.warning(told, section.n_components, section.n_sample, found)
    plan.components.write(made, features=plan.features.path)


def _project(job: Job) -> None:
    plan, usable = job.plan, job.plan.features.manifest["usable"]
    content = graph.vectors(plan.features, plan.spectra, plan.components.table(), plan.grid)
    made = job.make(
        "projecting", plan.vectors, VECTORS, content, n_parts=plan.n_parts, total=usable
    )
    if made.rows < usable:
        _tell_left_out(plan)
    plan.vectors.complete(**asdict(made), components=plan.components.path)


def _tell_left_out(plan: Plan) -> None:
    """Name what has features that are no numbers, and so no place in the graph."""
    rows = plan.features.read().to_table(
        columns=["spectrum_id"], filter=pc.field("flux").is_valid()
    )
    placed = plan.vectors.parts().to_table(columns=["spectrum_id"]).column("spectrum_id")
    names = rows.column("spectrum_id")
    missing = names.filter(pc.invert(pc.is_in(names, placed.combine_chunks())))
    told = "%s: features of %d spectra are not finite, they get no score; the first: %s"
    logger.warning(told, plan.features.uri, len(missing), missing[0])


def _sort(job: Job) -> None:
    """Find the cells, and put the vectors in their order: that of the graph."""
    plan = job.plan
    rows = plan.vectors.table()
    _refuse_doubles(plan, rows.column("spectrum_id"))
    logger.info("dividing %d vectors into cells", len(rows))
    into = graph.divided(matrix(rows.column("vector").combine_chunks()), n_jobs=job.n_jobs)
    plan.cells.write(into.cells, vectors=plan.vectors.path)
    blocks = Blocks(len(rows))
    made = parts.write_here(
        blocks.number,
        plan.vertices,
        graph.rows_of(graph.by_cell(rows, into), blocks),
        table=VERTICES,
        progress=Progress("sorting", len(rows)),
    )
    plan.vertices.complete(**asdict(made), cells=plan.cells.path)


def _refuse_doubles(plan: Plan, names: pa.ChunkedArray) -> None:
    """A vertex is one spectrum: labels and scores of a double would be anybody's."""
    if pc.count_distinct(names).as_py() == len(names):
        return
    counts = names.value_counts()
    first = counts.filter(pc.greater(counts.field("counts"), 1))[0]["values"]
    message = f"{plan.vectors.uri}: expected every spectrum_id once, found {first} more than once"
    raise StoreError(message)


def _seek(job: Job) -> None:
    plan, total = job.plan, job.plan.vertices.manifest["rows"]
    n_neighbors = _at_most(total - 1, "n_neighbors", job.settings.learning.n_neighbors)
    blocks, search = Blocks(total), job.shared(neighbourhood.search(plan), total)
    content = graph.nearest(search, blocks, n_neighbors=n_neighbors)
    made = job.make(
        "finding neighbours", plan.nearest, NEAREST, content, n_parts=blocks.number, total=total
    )
    plan.nearest.complete(**asdict(made), vertices=plan.vertices.path)


def _at_most(limit: int, name: str, asked: int) -> int:
    """A parameter that cannot exceed what the spectra give."""
    if limit < 1:
        message = "fewer than two spectra can be used: no graph can be made of them"
        raise NoSpectraError(message)
    if asked > limit:
        logger.warning("%s = %d is more than the spectra give: taking %d", name, asked, limit)
    return min(asked, limit)


def _run(
    job: Job,
    run: Run,
    vertices: runs.Vertices,
    edges: runs.Graph,
    aside: probability.Aside,
) -> None:
    """Propagate, score, select; the record comes last and makes the run complete."""
    started, plan, section = datetime.now(UTC), job.plan, job.settings.learning
    propagated = runs.propagate(edges, vertices.classes, run.method, section)
    score = runs.scores(
        propagated.shares,
        peaks=vertices.peaks,
        noise=vertices.noise,
        significance=section.line_significance,
    )
    worth = _worth(job, run, vertices, edges, aside, score)
    _write_scores(run, vertices, propagated.shares, score, worth.probabilities)
    candidates = runs.candidate_table(
        run.scores.read(),
        of=plan.spectra,
        features=plan.features,
        selection=job.settings.selection,
    )
    truth = job.settings.survey.truth
    counts = {
        "n_spectra": plan.spectra.manifest["rows"],
        "n_usable": len(score),
        "n_labelled": int(vertices.is_labelled.sum()),
        "n_candidates": len(candidates),
    }
    run.candidates.write(candidates)
    _explain(job, run, candidates, vertices, edges)
    record = runs.record(
        run.method,
        section,
        run_id=run.run_id,
        n_iter=propagated.n_iter,
        converged=propagated.converged,
        average_precision=runs.average_precision(vertices, score, runs.read_truth(truth))
        if truth
        else None,
        started=started,
        ended=datetime.now(UTC),
        **counts,
        **worth.facts,
    )
    run.record.write(record, settings=asdict(job.settings), nearest=plan.nearest.path)


def _worth(  # noqa: PLR0913, PLR0917 - all that a run has
    job: Job,
    run: Run,
    vertices: runs.Vertices,
    edges: runs.Graph,
    aside: probability.Aside,
    score: NDArray[np.float64],
) -> probability.Worth:
    """Find and write what the scores are worth."""
    method, settings = run.method, job.settings
    held = probability.held_out(
        edges, vertices, aside.stars, method=method, settings=settings.learning
    )
    found = probability.worth(
        run.run_id,
        vertices,
        score,
        held=held,
        artefacts=aside.artefacts,
        selection=settings.selection,
    )
    run.reliability.write(found.reliability)
    run.thresholds.write(found.thresholds)
    return found


def _write_scores(
    run: Run,
    vertices: runs.Vertices,
    shares: NDArray[np.float64],
    score: NDArray[np.float64],
    probabilities: NDArray[np.float64],
) -> None:
    """Rank all vertices and write them block by block."""
    rank, blocks = runs.ranks(vertices, score), Blocks(len(score))

    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = blocks.rows(part)
        some = slice(rows.start, rows.stop)
        names = vertices.spectrum_id[some]
        yield from runs.score_table(
            *(run.run_id, names, shares[some], score[some], rank[some], probabilities[some])
        ).to_batches()

    # Parts that another propagation left are not taken for those of this one.
    run.scores.clear()
    progress = Progress(f"scores of run {run.run_id}", len(score))
    made = parts.write_here(blocks.number, run.scores, content, table=SCORES, progress=progress)
    run.scores.complete(**asdict(made))


def _explain(
    job: Job, run: Run, candidates: pa.Table, vertices: runs.Vertices, edges: runs.Graph
) -> None:
    """Write what the candidates' scores come from; the labels of the best of them only."""
    n_explained = min(job.settings.selection.n_explained, len(candidates))
    with Progress(f"explaining candidates of run {run.run_id}", n_explained) as progress:
        table = evidence.neighbour_table(
            run.run_id,
            candidates.column("spectrum_id"),
            vertices,
            edges,
            method=run.method,
            settings=job.settings.learning,
            n_explained=n_explained,
            progress=progress.update,
        )
    run.neighbours.write(table, explained=n_explained)
    if n_explained < len(candidates):
        told = "run %s: labels behind the score are told for the best %d of %d candidates; "
        told += "see n_explained"
        logger.info(told, run.run_id, n_explained, len(candidates))
