"""Feature vectors as the CSV of the method's paper, with its wavelengths beside it.

One line a spectrum: identifier, class where it is labelled, and the flux over
continuum of every grid element (Škoda et al. 2017, IAU Symp. 325, section 5).
The wavelengths of the elements, which that CSV alone does not tell, stand in a
second file.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from vospec.errors import StoreError
from vospec.plan import Plan

#: Spectra held in memory at once.
BATCH = 1024


def write_csv(plan: Plan, path: Path) -> int:
    """Write the usable feature vectors of a plan.

    Parameters
    ----------
    plan : Plan
        Its features, labels and grid must be there.
    path : Path
        The CSV; ``NAME-wavelengths.csv`` is written beside ``NAME.csv``. Files
        of these names are replaced once the new ones are complete.

    Returns
    -------
    int
        The number of spectra.

    Raises
    ------
    StoreError
        A dataset is missing, or a file cannot be written.
    """
    grid = plan.grid_table.table().sort_by("element")
    beside = path.with_name(f"{path.stem}-wavelengths.csv")
    try:
        _replace(beside, grid.schema, grid.to_batches())
        names = [f"flux_{element}" for element in grid.column("element").to_pylist()]
        fields = [("spectrum_id", pa.string()), ("class", pa.string())]
        schema = pa.schema(fields + [(name, pa.float32()) for name in names])
        return _replace(path, schema, _lines(plan, schema))
    except OSError as fault:
        message = f"{path}: the features cannot be written ({fault.strerror or fault})"
        raise StoreError(message) from fault


def _lines(plan: Plan, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    labels = plan.labels.table(["spectrum_id", "class", "superseded_at"])
    valid = labels.filter(pc.field("superseded_at").is_null())
    usable = pc.field("flux").is_valid()
    columns = ["spectrum_id", "flux"]
    for batch in plan.features.read().to_batches(columns, filter=usable, batch_size=BATCH):
        place = pc.index_in(batch.column("spectrum_id"), valid.column("spectrum_id"))
        classes = valid.column("class").combine_chunks().take(place)
        flux = batch.column("flux")
        elements = [pc.list_element(flux, index) for index in range(len(schema) - 2)]
        yield pa.RecordBatch.from_arrays(
            [batch.column("spectrum_id"), classes, *elements], schema=schema
        )


def _replace(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write a file under another name and give it its own when it is complete."""
    incoming = path.with_name(path.name + ".incoming")
    rows = 0
    with csv.CSVWriter(str(incoming), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    incoming.replace(path)
    return rows
