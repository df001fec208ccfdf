"""Header data units of FITS files: images and binary tables as numpy arrays.

A reader of what archives of spectra need and no more: astropy.io.fits takes 1 … 4 ms a
file, most of it for objects that nobody here asks for; ``tests/benchmarks/reading.py``
compares. Section numbers are those of the FITS Standard 4.0 (IAU FITS Working Group,
2018).

Arrays are views of the file's bytes or, where they are scaled, as large as those. Every
size that a header states is compared with the size of the file before it is used.
"""

import math
import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vospec.archives.headers import BLOCK, Header, Value
from vospec.errors import UnreadableFileError

_MAGIC = b"SIMPLE  ="
_EXTENSION = b"XTENSION"
#: BITPIX (4.4.1.1) and the numbers it stands for (5.2, 5.3), most significant byte first.
_PIXELS = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
#: Forms of columns (7.3.1): numbers, and the widths in bytes of all but bits.
_NUMBERS = {"B": ">u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_WIDTHS = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8}
_WIDTHS |= {"C": 8, "M": 16, "P": 8, "Q": 16}
_FORM = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])(.*)")
_MOST_AXES = _MOST_COLUMNS = 999
_MOST_HDUS = 1000

Array = NDArray[Any]


class Scale(NamedTuple):
    """Physical values are ``zero + factor * stored``; a stored ``blank`` has none."""

    factor: float
    zero: float
    blank: Value | None


class Field(NamedTuple):
    """A column of a binary table: name, unit, form, scale, and place in the row."""

    name: str
    unit: str | None
    form: str
    repeat: int
    scale: Scale
    start: int


