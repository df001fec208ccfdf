"""The order of the stages: from files to a published run.

Every function does one arrow of the design and leaves a complete dataset; what
is complete already is left alone, so that a job that was killed goes on where
it stopped and a job that has nothing new to do ends at once.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator
from pyspark.sql import DataFrame

from vospec import archives, evidence, inventory, listing, neighbourhood, publication, runs, spectra
from vospec.backend import frames, graph, hadoop, parts, reading, vectors
from vospec.backend.session import Engine
from vospec.columns import ADAPTED, FEATURES, GRID, LABELS, SPECTRA, UNUSABLE, Table
from vospec.config import Settings
from vospec.errors import NoSpectraError
from vospec.plan import Plan, Run
from vospec.progress import Progress
from vospec.store import Dataset, arrow_schema

logger = logging.getLogger(__name__)

#: A stage, once it is given the counter of what it has done.
Stage = Callable[[Accumulator[int]], DataFrame]

#: Spectra of one batch on their way to the database: 20 MB.
PUBLISHED = 256


class Job:
    """A plan and the engine that carries it out."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings = settings
        self.plan = Plan(settings, hadoop.walk(engine))
        self.engine = engine

    def frame(self, dataset: Dataset) -> DataFrame:
        """A complete dataset as Spark reads it."""
        _ = dataset.manifest
        return self.engine.session.read.parquet(dataset.uri)

    def write(self, what: str, dataset: Dataset, stage: Stage, total: int) -> int:
        """Carry out a stage into a dataset, with progress; return its rows."""
        done = self.engine.session.sparkContext.accumulator(0)
        return frames.write(stage(done), dataset, progress=Progress(what, total), done=done)

    def make(self, what: str, dataset: Dataset, table: Table, content: parts.Content) -> parts.Made:
        """Make the missing parts of a dataset, as many as there are of the files, with progress."""
        n_parts, total = self.plan.n_parts, self.plan.inventory[1]
        tasks = self.engine.session.range(0, n_parts, 1, n_parts)
        return parts.write(tasks, dataset, content, table=table, progress=Progress(what, total))


@contextmanager
def job(settings: Settings) -> Iterator[Job]:
    """Open a job; its Spark session, if one was needed, ends with it."""
    with Engine(settings.spark, _scratch(settings.store.folder)) as engine:
        yield Job(settings, engine)


def _scratch(store: str) -> Path:
    """Spark spills into a local store, or into the temporary folder where the store is remote."""
    scheme = urlparse(store).scheme
    if scheme not in ("", "file"):
        return Path(tempfile.gettempdir(), "vospec-scratch")
    return Path(unquote(urlparse(store).path)).resolve() / "scratch"


def ingest(job: Job) -> None:
    """Read every file into spectra, and the labels of the training spectra."""
    plan = job.plan
    # Hours of reading must not end in the discovery that there are no labels.
    total = plan.inventory[1]
    logger.info("inputs: %d files, labels of %s", total, ", ".join(plan.label_files))
    if plan.spectra.is_complete():
        logger.info("spectra: nothing new")
    else:
        _list(plan)
        _read(job)
    if not plan.labels.is_complete():
        _label(plan)


def _list(plan: Plan) -> None:
    """Write the listing of files, a part at a time."""
    if not plan.files.is_complete():
        found = listing.files(plan.folders, plan.elsewhere)
        rows = inventory.write(plan.files, found, plan.n_parts)
        plan.files.complete(rows=rows, folders=plan.folders)


def _read(job: Job) -> None:
    plan = job.plan
    if elsewhere := listing.unopened(plan.folders):
        hadoop.read(job.engine, plan.files, plan.n_parts, plan.spectra, elsewhere)
    content = reading.spectra(plan.files, plan.n_parts)
    made = job.make("reading spectra", plan.spectra, SPECTRA, content)
    if not made.usable:
        message = (
            f"{', '.join(plan.folders)}: none of {made.rows} FITS files holds a spectrum "
            f"that can be read; {_first_reason(plan.spectra)}"
        )
        plan.spectra.clear()
        raise NoSpectraError(message)
    plan.spectra.complete(**asdict(made), files=plan.files.path, folders=plan.folders)
    logger.info("spectra: %d files, %d of them cannot be used", made.rows, made.rows - made.usable)


