# noqa: INP001 - DaCHS loads this file by its path
"""The formats of spectra. All have the same columns (see :mod:`datasets`)."""

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from gavo import api
from numpy.typing import NDArray

fitsfiles, _ = api.loadPythonModule("fitsfiles", relativeTo=__file__)
votables, _ = api.loadPythonModule("votables", relativeTo=__file__)

Dataset = Any  # of datasets, which nobody can import by its name

as_fits = fitsfiles.as_fits


def as_csv(dataset: Dataset) -> bytes:
    """Comma-separated values under the names of the columns; a mask is 0 or 1."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(dataset.columns)
    writer.writerows(zip(*map(_texts, dataset.columns.values()), strict=True))
    return stream.getvalue().encode("ascii")


def _texts(values: NDArray[Any]) -> list[str]:
    """Numbers with as many digits as they have; nothing where there is none."""
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    return ["" if text == "nan" else text for text in values.astype(str).tolist()]


VOTABLE, FITS = "application/x-votable+xml", "application/fits"

#: Media types, what people call them, and what writes them.
FORMATS: dict[str, tuple[str, Callable[[Dataset], bytes]]] = {
    VOTABLE: ("VOTable", votables.as_binary),
    f"{VOTABLE};serialization=tabledata": ("VOTable as text", votables.as_text),
    FITS: ("FITS binary table", as_fits),
    "text/csv": ("Comma-separated values", as_csv),
}
