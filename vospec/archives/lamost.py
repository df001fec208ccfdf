"""Spectra of LAMOST's low-resolution survey, in every layout that was released.

======  ===========  =============================================================
layout  releases     holds
======  ===========  =============================================================
image   DR1          primary (5, N): flux, ivar, flux over continuum, and, or mask
image   DR2 … DR8    primary (5, N): flux, ivar, wavelength, and, or mask
table   DR9 onwards  empty primary with all cards; table COADD, one row of vectors
======  ===========  =============================================================

The wavelength of a pixel is ``10**(COEFF0 + COEFF1*i)``, vacuum and heliocentric,
in all of them (the card ``CTYPE1 = 'LINEAR'`` notwithstanding); the third row of an
image is not used, for in DR1 it is no wavelength.

A pixel is bad where the AND mask is set, or where flux and inverse variance are
both 0 (nothing was recorded there). An inverse variance of 0 alone says nothing
against the flux: in DR1 the pipeline set it to 0 exactly over strong Hα emission.

DATE-OBS is "the observation median UTC": it lies at 0.46 … 0.50 of the way from
DATE-BEG to DATE-END (Beijing time) in DR3 … DR8, near the middle exposure in DR1, DR2
and DR9; in DR13 it equals the beginning, and half of the span is added here. The cards
MJD and LMJD are days, MJD one or two of them wrong in early releases; neither is used.
"""

import re

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from vospec.archives.cards import Cards
from vospec.archives.spectrum import ArchiveSpectrum
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError

COLLECTION = "lamost"
RESOLVING_POWER = 1800.0

_ROWS = ("flux", "inverse", "andmask", "ormask")
_TABLE = "COADD"
_SECOND = 1.0 / 86400.0
_BEIJING = 8.0 / 24.0
#: First light was in October 2008.
_FIRST_LIGHT = 54740.0


def recognises(hdus: fits.HDUList) -> bool:
    """Whether the file says that it is LAMOST's."""
    return Cards(hdus[0].header).text("TELESCOP") == "LAMOST"


def read(hdus: fits.HDUList, stem: str) -> ArchiveSpectrum:
    """Read a spectrum out of the opened file.

    Parameters
    ----------
    hdus
        The file.
    stem
        Name of the file without folder and ending.

    Raises
    ------
    UnknownLayoutError
        LAMOST's, but neither image nor table of a single low-resolution spectrum.
    UnreadableFileError
        No wavelength scale.
    """
    cards = Cards(hdus[0].header)
    flux, ivar, andmask = _pixels(hdus, cards)
    spectral_axis = _spectral_axis(cards, flux.size)
    if not (flux > 0).any():
        cards.note(Quality.NO_SIGNAL, "flux: nowhere above 0")
    release = _release(cards)
    ra, dec = cards.position()
    subclass = cards.text("SUBCLASS")
    return ArchiveSpectrum(
        spectrum_id=f"{COLLECTION}/{release}/{stem}",
        collection=COLLECTION,
        release=release,
        object=cards.text("DESIG", "OBJNAME"),
        ra=ra,
        dec=dec,
        mjd=_mjd(cards),
        exposure_seconds=cards.number("EXPTIME", least=0.0),
        snr=cards.number("SNRR", "SN_R", least=0.0),
        resolving_power=RESOLVING_POWER,
        archive_class=cards.text("CLASS"),
        # The archive writes 'Non' where it has no subclass.
        archive_subclass=None if subclass == "Non" else subclass,
        archive_id=cards.text("OBSID"),
        quality=cards.quality,
        reason=cards.reason,
        spectral_axis=spectral_axis,
        flux=flux,
        ivar=ivar,
        mask=(andmask != 0) | ((flux == 0) & (ivar == 0)) | ~np.isfinite(flux),
    )


def _pixels(hdus: fits.HDUList, cards: Cards) -> tuple[NDArray[np.float32], ...]:
    """Flux, inverse variance and AND mask."""
    primary = hdus[0]
    if primary.header["NAXIS"]:
        return _image_pixels(primary, cards)
    table = next((hdu for hdu in hdus[1:] if hdu.name == _TABLE), None)
    if table is None:
        message = f"expected a table {_TABLE}, found {[hdu.name for hdu in hdus[1:]]}"
        raise UnknownLayoutError(message)
    columns = ("FLUX", "IVAR", "ANDMASK")
    missing = set(columns) - set(table.columns.names)
    if missing or len(table.data) != 1:
        message = (
            f"table {_TABLE}: expected one row with {', '.join(columns)}, "
            f"found {len(table.data)} rows with {', '.join(table.columns.names)}"
        )
        raise UnknownLayoutError(message)
    return tuple(np.asarray(table.data[name][0], np.float32) for name in columns)


def _image_pixels(primary: fits.PrimaryHDU, cards: Cards) -> tuple[NDArray[np.float32], ...]:
    shape = primary.shape
    if len(shape) != 2 or shape[0] != len(_ROWS) + 1:  # noqa: PLR2004 - an image has 2 axes
        message = f"expected an image of {len(_ROWS) + 1} rows, found shape {shape}"
        raise UnknownLayoutError(message)
    given = _row_names(cards)
    if given and (given[:2] + given[3:]) != _ROWS:
        message = f"EXTEN0: expected {', '.join(_ROWS)} (and a third row), found {', '.join(given)}"
        raise UnknownLayoutError(message)
    flux, ivar, _, andmask, _ = np.asarray(primary.data, np.float32)
    return flux, ivar, andmask


def _row_names(cards: Cards) -> tuple[str, ...]:
    """Names of an image's rows, ``EXTEN0 = 'Flux Inverse Subcontinuum Andmask Ormask'``."""
    return tuple(re.split(r"[,\s]+", (cards.text("EXTEN0") or "").lower()))


def _spectral_axis(cards: Cards, size: int) -> NDArray[np.float64]:
    zero = cards.number("COEFF0", least=3.0, most=4.5)
    step = cards.number("COEFF1", least=1e-6, most=1e-2)
    if zero is None or step is None:
        message = f"no wavelength scale: {cards.reason}"
        raise UnreadableFileError(message)
    if cards.value("VACUUM") is not True:
        cards.note(
            Quality.HEADER_INCOMPLETE,
            f"VACUUM: expected T, found {cards.value('VACUUM')}; wavelengths taken as vacuum",
        )
    return np.asarray(10.0 ** (zero + step * np.arange(size)), np.float64)


def _release(cards: Cards) -> str:
    """``dr13-q1`` of ``DATA_V = 'LAMOST DR13 Q1'``; DR1 and DR2 do not write the card.

    Of these two only DR2 keeps the wavelengths in the third row.
    """
    version = re.search(r"\bDR\d.*", cards.text("DATA_V") or "", re.IGNORECASE)
    if version:
        return "-".join(version.group().lower().split())
    return "dr2" if "wavelength" in _row_names(cards) else "dr1"


def _mjd(cards: Cards) -> float | None:
    """Mid exposure (see the module)."""
    middle = cards.moment("DATE-OBS")
    if middle is None or middle < _FIRST_LIGHT:
        found = cards.text("DATE-OBS")
        cards.note(
            Quality.NO_TIME,
            f"DATE-OBS: expected an ISO 8601 time since 2008, found {found or 'nothing'}",
        )
        return None
    begin, end = cards.moment("DATE-BEG"), cards.moment("DATE-END")
    if begin and end and abs(middle - (begin - _BEIJING)) < _SECOND and end > begin:
        return middle + (end - begin) / 2.0
    return middle
