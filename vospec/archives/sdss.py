"""Spectra of SDSS and BOSS, files ``spec-PLATE-MJD-FIBER.fits`` (full or lite).

They hold the header of the plate, a table COADD (a row a pixel: flux, loglam, ivar,
and_mask …), a table SPECOBJ (SDSS) or SPALL (BOSS) with one row of what the pipeline
found, lines, and in full files the single exposures (data model ``spec`` of SDSS DR16).

Wavelengths are vacuum and heliocentric. Pixels lie at whole steps of
``COEFF0 + COEFF1*i`` in log10, but the first ones may be left out: the column loglam
tells which, and the cards tell it without the rounding of float32 (0.2 km/s).

A pixel is bad where ivar is 0: unlike in LAMOST's files that is how the pipeline marks
what it does not trust (rejected in extraction, no sky, no data; SPPIXMASK of SDSS DR10
says so of all that is "very bad"). Of the AND mask only BRIGHTSKY is heeded, the one bit
that the same page recommends: there the sky is so bright over the object that even
errors do not tell. The other bits describe the fibre or a pixel of a single exposure.
"""

from bisect import bisect

import numpy as np
from numpy.typing import NDArray

from vospec.archives.cards import Cards
from vospec.archives.hdus import Array, Hdu
from vospec.archives.spectrum import ArchiveSpectrum, log_linear
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError

COLLECTION = "sdss"
#: Near Hα: Smee et al. 2013, AJ 146, 32, figure 36.
RESOLVING_POWER = 2000.0
HOLDS = "a spectrum of SDSS or BOSS (spec file with table COADD)"

_COLUMNS = ("FLUX", "LOGLAM", "IVAR", "AND_MASK")
_BRIGHT_SKY = 1 << 23
#: Part of a pixel by which loglam may differ from the scale of the cards.
_TOLERANCE = 0.05
_DAY = 86400.0
#: TAI is told in seconds since MJD 0; first spectra were taken in 1999.
_FIRST, _LAST = 51179.0 * _DAY, 102358.0 * _DAY
#: UTC days from which on TAI - UTC is 32, 33 … s (IERS Bulletin C).
_LEAPS = (51179.0, 53736.0, 54832.0, 56109.0, 57204.0, 57754.0)
_FIRST_LEAP = 31