class Hdu:
    """One header data unit.

    Parameters
    ----------
    content
        The whole file.
    start
        Where the unit begins.

    Raises
    ------
    UnreadableFileError
        A mandatory card is missing or nonsense, or the file ends before the data.
    """

    def __init__(self, content: bytes, start: int) -> None:
        self.header = Header(content, start)
        self._content = content
        bitpix = self.header.value("BITPIX")
        if type(bitpix) is not int or bitpix not in _PIXELS:
            message = f"BITPIX: expected one of {', '.join(map(str, _PIXELS))}, found {bitpix}"
            raise UnreadableFileError(message)
        self._bitpix = bitpix
        axes = self.header.count("NAXIS", _MOST_AXES)
        #: Axes as numpy counts them: the last runs fastest (5).
        self.shape = tuple(
            self.header.count(f"NAXIS{axis}", len(content)) for axis in range(axes, 0, -1)
        )
        self._data = self.header.stop
        size = self._size()
        if self._data + size > len(content):
            message = (
                f"data at byte {self._data}: expected {size} bytes (NAXIS {self.shape[::-1]}, "
                f"BITPIX {self._bitpix}), found {max(0, len(content) - self._data)}"
            )
            raise UnreadableFileError(message)
        #: Where the next unit begins: data fill whole blocks (3.3.2).
        self.stop = self._data + -(-size // BLOCK) * BLOCK

    @property
    def name(self) -> str:
        """EXTNAME, upper case as it is compared (4.4.2.6); empty where there is none."""
        return str(self.header.value("EXTNAME") or "").upper()

    @property
    def is_table(self) -> bool:
        """Whether it is a binary table (7.3)."""
        return self.header.value("XTENSION") == "BINTABLE" and len(self.shape) == 2  # noqa: PLR2004 - rows and bytes

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of a table's columns, as they stand; none where it is no table."""
        return tuple(field.name for field in self._fields.values()) if self.is_table else ()

    def unit(self, column: str) -> str | None:
        """Unit of a column."""
        return self._field(column).unit

    def image(self) -> Array:
        """The array of an image, scaled; pixels without a value are NaN.

        Returns
        -------
        (…) array
            As stored, or float64 where BSCALE, BZERO (4.4.2.5) or BLANK say so.
        """
        pixels = np.frombuffer(
            self._content, _PIXELS[self._bitpix], math.prod(self.shape), self._data
        ).reshape(self.shape)
        return _scaled(pixels, _scale(self.header, "BSCALE", "BZERO", "BLANK"))

    def column(self, name: str) -> Array:
        """A table's column of numbers, scaled; elements without a value are NaN.

        Parameters
        ----------
        name
            In any case (7.3.2).

        Returns
        -------
        (n_rows,) or (n_rows, repeat) array
            As stored, or float64 where TSCALn, TZEROn or TNULLn (7.3.2) say so.

        Raises
        ------
        UnreadableFileError
            No such column, or not one of numbers of fixed length.
        """
        field = self._field(name)
        if field.form not in _NUMBERS:
            message = f"column {field.name}: expected numbers, found TFORM {field.form}"
            raise UnreadableFileError(message)
        scaled = _scaled(self._stored(field, _NUMBERS[field.form]), field.scale)
        return scaled[:, 0] if field.repeat == 1 else scaled

    def texts(self, name: str) -> list[str]:
        """A table's column of characters, without the blanks or NULs behind (7.3.3.1).

        Raises
        ------
        UnreadableFileError
            No such column, or not one of characters.
        """
        field = self._field(name)
        if field.form != "A":
            message = f"column {field.name}: expected characters, found TFORM {field.form}"
            raise UnreadableFileError(message)
        rows = self._stored(field, ">u1")
        return [row.tobytes().split(b"\0")[0].decode("latin-1").rstrip(" ") for row in rows]

    @property
    def _fields(self) -> dict[str, Field]:
        return _fields(self.header.raw, self.shape[1])

    def _field(self, name: str) -> Field:
        found = self._fields.get(name.upper())
        if found is None:
            message = f"expected a column {name}, found {', '.join(self.columns) or 'none'}"
            raise UnreadableFileError(message)
        return found

    def _stored(self, field: Field, number: str) -> Array:
        rows, width = self.shape
        return np.ndarray(
            (rows, field.repeat),
            number,
            self._content,
            self._data + field.start,
            (width, np.dtype(number).itemsize),
        )

    def _size(self) -> int:
        """Bytes of the data without the filling (4.4.1.2, equation 2)."""
        if not self.shape:
            return 0
        if self.header.value("GROUPS") is True and self.shape[-1] == 0:
            message = "expected an image or a table, found random groups (GROUPS = T)"
            raise UnreadableFileError(message)
        extra = self._optional_count("PCOUNT", 0, len(self._content))
        # Only random groups have other than one (4.4.1.2, 7.3.1).
        if (groups := self._optional_count("GCOUNT", 1, len(self._content))) != 1:
            message = f"GCOUNT: expected 1, found {groups}"
            raise UnreadableFileError(message)
        return abs(self._bitpix) // 8 * (extra + math.prod(self.shape))

    def _optional_count(self, name: str, default: int, most: int) -> int:
        return default if self.header.value(name) is None else self.header.count(name, most)


def read_hdus(content: bytes) -> list[Hdu]:
    """Units of a FITS file, in order.

    What follows the last unit and does not begin as an extension is no part of the
    file (special records, 3.5).

    Raises
    ------
    UnreadableFileError
        No FITS file, or one that is cut off or contradicts itself.
    """
    if not content.startswith(_MAGIC):
        start = content[:20]
        message = f"expected a FITS file, found {f'bytes {start!r}' if start else 'nothing'}"
        raise UnreadableFileError(message)
    found = [Hdu(content, 0)]
    while content.startswith(_EXTENSION, found[-1].stop) and len(found) < _MOST_HDUS:
        found.append(Hdu(content, found[-1].stop))
    return found


@lru_cache(maxsize=64)
def _fields(raw: bytes, row_width: int) -> dict[str, Field]:
    """Columns that a table's header describes (7.3.2), by their names in upper case.

    Remembered, for the files of a release repeat their table's header to the byte.
    """
    header = Header(raw + b"END".ljust(80), 0)
    fields: dict[str, Field] = {}
    start = 0
    for number in range(1, header.count("TFIELDS", _MOST_COLUMNS) + 1):
        repeat, form = _form(header, number)
        name = str(header.value(f"TTYPE{number}") or "")
        unit = header.value(f"TUNIT{number}")
        scale = _scale(header, *(f"{card}{number}" for card in ("TSCAL", "TZERO", "TNULL")))
        field = Field(name, None if unit is None else str(unit), form, repeat, scale, start)
        fields.setdefault(name.upper(), field)
        start += -(-repeat // 8) if form == "X" else repeat * _WIDTHS[form]
    if start != row_width:
        message = f"expected rows of {row_width} bytes (NAXIS1), found columns of {start} (TFORM)"
        raise UnreadableFileError(message)
    return fields


def _form(header: Header, number: int) -> tuple[int, str]:
    """Repeat count and letter of TFORMn (7.3.1)."""
    given = header.value(f"TFORM{number}")
    parts = _FORM.fullmatch(str(given).strip())
    if parts is None:
        message = f"TFORM{number}: expected a repeat count and a letter, found {given}"
        raise UnreadableFileError(message)
    return int(parts[1] or 1), parts[2]


def _scale(header: Header, factor: str, zero: str, blank: str) -> Scale:
    found = (header.value(factor), header.value(zero), header.value(blank))
    if found == (None, None, None):
        return _AS_STORED
    return Scale(_number(header, factor, 1.0), _number(header, zero, 0.0), found[2])


def _number(header: Header, name: str, default: float) -> float:
    found = header.value(name)
    if found is None:
        return default
    if isinstance(found, int | float) and math.isfinite(found):
        return float(found)
    message = f"{name}: expected a number, found {found!r}"
    raise UnreadableFileError(message)


def _scaled(stored: Array, scale: Scale) -> Array:
    # Floating numbers have NaN for a blank (5.3); the card then means nothing.
    blank = scale.blank if stored.dtype.kind != "f" else None
    if blank is None and (scale.factor, scale.zero) == (1.0, 0.0):
        return stored
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = scale.zero + scale.factor * stored.astype(np.float64)
    if blank is not None:
        scaled[stored == blank] = math.nan
    return scaled


_AS_STORED = Scale(1.0, 0.0, None)
