"""What SIMBAD knows of positions: two questions to its TAP service for a block of them.

The first uploads the positions with numbers of ours and joins them with the table ``basic``;
an outer join, so that every position must come back: what is missing was cut, whether the
service says so or not. The second uploads the nearest sources and asks for all their types
in the table ``otypes``. Separations are computed here.

SIMBAD's columns are told by its TAP_SCHEMA; of its limits (200 000 uploaded rows, 2 000 000
rows of an answer, some requests a second) the first two are far above what is asked here.
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import Table
from numpy.typing import NDArray

from vospec.archives.ssa.transport import Transport
from vospec.columns import OBJECT_TYPES
from vospec.errors import ServiceError
from vospec.store import arrow_schema
from vospec.verification import sources, tap
from vospec.verification.sources import Positions
from vospec.verification.tap import CutError

#: What is taken of the table basic, beside the position.
_COLUMNS = ("main_id", "otype", "sp_type", "rvz_radvel", "nbref", "update_date")
_NEAR = """\
SELECT p.number, b.oid, b.ra, b.dec, {columns}
FROM TAP_UPLOAD.positions AS p
LEFT OUTER JOIN basic AS b
ON 1 = CONTAINS(POINT('ICRS', b.ra, b.dec), CIRCLE('ICRS', p.ra, p.dec, {radius:.9f}))"""
_TYPES = """\
SELECT s.oid, t.otype FROM TAP_UPLOAD.sources AS s
LEFT OUTER JOIN otypes AS t ON t.oidref = s.oid"""
_HIERARCHY = "SELECT otype, label, description, is_candidate, path FROM otypedef"

#: Rows of an answer at most: sources that lie within one radius, types that one source has.
_MOST_NEAR = 20
_MOST_TYPES = 50
_MOST = 1000


class Simbad:
    """SIMBAD by TAP.

    Parameters
    ----------
    transport : Transport
        Carries the questions.
    url : str
        Base address of the service, without ``/sync``.
    block : int
        Positions of one question at most.
    """

    def __init__(self, transport: Transport, url: str, *, block: int) -> None:
        self.transport, self.url, self.block = transport, url, block

    def ask(self, positions: Positions, radius_arcsec: float) -> pa.Table:
        """Ask about one block of positions.

        Returns
        -------
        pyarrow.Table
            A row for each position, in their order, in :data:`sources.SCHEMA`.

        Raises
        ------
        CutError
            The service gives only a part of what it has.
        ServiceError
            As :func:`tap.ask`.
        """
        near = self._near(positions, radius_arcsec)
        number = np.asarray(near["number"], dtype=np.int64)
        self._require_all(number, len(positions), "positions")
        near = near[~_missing(near, "oid")]
        number = np.asarray(near["number"], dtype=np.int64)
        at = (np.asarray(near[name], dtype=np.float64) for name in ("ra", "dec"))
        separation = sources.separations(positions.some(number), *at)
        rows, counts = sources.nearest(number, separation, len(positions))
        told = _told(near)
        oids = [int(oid) for oid in near["oid"]]
        types = self._types(sorted({oids[row] for row in rows if row >= 0}))
        mains = zip(oids, told["otype"], strict=True)
        told["otypes"] = [_joined(types.get(oid, set()), main) for oid, main in mains]
        return sources.answered(rows, counts, separation, told)

    def types(self) -> pa.Table:
        """Ask for the hierarchy of object types.

        Returns
        -------
        pyarrow.Table
            In the columns of :data:`vospec.columns.OBJECT_TYPES`.

        Raises
        ------
        ServiceError
            As :func:`tap.ask`, or there are no types.
        """
        columns = ("otype", "label", "description", "is_candidate", "path")
        found = tap.ask(
            self.transport, self.url, query=_HIERARCHY, columns=columns, most=100 * _MOST
        )
        if not len(found):
            message = f"{self.url}: expected object types in otypedef, found none"
            raise ServiceError(message)
        candidates = sources.numbers(found, "is_candidate", int)
        given: dict[str, Any] = {name: sources.texts(found, name) for name in columns}
        given["is_candidate"] = [bool(value) for value in candidates]
        given["taken_at"] = [datetime.now(UTC)] * len(found)
        return pa.table(given, schema=arrow_schema(OBJECT_TYPES))

    def _near(self, positions: Positions, radius_arcsec: float) -> Table:
        columns = ", ".join(f"b.{name}" for name in _COLUMNS)
        given = {"number": np.arange(len(positions)), "ra": positions.ra, "dec": positions.dec}
        return tap.ask(
            self.transport,
            self.url,
            query=_NEAR.format(columns=columns, radius=radius_arcsec / 3600),
            columns=("number", "oid", "ra", "dec", *_COLUMNS),
            uploads={"positions": Table(given)},
            most=_MOST + _MOST_NEAR * len(positions),
        )

    def _types(self, oids: list[int]) -> dict[int, set[str]]:
        if not oids:
            return {}
        found = tap.ask(
            self.transport,
            self.url,
            query=_TYPES,
            columns=("oid", "otype"),
            uploads={"sources": Table({"oid": np.array(oids, dtype=np.int64)})},
            most=_MOST + _MOST_TYPES * len(oids),
        )
        numbers = {oid: number for number, oid in enumerate(oids)}
        given = [numbers.get(int(oid), -1) for oid in found["oid"]]
        self._require_all(np.array(given, dtype=np.int64), len(oids), "sources")
        types: dict[int, set[str]] = {}
        for oid, otype in zip(found["oid"], sources.texts(found, "otype"), strict=True):
            types.setdefault(int(oid), set()).update({otype} if otype else ())
        return types

    def _require_all(self, numbers: NDArray[np.int64], n: int, what: str) -> None:
        """Raise CutError unless every one of what was uploaded is in an answer."""
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= n):
            message = f"{self.url}: expected the numbers of {n} {what}, found others"
            raise ServiceError(message)
        if n_lost := n - len(np.unique(numbers)):
            message = f"{self.url}: the answer lacks {n_lost} of {n} {what}"
            raise CutError(message)


def _missing(table: Table, name: str) -> NDArray[np.bool_]:
    return np.array([value is None for value in sources.texts(table, name)], dtype=bool)


def _told(near: Table) -> dict[str, list[Any]]:
    return {
        "main_id": sources.texts(near, "main_id"),
        "otype": sources.texts(near, "otype"),
        "sp_type": sources.texts(near, "sp_type"),
        "radial_velocity": sources.numbers(near, "rvz_radvel", float),
        "n_references": sources.numbers(near, "nbref", int),
        "updated": sources.times(near, "update_date"),
    }


def _joined(types: set[str], main: str | None) -> str | None:
    return "|".join(sorted(types | ({main} if main else set()))) or None
