"""What the parts of the graph's datasets hold: vectors, vertices, nearest neighbours.

A vertex is a usable spectrum, its place in the space of the graph small (128 bytes at 32
components): every task is given them all, sorted into cells, and owns a block of queries.
Neither a shuffle nor a merge is needed, and nothing depends on who makes which part.

Cosmic rays do not enter the graph: two spectra that a spike has hit in one place, Hα say,
would be neighbours for the spike's sake.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec import learning
from vospec.backend import parts
from vospec.backend.frames import lists
from vospec.blocks import Blocks
from vospec.columns import CELLS, COMPONENTS, NEAREST, VECTORS, VERTICES, LineFlag
from vospec.errors import NoSpectraError, StoreError
from vospec.spectra import despiked, sky_height
from vospec.spectra.lines import HALPHA
from vospec.store import Dataset, arrow_schema, matrix, named

#: Rows of one Arrow batch of neighbours.
BATCH = 4096
#: What a vector is made of.
_MEASURED = ("spectrum_id", "flux", "continuum_noise", "line_flags")


def components(features: Dataset, n_parts: int, *, n_components: int, n_sample: int) -> pa.Table:
    """Find the directions in which compressed features differ most.

    Parameters
    ----------
    features : Dataset
        Rows of :data:`vospec.columns.FEATURES` in parts.
    n_parts : int
        Number of its parts.
    n_components : int
        Principal components to keep; 0 keeps all elements.
    n_sample : int
        About how many vectors they are fitted on: row groups evenly spaced over all
        parts, which the names of files have distributed.

    Returns
    -------
    Table
        Rows of :data:`vospec.columns.COMPONENTS`, none where all elements are kept; as
        many as the sample allows.

    Raises
    ------
    NoSpectraError
        Fewer than two vectors of the sample are finite.
    StoreError
        A part is missing or damaged, or vectors differ in length.
    """
    fitted = np.empty((0, 0))
    if n_components:
        # Compression makes finite what is not.
        sample = learning.compressed(_finite(_sample(features, n_parts, n_sample))[0])
        if len(sample) <= 1:
            message = (
                f"{features.uri}: flux: expected at least two finite vectors in a sample of "
                f"n_sample = {n_sample}, found {len(sample)}"
            )
            raise NoSpectraError(message)
        allowed = min(n_components, len(sample) - 1, sample.shape[1])
        found = learning.PrincipalComponents(allowed).fit(sample)
        fitted = np.vstack([found.mean_, found.components_])
    schema = arrow_schema(COMPONENTS)
    given = np.ones(len(fitted), dtype=bool)
    columns = [
        pa.array(np.arange(len(fitted)), schema.field("component").type),
        lists(fitted, given, schema.field("vector").type),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _sample(features: Dataset, n_parts: int, n_sample: int) -> NDArray[np.float32]:
    """Features of some row groups, or of all where these are few."""
    files = [parts.opened(features, part) for part in range(n_parts)]
    groups = [(file, number) for file in files for number in range(file.num_row_groups)]
    rows = sum(file.metadata.num_rows for file in files)
    n_groups = min(len(groups), -(-n_sample * len(groups) // max(rows, 1)))
    chosen = np.linspace(0, len(groups) - 1, n_groups).round().astype(int)
    found = []
    for place in chosen.tolist():
        file, number = groups[place]
        with named(features.uri):
            flux = file.read_row_group(number, ["flux"], use_threads=False).column("flux")
        found.append(flux.drop_null().combine_chunks())
    return matrix(pa.concat_arrays(found), of=f"{features.uri}: flux")


def _finite(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Rows of numbers only, and which they are."""
    finite = np.asarray(np.isfinite(values).all(axis=1))
    return values[finite], finite