def _first_reason(dataset: Dataset) -> str:
    reasons = dataset.parts().head(1, columns=["reason"]).column("reason").to_pylist()
    return f"the first: {reasons[0]}" if reasons else "no file was read"


def _label(plan: Plan) -> None:
    """Give training spectra the labels of the lists, by their identifiers in the archive."""
    given = [label for path in plan.label_files for label in archives.read_labels(Path(path))]
    read = plan.spectra.table(["spectrum_id", "archive_id", "quality"]).filter(
        pc.equal(pc.bit_wise_and(pc.field("quality"), int(UNUSABLE)), 0)
    )
    known: dict[str, list[str]] = {}
    for name, archive_id in zip(*(read.column(i).to_pylist() for i in (0, 1)), strict=True):
        known.setdefault(archive_id, []).append(name)
    origin = {"source": "archive", "author": "label list", "labelled_at": datetime.now(UTC)}
    rows = [
        {"spectrum_id": name, "class": class_, **origin}
        for archive_id, class_ in given
        for name in known.get(archive_id, ())
    ]
    plan.labels.write(
        pa.Table.from_pylist(rows, schema=arrow_schema(LABELS)),
        spectra=plan.spectra.path,
        lists=plan.label_files,
    )
    logger.info("labels: %d of %d belong to a spectrum that was read", len(rows), len(given))


def features(job: Job) -> None:
    """Adapt the training spectra, rectify all, write the feature vectors and their grid."""
    plan = job.plan
    if not plan.adapted.is_complete():
        _adapt(job)
    if not plan.grid_table.is_complete():
        plan.grid_table.write(_grid_table(plan))
    if plan.features.is_complete():
        logger.info("features: nothing new, %d vectors", plan.features.manifest["usable"])
        return
    content = vectors.features(
        plan.spectra,
        plan.adapted,
        grid=plan.grid,
        resolving_power=job.settings.adaptation.target_resolving_power,
    )
    made = job.make("rectifying", plan.features, FEATURES, content)
    plan.features.complete(**asdict(made), adapted=plan.adapted.path, grid=plan.grid_table.path)
    logger.info("features: %d vectors of %d elements", made.usable, len(plan.grid))


def _adapt(job: Job) -> None:
    plan, section = job.plan, job.settings.adaptation
    _ = plan.spectra.manifest
    content = vectors.adapted(
        plan.spectra,
        grid=plan.grid,
        target_resolving_power=section.target_resolving_power,
        kernel=section.kernel,
        fwhm_angstrom=section.fwhm_angstrom,
    )
    made = job.make("adapting training spectra", plan.adapted, ADAPTED, content)
    plan.adapted.complete(**asdict(made), spectra=plan.spectra.path, **asdict(section))


def _grid_table(plan: Plan) -> pa.Table:
    columns = {
        "element": np.arange(1, len(plan.grid) + 1),
        "wavelength": plan.grid,
        "wavelength_air": spectra.vacuum_to_air(plan.grid),
    }
    return pa.table(columns).cast(arrow_schema(GRID))


def score(job: Job) -> None:
    """Build the graph and make a run of every method."""
    plan = job.plan
    todo = [run for run in plan.runs if not run.record.is_complete()]
    if todo:
        _build_graph(job)
        vertices, edges = neighbourhood.vertices(plan), neighbourhood.edges(plan)
        lines = runs.peaks(plan.features, vertices, plan.grid)
        for run in todo:
            _run(job, run, vertices, edges, lines)
    for run in plan.runs:
        for line in runs.told(run.record.table().to_pylist()[0]):
            logger.info("%s", line)


def _build_graph(job: Job) -> None:
    plan, section = job.plan, job.settings.learning
    usable = plan.features.manifest["usable"]
    n_components = _at_most(min(usable - 1, len(plan.grid)), "n_components", section.n_components)
    n_neighbors = _at_most(usable - 1, "n_neighbors", section.n_neighbors)
    if not plan.vectors.is_complete():
        rectified = job.frame(plan.features)
        rows = job.write(
            "projecting",
            plan.vectors,
            lambda done: graph.project(
                rectified, n_components=n_components, n_sample=section.n_sample, done=done
            ),
            usable,
        )
        plan.vectors.complete(rows=rows, features=plan.features.path)
    if not plan.neighbours.is_complete():
        values = neighbourhood.vectors(plan)
        rows = job.write(
            "finding neighbours",
            plan.neighbours,
            lambda done: graph.search(
                job.engine.session,
                values,
                n_neighbors=n_neighbors,
                partitions=job.engine.partitions,
                done=done,
            ),
            len(values),
        )
        plan.neighbours.complete(rows=rows, vectors=plan.vectors.path)


