"""What a column and a table are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Type = Literal[
    "text",
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "timestamp",
    "boolean[]",
    "integer[]",
    "real[]",
    "double precision[]",
]


@dataclass(frozen=True)
class Column:
    """One column: its name, PostgreSQL type, VOUnit, UCD1+, utype and meaning."""

    name: str
    type: Type
    unit: str
    ucd: str
    description: str
    utype: str = ""
    published: bool = True


@dataclass(frozen=True)
class Table:
    """A table or dataset: its columns in order and the names of its key."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def published(self) -> tuple[Column, ...]:
        """The columns that readers of the service see."""
        return tuple(column for column in self.columns if column.published)
