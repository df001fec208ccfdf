"""Of the sources near each position: the nearest, its separation, how many there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import Table
from numpy.typing import NDArray

from vospec.columns import ANSWERS, FOUND, NOTHING
from vospec.store import arrow_schema

#: What a source gives, by our names.
TOLD = (
    "main_id",
    "otype",
    "otypes",
    "sp_type",
    "radial_velocity",
    "n_references",
    "updated",
)
#: What an answer to one position has, without what it was asked about and when.
SCHEMA = pa.schema(
    [arrow_schema(ANSWERS).field(name) for name in ("state", "separation", "n_sources", *TOLD)]
)


@dataclass(frozen=True)
class Positions:
    """Places on the sky, ICRS, degrees."""

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ra)

    def some(self, rows: slice | NDArray[Any]) -> "Positions":
        """Some of the places."""
        return Positions(self.ra[rows], self.dec[rows])


def separations(
    one: Positions, ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Angles between places in arcseconds, by the haversine formula, which is exact for small."""
    first, second = np.radians(one.dec), np.radians(dec)
    across = np.cos(first) * np.cos(second) * np.sin(np.radians(ra - one.ra) / 2) ** 2
    squared = np.sin((second - first) / 2) ** 2 + across
    return np.asarray(np.degrees(2 * np.arcsin(np.sqrt(np.clip(squared, 0, 1)))) * 3600)


def nearest(
    numbers: NDArray[np.int_], separation: NDArray[np.float64], n: int
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Of matches the nearest for each position.

    Parameters
    ----------
    numbers : (m,) int
        The position of each match, from 0.
    separation : (m,) float
        Its separation.
    n : int
        Number of positions.

    Returns
    -------
    (n,) int
        Row of the nearest match, -1 where there is none.
    (n,) int
        Number of matches.
    """
    order = np.lexsort((separation, numbers))
    found, first = np.unique(numbers[order], return_index=True)
    rows = np.full(n, -1)
    rows[found] = order[first]
    return rows, np.bincount(numbers, minlength=n)


def answered(
    rows: NDArray[np.int_],
    counts: NDArray[np.int_],
    separation: NDArray[np.float64],
    told: Mapping[str, list[Any]],
) -> pa.Table:
    """Answers to all positions.

    Parameters
    ----------
    rows, counts : (n,) int
        As :func:`nearest` gives them.
    separation : (m,) float
        Of the matches.
    told : mapping
        What the matches give, by names of :data:`TOLD`; what is not given is null.
    """
    known = rows >= 0
    taken = [int(row) if is_known else None for row, is_known in zip(rows, known, strict=True)]
    columns: dict[str, Any] = {
        "state": np.where(known, FOUND, NOTHING),
        "separation": pa.array(np.append(separation, 0.0)[rows], mask=~known),
        "n_sources": counts,
    }
    for name in TOLD:
        values = told.get(name)
        of_row = [None if row is None or values is None else values[row] for row in taken]
        columns[name] = pa.array(of_row, SCHEMA.field(name).type)
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


def texts(table: Table, name: str) -> list[str | None]:
    """A column as texts; what is empty is none."""
    return _values(table, name, lambda value: str(value).strip() or None)


def numbers(table: Table, name: str, kind: type[int] | type[float]) -> list[Any]:
    """A column as numbers; what is no number is none."""
    return _values(table, name, lambda value: _number(value, kind))


def times(table: Table, name: str) -> list[datetime | None]:
    """A column of dates or times (ISO 8601) as times; what is none of these is none."""
    return _values(table, name, _time)


def _values(table: Table, name: str, read: Callable[[Any], Any]) -> list[Any]:
    column = table[name]
    masked = np.broadcast_to(np.ma.getmaskarray(np.ma.asarray(column)), len(column))
    values = column.tolist()
    return [None if no else read(value) for value, no in zip(values, masked, strict=True)]


def _number(value: Any, kind: type[int] | type[float]) -> int | float | None:  # noqa: ANN401 - whatever a service gives
    try:
        return kind(value) if np.isfinite(float(value)) else None
    except (TypeError, ValueError):
        return None


def _time(value: Any) -> datetime | None:  # noqa: ANN401 - as above
    try:
        time = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