def projection(components: pa.Table) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The way from features into the space of the graph.

    Parameters
    ----------
    components : Table
        Rows of :data:`vospec.columns.COMPONENTS`.

    Returns
    -------
    callable
        From flux, (n, n_elements), to vectors, (n, d) float32.
    """
    if not len(components):
        return learning.compressed
    rows = matrix(components.sort_by("component").column("vector").combine_chunks())
    fitted = learning.PrincipalComponents(len(rows) - 1)
    fitted.mean_, fitted.components_ = rows[0], rows[1:]
    return lambda flux: fitted.transform(learning.compressed(flux))


def vectors(
    features: Dataset, spectra: Dataset, components: pa.Table, grid: NDArray[np.float64]
) -> parts.Content:
    """The features of a part in the space of the graph; those that are not finite are left out.

    Parameters
    ----------
    features, spectra : Dataset
        Rows of :data:`vospec.columns.FEATURES` and :data:`vospec.columns.SPECTRA`, part
        by part of the same files.
    components : Table
        Rows of :data:`vospec.columns.COMPONENTS`.
    grid : (n_elements,) array
        Vacuum wavelengths in Å.

    Returns
    -------
    callable
        Gives rows of :data:`vospec.columns.VECTORS`.
    """

    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        projected, survey = projection(components), _survey(spectra, part)
        for table in parts.read(features, part, _MEASURED):
            flux = table.column("flux")
            # Arrow takes long to filter lists.
            rows, usable = table.drop_columns(["flux"]).filter(flux.is_valid()), flux.drop_null()
            if len(rows):
                values, finite = _finite(_flux(usable, features.part(part), len(grid)))
                yield _projected(rows.filter(pa.array(finite)), values, projected, survey, grid)

    return content


def _flux(column: pa.ChunkedArray, path: str, n_elements: int) -> NDArray[np.float32]:
    """The vectors of a part, which must be as long as the grid."""
    values: NDArray[np.float32] = matrix(column.combine_chunks(), of=f"{path}: flux")
    if values.shape[1] != n_elements:
        message = f"{path}: flux: expected {n_elements} elements, found {values.shape[1]}"
        raise StoreError(message)
    return values


def _survey(spectra: Dataset, part: int) -> pa.Array:
    """Identifiers of the spectra of a part among which candidates are sought."""
    with parts.opened(spectra, part) as file, named(spectra.part(part)):
        roles = file.read(["spectrum_id", "role"], use_threads=False)
    chosen = roles.filter(pc.equal(roles.column("role"), "survey"))
    return chosen.column("spectrum_id").combine_chunks()


def _projected(
    rows: pa.Table,
    flux: NDArray[np.float32],
    projected: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    survey: pa.Array,
    grid: NDArray[np.float64],
) -> pa.RecordBatch:
    schema = arrow_schema(VECTORS)
    names = rows.column("spectrum_id").combine_chunks()
    clean = despiked(flux, grid, noise=rows.column("continuum_noise").to_numpy())
    noise = _noise(rows, clean, grid)
    columns = {
        "spectrum_id": names,
        "survey": pc.is_in(names, survey),
        "peak": pa.array(learning.mean_peaks(clean, grid, centre=HALPHA)),
        "continuum_noise": pa.array(noise, mask=np.isnan(noise)),
        "vector": lists(projected(clean), np.ones(len(flux), bool), schema.field("vector").type),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _noise(
    rows: pa.Table, flux: NDArray[np.float32], grid: NDArray[np.float64]
) -> NDArray[np.float32]:
    """What a line must stand above: the scatter, or the residues of the sky where they are seen.

    The night sky has lines at Hα, too, and what was left of its others tells how well it
    was subtracted.
    """
    noise: NDArray[np.float32] = rows.column("continuum_noise").to_numpy().copy()
    flags = pc.fill_null(rows.column("line_flags"), 0).to_numpy()
    seen = (flags & LineFlag.SKY_RESIDUAL) != 0
    noise[seen] = np.maximum(noise[seen], sky_height(flux[seen], grid))
    return noise


class Divided(NamedTuple):
    """Cells, rows of :data:`vospec.columns.CELLS`, and the cell of every vector, (n,) int."""

    cells: pa.Table
    assigned: NDArray[np.int32]


def divided(vectors: NDArray[np.float32], *, n_jobs: int) -> Divided:
    """Divide the space of the graph into cells, few vectors into one.

    Parameters
    ----------
    vectors : (n, d) array
        All vectors.
    n_jobs : int
        Threads. Does not change the answer.

    Returns
    -------
    Divided
        The cells, and what is in which.
    """
    n_cells = learning.default_cells(len(vectors)) if len(vectors) >= learning.MANY else 1
    found = learning.Cells(n_cells, n_jobs=n_jobs).fit(vectors)
    assigned = found.assign(vectors)
    counts = np.bincount(assigned, minlength=len(found.centroids_))
    schema = arrow_schema(CELLS)
    every = np.ones(len(counts), dtype=bool)
    columns = [
        pa.array(np.arange(len(counts)), schema.field("cell").type),
        pa.array(counts),
        lists(found.centroids_, every, schema.field("centroid").type),
    ]
    return Divided(pa.Table.from_arrays(columns, schema=schema), assigned)


def by_cell(rows: pa.Table, into: Divided) -> pa.Table:
    """Put vectors in the order of the graph, cell after cell.

    Parameters
    ----------
    rows : Table
        Rows of :data:`vospec.columns.VECTORS`.
    into : Divided
        Their cells.

    Returns
    -------
    Table
        Rows of :data:`vospec.columns.VERTICES`.
    """
    order = learning.sorted_by_cell(into.assigned, len(into.cells)).order
    numbers = pa.array(np.arange(len(rows)))
    return rows.take(pa.array(order)).add_column(0, "vertex", numbers).cast(arrow_schema(VERTICES))


def rows_of(table: pa.Table, blocks: Blocks) -> parts.Content:
    """The rows of a table that stand in memory, block by block."""

    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = blocks.rows(part)
        yield from table.slice(rows.start, len(rows)).to_batches()

    return content


def nearest(
    search: Callable[[], learning.CellSearch], blocks: Blocks, *, n_neighbors: int
) -> parts.Content:
    """The nearest neighbours of the vertices of a block.

    Parameters
    ----------
    search : callable
        Gives the search over all vertices.
    blocks : Blocks
        The vertices in blocks.
    n_neighbors : int
        Neighbours of a vertex, itself left out.

    Returns
    -------
    callable
        Gives rows of :data:`vospec.columns.NEAREST`.
    """

    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        queries = blocks.rows(part)
        indices, distances = search().nearest(queries, n_neighbors=n_neighbors)
        schema, every = arrow_schema(NEAREST), np.ones(len(queries), dtype=bool)
        columns = [
            pa.array(np.arange(queries.start, queries.stop)),
            lists(indices, every, schema.field("neighbours").type),
            lists(distances, every, schema.field("distances").type),
        ]
        found = pa.RecordBatch.from_arrays(columns, schema=schema)
        yield from (found.slice(start, BATCH) for start in range(0, len(found), BATCH))

    return content
