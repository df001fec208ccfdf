# noqa: INP001 - DaCHS loads this file by its path
"""A spectrum as a FITS binary table, made from the database when it is asked for.

Columns: spectral_axis (vacuum Å, heliocentric), flux, ivar where the archive
gives it, mask (true where a pixel is bad). The flux is relative: it is given in
counts of an arbitrary scale, the one unit of FITS for such a flux that readers
of spectra (specutils, SPLAT) take for one. UCDs stand in TUCD, as in the tables
that STILTS writes.
"""

import io
from typing import Any

import numpy as np
from astropy.io import fits
from gavo import api

pixels, _ = api.loadPythonModule("pixels", relativeTo=__file__)

#: Column, FITS format, unit, UCD.
_COLUMNS = (
    ("spectral_axis", "D", "Angstrom", "em.wl"),
    ("flux", "E", "ct", "phot.flux.density;em.wl"),
    ("ivar", "E", "ct-2", "stat.error;phot.flux.density;em.wl"),
    ("mask", "L", None, "meta.code.qual"),
)

#: Card, column of the table spectra, comment.
_CARDS = (
    ("OBS_ID", "spectrum_id", "identifier of the spectrum"),
    ("OBJECT", "object", "name of the target"),
    ("RA", "ra", "[deg] right ascension (ICRS)"),
    ("DEC", "dec", "[deg] declination (ICRS)"),
    ("MJD-AVG", "mjd", "[d] mid exposure (UTC)"),
    ("XPOSURE", "exposure_seconds", "[s] length of the exposure"),
    ("SNR", "snr", "signal to noise per pixel"),
    ("SPEC_RP", "resolving_power", "resolving power near H alpha"),
)


def make(name: str) -> tuple[str, bytes]:
    """Media type and content of the file ``<spectrum_id>.fits``."""
    return "application/fits", write(pixels.spectrum(name.removesuffix(".fits")))


def write(row: dict[str, Any]) -> bytes:
    """The FITS file of a spectrum as :func:`pixels.spectrum` gives it."""
    columns = [entry for entry in _COLUMNS if row[entry[0]] is not None]
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, kind, unit, array=row[name]) for name, kind, unit, _ in columns],
        name="SPECTRUM",
    )
    for number, (*_, ucd) in enumerate(columns, start=1):
        table.header[f"TUCD{number}"] = ucd
    table.header.comments["TUNIT2"] = "the scale of the flux is arbitrary"
    table.header["SPECSYS"] = ("HELIOCEN", "wavelengths are heliocentric")
    table.header["AIRORVAC"] = ("vac", "wavelengths are in vacuum")
    primary = fits.PrimaryHDU()
    primary.header["RADESYS"] = "ICRS"
    for card, name, comment in _CARDS:
        if row[name] is not None:
            primary.header[card] = (_ascii(row[name]), comment)
    stream = io.BytesIO()
    fits.HDUList([primary, table]).writeto(stream, checksum=True)
    return stream.getvalue()


def _ascii(value: str | float) -> str | float:
    """FITS headers hold ASCII and finite numbers only."""
    if isinstance(value, str):
        return value.encode("ascii", "replace").decode()
    return value if np.isfinite(value) else str(value)
