# noqa: INP001 - DaCHS loads this file by its path
"""A rectified spectrum as a FITS binary table."""

from gavo import api

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)
files, _ = api.loadPythonModule("files", relativeTo=__file__)


def make(name: str) -> tuple[str, bytes]:
    """Media type and content of the file ``<spectrum_id>.rectified.fits``."""
    spectrum_id = name.removesuffix(".fits").removesuffix(".rectified")
    return files.FITS, files.as_fits(datasets.dataset(spectrum_id, datasets.RECTIFIED))
