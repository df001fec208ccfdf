"""Spectra for people: files of the archives as :class:`specutils.Spectrum`.

Importing this module teaches specutils the formats ``LAMOST`` and ``CCD700``:
``Spectrum.read(path)`` then knows them by their content. specutils itself looks for
loaders in ``~/.specutils`` only (no entry points as of 2.4); a file there with the line
``import vospec.loaders`` makes them known without importing vospec.

The flux is relative, of an arbitrary scale, and is given in counts: the unit under which
the project's own service hands the same spectra out, and one that survives writing to
FITS and reading by other programs. Wavelengths are as observed (heliocentric, vacuum);
the archive's redshift is attached, not applied.
"""

import re
import zlib
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.nddata import InverseVariance
from astropy.time import Time
from specutils import Spectrum
from specutils.io.registers import data_loader

from vospec import archives
from vospec.archives import ArchiveSpectrum
from vospec.archives.ccd700 import PUBLISHER
from vospec.columns import QUALITY_MEANING

#: Unit of a relative flux.
FLUX = units.ct

_CARD = 80
#: The headers of the archives' files end before.
_HEAD = 1 << 16
_GZIP = b"\x1f\x8b"
_ARRAYS = frozenset({"spectral_axis", "flux", "ivar", "mask"})


def read(path: str | Path) -> Spectrum:
    """Read a file of any of the archives.

    Parameters
    ----------
    path
        A local FITS file of LAMOST, CCD700 or SDSS, gzip or not.

    Returns
    -------
    specutils.Spectrum
        ``flux`` in counts, ``spectral_axis`` in vacuum Å, ``mask`` true where a pixel is
        bad, ``uncertainty`` as inverse variance (NaN where the archive's is 0, which
        says unknown) or None; ``meta`` with all that
        :class:`vospec.archives.ArchiveSpectrum` tells, under its names, and

        position
            ICRS, a ``SkyCoord``, or None.
        time
            Mid exposure, a ``Time`` in UTC, or None.
        quality_meaning
            The flags of ``quality`` in words.

    Raises
    ------
    UnreadableFileError
        Missing, empty, truncated or damaged, or no FITS file at all.
    UnknownLayoutError
        A sound file of none of the archives' layouts.
    """
    return spectrum(archives.read(path))


def spectrum(given: ArchiveSpectrum) -> Spectrum:
    """What an archive's file tells, as an object of specutils (see :func:`read`)."""
    uncertainty = None
    if given.ivar is not None:
        uncertainty = InverseVariance(np.where(given.ivar > 0, given.ivar, np.nan))
    return Spectrum(
        flux=given.flux * FLUX,
        spectral_axis=given.spectral_axis * units.AA,
        uncertainty=uncertainty,
        mask=given.mask,
        redshift=given.redshift,
        meta=_meta(given),
    )


def _meta(given: ArchiveSpectrum) -> dict[str, object]:
    meta = {f.name: getattr(given, f.name) for f in fields(given) if f.name not in _ARRAYS}
    meta["position"] = meta["time"] = None
    if given.ra is not None:
        meta["position"] = SkyCoord(given.ra, given.dec, unit="deg", frame="icrs")
    if given.mjd is not None:
        meta["time"] = Time(given.mjd, format="mjd", scale="utc")
    meta["quality_meaning"] = tuple(QUALITY_MEANING[flag] for flag in given.quality)
    return meta


def _is_lamost(origin: str, path: str | None, stream: BinaryIO | None, *_: object) -> bool:
    """Whether specutils is to read a low-resolution spectrum of LAMOST."""
    cards = _cards(origin, path, stream)
    low_resolution = b"2" in cards.get(b"NAXIS", ()) or b"COADD" in cards.get(b"EXTNAME", ())
    return b"LAMOST" in cards.get(b"TELESCOP", ()) and low_resolution


def _is_ccd700(origin: str, path: str | None, stream: BinaryIO | None, *_: object) -> bool:
    """Whether specutils is to read a spectrum of CCD700."""
    cards = _cards(origin, path, stream)
    publishers = cards.get(b"DS_IDPUB", ())
    return b"ONDREJOV" in cards.get(b"OBSERVAT", ()) or any(
        publisher.startswith(PUBLISHER.encode() + b"/") for publisher in publishers
    )


def _cards(origin: str, path: str | None, stream: BinaryIO | None) -> dict[bytes, set[bytes]]:
    """Values by keyword in the first headers of a FITS file; nothing of other files."""
    head = _head(path, stream) if origin == "read" else b""
    found: dict[bytes, set[bytes]] = {}
    if head.startswith(b"SIMPLE  ="):
        for start in range(0, len(head), _CARD):
            card = re.match(rb"([A-Z0-9_-]{1,8}) *= +('[^']*'|[^/ ]+)", head[start : start + _CARD])
            if card:
                found.setdefault(card[1], set()).add(card[2].strip(b"' "))
    return found


def _head(path: str | None, stream: BinaryIO | None) -> bytes:
    if stream is None and path is not None:
        with Path(path).open("rb") as opened:
            return _head(None, opened)
    if stream is None or not stream.seekable():
        return b""
    place = stream.tell()
    head = stream.read(_HEAD)
    stream.seek(place)
    return _unpacked(head) if head.startswith(_GZIP) else head


def _unpacked(head: bytes) -> bytes:
    try:
        # A window of 31 bits takes the header of gzip, too.
        return zlib.decompressobj(31).decompress(head, _HEAD)
    except zlib.error:
        return b""


def _load(source: str | Path | BinaryIO, **_: object) -> Spectrum:
    """Read what specutils was given: a path or an open file."""
    if isinstance(source, str | Path):
        return read(source)
    name = getattr(source, "name", None)
    return spectrum(archives.read_bytes(source.read(), str(name or "spectrum")))


# specutils' own loaders take any FITS table; these know better.
for _name, _identifier in (("LAMOST", _is_lamost), ("CCD700", _is_ccd700)):
    data_loader(_name, identifier=_identifier, extensions=["fits"], priority=10, force=True)(_load)
