"""Columns are declared once, completely, in the words of the Virtual Observatory."""

import re

import pytest
from astropy import units
from astropy.io.votable.ucd import check_ucd

from vospec.columns import (
    CLASSES,
    QUALITY_MEANING,
    TABLES,
    TARGET_CLASSES,
    UNUSABLE,
    Column,
    Quality,
    Table,
)

COLUMNS = [(table, column) for table in TABLES.values() for column in table]


def _id(value: Table | Column) -> str:
    return value.name


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=_id)
def test_column_is_complete(table: Table, column: Column) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", column.name)
    assert column.description[0].isupper(), table
    assert check_ucd(column.ucd, check_controlled_vocabulary=True)
    # VOUnits 1.1 discourages Angstrom, which SSA and the Spectral Data Model ask for.
    assert units.Unit(column.unit, format="cds") is not None


@pytest.mark.parametrize("table", TABLES.values(), ids=_id)
def test_keys_are_columns_and_names_unique(table: Table) -> None:
    assert set(table.key) <= set(table.names)
    assert len(set(table.names)) == len(table.names)


def test_a_name_means_the_same_in_every_table() -> None:
    meanings: dict[str, set[tuple[str, str]]] = {}
    for _, column in COLUMNS:
        meanings.setdefault(column.name, set()).add((column.unit, column.type))
    assert {name: m for name, m in meanings.items() if len(m) > 1} == {}


def test_every_quality_flag_has_a_meaning() -> None:
    assert set(QUALITY_MEANING) == set(Quality)
    assert UNUSABLE in Quality(sum(Quality))


def test_target_classes_are_classes() -> None:
    assert set(TARGET_CLASSES) < set(CLASSES)
