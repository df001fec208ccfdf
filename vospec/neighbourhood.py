"""The graph of a plan as the store holds it: its vertices, vectors and edges."""

from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec import learning, probability, runs, stars
from vospec.columns import CLASSES
from vospec.plan import Plan, Run
from vospec.store import matrix


def vertices(plan: Plan) -> runs.Vertices:
    """The spectra of the graph in its order, with their labels.

    Parameters
    ----------
    plan : Plan
        Its vertices and labels must be there.

    Raises
    ------
    StoreError
        One of these datasets is missing.
    """
    rows = plan.vertices.table(["spectrum_id", "survey", "peak", "continuum_noise"])
    names = rows.column("spectrum_id").combine_chunks()
    labels = plan.labels.table(["spectrum_id", "class", "superseded_at"])
    valid = labels.filter(pc.field("superseded_at").is_null())
    # Of two labels the one that was given later holds.
    valid = valid.take(pa.array(np.arange(len(valid))[::-1]))
    numbers = pc.index_in(valid.column("class"), pa.array(CLASSES))
    place = pc.index_in(names, valid.column("spectrum_id").combine_chunks())
    classes = numbers.take(place).fill_null(runs.UNLABELLED)
    return placed(rows, classes.to_numpy().astype(np.int64))


def placed(rows: pa.Table, classes: NDArray[np.int_]) -> runs.Vertices:
    """Rows of :data:`vospec.columns.VECTORS` as vertices, with the classes (n,) of their labels."""
    peaks, noise = (
        rows.column(name).fill_null(np.nan).to_numpy().astype(np.float64)
        for name in ("peak", "continuum_noise")
    )
    names, survey = rows.column("spectrum_id").combine_chunks(), rows.column("survey")
    return runs.Vertices(names, survey.to_numpy(), classes, peaks, noise)


def aside(plan: Plan, vertices: runs.Vertices) -> probability.Aside:
    """What decides which labels and which spectra tell what scores are worth.

    Parameters
    ----------
    plan : Plan
        Its spectra and features must be there.
    vertices : Vertices
        The spectra of the graph.

    Raises
    ------
    StoreError
        One of these datasets is missing.
    """
    names = vertices.spectrum_id
    flagged = plan.features.table(
        ["spectrum_id"],
        where=pc.bit_wise_and(pc.field("line_flags"), int(probability.ARTEFACTS)) != 0,
    )
    artefacts = pc.is_in(names, flagged.column("spectrum_id").combine_chunks())
    labelled = names.filter(pa.array(vertices.is_labelled))
    told = plan.spectra.table(
        ["spectrum_id", "object", "ra", "dec"],
        where=pc.field("spectrum_id").isin(labelled),
    )
    told = told.take(pc.index_in(labelled, told.column("spectrum_id")))
    numbers = stars.groups(
        told.column("object").to_pylist(),
        *(pc.fill_null(told.column(name), np.nan).to_numpy() for name in ("ra", "dec")),
        anchors=np.full(len(labelled), fill_value=True),
        radius_arcsec=plan.settings.pairs.radius_arcsec,
    )
    return probability.Aside(numbers, artefacts.to_numpy(zero_copy_only=False))


def vectors(plan: Plan) -> NDArray[Any]:
    """The vectors among which neighbours are sought, (n, d) in the graph's order.

    Raises
    ------
    StoreError
        The vertices of the plan are missing.
    """
    column: pa.ChunkedArray = plan.vertices.table(["vector"]).column("vector")
    return matrix(column.combine_chunks())


def search(plan: Plan) -> learning.CellSearch:
    """The search among the vertices.

    Raises
    ------
    StoreError
        The cells or vertices of the plan are missing.
    """
    cells = plan.cells.table()
    starts = np.concatenate([[0], np.cumsum(cells.column("n").to_numpy())])
    centroids = matrix(cells.column("centroid").combine_chunks())
    return learning.CellSearch(vectors(plan), starts, centroids)


def nearest(plan: Plan) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The nearest neighbours of every vertex, (n, n_neighbors), and their distances.

    Raises
    ------
    StoreError
        The neighbours of the plan are missing.
    """
    table = plan.nearest.table(["neighbours", "distances"]).combine_chunks()
    indices, distances = (
        matrix(table.column(name).combine_chunks()) for name in ("neighbours", "distances")
    )
    return indices, distances


def edges(plan: Plan) -> runs.Graph:
    """The graph's matrix, weighted as the settings say.

    Raises
    ------
    StoreError
        The neighbours of the plan are missing.
    """
    return learning.neighbour_graph(*nearest(plan), weights=weights(plan))


def weights(plan: Plan) -> learning.Weights:
    """How distances become weights of edges."""
    return cast("learning.Weights", plan.settings.learning.weights)


def shares(run: Run, vertices: runs.Vertices) -> NDArray[np.float64]:
    """Shares of every class, (n, len(CLASSES)), where they were written in blocks.

    Raises
    ------
    StoreError
        The shares of the run are missing.
    """
    column = run.shares.table(["shares"]).column("shares")
    reached = column.is_valid().to_numpy()
    known = np.unique(vertices.classes[vertices.is_labelled])
    found = np.full((len(reached), len(CLASSES)), np.nan)
    found[np.ix_(reached, known)] = matrix(column.drop_null().combine_chunks())
    return found
