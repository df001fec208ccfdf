"""FITS files as the two archives write them, to the bytes.

The cards are those that readers and people need, under the names, units and comments of
the real files, with their traps: DR1 has neither DATA_V nor OBSID, holds the normalised
flux in its third row and a MJD two days too large; a table's primary HDU has no data and
yet the cards NAXIS1 and NAXIS2; CTYPE1 says LINEAR of a logarithmic scale.
"""

import gzip
from collections.abc import Iterable
from datetime import timedelta

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from vospec.archives.simulated.instruments import Exposure
from vospec.archives.simulated.observations import Observation
from vospec.archives.simulated.photospheres import LAMOST, LAMOST_START, LAMOST_STEP, Array
from vospec.archives.simulated.stars import Star
from vospec.spectra.wavelengths import LIGHT_SPEED

Value = str | float | bool
Cards = Iterable[tuple[str, Value, str]]

_BLOCK = 2880
_NOTE = "Simulated by vospec; nobody has observed this"
#: DATA_V of the releases that write it.
_VERSIONS = {"dr3": "LAMOST DR3", "dr7": "LAMOST DR7", "dr9": "LAMOST DR9"}
_COLUMNS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION")
_EXPORT_COLUMNS = np.dtype([("spectral", ">f8"), ("flux", ">f8")])
#: S/N of the bands ugriz over that of r.
_BANDS = {"U": 0.1, "G": 0.7, "R": 1.0, "I": 1.15, "Z": 0.8}


def lamost(observation: Observation, star: Star, exposure: Exposure) -> bytes:
    """Bytes of a LAMOST file in the layout of its release."""
    wavelength = LAMOST[: observation.size]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(exposure.flux / exposure.continuum)
    third = ratio if observation.release == "dr1" else wavelength
    rows = [exposure.flux, exposure.ivar, third, exposure.and_mask, exposure.or_mask]
    if observation.release == "dr9":
        rows.append(ratio)
        content = _header(_lamost_cards(observation, star, naxis=0)) + _table(_vectors(rows))
        return gzip.compress(content, compresslevel=1, mtime=0)
    content = _header(_lamost_cards(observation, star, naxis=2)) + _padded(_vectors(rows).tobytes())
    if observation.release == "dr7" and observation.number % 40 == 2:  # noqa: PLR2004 - a few
        return gzip.compress(content, compresslevel=1, mtime=0)
    return content


def ccd700(observation: Observation, star: Star, wavelength_air: Array, flux: Array) -> bytes:
    """Bytes of a CCD700 file: native image or VO export."""
    if observation.release == "native":
        counts = np.asarray(flux, ">f4")
        return _header(_native_cards(observation, star, wavelength_air)) + _padded(counts.tobytes())
    table = np.empty(flux.size, _EXPORT_COLUMNS)
    table["spectral"], table["flux"] = wavelength_air, flux
    empty = [("SIMPLE", True, ""), ("BITPIX", 8, ""), ("NAXIS", 0, ""), ("EXTEND", True, "")]
    cards = _export_cards(observation, star, wavelength_air)
    return _header(empty) + _header(cards) + _padded(table.tobytes())


