"""Lists of known stars: tables of VizieR, or files, by the positions of their stars.

A table is known by its name (``J/A+A/643/A122/table1``), or by that of its catalogue where one
table of it alone has positions. Which columns are positions is told by their UCDs, or else by
their names; they are degrees, or sexagesimal texts of hours and degrees, in ICRS (J2000 is the
same within some hundredths of an arcsecond) or, where they say 1950, in FK4.
"""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units
from astropy.coordinates import FK4, SkyCoord
from astropy.table import Table

from vospec.archives.ssa.transport import Transport
from vospec.errors import CatalogueError
from vospec.verification import sources, tap
from vospec.verification.sources import Positions

#: Rows of a list at most.
MOST_ROWS = 1_000_000

_FORMATS = {
    ".csv": "ascii.csv",
    ".ecsv": "ascii.ecsv",
    ".fits": "fits",
    ".fit": "fits",
    ".vot": "votable",
    ".votable": "votable",
    ".xml": "votable",
}
_AXES = ("ra", "dec")
#: UCDs of positions, UCD1+ and UCD1, and names that are used for them, the best first.
_UCDS = {
    "ra": ("pos.eq.ra;meta.main", "pos_eq_ra_main", "pos.eq.ra"),
    "dec": ("pos.eq.dec;meta.main", "pos_eq_dec_main", "pos.eq.dec"),
}
_NAMES = {
    "ra": ("ra_icrs", "raj2000", "_raj2000", "_ra", "ra", "radeg", "rab1950"),
    "dec": ("de_icrs", "dej2000", "_dej2000", "_de", "dec", "dedeg", "deb1950"),
}
_NAME_UCDS = ("meta.id;meta.main", "id_main", "meta.id")
_NAME_NAMES = ("name", "main_id", "star", "id", "hd")
#: A place that is not told.
_NONE = {None, "nan", "inf", "-inf"}
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")


@dataclass(frozen=True)
class KnownList:
    """A list of stars.

    Attributes
    ----------
    name : str
        The table or file.
    stars : tuple of n texts
        What the list calls them, or its row numbers from 1.
    positions : Positions
        Where they are.
    n_skipped : int
        Rows without a position.
    """

    name: str
    stars: tuple[str, ...]
    positions: Positions
    n_skipped: int


@dataclass(frozen=True)
class _Column:
    """A column as a service or file describes it."""

    name: str
    ucd: str
    unit: str


def is_file(name: str) -> bool:
    """Whether a list is a file, be it there or not, and not a table of a service."""
    return Path(name).is_file() or Path(name).suffix.lower() in _FORMATS


def from_file(path: Path) -> KnownList:
    """Read a list from a CSV, ECSV, VOTable or FITS file.

    Raises
    ------
    CatalogueError
        It cannot be read, or has no positions.
    """
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        message = f"{path}: expected a name that ends with {', '.join(_FORMATS)}"
        raise CatalogueError(message)
    try:
        with warnings.catch_warnings():
            # Units and headers of others are often bent; positions are looked at below.
            warnings.simplefilter("ignore")
            table = Table.read(path, format=kind)
    # Each format has faults of its own kind.
    except Exception as fault:
        reason = " ".join(str(fault).split()) or type(fault).__name__
        message = f"{path}: cannot be read as {kind.removeprefix('ascii.')}: {reason}"
        raise CatalogueError(message) from fault
    columns = [
        _Column(name, str(table[name].meta.get("ucd", "")), str(table[name].unit or ""))
        for name in table.colnames
    ]
    return _known(str(path), table, columns)


def from_tap(transport: Transport, url: str, name: str) -> KnownList:
    """Read a list from a TAP service.

    Parameters
    ----------
    transport
        Carries the questions.
    url
        Base address of the service.
    name
        A table, or a catalogue of which one table alone has positions.

    Raises
    ------
    CatalogueError
        There is no such table, or none or several with positions.
    ServiceError
        As :func:`tap.ask`.
    """
    found = _tables(transport, url, name)
    usable = {
        table: columns for table, columns in found.items() if _positions_of(columns) is not None
    }
    if len(usable) != 1:
        what = "several tables with positions, name one" if usable else "no table with positions"
        message = f"{name} at {url}: {what}: {', '.join(usable or found) or 'no table at all'}"
        raise CatalogueError(message)
    ((table, columns),) = usable.items()
    wanted = [*(_positions_of(columns) or ()), *_name_of(columns)]
    query = f"SELECT {', '.join(_delimited(c.name) for c in wanted)} FROM {_delimited(table)}"  # noqa: S608 - ADQL, delimited
    rows = tap.ask(transport, url, query=query, most=MOST_ROWS)
    for column, given in zip(wanted, rows.colnames, strict=True):
        rows[given].name = column.name
    return _known(table.strip('"'), rows, wanted)