def _at_most(limit: int, name: str, asked: int) -> int:
    """A parameter that cannot exceed what the spectra give."""
    if limit < 1:
        message = "fewer than two spectra can be used: no graph can be made of them"
        raise NoSpectraError(message)
    if asked > limit:
        logger.warning("%s = %d is more than the spectra give: taking %d", name, asked, limit)
    return min(asked, limit)


def _run(job: Job, run: Run, vertices: runs.Vertices, edges: runs.Graph, lines: runs.Lines) -> None:
    """Propagate, score, select; the record comes last and makes the run complete."""
    started, plan, section = datetime.now(UTC), job.plan, job.settings.learning
    propagated = runs.propagate(edges, vertices.classes, run.method, section)
    peaks, noise = lines
    scores = runs.score_table(
        run.run_id,
        vertices,
        propagated.shares,
        peaks=peaks,
        noise=noise,
        significance=section.line_significance,
    )
    candidates = runs.candidate_table(
        scores,
        of=plan.spectra,
        features=plan.features,
        selection=job.settings.selection,
    )
    truth = job.settings.survey.truth
    precision = runs.average_precision(scores, runs.read_truth(truth)) if truth else None
    counts = {
        "n_spectra": plan.spectra.manifest["rows"],
        "n_usable": len(vertices.classes),
        "n_labelled": int((vertices.classes != runs.UNLABELLED).sum()),
        "n_candidates": len(candidates),
    }
    run.scores.write(scores)
    run.candidates.write(candidates)
    _explain(job, run, candidates, vertices, edges)
    record = runs.record(
        run.method,
        section,
        run_id=run.run_id,
        n_iter=propagated.n_iter,
        converged=propagated.converged,
        average_precision=precision,
        started=started,
        ended=datetime.now(UTC),
        **counts,
    )
    run.record.write(record, settings=asdict(job.settings), neighbours=plan.neighbours.path)


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


def publish(job: Job) -> None:
    """Load spectra, features and runs into the database; the first run becomes the current one."""
    plan, section = job.plan, job.settings.publication
    connection = publication.connect(
        host=section.host, port=section.port, database=section.database, user=section.user
    )
    with connection:
        publication.create_tables(connection)
        for run in reversed(plan.runs):
            total = plan.spectra.manifest["rows"] + plan.features.manifest["usable"]
            with Progress(f"publishing {run.run_id}", total) as progress:
                loaded = publication.publish(
                    connection,
                    run_id=run.run_id,
                    contents=_contents(plan, run),
                    make_current=run is plan.runs[0],
                    progress=_shown(progress),
                )
                progress.done = sum(loaded.values())
    logger.info("current run: %s", plan.runs[0].run_id)


def _shown(progress: Progress) -> Callable[[str, int], None]:
    return lambda _, rows: progress.update(rows)


def _contents(plan: Plan, run: Run) -> dict[str, publication.Content]:
    """What a run publishes, read from the store when the database asks for it."""
    usable = pc.field("flux").is_valid()
    rows = {
        "spectra": _judged(plan),
        "features": plan.features.read().to_batches(filter=usable, batch_size=PUBLISHED),
    }
    plain = {"grid": plan.grid_table, "labels": plan.labels}
    of_run = {
        "runs": run.record,
        "scores": run.scores,
        "candidates": run.candidates,
        "neighbours": run.neighbours,
    }
    rows |= {name: dataset.read().to_batches() for name, dataset in (plain | of_run).items()}
    datasets = {"spectra": plan.features, "features": plan.features, **plain, **of_run}
    return {
        name: publication.Content(batches, datasets[name].path) for name, batches in rows.items()
    }


def _judged(plan: Plan) -> Iterator[pa.RecordBatch]:
    """The spectra with the quality that they have after rectification."""
    judged = plan.features.table(["spectrum_id", "quality"])
    place = plan.spectra.read().schema.get_field_index("quality")
    for batch in plan.spectra.read().to_batches(batch_size=PUBLISHED):
        found = pc.index_in(batch.column("spectrum_id"), judged.column("spectrum_id"))
        quality = judged.column("quality").take(found).combine_chunks()
        yield batch.set_column(place, "quality", quality)