def _lamost_cards(observation: Observation, star: Star, *, naxis: int) -> Cards:
    first = observation.release == "dr1"
    yield "SIMPLE", True, ""
    yield "BITPIX", -32 if naxis else 16, ""
    yield "NAXIS", naxis, "Number of array dimensions"
    yield "NAXIS1", observation.size, ""
    yield "NAXIS2", 5, ""
    yield "EXTEND", True, ""
    yield "COMMENT", _NOTE, ""
    yield "FILENAME", f"{observation.stem}.fits", ""
    if not first:
        yield "OBSID", 900000000 + observation.number, "Unique number ID of this spectrum"
        yield "DATA_V", _VERSIONS[observation.release], "Data release version"
    if naxis:
        yield "EXTEN0", _row_names(observation.release), ""
    yield "TELESCOP", "LAMOST", "GuoShouJing Telescope"
    yield from _lamost_time(observation)
    plan, _, spectrograph = observation.stem.split("-")[2].partition("_sp")
    yield "PLANID", plan, "Plan ID in use"
    yield "SPID", int(spectrograph), "Spectrograph ID"
    yield "RA", round(observation.ra, 6), "[deg] Right ascension of object"
    yield "DEC", round(observation.dec, 6), "[deg] Declination of object"
    yield "DESIG", _designation(observation), "Designation of LAMOST target"
    yield "FIBERID", int(observation.stem[-3:]), "Fiber ID of Object"
    yield "OBJNAME", f"SIM{observation.number:06d}", "Name of object"
    yield "RADECSYS", "FK5", "Equatorial coordinate system"
    yield "EQUINOX", 2000.0, "Equinox in years"
    yield "EXPTIME", observation.seconds, "[s] Minimum of exposure time for all cameras"
    yield "HELIO", True, "Heliocentric correction"
    yield "VACUUM", True, "Wavelengths are in vacuum"
    yield "COEFF0", LAMOST_START, "Central wavelength (log10) of first pixel"
    yield "COEFF1", LAMOST_STEP, "Log10 dispersion per pixel"
    yield "CTYPE1", "LINEAR", ""
    yield "DC-FLAG", 1, "Log-linear flag"
    yield "CLASS", "STAR", "Class of object"
    yield "SUBCLASS", _subclass(star), "Subclass of object"
    yield "Z", round(star.radial_velocity / LIGHT_SPEED, 8), "Redshift of object"
    for band, share in _BANDS.items():
        name = f"SN_{band}" if first else f"SNR{band}"
        yield name, round(share * observation.snr, 2), f"SNR of {band.lower()} filter"


def _lamost_time(observation: Observation) -> Cards:
    half = timedelta(seconds=observation.seconds / 2.0)
    local = timedelta(hours=8)
    yield "DATE-OBS", _iso(observation.start + half), "The observation median UTC"
    yield "DATE-BEG", _iso(observation.start + local), "The observation start local time"
    yield "DATE-END", _iso(observation.start + 2 * half + local), "The observation end local time"
    day = int(observation.stem.split("-")[1])
    yield "LMJD", day, "Local Modified Julian Day"
    yield "MJD", day + 1 if observation.release == "dr1" else day - 1, "Modified Julian Day"


def _iso(moment: object) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.0}"


def _row_names(release: str) -> str:
    if release == "dr1":
        return "Flux Inverse Subcontinuum Andmask Ormask"
    return "Flux, Inverse, Wavelength, Andmask, Ormask"


def _designation(observation: Observation) -> str:
    ra = _sexagesimal(observation.ra / 15.0, 2).replace(":", "")
    sign = "-" if observation.dec < 0 else "+"
    return f"LAMOST J{ra}{sign}{_sexagesimal(abs(observation.dec), 1).replace(':', '')}"


def _sexagesimal(value: float, decimals: int) -> str:
    """``dd:mm:ss.s``, cut, not rounded, so that 60 seconds never occur."""
    unit = 10**decimals
    total = int(value * 3600 * unit)
    seconds, fraction = divmod(total, unit)
    minutes, seconds = divmod(seconds, 60)
    whole, minutes = divmod(minutes, 60)
    return f"{whole:02d}:{minutes:02d}:{seconds:02d}.{fraction:0{decimals}d}"


def _subclass(star: Star) -> str:
    """The survey's pipeline takes discs for early A; its M dwarfs have no luminosity class."""
    if star.components and star.spectral_type[0] in "BA":
        return "A2V"
    return f"{star.spectral_type}V" if star.spectral_type[0] in "BA" else star.spectral_type


def _vectors(rows: list[Array]) -> NDArray[np.float32]:
    """Stack rows in FITS's order of bytes (stacking arrays of that order would lose it)."""
    return np.array(rows, ">f4")


def _table(rows: NDArray[np.float32]) -> bytes:
    """Table COADD of one row of vectors."""
    count, size = rows.shape
    cards: list[tuple[str, Value, str]] = [
        ("XTENSION", "BINTABLE", ""),
        ("BITPIX", 8, ""),
        ("NAXIS", 2, ""),
        ("NAXIS1", 4 * rows.size, "Number of bytes per row"),
        ("NAXIS2", 1, "Number of rows"),
        ("PCOUNT", 0, ""),
        ("GCOUNT", 1, ""),
        ("TFIELDS", count, "Number of columns in table"),
        ("EXTNAME", "COADD", "The extension name"),
    ]
    for number, name in enumerate(_COLUMNS, 1):
        cards += [(f"TTYPE{number}", name, ""), (f"TFORM{number}", f"{size}E", "")]
    return _header(cards) + _padded(rows.tobytes())


