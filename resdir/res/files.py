# noqa: INP001 - DaCHS loads this file by its path
"""Spectra as files: FITS binary tables, VOTables and comma-separated values.

All have the same columns (see :mod:`datasets`). FITS files and VOTables follow the
Spectrum data model; as FITS, flux has the unit ct whatever its scale: without a unit that
it takes for one of flux, specutils reads no spectrum. UCDs stand in TUCD and elements of the
model in TUTYP, as in the tables that STILTS writes.
"""

import csv
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits, votable
from astropy.io.votable import tree
from astropy.table import Table
from gavo import api
from numpy.typing import NDArray

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)
characteristics, _ = api.loadPythonModule("characteristics", relativeTo=__file__)

Dataset = Any  # of datasets, which nobody can import by its name


class _Column(NamedTuple):
    """How a column looks as FITS, and what it is."""

    kind: str
    unit: str
    ucd: str
    utype: str
    comment: str


_AXES = "spec:Spectrum.Data."
_COLUMNS = {
    "spectral_axis": _Column(
        *("D", "Angstrom", "em.wl", f"{_AXES}SpectralAxis.Value"),
        "vacuum wavelength, heliocentric",
    ),
    "flux": _Column(
        *("E", "ct", "phot.flux.density;em.wl", f"{_AXES}FluxAxis.Value"),
        "flux; its scale is arbitrary",
    ),
    "flux_error": _Column(
        *("E", "ct", "stat.error;phot.flux.density;em.wl"),
        *(f"{_AXES}FluxAxis.Accuracy.StatError", "standard deviation; NaN where not known"),
    ),
    "ivar": _Column(
        *("E", "ct**-2", "stat.weight;phot.flux.density;em.wl", ""),
        "inverse variance, as the archive gives it",
    ),
    "mask": _Column("L", "", "meta.code.qual", "", "true where the pixel is bad"),
}

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
            for name, about in _described(dataset).items()
        ],
        name="SPECTRUM",
    )
    for number, about in enumerate(_described(dataset).values(), start=1):
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


def _described(dataset: Dataset) -> dict[str, _Column]:
    """The columns that a spectrum has; flux over continuum is a ratio."""
    found = {name: _COLUMNS[name] for name in dataset.columns}
    if dataset.row["processing"] == datasets.RECTIFIED:
        ratio = {"ucd": dataset.row["ssa_fluxucd"], "comment": "flux over continuum"}
        found["flux"] = found["flux"]._replace(**ratio)
    return found


def _set(header: fits.Header, card: str, value: Any, comment: str) -> None:  # noqa: ANN401 - of a database
    """Set a card where there is a value; headers hold ASCII and finite numbers only."""
    if value is None:
        return
    if isinstance(value, str):
        value = value.encode("ascii", "replace").decode()
    elif not np.isfinite(value):
        value = str(value)
    header[card] = (value, comment)


def _fill(header: fits.Header) -> None:
    """Fill with blank lines, but for END, CHECKSUM and DATASUM."""
    lines = len(header.tostring(endcard=False, padding=False)) // 80
    for _ in range(_HEADER_LINES - 3 - lines):
        header.append(fits.Card(), bottom=True)


def as_votable(dataset: Dataset, serialization: str = "binary2") -> bytes:
    """A VOTable by the Spectrum data model."""
    document = votable.from_table(Table(dataset.columns))
    (resource,) = document.resources
    (table,) = resource.tables
    resource.type = "results"
    table.name = "spectrum"
    resource.utype = table.utype = "spec:Spectrum"
    table.description = dataset.row["ssa_dstitle"]
    for number, about in enumerate(_described(dataset).values()):
        table.fields[number] = _field(document, table.fields[number], about, dataset.row)
    for one in characteristics.characteristics(dataset.row, dataset.columns["flux"].size):
        table.params.append(_param(document, one))
    if dataset.row["ra"] is not None:
        table.params.append(_position(document, dataset.row))
    stream = io.BytesIO()
    document.to_xml(stream, tabledata_format=serialization)
    return stream.getvalue()


def _field(
    document: tree.VOTableFile, found: tree.Field, about: _Column, row: dict[str, Any]
) -> tree.Field:
    """An element FIELD in place of the one that astropy has found."""
    # A number without a unit is one here. Of bits STILTS reads none.
    relative = about.unit == "ct" and not row["ssa_fluxunit"]
    field = tree.Field(
        document,
        name=found.name,
        datatype="boolean" if about.kind == "L" else found.datatype,
        unit=None if relative else about.unit or None,
        ucd=about.ucd,
        utype=about.utype or None,
    )
    field.description = about.comment
    return field


def _param(document: tree.VOTableFile, one: Any) -> tree.Param:  # noqa: ANN401 - as Dataset
    """A characteristic as an element PARAM."""
    kind = {"datatype": "double"} if isinstance(one.value, float) else {"datatype": "int"}
    if isinstance(one.value, str):
        kind = {"datatype": "unicodeChar", "arraysize": "*"}
    about = {"ucd": one.ucd or None, "unit": one.unit or None, "utype": one.utype}
    return tree.Param(document, name=one.name, value=one.value, **about, **kind)


def _position(document: tree.VOTableFile, row: dict[str, Any]) -> tree.Param:
    return tree.Param(
        document,
        name="location",
        value=[row["ra"], row["dec"]],
        datatype="double",
        arraysize="2",
        unit="deg",
        ucd="pos.eq",
        utype="spec:Spectrum.Char.SpatialAxis.Coverage.Location.Value",
    )


def as_tabledata(dataset: Dataset) -> bytes:
    """A VOTable that people can read."""
    return as_votable(dataset, "tabledata")


def as_csv(dataset: Dataset) -> bytes:
    """Comma-separated values under the names of the columns; a mask is 0 or 1."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(dataset.columns)
    writer.writerows(zip(*map(_texts, dataset.columns.values()), strict=True))
    return stream.getvalue().encode("ascii")


def _texts(values: NDArray[Any]) -> list[str]:
    """Numbers with as many digits as they have; nothing where there is none."""
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    return ["" if text == "nan" else text for text in values.astype(str).tolist()]


VOTABLE, FITS = "application/x-votable+xml", "application/fits"

#: Media types, what people call them, and what writes them.
FORMATS: dict[str, tuple[str, Callable[[Dataset], bytes]]] = {
    VOTABLE: ("VOTable", as_votable),
    f"{VOTABLE};serialization=tabledata": ("VOTable as text", as_tabledata),
    FITS: ("FITS binary table", as_fits),
    "text/csv": ("Comma-separated values", as_csv),
}
