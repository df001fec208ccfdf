"""Find emission-line stars in millions of spectra and publish them in the Virtual Observatory.

The rooms, in the order in which data pass through them:

archives      FITS files of LAMOST and CCD700 in, spectra out; a simulated survey
spectra       arrays in, arrays out: wavelengths, adaptation, rectification, lines
learning      the neighbour graph, Label Propagation and Label Spreading
publication   PostgreSQL under DaCHS: bulk load, run switch
backend       Spark: sessions and stages
pipeline      the order of the stages

:func:`read` gives people one file of an archive as an object of specutils.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specutils import Spectrum

__version__ = "0.4.0"


def read(path: str | Path) -> "Spectrum":
    """Read a file of any of the archives; see :func:`vospec.loaders.read`."""
    from vospec import loaders  # noqa: PLC0415 - the package itself stays light

    return loaders.read(path)
