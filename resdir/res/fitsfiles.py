# noqa: INP001 - DaCHS loads this file by its path
"""Spectra as FITS binary tables.

Flux has the unit ct whatever its scale: without a unit that it takes for one of flux,
specutils reads no spectrum. UCDs stand in TUCD and elements of the Spectrum data model in
TUTYP, as in the tables that STILTS writes.
"""

import io
import re
from typing import Any

import numpy as np
from astropy.io import fits
from gavo import api

characteristics, _ = api.loadPythonModule("characteristics", relativeTo=__file__)

_NOT_PRINTED = re.compile("[^ -~]")

Dataset = Any  # of datasets, which nobody can import by its name

#: Cards of the first header, columns of the row, comments.
_CARDS = (
    ("OBS_ID", "spectrum_id", "identifier of the spectrum"),
    ("OBJECT", "ssa_targname", "name of the target"),
    ("RA", "ra", "[deg] right ascension (ICRS)"),
    ("DEC", "dec", "[deg] declination (ICRS)"),
    ("MJD-AVG", "ssa_dateobs", "[d] mid exposure (UTC)"),
    ("XPOSURE", "ssa_timeext", "[s] length of the exposure"),
    ("SNR", "ssa_snr", "signal to noise per pixel"),
    ("SPEC_RP", "resolving_power", "resolving power near H alpha"),
)

#: The header of the table has room for three blocks, so that the length of a file is known.
_HEADER_LINES = 3 * 36


def as_fits(dataset: Dataset) -> bytes:
    """A FITS file of one binary table."""
    primary = fits.PrimaryHDU()
    primary.header["RADESYS"] = "ICRS"
    for card, name, comment in _CARDS:
        _set(primary.header, card, dataset.row[name], comment)
    hdus = fits.HDUList([primary, _table(dataset)])
    for hdu in hdus:
        # Without the time of day: the same spectrum is the same file.
        hdu.add_checksum(when="checksum")
    stream = io.BytesIO()
    hdus.writeto(stream)
    return stream.getvalue()


def _table(dataset: Dataset) -> fits.BinTableHDU:
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(name, about.kind, about.unit or None, array=dataset.columns[name])
            for name, about in characteristics.described(dataset).items()
        ],
        name="SPECTRUM",
    )
    for number, about in enumerate(characteristics.described(dataset).values(), start=1):
        _set(table.header, f"TUCD{number}", about.ucd, "")
        _set(table.header, f"TUTYP{number}", about.utype or None, "")
        table.header.comments[f"TTYPE{number}"] = about.comment
    axis = dataset.columns["spectral_axis"]
    _set(table.header, "TDMIN1", axis[0], "[Angstrom] first wavelength")
    _set(table.header, "TDMAX1", axis[-1], "[Angstrom] last wavelength")
    _set(table.header, "SPECSYS", "HELIOCEN", "wavelengths are heliocentric")
    _set(table.header, "AIRORVAC", "vac", "wavelengths are in vacuum")
    for one in characteristics.characteristics(dataset.row, axis.size):
        if one.card:
            _set(table.header, one.card, one.value, f"[{one.unit}]" if one.unit else "")
    for card in ("RA", "DEC"):
        _set(table.header, card, dataset.row[card.lower()], "[deg] ICRS")
    _fill(table.header)
    return table


def _set(header: fits.Header, card: str, value: Any, comment: str) -> None:  # noqa: ANN401 - of a database
    """Set a card where there is a value; headers hold printable ASCII and finite numbers only."""
    if value is None:
        return
    if isinstance(value, str):
        value = _NOT_PRINTED.sub("?", value)
    elif not np.isfinite(value):
        value = str(value)
    header[card] = (value, comment)


def _fill(header: fits.Header) -> None:
    """Fill with blank lines, but for END, CHECKSUM and DATASUM."""
    lines = len(header.tostring(endcard=False, padding=False)) // 80
    for _ in range(_HEADER_LINES - 3 - lines):
        header.append(fits.Card(), bottom=True)
