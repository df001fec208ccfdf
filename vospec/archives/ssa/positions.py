"""Lists of positions: CSV with ra and dec (ICRS) and maybe size (diameter), in degrees."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from vospec.archives.ssa.query import Region
from vospec.errors import PositionListError

COLUMNS = ("ra", "dec")
_BOUNDS = {"ra": (0.0, 360.0), "dec": (-90.0, 90.0), "size": (0.0, 180.0)}


def read_positions(path: str | Path, *, size: float) -> list[Region]:
    """Read a list of positions.

    Parameters
    ----------
    path
        A CSV file; columns of other names are not looked at.
    size
        Diameter in degrees where the list gives none.

    Returns
    -------
    list of Region
        In the order of the list, each once.

    Raises
    ------
    PositionListError
        The file cannot be read, lacks a column, or a line of it is no position.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as stream:
            return list(dict.fromkeys(_regions(stream, path, size)))
    except OSError as fault:
        message = f"{path}: the list of positions cannot be opened: {fault.strerror}"
        raise PositionListError(message) from fault
    except (UnicodeDecodeError, csv.Error) as fault:
        message = f"{path}: expected a list of positions as CSV in UTF-8: {fault}"
        raise PositionListError(message) from fault


def _regions(stream: Iterable[str], path: str | Path, size: float) -> Iterator[Region]:
    rows = csv.DictReader(stream)
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        found = ", ".join(rows.fieldnames or ()) or "nothing"
        message = f"{path}: line 1: expected the columns {', '.join(COLUMNS)}, found {found}"
        raise PositionListError(message)
    for row in rows:
        where = f"{path}: line {rows.line_num}"
        given = row | {"size": row.get("size") or str(size)}
        yield Region(*(_number(given, name, where) for name in _BOUNDS))


def _number(row: dict[str, str], name: str, where: str) -> float:
    least, most = _BOUNDS[name]
    try:
        number = float(row[name])
    except (TypeError, ValueError):
        number = least - 1.0
    if least <= number <= most:
        return number
    message = f"{where}: {name}: expected degrees from {least:g} to {most:g}, found {row[name]!r}"
    raise PositionListError(message)
