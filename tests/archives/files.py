"""FITS files in the archives' layouts, written by astropy, each card as a test wants it."""

import io
from collections.abc import Mapping

import numpy as np
from astropy.io import fits

SIZE = 3909
COEFF0, COEFF1 = 3.5682, 1e-4
ROWS_DR1 = "Flux Inverse Subcontinuum Andmask Ormask"
ROWS = "Flux, Inverse, Wavelength, Andmask, Ormask"
LAMOST: Mapping[str, object] = {
    "TELESCOP": "LAMOST",
    "DATE-OBS": "2013-02-18T15:54:49.44",
    "DATE-BEG": "2013-02-18T23:30:51.0",
    "DATE-END": "2013-02-19T00:08:09.0",
    "LMJD": 56342,
    "MJD": 56343,
    "RA": 119.26584,
    "DEC": 2.9482255,
    "DESIG": "LAMOST J075703.80+025653.6",
    "EXPTIME": 1200.0,
    "VACUUM": True,
    "COEFF0": COEFF0,
    "COEFF1": COEFF1,
    "CTYPE1": "LINEAR",
    "CLASS": "STAR",
    "SUBCLASS": "A2V",
}
EXPORT: Mapping[str, object] = {
    "DS_IDPUB": "ivo://asu.cas.cz/stel/ccd700/ab010001",
    "OBJECT": "HD 1",
    "SRCCLASS": "star",
    "RA": 79.75,
    "DEC": 33.5,
    "TMID": 56691.25,
    "TELAPSE": 2701.0,
}
NATIVE: Mapping[str, object] = {
    "OBSERVAT": "ONDREJOV",
    "OBJECT": "17 Sex",
    "RA": "10:10:07.500",
    "DEC": "-08:24:36.00",
    "EQUINOX": 2011.07666,
    "JD": 2455590.75,
    "EXPTIME": 500.0,
    "CTYPE1": "LINEAR",
    "CRVAL1": 6252.0,
    "CRPIX1": 1.0,
    "CDELT1": 0.25,
}


def cards(header: fits.Header, given: Mapping[str, object]) -> fits.Header:
    """Set cards; None leaves one out."""
    header.update({name: value for name, value in given.items() if value is not None})
    return header


def content(*hdus: fits.PrimaryHDU | fits.BinTableHDU) -> bytes:
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


def rows() -> np.ndarray:
    """Five rows: flux 1 … N, ivar 4, a third row of 7, empty masks."""
    ramp = np.arange(1.0, SIZE + 1)
    flat = np.ones(SIZE)
    return np.array([ramp, 4 * flat, 7 * flat, 0 * flat, 0 * flat], np.float32)


def lamost_image(data: np.ndarray | None = None, **given: object) -> bytes:
    """DR7's layout, or another with the cards that make it."""
    primary = fits.PrimaryHDU(rows() if data is None else data)
    defaults = {"DATA_V": "LAMOST DR7", "OBSID": 740103218, "EXTEN0": ROWS, "SNRR": 64.14}
    cards(primary.header, {**LAMOST, **defaults, **given})
    return content(primary)


def lamost_dr1(data: np.ndarray | None = None, **given: object) -> bytes:
    dr1 = {"DATA_V": None, "OBSID": None, "EXTEN0": ROWS_DR1, "SNRR": None, "SN_R": 64.14}
    return lamost_image(data, **{**dr1, **given})


def lamost_table(data: np.ndarray | None = None, **given: object) -> bytes:
    primary = fits.PrimaryHDU()
    defaults = {"DATA_V": "LAMOST DR13 Q1", "OBSID": 1247301001, "SNRR": 64.14}
    cards(primary.header, {**LAMOST, **defaults, **given})
    values = rows() if data is None else data
    names = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")
    columns = [
        fits.Column(name, f"{SIZE}E", array=row[None])
        for name, row in zip(names, values, strict=True)
    ]
    return content(primary, fits.BinTableHDU.from_columns(columns, name="COADD"))


def export(unit: str = "Angstrom", **given: object) -> bytes:
    """CCD700's VO export: 1757 rows from 6282 Å in air."""
    wavelength = 6282.0 + 0.25667 * np.arange(1757)
    columns = [
        fits.Column("spectral", "D", unit=unit, array=wavelength),
        fits.Column("flux", "D", array=np.full(1757, 1.5)),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    cards(table.header, {**EXPORT, **given})
    return content(fits.PrimaryHDU(), table)


def native(data: np.ndarray | None = None, **given: object) -> bytes:
    primary = fits.PrimaryHDU(np.arange(1.0, 1998.0, dtype=np.float32) if data is None else data)
    cards(primary.header, {**NATIVE, **given})
    return content(primary)