def _tables(transport: Transport, url: str, name: str) -> dict[str, list[_Column]]:
    """Columns of a table, or of the tables of a catalogue."""
    # Some services tell names as they must be written, others as they are.
    plain, delimited = (_quoted(f"{quote}{name}%") for quote in ("", '"'))
    rows = tap.ask(
        transport,
        url,
        query=(
            "SELECT table_name, column_name, ucd, unit FROM TAP_SCHEMA.columns"  # noqa: S608 - ADQL, quoted
            f" WHERE table_name LIKE {plain} OR table_name LIKE {delimited}"
        ),
        columns=("table_name", "column_name", "ucd", "unit"),
        most=MOST_ROWS,
    )
    told = [sources.texts(rows, column) for column in rows.colnames]
    tables: dict[str, list[_Column]] = {}
    for table, column, ucd, unit in zip(*told, strict=True):
        bare = (table or "").strip('"')
        if bare == name or bare.startswith((f"{name}/", f"{name}.")):
            described = _Column((column or "").strip('"'), ucd or "", unit or "")
            tables.setdefault(table or "", []).append(described)
    exact = {table: columns for table, columns in tables.items() if table.strip('"') == name}
    return exact or tables


def _known(name: str, table: Table, columns: Sequence[_Column]) -> KnownList:
    axes = _positions_of(columns)
    if axes is None:
        found = ", ".join(column.name for column in columns) or "none"
        message = (
            f"{name}: expected columns of UCD pos.eq.ra and pos.eq.dec, or ra and dec, "
            f"found {found}"
        )
        raise CatalogueError(message)
    names = _name_of(columns)
    stars = sources.texts(table, names[0].name) if names else [None] * len(table)
    told = [star or str(number) for number, star in enumerate(stars, start=1)]
    given = [sources.texts(table, axis.name) for axis in axes]
    rows = [row for row, both in enumerate(zip(*given, strict=True)) if not _NONE & set(both)]
    try:
        at = _sky([[values[row] for row in rows] for values in given], axes)
    except ValueError as fault:
        message = f"{name}: {axes[0].name} and {axes[1].name}: expected positions: {fault}"
        raise CatalogueError(message) from fault
    return KnownList(name, tuple(told[row] for row in rows), at, len(table) - len(rows))


def _sky(given: Sequence[Sequence[str | None]], axes: Sequence[_Column]) -> Positions:
    """Positions in ICRS of texts of numbers, or of sexagesimal texts."""
    ra, dec = ([str(value) for value in values] for values in given)
    try:
        angles = [
            np.array(values, dtype=np.float64) * _degrees(axis.unit)
            for values, axis in zip((ra, dec), axes, strict=True)
        ]
        at = SkyCoord(*angles, unit="deg", frame=_frame(axes))
    except ValueError:
        at = SkyCoord(ra, dec, unit=(units.hourangle, units.deg), frame=_frame(axes))
    return Positions(np.atleast_1d(at.icrs.ra.deg), np.atleast_1d(at.icrs.dec.deg))


def _degrees(unit: str) -> float:
    """Degrees of a unit; of numbers without one, or with one of texts (h:m:s), they are it."""
    if unit == "h":
        return 15.0
    try:
        return float(units.Unit(unit).to(units.deg))
    except (ValueError, units.UnitConversionError):
        return 1.0


def _frame(axes: Sequence[_Column]) -> Any:  # noqa: ANN401 - a frame of astropy
    return FK4(equinox="B1950") if "1950" in axes[0].name else "icrs"


def _positions_of(columns: Iterable[_Column]) -> tuple[_Column, _Column] | None:
    known = list(columns)
    found = [_best(known, _UCDS[axis], _NAMES[axis]) for axis in _AXES]
    return None if None in found else (found[0], found[1])  # type: ignore[return-value]


def _name_of(columns: Iterable[_Column]) -> list[_Column]:
    found = _best(list(columns), _NAME_UCDS, _NAME_NAMES)
    return [found] if found else []


def _best(columns: Sequence[_Column], ucds: Sequence[str], names: Sequence[str]) -> _Column | None:
    """The column of the best UCD, or else of the best name."""
    by_ucd: Mapping[str, _Column] = {c.ucd.lower(): c for c in reversed(columns)}
    by_name = {c.name.lower(): c for c in reversed(columns)}
    found = [by_ucd[ucd] for ucd in ucds if ucd in by_ucd]
    return next(iter([*found, *(by_name[name] for name in names if name in by_name)]), None)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _delimited(name: str) -> str:
    if name.startswith('"') or _IDENTIFIER.fullmatch(name):
        return name
    return '"' + name.replace('"', '""') + '"'
