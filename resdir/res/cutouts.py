# noqa: INP001 - DaCHS loads this file by its path
"""Parts of spectra in the calibration and the format that are asked for (SODA 1.0)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from gavo import api, base, rscdef, svcs
from gavo.protocols import soda

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)
files, _ = api.loadPythonModule("files", relativeTo=__file__)

Dataset = Any  # of datasets, which nobody can import by its name

_METRES = 1e-10

#: The values of FLUXCALIB.
_CALIBRATIONS = {
    "DELIVERED": ("as delivered", datasets.DELIVERED),
    "RECTIFIED": ("divided by the continuum, on the grid of the features", datasets.RECTIFIED),
}


def parameters(row: dict[str, Any], *, can_be_rectified: bool) -> Iterator[svcs.InputKey]:
    """What may be asked of the spectrum of a row."""
    yield _key(
        "BAND",
        type="double precision[2]",
        xtype="interval",
        unit="m",
        ucd="em.wl",
        description="Vacuum wavelengths between which pixels are taken",
        # The row has single precision: one step aside, and no pixel is left out.
        values=_values(min=_aside(row["ssa_specstart"], 0), max=_aside(row["ssa_specend"], 1)),
    )
    if row["processing"] == datasets.DELIVERED:
        possible = ["DELIVERED", "RECTIFIED"] if can_be_rectified else ["DELIVERED"]
        yield _key(
            "FLUXCALIB",
            type="text",
            ucd="phot.calib",
            description="Calibration of the flux; DELIVERED without it",
            values=_values(options=[_option(name, _CALIBRATIONS[name][0]) for name in possible]),
        )
    yield _key(
        "FORMAT",
        type="text",
        ucd="meta.code.mime",
        description=f"Media type of the file; {files.VOTABLE} without it",
        values=_values(options=[_option(name, told) for name, (told, _) in files.FORMATS.items()]),
    )


def _aside(wavelength: float, towards: float) -> float:
    return float(np.nextafter(np.float32(wavelength), np.float32(towards)))


def _key(name: str, **about: Any) -> svcs.InputKey:  # noqa: ANN401 - attributes of any type
    return base.makeStruct(svcs.InputKey, name=name, multiplicity="forced-single", **about)


def _values(**about: Any) -> rscdef.Values:  # noqa: ANN401 - as above
    return base.makeStruct(rscdef.Values, **about)


def _option(value: str, title: str) -> rscdef.Option:
    return base.makeStruct(rscdef.Option, content_=value, title=title)


def make(row: dict[str, Any], asked: dict[str, Any]) -> tuple[str, bytes]:
    """Media type and content of what was asked.

    Raises
    ------
    gavo.base.ValidationError
        What was asked makes no sense.
    gavo.protocols.soda.EmptyData
        No pixel lies in the band; becomes HTTP status 204.
    """
    processing = row["processing"]
    if asked.get("FLUXCALIB"):
        processing = _CALIBRATIONS[asked["FLUXCALIB"]][1]
    found = datasets.dataset(row["spectrum_id"], processing)
    if asked.get("BAND") is not None:
        found = cut(found, *asked["BAND"])
    media_type = asked.get("FORMAT") or files.VOTABLE
    return media_type, files.FORMATS[media_type][1](found)


def cut(dataset: Dataset, first: float, last: float) -> Dataset:
    """The pixels between two wavelengths in metres; their row tells of them alone."""
    if not first <= last:
        message = f"two wavelengths in metres, ascending, expected; found {first:g} {last:g}"
        raise base.ValidationError(message, "BAND")
    metres = dataset.columns["spectral_axis"] * _METRES
    inside = (metres >= first) & (metres <= last)
    if not inside.any():
        raise soda.EmptyData
    start, stop = metres[inside][[0, -1]].tolist()
    told = {
        "ssa_specstart": start,
        "ssa_specend": stop,
        "ssa_specmid": (start + stop) / 2,
        "ssa_specext": stop - start,
    }
    if not inside.all():
        told["ssa_creationtype"] = "cutout"
    columns = {name: values[inside] for name, values in dataset.columns.items()}
    return datasets.Dataset(dataset.row | told, columns)
