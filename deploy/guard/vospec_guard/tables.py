"""Uploaded tables: what DaCHS makes Python and SQL of must be names and numbers.

DaCHS writes a function that decodes the rows of a VOTable, and one that encodes those of
an answer, and puts into their source what the table or the query says of its columns. It
writes the shape of arrays into CREATE TABLE as it stands. So whoever may upload a table,
or name a column, could run programs in the server.
"""

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

#: Numbers in the notation of VOTable, Python's or none at all.
_NUMBER = re.compile(r"[0-9A-Za-z+\-. ]*")
_SHAPE = re.compile(r"(([0-9]{1,9}x)*([0-9]{1,9}\*?|\*))?")
_NOT_IN_NAME = re.compile(r"[\x00-\x1f\x7f%]")
_NOT_IN_SOURCE = re.compile(r"[^\w .,:;+-]")

_TEXTS = ("char", "unicodeChar")


class Bounds:
    """How large an uploaded table may be."""

    most_rows = 1_000_000
    most_columns = 1000
    #: Elements of an array that a column declares: they are written out even if empty.
    most_elements = 100_000
    deepest = 100


def check_element(name: str, attributes: dict[str, str]) -> None:
    """Look at the start of an element of a VOTable.

    Raises
    ------
    ValueError
        An attribute is not what it must be.
    """
    if name not in ("FIELD", "PARAM"):
        return
    told = attributes.get("name", "")
    if _NOT_IN_NAME.search(told):
        message = f"name of {name}: {told!r} has control characters or %"
        raise ValueError(message)
    shape = attributes.get("arraysize", "")
    if not _SHAPE.fullmatch(shape):
        message = f"arraysize of {name} {told!r}: expected numbers, x and *, not {shape!r}"
        raise ValueError(message)
    if _elements(shape) > Bounds.most_elements:
        message = f"arraysize of {name} {told!r}: {shape!r} is more than {Bounds.most_elements}"
        raise ValueError(message)


def _elements(shape: str) -> int:
    product = 1
    for length in re.findall("[0-9]+", shape):
        product *= int(length)
    return product


class _Nameless:
    """A file that does not tell where the server keeps it."""

    name = "the VOTable"

    def __init__(self, source: Any) -> None:  # noqa: ANN401 - any file
        self.read = source.read


def mend_parser(module: ModuleType) -> None:
    """Have every element of a VOTable looked at, and no entities."""

    class Checked(module.iterparse):  # type: ignore[name-defined, misc]
        """The events of an XML document."""

        def __init__(self, source: object, parseErrorClass: type = module.excs.StructureError):  # noqa: N803, ANN204 - as DaCHS has it
            is_upload = _is_votable_error(parseErrorClass)
            super().__init__(_Nameless(source) if is_upload else source, parseErrorClass)
            self._depth = self._columns = 0
            if is_upload:
                self.parser.StartElementHandler = self._start_checked
                self.parser.EndElementHandler = self._end_checked
                self.parser.EntityDeclHandler = self._refuse_entity

        def _start_checked(self, name: str, attrs: dict[str, str]) -> None:
            local = name.rpartition(":")[2]
            self._depth += 1
            self._columns += local == "FIELD"
            try:
                check_element(local, attrs)
            except ValueError as error:
                raise self.getParseError(str(error)) from error
            if self._depth > Bounds.deepest or self._columns > Bounds.most_columns:
                message = f"more than {Bounds.deepest} levels or {Bounds.most_columns} columns"
                raise self.getParseError(message)
            self._startElement(name, attrs)

        def _end_checked(self, name: str) -> None:
            self._depth -= 1
            self._endElement(name)

        def _refuse_entity(self, name: str, *_: object) -> None:
            message = f"entities are not taken, and here is {name!r}"
            raise self.getParseError(message)

    module.iterparse = Checked  # type: ignore[attr-defined]


def _is_votable_error(error: type) -> bool:
    # Descriptors are read by the same parser.
    return any(parent.__name__ == "VOTableError" for parent in error.__mro__)


def mend_coding(module: ModuleType) -> None:
    """Let null values of numbers be numbers: they are written into source."""
    original = module.getNullvalue

    def get_null(field: Any, validator: Any, default: Any = None) -> Any:  # noqa: ANN401 - of DaCHS
        value = original(field, validator, default)
        is_text = field.datatype in _TEXTS or not isinstance(value, str)
        if not is_text and not _NUMBER.fullmatch(value):
            message = f"null value of {field.name!r}: {value!r} is no number"
            raise module.common.VOTableError(message)
        return value

    module.getNullvalue = get_null  # type: ignore[attr-defined]


def mend_model(module: ModuleType) -> None:
    """Names in messages are written into source: letters, digits and some signs will do."""
    described = module.VOTable._DescribedElement  # noqa: SLF001 - it is what is mended
    original = described.getDesignation
    described.getDesignation = lambda self: _NOT_IN_SOURCE.sub("?", original(self))


def mend_rows(module: ModuleType) -> None:
    """Rows are counted, and data that end within a row are no endless row."""
    make, stream = module._makeTableIterator, module._StreamData  # noqa: SLF001 - as above
    error_class = module.common.VOTableError

    def counted(*arguments: object) -> Iterator[object]:
        for number, row in enumerate(make(*arguments)):
            if number >= Bounds.most_rows:
                message = f"more than {Bounds.most_rows} rows"
                raise error_class(message)
            yield row

    class Ending(stream):  # type: ignore[misc, valid-type]
        """The bytes of rows."""

        def read(self, nBytes: int) -> Any:  # noqa: N803, ANN401 - as DaCHS has it
            if nBytes < 0:
                message = f"an array of {nBytes} bytes"
                raise error_class(message)
            try:
                return super().read(nBytes)
            except OSError as error:
                # DaCHS takes it for the end of the rows, and asks for ever whether it is.
                if self._eof and not self.atEnd():
                    message = "the data end within a row"
                    raise error_class(message) from error
                raise

    module._makeTableIterator = counted  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    module._StreamData = Ending  # type: ignore[attr-defined]  # noqa: SLF001 - as above


MENDS = {
    "gavo.utils.plainxml": mend_parser,
    "gavo.votable.coding": mend_coding,
    "gavo.votable.model": mend_model,
    "gavo.votable.tableparser": mend_rows,
}
