# noqa: INP001 - DaCHS loads this file by its path
"""A spectrum as a FITS binary table, as its archive delivers it."""

from gavo import api

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)
files, _ = api.loadPythonModule("files", relativeTo=__file__)


def make(name: str) -> tuple[str, bytes]:
    """Media type and content of the file ``<spectrum_id>.fits``."""
    found = datasets.dataset(name.removesuffix(".fits"), datasets.DELIVERED)
    return files.FITS, files.as_fits(found)
