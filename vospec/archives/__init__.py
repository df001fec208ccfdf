"""Files of the archives: FITS bytes in, spectra out; lists of labels beside them.

:func:`read_bytes` knows by the content alone which archive and which layout a file
is of; neither its folder nor its ending matters.
"""

import gzip
import io
import re
import warnings
import zlib
from pathlib import Path, PurePosixPath

from astropy.io import fits

from vospec.archives import ccd700, lamost
from vospec.archives.cards import Cards
from vospec.archives.labels import read_labels
from vospec.archives.spectrum import ArchiveSpectrum
from vospec.errors import SpectrumError, UnknownLayoutError, UnreadableFileError

__all__ = ["ArchiveSpectrum", "read", "read_bytes", "read_labels"]

_ARCHIVES = (lamost, ccd700)
_EXPECTED = (
    "expected a low-resolution spectrum of LAMOST (image of 5 rows, or table COADD) "
    "or a spectrum of CCD700 (table of spectral and flux, or native image)"
)
_GZIP_MAGIC = b"\x1f\x8b"
_FITS_MAGIC = b"SIMPLE  ="
#: What astropy raises, by experience, on bytes that are no sound FITS file.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
    fits.VerifyError,
)


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
        return _read_fits(_decompressed(content), _stem(path))
    except SpectrumError as fault:
        # The layouts do not know where the file lies.
        message = f"{path}: {fault}"
        raise type(fault)(message) from fault


def _decompressed(content: bytes) -> bytes:
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as fault:
        message = f"expected gzip, found damage after {len(content)} bytes: {fault}"
        raise UnreadableFileError(message) from fault


def _stem(path: str) -> str:
    return re.sub(r"\.fits?(\.gz)?$", "", PurePosixPath(path).name, flags=re.IGNORECASE)


def _read_fits(content: bytes, stem: str) -> ArchiveSpectrum:
    if not content.startswith(_FITS_MAGIC):
        start = content[:20]
        message = f"expected a FITS file, found {f'bytes {start!r}' if start else 'nothing'}"
        raise UnreadableFileError(message)
    with warnings.catch_warnings():
        # A missing or odd card is told by quality flags, a short file by an error.
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(content), memmap=False) as hdus:
                archive = next((one for one in _ARCHIVES if one.recognises(hdus)), None)
                if archive is None:
                    message = f"{_EXPECTED}, found {_summary(hdus)}"
                    raise UnknownLayoutError(message)
                spectrum: ArchiveSpectrum = archive.read(hdus, stem)
                return spectrum
        except _DAMAGE as fault:
            message = (
                f"expected a sound FITS file, found damage within its {len(content)} bytes "
                f"({type(fault).__name__}: {fault})"
            )
            raise UnreadableFileError(message) from fault


def _summary(hdus: fits.HDUList) -> str:
    telescope = Cards(hdus[0].header).text("TELESCOP") or "unnamed"
    parts = ", ".join(f"{hdu.name or 'unnamed'}" for hdu in hdus)
    return f"telescope {telescope}, {len(hdus)} HDUs: {parts}"
