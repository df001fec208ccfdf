"""The order of the stages: from files to a published run.

Every function does one arrow of the design and leaves a complete dataset; what
is complete already is left alone, so that a job that was killed goes on where
it stopped and a job that has nothing new to do ends at once.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlparse

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec import archives, evidence, inventory, listing, neighbourhood, publication, runs, spectra
from vospec.backend import graph, hadoop, parts, reading, vectors
from vospec.backend.session import Engine
from vospec.blocks import Blocks
from vospec.columns import (
    ADAPTED,
    FEATURES,
    GRID,
    LABELS,
    NEAREST,
    SCORES,
    SPECTRA,
    UNUSABLE,
    VECTORS,
    VERTICES,
    Table,
)
from vospec.config import Settings
from vospec.errors import NoSpectraError, StoreError
from vospec.plan import Plan, Run
from vospec.progress import Progress
from vospec.store import Dataset, arrow_schema, matrix

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Spectra of one batch on their way to the database: 20 MB.
PUBLISHED = 256


class Job:
    """A plan and the engine that carries it out."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings = settings
        self.plan = Plan(settings, hadoop.walk(engine))
        self.engine = engine
        self.n_jobs = len(os.sched_getaffinity(0))

    def on_spark(self, total: int) -> bool:
        """Whether so many spectra are worth what Spark costs at the start."""
        return total >= self.settings.spark.min_spectra

    def make(  # noqa: PLR0913 - named parameters of one method
        self,
        what: str,
        dataset: Dataset,
        table: Table,
        content: parts.Content,
        *,
        n_parts: int,
        total: int,
        processes: bool = False,
    ) -> parts.Made:
        """Make the missing parts of a dataset, through Spark or here, with progress."""
        progress = Progress(what, total)
        if self.on_spark(total):
            tasks = self.engine.session.range(0, n_parts, 1, n_parts)
            return parts.write(tasks, dataset, content, table=table, progress=progress)
        return parts.write_here(
            n_parts, dataset, content, table=table, progress=progress, processes=processes
        )

    def of_files(
        self, what: str, dataset: Dataset, table: Table, content: parts.Content
    ) -> parts.Made:
        """Make the missing parts of a dataset, as many as there are of the files."""
        n_parts, total = self.plan.n_parts, self.plan.inventory[1]
        return self.make(
            what, dataset, table, content, n_parts=n_parts, total=total, processes=True
        )

    def shared(self, value: _T, total: int) -> Callable[[], _T]:
        """What all tasks need, as they get at it."""
        if not self.on_spark(total):
            return lambda: value
        broadcast = self.engine.session.sparkContext.broadcast(value)
        return lambda: broadcast.value


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
    read(job)
    if not plan.labels.is_complete():
        _label(plan)


def read(job: Job) -> None:
    """Read every file into spectra, whether anything there is labelled or not."""
    if job.plan.spectra.is_complete():
        logger.info("spectra: nothing new")
        return
    _list(job.plan)
    _read(job)


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
    made = job.of_files("reading spectra", plan.spectra, SPECTRA, content)
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
    made = job.of_files("rectifying", plan.features, FEATURES, content)
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
    made = job.of_files("adapting training spectra", plan.adapted, ADAPTED, content)
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
        for run in todo:
            _run(job, run, vertices, edges)
    for run in plan.runs:
        for line in runs.told(run.record.table().to_pylist()[0]):
            logger.info("%s", line)


def _build_graph(job: Job) -> None:
    for dataset, stage in (
        (job.plan.components, _fit),
        (job.plan.vectors, _project),
        (job.plan.cells, _divide),
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


def _divide(job: Job) -> None:
    plan = job.plan
    values = matrix(plan.vectors.table(["vector"]).column("vector").combine_chunks())
    plan.cells.write(graph.cells(values, n_jobs=job.n_jobs), vectors=plan.vectors.path)


def _sort(job: Job) -> None:
    plan = job.plan
    rows = graph.by_cell(plan.vectors.table(), plan.cells.table(), n_jobs=job.n_jobs)
    _refuse_doubles(plan, rows.column("spectrum_id"))
    blocks = Blocks(len(rows))
    made = parts.write_here(
        blocks.number,
        plan.vertices,
        graph.rows_of(rows, blocks),
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


def _run(job: Job, run: Run, vertices: runs.Vertices, edges: runs.Graph) -> None:
    """Propagate, score, select; the record comes last and makes the run complete."""
    started, plan, section = datetime.now(UTC), job.plan, job.settings.learning
    propagated = runs.propagate(edges, vertices.classes, run.method, section)
    score = _write_scores(job, run, vertices, propagated.shares)
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
    )
    run.record.write(record, settings=asdict(job.settings), nearest=plan.nearest.path)


def _write_scores(
    job: Job, run: Run, vertices: runs.Vertices, shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Score and rank all vertices, write them block by block, return the scores."""
    significance = job.settings.learning.line_significance
    score = runs.scores(
        shares, peaks=vertices.peaks, noise=vertices.noise, significance=significance
    )
    rank, blocks = runs.ranks(vertices, score), Blocks(len(score))

    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = blocks.rows(part)
        some = slice(rows.start, rows.stop)
        names = vertices.spectrum_id[some]
        yield from runs.score_table(
            run.run_id, names, shares[some], score[some], rank[some]
        ).to_batches()

    # Parts that another propagation left are not taken for those of this one.
    run.scores.clear()
    progress = Progress(f"scores of run {run.run_id}", len(score))
    made = parts.write_here(blocks.number, run.scores, content, table=SCORES, progress=progress)
    run.scores.complete(**asdict(made))
    return score


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
