"""What services list: around places, where all places of a block are one question, or everywhere.

By TAP the places are uploaded and joined with the archive's table; by SSA, which knows no
uploads, each place is a question. In the end both list :class:`~vospec.archives.ssa.query.Product`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Column, Table

from vospec.archives.ssa import HALPHA_BAND, Region, Transport
from vospec.archives.ssa.query import Found, Product
from vospec.archives.ssa.query import ask as ask_ssa
from vospec.config import ArchiveSettings
from vospec.errors import ConfigurationError, ServiceError
from vospec.verification import tap
from vospec.verification.tap import CutError

#: Rows that a question about everything brings at most; beyond, the sky is divided.
MOST = 100_000
#: Rows that a place brings at most.
MOST_OF_PLACE = 5000
#: The sky is halved so often in both directions at most: cells of some arcminutes.
DEEPEST = 10

_AROUND = """\
SELECT p.number AS v_number, {columns} FROM TAP_UPLOAD.places AS p
JOIN {table} AS t ON {conditions}"""
_ALL = "SELECT {columns} FROM {table} AS t WHERE {conditions}"
_SOME = "SELECT TOP {number} {columns} FROM {table} AS t WHERE {conditions}"
_ADQL_NAME = re.compile(r'(?:[A-Za-z]\w*|"[^"]+")(?:\.(?:[A-Za-z]\w*|"[^"]+"))*')
#: What the columns of a table are, in the order of the setting.
_MEANINGS = ("did", "name", "ra", "dec", "t_min", "t_max", "l_min", "l_max", "url", "format")
_NEEDED = ("did", "ra", "dec")


class Cell(NamedTuple):
    """A part of the sky: from, to, in right ascension and declination, degrees."""

    ra_min: float = 0.0
    ra_max: float = 360.0
    dec_min: float = -90.0
    dec_max: float = 90.0

    @property
    def whole(self) -> bool:
        """Whether it is all of the sky."""
        return self == Cell()

    def parts(self) -> Iterator["Cell"]:
        """Divide it; the whole sky in cells of 45 degrees, for some services refuse larger ones."""
        n_ra, n_dec = (8, 4) if self.whole else (2, 2)
        ra = np.linspace(self.ra_min, self.ra_max, n_ra + 1).tolist()
        dec = np.linspace(self.dec_min, self.dec_max, n_dec + 1).tolist()
        for ra_min, ra_max in pairwise(ra):
            for dec_min, dec_max in pairwise(dec):
                yield Cell(ra_min, ra_max, dec_min, dec_max)

    @property
    def region(self) -> Region | None:
        """A circle that holds it; None for the whole sky."""
        if self.whole:
            return None
        ra, dec = (self.ra_min + self.ra_max) / 2, (self.dec_min + self.dec_max) / 2
        # Of a cell that is no wider than a quarter of the circumference, corners are farthest.
        rim = SkyCoord(
            [self.ra_min, self.ra_min, self.ra_max, self.ra_max],
            [self.dec_min, self.dec_max, self.dec_min, self.dec_max],
            unit="deg",
        )
        radius = SkyCoord(ra, dec, unit="deg").separation(rim).deg.max()
        return Region(ra, dec, min(2.0 * float(radius) * 1.001, 180.0))


class Catalogue(Protocol):
    """Who lists spectra.

    Attributes
    ----------
    key
        What tells its answers from those of others.
    url
        Its address.
    block
        Places of one question at most.
    """

    key: str
    url: str
    block: int

    def around(self, places: Sequence[Region]) -> list[Found]:
        """List what is around places, one answer for each."""

    def within(self, cell: Cell) -> Found:
        """List what is in a part of the sky."""

    def some(self, number: int) -> Found:
        """List some of all."""


class SsaCatalogue:
    """A service of Simple Spectral Access."""

    block = 1

    def __init__(self, transport: Transport, url: str) -> None:
        self.key = self.url = url
        self._transport = transport

    def around(self, places: Sequence[Region]) -> list[Found]:
        """List what is around places."""
        return [_covering(ask_ssa(self._transport, self.url, one, HALPHA_BAND)) for one in places]

    def within(self, cell: Cell) -> Found:
        """List what is in a part of the sky."""
        return _covering(ask_ssa(self._transport, self.url, cell.region, HALPHA_BAND))

    def some(self, number: int) -> Found:
        """List some of all."""
        found = ask_ssa(self._transport, self.url, None, HALPHA_BAND, most=number)
        return _covering(found)._replace(cut=False)


def _covering(found: Found) -> Found:
    return Found([one for one in found.products if one.covers(HALPHA_BAND)], found.cut)


class TapCatalogue:
    """A table of a TAP service.

    Parameters
    ----------
    transport
        Carries the questions.
    section
        Address, table, columns, conditions.

    Raises
    ------
    ConfigurationError
        A name is no name of ADQL, or a column is missing.
    """

    def __init__(self, transport: Transport, section: ArchiveSettings) -> None:
        self._transport, self.url, self.block = transport, section.url, section.block
        self.key = " ".join([section.url, section.table, *section.only])
        self._table = _adql_name(section.table)
        self._columns = _columns(section.columns)
        self._only = [_condition(one) for one in section.only]

    def around(self, places: Sequence[Region]) -> list[Found]:
        """List what is around places.

        Raises
        ------
        ServiceError
            As :func:`vospec.verification.tap.ask`.
        """
        radius = max(one.size for one in places) / 2
        ra, dec = ([getattr(one, name) for one in places] for name in ("ra", "dec"))
        given = {"number": np.arange(len(places)), "ra": ra, "dec": dec}
        near = (
            f"1 = CONTAINS(POINT('ICRS', t.{self._columns['ra']}, t.{self._columns['dec']}), "
            f"CIRCLE('ICRS', p.ra, p.dec, {radius:.9f}))"
        )
        query = _AROUND.format(
            columns=self._select, table=self._table, conditions=" AND ".join([near, *self._only])
        )
        found = self._ask(
            query, MOST_OF_PLACE * len(places), ("v_number",), {"places": Table(given)}
        )
        numbers = np.asarray(found["v_number"], dtype=np.int64)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(places):
            message = f"{self.url}: expected the numbers of {len(places)} places, found others"
            raise ServiceError(message)
        products = _products(found)
        return [
            _covering(Found([products[row] for row in np.flatnonzero(numbers == n)], cut=False))
            for n in range(len(places))
        ]

    def within(self, cell: Cell) -> Found:
        """List what is in a part of the sky.

        Raises
        ------
        ServiceError
            As :func:`vospec.verification.tap.ask`, but a cut answer is told.
        """
        conditions = [
            f"t.{self._columns['ra']} BETWEEN {cell.ra_min:.9f} AND {cell.ra_max:.9f}",
            f"t.{self._columns['dec']} BETWEEN {cell.dec_min:.9f} AND {cell.dec_max:.9f}",
            *self._only,
        ]
        query = _ALL.format(
            columns=self._select, table=self._table, conditions=" AND ".join(conditions)
        )
        try:
            return _covering(Found(_products(self._ask(query, MOST)), cut=False))
        except CutError:
            return Found([], cut=True)

    def some(self, number: int) -> Found:
        """List some of all.

        Raises
        ------
        ServiceError
            As :func:`vospec.verification.tap.ask`.
        """
        conditions = " AND ".join([f"t.{self._columns['ra']} IS NOT NULL", *self._only])
        query = _SOME.format(
            columns=self._select, table=self._table, conditions=conditions, number=number
        )
        return _covering(Found(_products(self._ask(query, number)), cut=False))

    @property
    def _select(self) -> str:
        return ", ".join(f"t.{column} AS v_{name}" for name, column in self._columns.items())

    def _ask(
        self,
        query: str,
        most: int,
        more: tuple[str, ...] = (),
        uploads: dict[str, Table] | None = None,
    ) -> Table:
        columns = (*more, *(f"v_{name}" for name in self._columns))
        return tap.ask(
            self._transport, self.url, query=query, columns=columns, uploads=uploads, most=most
        )


def _adql_name(given: str) -> str:
    if not _ADQL_NAME.fullmatch(given):
        message = f"expected the name of a table or column in ADQL, found {given!r}"
        raise ConfigurationError(message)
    return given


def _columns(given: Sequence[str]) -> dict[str, str]:
    """Columns by what they are; those that the table lacks are left out."""
    if len(given) != len(_MEANINGS):
        message = f"expected {len(_MEANINGS)} columns ({', '.join(_MEANINGS)}), found {len(given)}"
        raise ConfigurationError(message)
    columns = {
        name: _adql_name(column)
        for name, column in zip(_MEANINGS, given, strict=True)
        if column.strip()
    }
    if missing := [name for name in _NEEDED if name not in columns]:
        message = f"expected the columns {', '.join(_NEEDED)}, found no {', '.join(missing)}"
        raise ConfigurationError(message)
    return columns


def _condition(given: str) -> str:
    """``t.obs_collection = 'LAMOST'`` of ``obs_collection=LAMOST``."""
    column, sign, value = (part.strip() for part in given.partition("="))
    if not sign:
        message = f"expected a condition as column=value, found {given!r}"
        raise ConfigurationError(message)
    literal = value.replace("'", "''")
    return f"t.{_adql_name(column)} = '{literal}'"


def _products(found: Table) -> list[Product]:
    """The rows of an answer; those without identifier or position are of no use."""
    texts = {name: _texts(found, f"v_{name}") for name in ("did", "name", "url", "format")}
    numbers = {name: _numbers(found, f"v_{name}") for name in ("ra", "dec", "t_min", "t_max")}
    lengths = {name: _numbers(found, f"v_{name}", units.AA) for name in ("l_min", "l_max")}
    return [
        Product(
            publisher_did=texts["did"][row],
            access_url=texts["url"][row],
            access_format=texts["format"][row].lower(),
            start=lengths["l_min"][row],
            stop=lengths["l_max"][row],
            ra=numbers["ra"][row],
            dec=numbers["dec"][row],
            mjd=_middle(numbers["t_min"][row], numbers["t_max"][row]),
            name=texts["name"][row],
        )
        for row in range(len(found))
    ]


def _middle(begin: float, end: float) -> float:
    return begin if math.isnan(end) else end if math.isnan(begin) else (begin + end) / 2


def _texts(found: Table, name: str) -> list[str]:
    if name not in found.colnames:
        return [""] * len(found)
    return ["" if np.ma.is_masked(value) else str(value).strip() for value in found[name]]


def _numbers(found: Table, name: str, unit: units.Unit | None = None) -> list[float]:
    """A column as numbers, NaN where there is none; lengths are in m where no unit is told."""
    if name not in found.colnames:
        return [math.nan] * len(found)
    column: Column = found[name]
    try:
        scale = 1.0 if unit is None else float((column.unit or units.m).to(unit))
        filled = np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan)
    except (TypeError, ValueError, units.UnitConversionError) as fault:
        message = f"{name}: expected numbers, found {column.dtype} in {column.unit} ({fault})"
        raise ServiceError(message) from fault
    return [float(value) for value in scale * filled]
