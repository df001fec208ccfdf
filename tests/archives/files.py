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
SDSS: Mapping[str, object] = {
    "TELESCOP": "SDSS 2.5-M",
    "PLUG_RA": 183.87712,
    "PLUG_DEC": 9.5848939,
    # Of the telescope, not of the star.
    "RA": 184.46842,
    "DEC": 9.960472,
    "PLATEID": 1230,
    "MJD": 52672,
    "FIBERID": 233,
    "TAI": 4550902834.56,
    "EXPTIME": 2100.3,
    "VACUUM": True,
    "COEFF0": 3.579,
    "COEFF1": 1e-4,
    "SPEC_ID": "   1384920976797493248",
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


def sdss_row(**given: object) -> fits.BinTableHDU:
    """What SDSS's pipeline found, in a table of one row."""
    values = {"CLASS": "STAR", "SUBCLASS": "B6", "RUN2D": "26", "SPECTROGRAPHID": 1, "Z": -1e-4}
    columns = [
        fits.Column(name, f"{len(value)}A" if isinstance(value, str) else "E", array=[value])
        for name, value in {**values, **given}.items()
    ]
    columns.append(fits.Column("SN_MEDIAN", "5E", array=[[7.5, 25.0, 38.5, 40.5, 33.5]]))
    return fits.BinTableHDU.from_columns(columns, name="SPECOBJ")


def sdss(
    *more: fits.BinTableHDU,
    skipped: int = 10,
    pixels: Mapping[str, object] | None = None,
    **given: object,
) -> bytes:
    """A spec file whose first pixels are left out; flux 1 … 4000, ivar 4, empty masks."""
    primary = fits.PrimaryHDU()
    cards(primary.header, {**SDSS, **given})
    number = np.arange(4000)
    stored: dict[str, object] = {
        "flux": number + 1.0,
        "loglam": 3.579 + 1e-4 * (number + skipped),
        "ivar": np.full(4000, 4.0),
        "and_mask": np.zeros(4000, np.int32),
    }
    columns = [
        fits.Column(name, "J" if name == "and_mask" else "E", array=array)
        for name, array in {**stored, **(pixels or {})}.items()
    ]
    coadd = fits.BinTableHDU.from_columns(columns, name="COADD")
    return content(primary, coadd, *(more or (sdss_row(),)))
