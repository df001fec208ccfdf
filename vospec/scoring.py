"""From the graph to runs: labels spread over it, scores, candidates, what they are worth."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vospec import construction, evidence, neighbourhood, probability, runs
from vospec.backend import diffusion, parts
from vospec.blocks import Blocks
from vospec.columns import SCORES
from vospec.job import Job
from vospec.plan import Run
from vospec.progress import Progress

if TYPE_CHECKING:
    from vospec.learning.steps import Method

logger = logging.getLogger(__name__)


def score(job: Job) -> None:
    """Build the graph and make a run of every method."""
    plan = job.plan
    todo = [run for run in plan.runs if not run.record.is_complete()]
    if todo:
        construction.build(job)
        vertices = neighbourhood.vertices(plan)
        runs.require_labels(vertices.classes, of=plan.labels.uri)
        edges = construction.matrix_of(job)
        aside = neighbourhood.aside(plan, vertices)
        for run in todo:
            _run(job, run, vertices, edges, aside)
    for run in plan.runs:
        for line in runs.told(run.record.table().to_pylist()[0]):
            logger.info("%s", line)


def _run(
    job: Job,
    run: Run,
    vertices: runs.Vertices,
    edges: runs.Graph,
    aside: probability.Aside,
) -> None:
    """Propagate, score, select; the record comes last and makes the run complete."""
    started, plan, section = datetime.now(UTC), job.plan, job.settings.learning
    told = "run %s: spreading %d labels over %d spectra"
    logger.info(told, run.run_id, vertices.is_labelled.sum(), len(vertices.classes))
    propagated = _propagated(job, run, vertices, edges)
    logger.info("run %s: spread in %d iterations", run.run_id, propagated.n_iter)
    score = runs.scores(
        propagated.shares,
        peaks=vertices.peaks,
        noise=vertices.noise,
        significance=section.line_significance,
    )
    if unreached := int(np.isnan(score).sum()):
        told = "run %s: no label reaches %d of %d spectra, they get no score"
        logger.warning(told, run.run_id, unreached, len(score))
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
    inputs = {"nearest": plan.nearest.path, "labels": plan.labels.path}
    records = (d for d in plan.store.find("runs") if d.path.endswith("/record"))
    run.record.write(record, settings=asdict(job.settings), **inputs, behind=records)


def _in_blocks(job: Job, n_vertices: int) -> bool:
    """Whether shares of classes are too many to be sent to all tasks."""
    section = job.settings.spark
    return n_vertices > max(section.driver_spectra, section.broadcast_spectra)


def _propagated(job: Job, run: Run, vertices: runs.Vertices, edges: runs.Graph) -> runs.Propagated:
    """Spread the labels, by the driver or block by block."""
    plan, section = job.plan, job.settings.learning
    if not _in_blocks(job, len(vertices.classes)):
        return runs.propagate(edges, vertices.classes, run.method, section)
    solved = diffusion.propagated(
        job.engine.session,
        plan.edges,
        vertices.classes,
        method=cast("Method", run.method),
        alpha=section.alpha,
        tol=section.tol,
        max_iter=section.max_iter,
        shares=run.shares,
        progress=Progress(f"shares of run {run.run_id}", len(vertices.classes)),
    )
    run.shares.complete(**solved._asdict())
    return runs.Propagated(neighbourhood.shares(run, vertices), *solved)


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
    held: probability.HeldOut | str = "shares in blocks: labels are not held out of so many spectra"
    if not _in_blocks(job, len(score)):
        logger.info("run %s: scoring the labelled spectra without their labels", run.run_id)
        held = probability.held_out(
            *(edges, vertices, aside.stars),
            method=method,
            settings=settings.learning,
            n_jobs=job.n_jobs,
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
    if _in_blocks(job, len(vertices.classes)):
        n_explained = 0
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
