"""Clients learn keys, indexes and links between tables, and these are true."""

import io
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

import psycopg
import pytest
import pyvo
import requests
from pyvo.io import vosi

from tests.conftest import Instance
from tests.service.conftest import SERVICE
from vospec.columns import PUBLISHED

pytestmark = SERVICE

_ROOT = ET.parse(Path(__file__).parents[2] / "resdir" / "q.rd").getroot()  # noqa: S314 - our own file

#: A link: table, its columns, the other table, the columns there.
_Link = tuple[str, tuple[str, ...], str, tuple[str, ...]]

#: What a view shows, which has the indexes.
_BEHIND = {
    "candidates": "candidate_records",
    "neighbours": "neighbour_records",
    "runs": "run_records",
    "scores": "score_records",
}


def _declared() -> set[_Link]:
    links = set()
    for table in _ROOT.findall("table[@adql='True']"):
        for key in table.findall("foreignKey"):
            source = tuple(key.attrib["source"].split(","))
            there = tuple(key.get("dest", key.attrib["source"]).split(","))
            names = f"vospec.{table.get('id')}", f"vospec.{key.get('inTable')}"
            links.add((names[0], source, names[1], there))
    return links


def test_tap_schema_has_the_links(tap: pyvo.dal.TAPService) -> None:
    keys = {
        row["key_id"]: (row["from_table"], row["target_table"])
        for row in tap.search("SELECT * FROM tap_schema.keys WHERE from_table LIKE 'vospec.%'")
    }
    columns = defaultdict(list)
    for row in tap.search("SELECT * FROM tap_schema.key_columns"):
        columns[row["key_id"]].append((row["from_column"], row["target_column"]))
    found = set()
    for key, (table, target) in keys.items():
        source, there = zip(*sorted(columns[key]), strict=True)
        found.add((table, source, target, there))
    assert len(found) == len(keys) >= 20
    assert found == _declared()


def test_pyvo_sees_the_links(url: str, session: requests.Session) -> None:
    # Of a single table DaCHS tells no links: those of the whole document are read.
    answer = session.get(f"{url}/tap/tables", timeout=60)
    tables = vosi.parse_tables(io.BytesIO(answer.content).read).iter_tables()
    found = {
        (table.name, tuple(pair.fromcolumn for pair in key.fkcolumns), key.targettable)
        for table in tables
        if table.name.startswith("vospec.")
        for key in table.foreignkeys
    }
    assert found == {link[:3] for link in _declared()}


@pytest.mark.parametrize("link", sorted(_declared()), ids=lambda link: f"{link[0]}.{link[1][-1]}")
def test_links_lead_somewhere(tap: pyvo.dal.TAPService, link: _Link) -> None:
    table, source, target, there = link
    pairs = zip(source, there, strict=True)
    condition = " AND ".join(f"here.{mine} = there.{other}" for mine, other in pairs)
    lost = tap.search(
        f"SELECT here.{source[-1]} FROM {table} AS here LEFT OUTER JOIN {target} AS there"  # noqa: S608 - our own names
        f" ON {condition} WHERE there.{there[-1]} IS NULL AND here.{source[-1]} IS NOT NULL"
    )
    assert len(lost) == 0


def test_primary_keys_are_told(tap: pyvo.dal.TAPService) -> None:
    for table in PUBLISHED:
        described = tap.tables[f"vospec.{table.name}"]
        keys = {column.name for column in described.columns if "primary" in column.flags}
        assert keys == set(table.key)


def _indexed(connection: psycopg.Connection[tuple[str]], name: str) -> set[str]:
    """Columns that some index of a table is of, alone, together or within an expression."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute JOIN pg_index ON attrelid = indrelid"
        " WHERE indrelid = to_regclass(%s) AND attnum > 0 AND (attnum = ANY (indkey)"
        r" OR pg_get_expr(indexprs, indrelid) ~ ('\m' || attname || '\M'))",
        (f"vospec.{name}",),
    )
    return {row[0] for row in rows}


def test_indexes_are_those_of_the_database(tap: pyvo.dal.TAPService, instance: Instance) -> None:
    with psycopg.connect(instance.database) as connection:
        for table in PUBLISHED:
            described = tap.tables[f"vospec.{table.name}"]
            told = {column.name for column in described.columns if "indexed" in column.flags}
            there = _indexed(connection, _BEHIND.get(table.name, table.name))
            # A primary key is an index of its own kind.
            assert told | set(table.key) == there | set(table.key), table.name