def recognises(hdus: list[Hdu]) -> bool:
    """Whether the file says that it is one of SDSS's spectra."""
    cards = Cards(hdus[0].header)
    return cards.text("TELESCOP") == "SDSS 2.5-M" and cards.text("PLUG_RA") is not None


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
        Of SDSS's telescope, but without the table of a coadded spectrum.
    UnreadableFileError
        No wavelength scale.
    """
    cards = Cards(hdus[0].header)
    flux, loglam, ivar, and_mask = _pixels(hdus)
    spectral_axis = _spectral_axis(cards, loglam)
    if not (flux > 0).any():
        cards.note(Quality.NO_SIGNAL, "flux: nowhere above 0")
    found = _Found(hdus, cards)
    release = f"run2d-{found.text('RUN2D') or cards.text('RUN2D') or 'unknown'}".lower()
    ra, dec = cards.position("PLUG_RA", "PLUG_DEC")
    plate, fibre = cards.text("PLATEID"), cards.count("FIBERID")
    (spectrograph,) = found.numbers("SPECTROGRAPHID", 1, least=1.0)
    u, g, r, i, z = found.numbers("SN_MEDIAN", 5, least=0.0)
    return ArchiveSpectrum(
        spectrum_id=f"{COLLECTION}/{release}/{stem}",
        # The reductions of an observation have these three in common.
        observation=f"{COLLECTION}/{plate}-{cards.text('MJD')}-{fibre}",
        collection=COLLECTION,
        release=release,
        layout="spec",
        object=None,
        ra=ra,
        dec=dec,
        mjd=_mjd(hdus, cards),
        exposure_seconds=cards.number("EXPTIME", least=0.0),
        snr=r,
        resolving_power=RESOLVING_POWER,
        archive_class=found.text("CLASS"),
        archive_subclass=found.text("SUBCLASS"),
        archive_id=cards.text("SPEC_ID"),
        quality=cards.quality,
        reason=cards.reason,
        spectral_axis=spectral_axis,
        flux=flux,
        ivar=ivar,
        mask=~(ivar > 0) | (and_mask & _BRIGHT_SKY != 0) | ~np.isfinite(flux),
        snr_u=u,
        snr_g=g,
        snr_i=i,
        snr_z=z,
        redshift=found.numbers("Z", 1, least=-1.0)[0],
        plan=plate,
        spectrograph=None if spectrograph is None else int(spectrograph),
        fibre=fibre,
    )


def _pixels(hdus: list[Hdu]) -> tuple[Array, ...]:
    """Flux, log10 of the wavelength, inverse variance and AND mask."""
    table = next((hdu for hdu in hdus[1:] if hdu.name == "COADD"), None)
    if table is None:
        message = f"expected a table COADD, found {[hdu.name for hdu in hdus[1:]]}"
        raise UnknownLayoutError(message)
    if missing := set(_COLUMNS) - {name.upper() for name in table.columns}:
        message = f"table COADD: expected {', '.join(sorted(missing))}, found {table.columns}"
        raise UnknownLayoutError(message)
    columns = [table.column(name) for name in _COLUMNS]
    if any(column.ndim > 1 for column in columns):
        message = "table COADD: expected a row a pixel, found vectors"
        raise UnknownLayoutError(message)
    flux, loglam, ivar, and_mask = columns
    if and_mask.dtype.kind not in "iu":
        message = f"column and_mask: expected integers, found {and_mask.dtype}"
        raise UnreadableFileError(message)
    return flux.astype(np.float32), loglam.astype(np.float64), ivar.astype(np.float32), and_mask


def _spectral_axis(cards: Cards, loglam: NDArray[np.float64]) -> NDArray[np.float64]:
    zero = cards.number("COEFF0", least=3.0, most=4.5)
    step = cards.number("COEFF1", least=1e-6, most=1e-2)
    if zero is None or step is None or not loglam.size:
        message = f"no wavelength scale of {loglam.size} pixels: {cards.reason}"
        raise UnreadableFileError(message)
    pixels = (loglam - zero) / step
    first = np.rint(pixels[0])
    off = np.abs(pixels - (first + np.arange(loglam.size))).max()
    if not off < _TOLERANCE:
        message = f"loglam: expected steps of COEFF1 from COEFF0, found {off:.3g} pixels off"
        raise UnreadableFileError(message)
    if cards.value("VACUUM") is not True:
        cards.note(
            Quality.HEADER_INCOMPLETE,
            f"VACUUM: expected T, found {cards.value('VACUUM')}; wavelengths taken as vacuum",
        )
    return log_linear(zero + step * float(first), step, loglam.size)


class _Found:
    """The row of what the pipeline found; without it every value is None and noted."""

    def __init__(self, hdus: list[Hdu], cards: Cards) -> None:
        tables = (hdu for hdu in hdus[1:] if hdu.name in {"SPECOBJ", "SPALL"})
        self._row = next((hdu for hdu in tables if hdu.is_table and hdu.shape[0] == 1), None)
        names = self._row.columns if self._row else ()
        self._names = {name.upper() for name in names}
        if not self._row:
            cards.note(Quality.HEADER_INCOMPLETE, "expected a row SPECOBJ or SPALL, found none")

    def text(self, name: str) -> str | None:
        """Text of a column, None where it is blank or damaged."""
        if self._row is None or name not in self._names:
            return None
        text = self._row.texts(name)[0].strip()
        # Printable ASCII only (FITS Standard 4.0, 7.3.3.1).
        return text or None if text.isascii() and text.isprintable() else None

    def numbers(self, name: str, count: int, *, least: float) -> list[float | None]:
        """So many numbers of a column; None where one is below the least (-9999)."""
        if self._row is None or name not in self._names:
            return [None] * count
        given = np.ravel(self._row.column(name)).tolist()[:count]
        known = [one if np.isfinite(one) and one >= least else None for one in given]
        return known + [None] * (count - len(known))


def _mjd(hdus: list[Hdu], cards: Cards) -> float | None:
    """Middle of the time from the first exposure's begin to the last one's end, UTC.

    Full files tell it of each exposure, the header of BOSS of all of them; the header
    of SDSS has only the mean of the exposures' ends, which is some minutes later.
    """
    units = [Cards(hdu.header) for hdu in (hdus[0], *hdus[4:])]
    known = [
        time
        for unit in units
        for name in ("TAI-BEG", "TAI-END")
        if (time := unit.known(name, least=_FIRST, most=_LAST)) is not None
    ]
    if not known:
        mean = cards.number("TAI", least=_FIRST, most=_LAST, flag=Quality.NO_TIME)
        known = [] if mean is None else [mean]
    if not known:
        return None
    tai = (min(known) + max(known)) / 2.0
    return (tai - _FIRST_LEAP - bisect(_LEAPS, tai / _DAY)) / _DAY
