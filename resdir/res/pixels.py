# noqa: INP001 - DaCHS loads this file by its path
"""What the database holds of one spectrum.

Runs inside DaCHS, under Debian's Python, and so cannot import vospec.
"""

from typing import Any

import numpy as np
from gavo import api, svcs

#: How vospec packs the arrays of the table pixels.
_PACKED = {"spectral_axis": "<f8", "flux": "<f4", "ivar": "<f4", "mask": "?"}

_SPECTRUM = """
SELECT * FROM vospec.spectra JOIN vospec.pixels USING (spectrum_id)
WHERE spectrum_id = %(spectrum_id)s
"""

_RECTIFIED = """
SELECT flux,
  (SELECT array_agg(wavelength ORDER BY element) FROM vospec.grid) AS spectral_axis
FROM vospec.features WHERE spectrum_id = %(spectrum_id)s AND flux IS NOT NULL
"""

Row = dict[str, Any]


def spectrum(spectrum_id: str) -> Row:
    """The columns of spectra and the arrays spectral_axis (vacuum Å), flux, ivar and mask.

    Raises
    ------
    gavo.svcs.UnknownURI
        No spectrum of this identifier has pixels; becomes HTTP status 404.
    """
    row = _one(_SPECTRUM, spectrum_id)
    if row is None:
        message = f"No spectrum {spectrum_id} that has pixels"
        raise svcs.UnknownURI(message)
    for name, kind in _PACKED.items():
        if row[name] is not None:
            row[name] = np.frombuffer(row[name], dtype=kind)
    return row


def rectified(spectrum_id: str) -> Row | None:
    """The arrays spectral_axis (vacuum Å) and flux on the common grid, if there are features."""
    row = _one(_RECTIFIED, spectrum_id)
    if row is None or row["spectral_axis"] is None:
        return None
    return {name: np.array(values, dtype=float) for name, values in row.items()}


def _one(query: str, spectrum_id: str) -> Row | None:
    with api.getTableConn() as connection:
        return next(iter(connection.queryToDicts(query, {"spectrum_id": spectrum_id})), None)
