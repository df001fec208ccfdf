"""The construction of the graph: its datasets, one after the other."""

import logging
from dataclasses import asdict

import pyarrow as pa
import pyarrow.compute as pc

from vospec import neighbourhood, runs
from vospec.backend import edges, graph, parts
from vospec.backend.rowblocks import RowBlocks
from vospec.blocks import Blocks
from vospec.columns import NEAREST, VECTORS, VERTICES
from vospec.errors import NoSpectraError, StoreError
from vospec.job import Job
from vospec.plan import Plan
from vospec.progress import Progress
from vospec.store import matrix

logger = logging.getLogger(__name__)


def build(job: Job) -> None:
    """Make what is missing, from the components to the nearest neighbours."""
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
    found = len(made) - 1
    if section.n_components and found < min(limit, section.n_components):
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


def matrix_of(job: Job) -> runs.Graph:
    """The graph: on the driver while it fits there, else its rows in blocks, with Spark."""
    plan, total = job.plan, job.plan.vertices.manifest["rows"]
    if total <= job.settings.spark.driver_spectra:
        return neighbourhood.edges(plan)
    if not plan.edges.is_complete():
        made = edges.write(
            job.engine.session,
            plan.nearest,
            plan.edges,
            total,
            weights=neighbourhood.weights(plan),
            progress=Progress("joining neighbours", total),
        )
        plan.edges.complete(**asdict(made), nearest=plan.nearest.path)
    return RowBlocks(job.engine.session, plan.edges, total)


def _at_most(limit: int, name: str, asked: int) -> int:
    """A parameter that cannot exceed what the spectra give."""
    if limit < 1:
        message = "fewer than two spectra can be used: no graph can be made of them"
        raise NoSpectraError(message)
    if asked > limit:
        logger.warning("%s = %d is more than the spectra give: taking %d", name, asked, limit)
    return min(asked, limit)
