"""The resource descriptor declares the columns of vospec.columns, no more and no less."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import vospec
from vospec.columns import (
    CLASSES,
    FEATURES,
    GRID,
    LABEL,
    LABELS,
    NEIGHBOUR,
    NEIGHBOURS,
    OBJECT_TYPES,
    PAIRS,
    PUBLISHED,
    PUBLISHED_CANDIDATES,
    RELIABILITY,
    ROLES,
    RUNS,
    SCORE_CHANGES,
    SCORES,
    SIMBAD,
    SPECTRA,
    THRESHOLDS,
    VERDICT_RULES,
    Column,
    Verdict,
)
from vospec.columns.flags import SIMBAD_STATES

_RESDIR = Path(__file__).parents[2] / "resdir"
_ROOT = ET.parse(_RESDIR / "q.rd").getroot()  # noqa: S314 - our own file

_EXPECTED = {
    "spectra": SPECTRA.published,
    "features": FEATURES.columns,
    "feature_summary": tuple(column for column in FEATURES if column.name != "flux"),
    "grid": GRID.columns,
    "labels": LABELS.columns,
    "runs": RUNS.columns,
    "reliability": RELIABILITY.columns,
    "thresholds": THRESHOLDS.columns,
    "scores": SCORES.columns,
    "candidates": PUBLISHED_CANDIDATES.columns,
    "neighbours": NEIGHBOURS.columns,
    "simbad": SIMBAD.columns,
    "object_types": OBJECT_TYPES.columns,
    "verdict_rules": VERDICT_RULES.columns,
    "score_changes": SCORE_CHANGES.columns,
    "pairs": PAIRS.columns,
}
_TABLES = {table.name: table for table in PUBLISHED}

#: What an identifier leads to, wherever it stands.
_LEADS_TO = {
    "spectrum_id": ("spectra", "spectrum_id"),
    "neighbour_id": ("spectra", "spectrum_id"),
    "training_id": ("spectra", "spectrum_id"),
    "survey_id": ("spectra", "spectrum_id"),
    "run_id": ("runs", "run_id"),
    "previous_run_id": ("runs", "run_id"),
}


def _table(name: str) -> ET.Element:
    found = _ROOT.find(f"table[@id='{name}']")
    assert found is not None, name
    return found


def _resolved(column: ET.Element) -> ET.Element:
    """The column itself, or the one of another table that it refers to."""
    original = column.get("original")
    if original is None:
        return column
    table, name = original.split(".")
    found = _table(table).find(f"column[@name='{name}']")
    assert found is not None, original
    return found


def _facts(column: ET.Element) -> dict[str, str]:
    return {
        name: _resolved(column).get(name, "")
        for name in ("name", "type", "unit", "ucd", "utype", "description")
    }


def _declared(column: Column) -> dict[str, str]:
    return {
        "name": column.name,
        "type": column.type,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "description": column.description,
    }


@pytest.mark.parametrize("name", _EXPECTED)
def test_columns_are_those_of_the_module(name: str) -> None:
    found = [_facts(column) for column in _table(name).findall("column")]
    assert found == [_declared(column) for column in _EXPECTED[name]]


@pytest.mark.parametrize("name", _TABLES)
def test_primary_key_is_that_of_the_module(name: str) -> None:
    assert _table(name).get("primary") == ",".join(_TABLES[name].key)


def _keys(name: str) -> set[tuple[str, str, str]]:
    """Foreign keys of a table: its columns, the other table, the columns there."""
    return {
        (key.attrib["source"], key.attrib["inTable"], key.get("dest", key.attrib["source"]))
        for key in _table(name).findall("foreignKey")
    }


@pytest.mark.parametrize("name", _EXPECTED)
def test_every_identifier_leads_to_its_table(name: str) -> None:
    # Candidates lead on to spectra.
    leading = _keys(name) | {
        ("spectrum_id", "spectra", "spectrum_id")
        for source, target, _ in _keys(name)
        if (source, target) == ("run_id,spectrum_id", "candidates")
    }
    for column in _EXPECTED[name]:
        target, there = _LEADS_TO.get(column.name, (name, ""))
        assert target == name or (column.name, target, there) in leading, column.name


@pytest.mark.parametrize("name", _EXPECTED)
def test_foreign_keys_are_told_and_not_enforced(name: str) -> None:
    # The database would check them row by row, and a load would have to keep an order.
    assert all(key.get("metaOnly") == "True" for key in _table(name).findall("foreignKey"))
    for source, target, there in _keys(name):
        columns = {column.name for column in _EXPECTED[name]}
        known = {column.name for column in _EXPECTED[target]}
        assert set(source.split(",")) <= columns
        assert set(there.split(",")) <= known


def test_there_are_no_other_tables_for_readers() -> None:
    readable = {table.get("id") for table in _ROOT.findall("table[@adql='True']")}
    assert readable == set(_EXPECTED) | {"ssa_spectra"}


@pytest.mark.parametrize("name", _EXPECTED)
def test_columns_have_heads_for_people(name: str) -> None:
    heads = {column.get("tablehead") for column in map(_resolved, _table(name).findall("column"))}
    assert None not in heads
    assert len(heads) == len(_EXPECTED[name])


@pytest.mark.parametrize(
    ("column", "tables", "expected"),
    [
        ("class", ("labels", "candidates", "neighbours"), CLASSES),
        ("verdict", ("candidates", "simbad", "score_changes"), tuple(Verdict)),
        ("previous_verdict", ("score_changes",), tuple(Verdict)),
        ("state", ("simbad",), SIMBAD_STATES),
        ("kind", ("neighbours",), (NEIGHBOUR, LABEL)),
        ("role", ("spectra",), tuple(dict.fromkeys(ROLES.values()))),
    ],
)
def test_closed_lists_are_told(
    column: str, tables: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    for name in tables:
        options = _table(name).findall(f"column[@name='{column}']/values/option")
        assert tuple(option.text for option in options) == expected, name


def test_the_version_has_its_news() -> None:
    news = [" ".join((meta.text or "").split()) for meta in _ROOT.findall("meta[@name='_news']")]
    major, minor, *_ = vospec.__version__.split(".")
    assert any(text.startswith(f"Version {major}.{minor}: ") for text in news)
    version = _ROOT.find("meta[@name='version']")
    assert version is not None
    assert news[-1].startswith(f"Version {version.text}: ")


@pytest.mark.parametrize("name", _EXPECTED)
def test_integers_that_may_be_missing_have_a_value_for_it(name: str) -> None:
    # Without one a binary VOTable cannot hold NULL.
    for column in map(_resolved, _table(name).findall("column")):
        if column.get("type") in {"smallint", "integer", "bigint"}:
            assert column.get("required") == "True" or column.find("values") is not None


def test_importing_by_accident_touches_no_data() -> None:
    automatic = [data for data in _ROOT.findall("data") if data.get("auto") != "False"]
    made = {make.get("table") for data in automatic for make in data.findall("make")}
    assert made == {"datasets", "ssa_spectra"}


def test_no_authority_and_no_address_is_written_down() -> None:
    text = (_RESDIR / "q.rd").read_text(encoding="utf-8")
    assert "ivo://" in text
    assert all(part.startswith(r"\getConfig{ivoa}") for part in text.split("ivo://")[1:])
    # A licence is named by its address.
    named = re.sub(r'<meta name="rightsURI">[^<]*</meta>', "", text)
    assert "http://" not in named
    assert "https://" not in named
