# noqa: INP001 - DaCHS loads this file by its path
"""What the database holds of spectra: each as it was delivered, and each that is rectified.

Runs inside DaCHS, under Debian's Python, and so cannot import vospec.
"""

import urllib.parse
from dataclasses import dataclass
from typing import Any

import numpy as np
from gavo import api, base, svcs
from numpy.typing import NDArray

DELIVERED, RECTIFIED = "delivered", "rectified"

#: How vospec packs the arrays of the table pixels.
_PACKED = {"spectral_axis": "<f8", "flux": "<f4", "ivar": "<f4", "mask": "?"}

_ROW = """
SELECT spectra.ra, spectra.dec, archive_subclass, reason, ssa_spectra.*
FROM vospec.ssa_spectra JOIN vospec.spectra USING (spectrum_id)
WHERE spectrum_id = %(spectrum_id)s AND processing = %(processing)s
"""

_PIXELS = """
SELECT spectral_axis, flux, ivar, mask FROM vospec.pixels WHERE spectrum_id = %(spectrum_id)s
"""

_FEATURES = """
SELECT (SELECT array_agg(wavelength ORDER BY element) FROM vospec.grid) AS spectral_axis, flux
FROM vospec.features WHERE spectrum_id = %(spectrum_id)s
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Dataset:
    """One spectrum: its row of ssa_spectra and, pixel by pixel, the columns of its table.

    ``spectral_axis`` (vacuum Å) and ``flux`` are always there; ``flux_error``, ``ivar`` and
    ``mask`` (true where a pixel is bad) where the archive gives them.
    """

    row: Row
    columns: dict[str, NDArray[Any]]


def named(identifier: str) -> tuple[str, str]:
    """The spectrum_id and the processing of a publisher DID, or of a spectrum_id alone."""
    prefix = f"ivo://{base.getConfig('ivoa', 'authority')}/~?vospec/q/"
    if identifier.startswith(prefix):
        identifier = urllib.parse.unquote(identifier.removeprefix(prefix))
    if identifier.startswith(f"{RECTIFIED}/"):
        return identifier.removeprefix(f"{RECTIFIED}/"), RECTIFIED
    return identifier, DELIVERED


def row(spectrum_id: str, processing: str) -> Row | None:
    """The row of ssa_spectra with what spectra tells beside it, if there is one."""
    return one(_ROW, spectrum_id=spectrum_id, processing=processing)


def dataset(spectrum_id: str, processing: str) -> Dataset:
    """The spectrum in full.

    Raises
    ------
    gavo.svcs.UnknownURI
        There is none; becomes HTTP status 404.
    """
    found = row(spectrum_id, processing)
    if found is None:
        kind = "has pixels" if processing == DELIVERED else "is rectified"
        message = f"No spectrum {spectrum_id} that {kind}"
        raise svcs.UnknownURI(message)
    return Dataset(found, columns(spectrum_id, processing))


def columns(spectrum_id: str, processing: str) -> dict[str, NDArray[Any]]:
    """The columns of a spectrum that is there."""
    if processing == RECTIFIED:
        found = one(_FEATURES, spectrum_id=spectrum_id) or {}
        return {"spectral_axis": np.array(found["spectral_axis"]), "flux": _real(found["flux"])}
    found = one(_PIXELS, spectrum_id=spectrum_id) or {}
    given = {name: found[name] for name in _PACKED if found[name] is not None}
    arrays = {name: np.frombuffer(given[name], dtype=_PACKED[name]) for name in given}
    if "ivar" in arrays:
        arrays["flux_error"] = _error(arrays["ivar"])
    order = ("spectral_axis", "flux", "flux_error", "ivar", "mask")
    return {name: arrays[name] for name in order if name in arrays}


def _error(ivar: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation; NaN where it is unknown, which is an inverse variance of 0."""
    return _real(np.where(ivar > 0, ivar, np.nan) ** -0.5)


def _real(values: Any) -> NDArray[np.float32]:  # noqa: ANN401 - whatever numpy takes
    return np.asarray(values, dtype=np.float32)


def one(query: str, **parameters: Any) -> Row | None:  # noqa: ANN401 - whatever PostgreSQL takes
    """The first row of an answer, if there is one."""
    return next(iter(rows(query, **parameters)), None)


def rows(query: str, **parameters: Any) -> list[Row]:  # noqa: ANN401 - as above
    """The rows of an answer."""
    with api.getTableConn() as connection:
        return list(connection.queryToDicts(query, parameters))
