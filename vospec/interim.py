"""Between two full runs: new spectra are read, placed in the graph of the run and scored.

The stages are those of :mod:`vospec.pipeline`, on the new folders alone; what they leave
stands under fingerprints of its own, and is found again where a job was interrupted.
"""

from collections.abc import Iterator
from dataclasses import asdict

from vospec import additions, pipeline, status
from vospec.backend import graph
from vospec.columns import VECTORS
from vospec.job import Job
from vospec.plan import Plan

#: Candidates that are told one by one for each run; the store has all of them.
TOLD = 50


def add(job: Job, folders: tuple[str, ...]) -> Iterator[str]:
    """Score the spectra of new folders by the runs of a job.

    Parameters
    ----------
    job : Job
        All its runs are complete.
    folders : tuple of str
        Folders or URIs of FITS files, searched with subfolders.

    Yields
    ------
    str
        What a person wants to hear when it is done: what cannot be used, and the candidates.

    Raises
    ------
    StoreError
        A run of the job is missing.
    NoSpectraError
        A folder holds no FITS file, or none of the files can be read.
    """
    # Nobody waits for the reading of many files to hear that the run is not there.
    additions.require_runs(job.plan)
    new = Job(additions.settings_of(job.settings, folders), job.engine)
    score(job, new)
    yield from status.unusable(new.plan)
    yield from _lines(job.plan, new.plan)


def score(job: Job, new: Job) -> None:
    """Read the files of a job, place their spectra in the graph of another and score them.

    Parameters
    ----------
    job : Job
        All its runs are complete.
    new : Job
        That of the new files alone.

    Raises
    ------
    NoSpectraError
        None of the files can be read.
    """
    pipeline.read(new)
    pipeline.features(new)
    _project(job.plan, new)
    additions.score(job.plan, new.plan, n_jobs=job.n_jobs)


def _project(plan: Plan, new: Job) -> None:
    """Place the new spectra in the space of the graph."""
    vectors = additions.vectors_of(plan, new.plan)
    if vectors.is_complete():
        return
    origin, n_parts = new.plan, new.plan.n_parts
    content = graph.vectors(origin.features, origin.spectra, plan.components.table(), plan.grid)
    total = origin.features.manifest["usable"]
    made = new.make("projecting", vectors, VECTORS, content, n_parts=n_parts, total=total)
    vectors.complete(**asdict(made), components=plan.components.path)


def _lines(plan: Plan, new: Plan) -> Iterator[str]:
    """How many spectra came in, and the candidates among them."""
    vectors = additions.vectors_of(plan, new)
    for run in plan.runs:
        added = additions.of_run(run, vectors)
        candidates, n_scored = added.candidates.table(), added.scores.manifest["rows"]
        in_run = vectors.manifest["rows"] - n_scored
        yield (
            f"run {run.run_id}: {len(candidates)} candidates among {n_scored} new spectra"
            + (f"; {in_run} more are in the run, which has their scores" if in_run else "")
        )
        for row in candidates.slice(0, TOLD).to_pylist():
            yield f"  {row['score']:.4f}  {row['class']:<11}  {row['spectrum_id']}"
        if len(candidates) > TOLD:
            yield f"  … and {len(candidates) - TOLD} more: {added.candidates.uri}"
