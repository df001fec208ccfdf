"""Spectra of the Ondřejov 2 m telescope's coudé camera CCD700, in both forms.

The export of the Virtual Observatory has an empty primary HDU and a table of
``spectral`` (Å, air) and ``flux`` (over continuum); the native file is an IRAF image of
one axis (ADU over linear air Å) with a sexagesimal position. Both are heliocentric by
the archive's description and carry no error and no mask.

The native card EQUINOX holds the date of the observation, yet RA and DEC are of J2000:
the export repeats them digit by digit as ICRS (all of 17 positions are whole
milliseconds of time), and there Vega and γ Cas stand at their J2000 places. Precessing
them would move a star by some 50 arcsec for each year since 2000.
"""

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vospec.archives.cards import Cards
from vospec.archives.hdus import Hdu
from vospec.archives.spectrum import ArchiveSpectrum
from vospec.columns import Quality
from vospec.errors import UnknownLayoutError, UnreadableFileError
from vospec.spectra.wavelengths import air_to_vacuum

COLLECTION = "ccd700"
#: Seed paper, section 3.
RESOLVING_POWER = 13000.0
HOLDS = "a spectrum of CCD700 (table of spectral and flux, or native image)"
#: Publisher DIDs are this, a slash and the name of the observation.
PUBLISHER = "ivo://asu.cas.cz/stel/ccd700"

_COLUMNS = ("spectral", "flux")
_JD_ZERO = 2400000.5
#: Between these the camera sees light.
_BLUEST, _REDDEST = 3000.0, 11000.0
#: The camera's archive starts in the 1990s.
_FIRST_LIGHT = 47892.0


def recognises(hdus: list[Hdu]) -> bool:
    """Whether the file says that it is CCD700's."""
    primary = Cards(hdus[0].header)
    if primary.text("OBSERVAT") == "ONDREJOV":
        return True
    return len(hdus) > 1 and _publisher_did(Cards(hdus[1].header)) is not None


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
        CCD700's, but neither VO export nor native one-dimensional image.
    UnreadableFileError
        No wavelength scale.
    """
    return _read_export(hdus[1], stem) if len(hdus) > 1 else _read_native(hdus[0], stem)


def _publisher_did(cards: Cards) -> str | None:
    given = cards.text("DS_IDPUB")
    return given if given and given.startswith(f"{PUBLISHER}/") else None


def _read_export(table: Hdu, stem: str) -> ArchiveSpectrum:
    cards = Cards(table.header)
    names = table.columns
    if names != _COLUMNS or table.unit("spectral") != "Angstrom":
        units = [table.unit(name) for name in names]
        message = f"expected columns spectral in Angstrom and flux, found {names} in {units}"
        raise UnknownLayoutError(message)
    wavelength_air, flux = (table.column(name) for name in names)
    if wavelength_air.ndim > 1 or flux.ndim > 1:
        message = f"expected a row a pixel, found vectors {wavelength_air.shape}, {flux.shape}"
        raise UnknownLayoutError(message)
    return _spectrum(
        cards,
        stem,
        release="vo",
        position=cards.position(),
        mjd=cards.number("TMID", least=_FIRST_LIGHT, flag=Quality.NO_TIME),
        exposure="TELAPSE",
        wavelength_air=wavelength_air,
        flux=flux,
    )


def _read_native(primary: Hdu, stem: str) -> ArchiveSpectrum:
    cards = Cards(primary.header)
    if len(primary.shape) != 1:
        message = f"expected an image of one axis, found shape {primary.shape}"
        raise UnknownLayoutError(message)
    start, step = cards.number("CRVAL1", least=1e3), cards.number("CDELT1", least=1e-3)
    reference = cards.number("CRPIX1")
    if start is None or step is None or reference is None or cards.text("CTYPE1") != "LINEAR":
        message = f"no linear wavelength scale: CTYPE1 {cards.text('CTYPE1')}; {cards.reason}"
        raise UnreadableFileError(message)
    # JD is that of the card UTMIDDLE.
    jd = cards.number("JD", least=_JD_ZERO + _FIRST_LIGHT, flag=Quality.NO_TIME)
    return _spectrum(
        cards,
        stem,
        release="native",
        position=_sexagesimal_position(cards),
        mjd=None if jd is None else jd - _JD_ZERO,
        exposure="EXPTIME",
        wavelength_air=start + step * (np.arange(primary.shape[0]) + 1.0 - reference),
        flux=primary.image(),
    )


def _spectrum(  # noqa: PLR0913 - all but two by name
    cards: Cards,
    stem: str,
    *,
    release: str,
    position: tuple[float, float] | tuple[None, None],
    mjd: float | None,
    exposure: str,
    wavelength_air: NDArray[Any],
    flux: NDArray[Any],
) -> ArchiveSpectrum:
    """What is common to both forms."""
    flux = flux.astype(np.float32)
    if not (flux > 0).any():
        cards.note(Quality.NO_SIGNAL, "flux: nowhere above 0")
    archive_id = _publisher_did(cards) or f"{PUBLISHER}/{stem}"
    return ArchiveSpectrum(
        spectrum_id=f"{COLLECTION}/{release}/{stem}",
        observation=f"{COLLECTION}/{archive_id.rpartition('/')[2]}",
        collection=COLLECTION,
        release=release,
        layout=release,
        object=cards.text("OBJECT"),
        ra=position[0],
        dec=position[1],
        mjd=mjd,
        exposure_seconds=cards.number(exposure, least=0.0),
        snr=None,
        resolving_power=RESOLVING_POWER,
        archive_class=cards.text("SRCCLASS"),
        archive_subclass=None,
        archive_id=archive_id,
        quality=cards.quality,
        reason=cards.reason,
        spectral_axis=_vacuum(wavelength_air),
        flux=flux,
        ivar=None,
        mask=~np.isfinite(flux),
    )


def _vacuum(wavelength_air: NDArray[Any]) -> NDArray[np.float64]:
    """Vacuum wavelengths; refused where they do not rise within what the camera sees."""
    size = wavelength_air.size
    first, last = (wavelength_air[0], wavelength_air[-1]) if size else (math.nan, math.nan)
    # NaN is not within, and no rise either.
    within = first > _BLUEST and last < _REDDEST
    if not within or not np.all(wavelength_air[1:] > wavelength_air[:-1]):
        message = (
            f"expected {size} wavelengths rising within {_BLUEST:g} … {_REDDEST:g} Å, "
            f"found {first:g} … {last:g}"
        )
        raise UnreadableFileError(message)
    return air_to_vacuum(wavelength_air)


def _sexagesimal_position(cards: Cards) -> tuple[float, float] | tuple[None, None]:
    """ICRS position in degrees of RA (hours) and DEC (degrees), ``-08:24:29.40``."""
    hours, degrees = _sexagesimal(cards.text("RA")), _sexagesimal(cards.text("DEC"))
    if hours is None or degrees is None or not (0 <= hours <= 24 and abs(degrees) <= 90):  # noqa: PLR2004 - a circle
        cards.note(
            Quality.NO_POSITION,
            f"RA, DEC: expected hours and degrees as dd:mm:ss.s, "
            f"found {cards.text('RA')}, {cards.text('DEC')}",
        )
        return None, None
    return 15.0 * hours, degrees


def _sexagesimal(given: str | None) -> float | None:
    parts = re.fullmatch(r"([+-]?)(\d+):(\d+):(\d+(?:\.\d*)?)", given or "")
    if not parts:
        return None
    whole, minutes, seconds = (float(part) for part in parts.groups()[1:])
    return float(f"{parts[1]}1") * (whole + minutes / 60.0 + seconds / 3600.0)
