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

An observation keeps the name of its file (card FILENAME) from release to release; OBSID
does not serve, for DR1 and DR2 have none, and a file of DR3 has a negative one.

MAGTYPE names the bands of MAG1 … MAG7, a letter a band (``ugriz``, ``gri``, ``gribvjh``,
``psf_ugriz``, ``MODugriz``); from DR9 on there are MAG_PS_G … instead. Photographic and
other types (``BR1R2I``, ``Kp``, ``fibermagr``) tell no g, r and i. Magnitudes are those
that the targets were chosen by, of whatever catalogue that was. Numbers that stand for
no number are -9999 (S/N, redshift) and 0, 10, 99 and -999 (magnitudes).
"""

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vospec.archives.cards import Cards
from vospec.archives.hdus import Array, Hdu
from vospec.archives.spectrum import ArchiveSpectrum, log_linear
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError
from vospec.listing import stem as stem_of

COLLECTION = "lamost"
RESOLVING_POWER = 1800.0
HOLDS = "a low-resolution spectrum of LAMOST (image of 5 rows, or table COADD)"

_ROWS = ("flux", "inverse", "andmask", "ormask")
_TABLE = "COADD"
_COLUMNS = ("FLUX", "IVAR", "ANDMASK")
_MAGNITUDES = re.compile("(?:psf_|MOD)?([bvugrizyjhk]+)")
_PAN_STARRS = {band: f"MAG_PS_{band.upper()}" for band in "gri"}
#: The survey sees 9 … 25 mag, its standards may be brighter; 0, 10 and 99 are no magnitudes.
_BRIGHTEST, _FAINTEST, _NO_MAGNITUDE = 1.0, 30.0, 10.0
#: Since DR3, and before.
_SNR_CARDS = {f"snr_{band.lower()}": (f"SNR{band}", f"SN_{band}") for band in "UGIZ"}
_SECOND = 1.0 / 86400.0
_BEIJING = 8.0 / 24.0
#: The spectra of Sirius would not reach it.
_MOST_SNR = 1e5
#: Beyond every quasar.
_MOST_REDSHIFT = 20.0
#: First light was in October 2008.
_FIRST_LIGHT = 54740.0


def recognises(hdus: list[Hdu]) -> bool:
    """Whether the file says that it is LAMOST's."""
    return Cards(hdus[0].header).text("TELESCOP") == "LAMOST"


def read(hdus: list[Hdu], stem: str) -> ArchiveSpectrum:
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
    layout = "image" if hdus[0].shape else "table"
    pixels = _image(hdus[0], cards) if hdus[0].shape else _table(hdus)
    flux, ivar, and_mask = (row.astype(np.float32) for row in pixels)
    spectral_axis = _spectral_axis(cards, flux.size)
    if not (flux > 0).any():
        cards.note(Quality.NO_SIGNAL, "flux: nowhere above 0")
    release = _release(cards.text("DATA_V"), cards.text("EXTEN0"))
    ra, dec = cards.position()
    subclass = cards.text("SUBCLASS")
    bands = {
        name: cards.known(*given, least=0.0, most=_MOST_SNR) for name, given in _SNR_CARDS.items()
    }
    return ArchiveSpectrum(
        spectrum_id=f"{COLLECTION}/{release}/{stem}",
        observation=f"{COLLECTION}/{stem_of(cards.text('FILENAME') or stem)}",
        collection=COLLECTION,
        release=release,
        layout=layout,
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
        mask=(and_mask != 0) | ((flux == 0) & (ivar == 0)) | ~np.isfinite(flux),
        redshift=cards.known("Z", least=-1.0, most=_MOST_REDSHIFT),
        plan=cards.text("PLANID"),
        spectrograph=cards.count("SPID"),
        fibre=cards.count("FIBERID"),
        **bands,
        **_magnitudes(cards),
    )


def _table(hdus: list[Hdu]) -> list[Array]:
    """Flux, inverse variance and AND mask of the first table of the name."""
    named = (hdu for hdu in hdus[1:] if hdu.name == _TABLE)
    table = next((hdu for hdu in named if hdu.is_table), None)
    if table is None:
        message = f"expected a table {_TABLE}, found {[hdu.name for hdu in hdus[1:]]}"
        raise UnknownLayoutError(message)
    missing = set(_COLUMNS) - {name.upper() for name in table.columns}
    if missing or table.shape[0] != 1:
        message = (
            f"table {_TABLE}: expected one row with {', '.join(_COLUMNS)}, "
            f"found {table.shape[0]} rows with {', '.join(table.columns)}"
        )
        raise UnknownLayoutError(message)
    rows = [np.ravel(table.column(name)) for name in _COLUMNS]
    if len({row.size for row in rows}) > 1:
        found = ", ".join(str(row.size) for row in rows)
        message = f"table {_TABLE}: expected columns of one length, found {found}"
        raise UnknownLayoutError(message)
    return rows


def _image(primary: Hdu, cards: Cards) -> tuple[Array, Array, Array]:
    """Flux, inverse variance and AND mask."""
    shape = primary.shape
    if len(shape) != 2 or shape[0] != len(_ROWS) + 1:  # noqa: PLR2004 - an image has 2 axes
        message = f"expected an image of {len(_ROWS) + 1} rows, found shape {shape}"
        raise UnknownLayoutError(message)
    given = _row_names(cards.text("EXTEN0"))
    if given and (given[:2] + given[3:]) != _ROWS:
        message = f"EXTEN0: expected {', '.join(_ROWS)} (and a third row), found {', '.join(given)}"
        raise UnknownLayoutError(message)
    flux, ivar, _, and_mask, _ = primary.image()
    return flux, ivar, and_mask


@lru_cache(maxsize=64)
def _row_names(given: str | None) -> tuple[str, ...]:
    """Names of an image's rows, ``EXTEN0 = 'Flux Inverse Subcontinuum Andmask Ormask'``."""
    return tuple(re.findall(r"[^,\s]+", (given or "").lower()))


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
    return log_linear(zero, step, size)


@lru_cache(maxsize=64)
def _release(version: str | None, rows: str | None) -> str:
    """``dr13-q1`` of ``DATA_V = 'LAMOST DR13 Q1'``; DR1 and DR2 do not write the card.

    Of these two only DR2 keeps the wavelengths in the third row.
    """
    named = re.search(r"\bDR\d+( +[\w.]+)*", version or "", re.IGNORECASE)
    if named:
        return "-".join(named.group().lower().split())
    return "dr2" if "wavelength" in _row_names(rows) else "dr1"


def _magnitudes(cards: Cards) -> dict[str, float | None]:
    """``mag_g``, ``mag_r`` and ``mag_i`` (see the module); None where there is none."""
    found: dict[str, float | None] = {}
    for band, name in _magnitude_cards(cards.text("MAGTYPE")).items():
        magnitude = cards.known(name, least=_BRIGHTEST, most=_FAINTEST)
        found[f"mag_{band}"] = None if magnitude == _NO_MAGNITUDE else magnitude
    return found


@lru_cache(maxsize=64)
def _magnitude_cards(given: str | None) -> dict[str, str]:
    """Names of the cards that hold g, r and i."""
    if given is None:
        return _PAN_STARRS
    bands = _MAGNITUDES.fullmatch(given)
    letters = bands[1] if bands else ""
    return {band: f"MAG{letters.find(band) + 1}" for band in "gri" if band in letters}


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