def _export_cards(observation: Observation, star: Star, wavelength_air: Array) -> Cards:
    yield "XTENSION", "BINTABLE", "binary table extension"
    yield "BITPIX", 8, ""
    yield "NAXIS", 2, ""
    yield "NAXIS1", _EXPORT_COLUMNS.itemsize, ""
    yield "NAXIS2", observation.size, ""
    yield "PCOUNT", 0, ""
    yield "GCOUNT", 1, ""
    yield "TFIELDS", 2, ""
    yield "TTYPE1", "spectral", "Air wavelength"
    yield "TFORM1", "D", ""
    yield "TUNIT1", "Angstrom", ""
    yield "TTYPE2", "flux", "Relative flux"
    yield "TFORM2", "D", ""
    yield "COMMENT", _NOTE, ""
    yield "DS_IDPUB", f"ivo://asu.cas.cz/stel/ccd700/{observation.stem}", ""
    yield "OBJECT", f"SIM {star.spectral_type} {observation.number}", ""
    yield "SRCCLASS", "star", ""
    yield "RA", observation.ra, ""
    yield "DEC", observation.dec, ""
    yield "TMID", _mjd(observation), "[d]"
    yield "TELAPSE", observation.seconds, "[s]"
    yield "SPEC_VAL", 1e-10 * float(wavelength_air.mean()), "[m]"
    yield "TDMIN1", 1e-10 * float(wavelength_air[0]), "[m]"
    yield "TDMAX1", 1e-10 * float(wavelength_air[-1]), "[m]"
    yield "RADECSYS", "ICRS", ""


def _native_cards(observation: Observation, star: Star, wavelength_air: Array) -> Cards:
    middle = observation.start + timedelta(seconds=observation.seconds / 2.0)
    sign = "-" if observation.dec < 0 else "+"
    yield "SIMPLE", True, "Fits standard"
    yield "BITPIX", -32, "Bits per pixel"
    yield "NAXIS", 1, "Number of axes"
    yield "NAXIS1", observation.size, "Axis length"
    yield "COMMENT", _NOTE, ""
    yield "OBJECT", f"SIM {star.spectral_type} {observation.number}", "Title of observation"
    yield "OBSERVAT", "ONDREJOV", "Name of observatory (IRAF style)"
    yield "EXPTIME", observation.seconds, "Length of observation excluding pauses"
    yield "DATE-OBS", f"{observation.start:%Y-%m-%d}", "UTC date start of observation"
    yield "UT", f"{observation.start:%H:%M:%S}", "UTC of  start of observation"
    yield "BUNIT", "ADU", "Unit of the array of image data"
    yield "RA", _sexagesimal(observation.ra / 15.0, 3), ""
    yield "DEC", f"{sign}{_sexagesimal(abs(observation.dec), 2)}", ""
    # The date, as in the real files, though the position is of J2000.
    yield "EQUINOX", round(2000.0 + (_mjd(observation) - 51544.5) / 365.25, 6), ""
    yield "CTYPE1", "LINEAR", ""
    yield "CRVAL1", float(wavelength_air[0]), ""
    yield "CRPIX1", 1.0, ""
    yield "CDELT1", observation.step, ""
    yield "CD1_1", observation.step, ""
    yield "DC-FLAG", 0, ""
    yield "JD", _mjd(observation) + 2400000.5, ""
    yield "UTMIDDLE", f"{middle:%H:%M:%S}", ""


def _mjd(observation: Observation) -> float:
    """Mid exposure."""
    days = observation.start.timestamp() / 86400.0 + 40587.0
    return days + observation.seconds / 172800.0


def _header(cards: Cards) -> bytes:
    header = fits.Header([fits.Card(*card) for card in cards])
    return str(header.tostring(sep="", endcard=True, padding=True)).encode("ascii")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _BLOCK)
