# noqa: INP001 - DaCHS loads this file by its path
"""Spectra as VOTables by the Spectrum data model.

Astropy writes what is told of the table; its rows, which it would write one by one, are laid
out at once (VOTable 1.4, sections 6.1 and 6.4): ten times as fast.
"""

import base64
import io
from typing import Any

import numpy as np
from astropy.io import votable
from astropy.io.votable import tree
from astropy.table import Table
from gavo import api
from numpy.typing import NDArray

characteristics, _ = api.loadPythonModule("characteristics", relativeTo=__file__)

Dataset = Any  # of datasets, which nobody can import by its name
Column = Characteristic = Any  # of characteristics

_END = b"</TABLE>"


def as_binary(dataset: Dataset) -> bytes:
    """A VOTable for programs."""
    fields = [("nulls", "u1")]
    fields += [(name, _wire(values).dtype.str) for name, values in dataset.columns.items()]
    rows = np.zeros(dataset.columns["flux"].size, dtype=fields)
    for name, values in dataset.columns.items():
        rows[name] = _wire(values)
    stream = base64.b64encode(rows.tobytes())
    return _document(
        dataset, b'<BINARY2><STREAM encoding="base64">' + stream + b"</STREAM></BINARY2>"
    )


def _wire(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers with their high bytes first; T or F for what is true or not."""
    if values.dtype.kind == "b":
        return np.where(values, np.uint8(ord("T")), np.uint8(ord("F")))
    return values.astype(values.dtype.newbyteorder(">"))


def as_text(dataset: Dataset) -> bytes:
    """A VOTable that people can read, too."""
    texts = [_texts(values) for values in dataset.columns.values()]
    rows = "\n".join(
        f"<TR><TD>{'</TD><TD>'.join(row)}</TD></TR>" for row in zip(*texts, strict=True)
    )
    return _document(dataset, f"<TABLEDATA>\n{rows}\n</TABLEDATA>".encode("ascii"))


def _texts(values: NDArray[Any]) -> list[str]:
    if values.dtype.kind == "b":
        return ["T" if value else "F" for value in values.tolist()]
    return ["NaN" if text == "nan" else text for text in values.astype(str).tolist()]


def _document(dataset: Dataset, data: bytes) -> bytes:
    """The document with its data in their place."""
    document = votable.from_table(Table(dataset.columns)[:0])
    (resource,) = document.resources
    (table,) = resource.tables
    resource.type = "results"
    table.name = "spectrum"
    resource.utype = table.utype = "spec:Spectrum"
    table.description = dataset.row["ssa_dstitle"]
    for number, about in enumerate(characteristics.described(dataset).values()):
        table.fields[number] = _field(document, table.fields[number], about, dataset.row)
    for one in characteristics.characteristics(dataset.row, dataset.columns["flux"].size):
        table.params.append(_param(document, one))
    if dataset.row["ra"] is not None:
        table.params.append(_position(document, dataset.row))
    stream = io.BytesIO()
    document.to_xml(stream)
    head, end, tail = stream.getvalue().rpartition(_END)
    return head + b"<DATA>" + data + b"</DATA>\n" + end + tail


def _field(
    document: tree.VOTableFile, found: tree.Field, about: Column, row: dict[str, Any]
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


def _param(document: tree.VOTableFile, one: Characteristic) -> tree.Param:
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
