"""Files of the archives: FITS bytes in, spectra out; lists of labels beside them.

:func:`read_bytes` knows by the content alone which archive and which layout a file
is of; neither its folder nor its ending matters.
"""

from pathlib import Path
from typing import Protocol

import numpy as np

from vospec.archives import ccd700, lamost, sdss
from vospec.archives.cards import Cards
from vospec.archives.hdus import Hdu, read_hdus
from vospec.archives.labels import read_label_lists, read_labels
from vospec.archives.packing import MOST_BYTES, unpacked
from vospec.archives.spectrum import ArchiveSpectrum
from vospec.errors import SpectrumError, UnknownLayoutError, UnreadableFileError
from vospec.listing import stem

__all__ = ["MOST_BYTES", "ArchiveSpectrum", "read", "read_bytes", "read_label_lists", "read_labels"]

#: Units of a file that is none of the archives', as they are named.
_NAMED_UNITS = 5


class _Archive(Protocol):
    """What the module of an archive has."""

    #: What its files are, in words.
    HOLDS: str

    def recognises(self, hdus: list[Hdu]) -> bool:
        """Whether a file says that it is the archive's."""

    def read(self, hdus: list[Hdu], stem: str) -> ArchiveSpectrum:
        """Read the spectrum of a file of this stem."""


_ARCHIVES: tuple[_Archive, ...] = (lamost, ccd700, sdss)


def read(path: str | Path) -> ArchiveSpectrum:
    """Read a local file; as :func:`read_bytes`."""
    try:
        content = Path(path).read_bytes()
    except OSError as fault:
        message = f"{path}: cannot be opened: {fault.strerror}"
        raise UnreadableFileError(message) from fault
    return read_bytes(content, str(path))


def read_bytes(content: bytes, path: str) -> ArchiveSpectrum:
    """Read the spectrum that a file holds.

    Parameters
    ----------
    content
        The bytes of the file, gzip or not.
    path
        Path or URI of the file: its last part names the spectrum.

    Raises
    ------
    UnreadableFileError
        Empty, truncated or damaged, or no FITS file at all.
    UnknownLayoutError
        A sound file of none of the known layouts.
    """
    try:
        return _read_fits(unpacked(content), stem(path))
    except SpectrumError as fault:
        # The layouts do not know where the file lies.
        message = f"{path}: {fault}"
        raise type(fault)(message) from fault


def _read_fits(content: bytes, name: str) -> ArchiveSpectrum:
    hdus = read_hdus(content)
    for archive in _ARCHIVES:
        if archive.recognises(hdus):
            # Damaged pixels may be too large for float32, or NaN that processors trap.
            with np.errstate(over="ignore", invalid="ignore"):
                return archive.read(hdus, name)
    expected = ", or ".join(archive.HOLDS for archive in _ARCHIVES)
    message = f"expected {expected}; found {_summary(hdus)}"
    raise UnknownLayoutError(message)


def _summary(hdus: list[Hdu]) -> str:
    telescope = Cards(hdus[0].header).text("TELESCOP") or "unnamed"
    units = [f"{hdu.name or 'unnamed'} {hdu.shape}" for hdu in hdus[:_NAMED_UNITS]]
    more = ", …" if len(hdus) > _NAMED_UNITS else ""
    return f"telescope {telescope}, {len(hdus)} HDUs: {', '.join(units)}{more}"
