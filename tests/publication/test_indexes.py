"""Indexes are made of all rows at once where there were none, and find what they should."""

from collections.abc import Iterator
from typing import Any, LiteralString

import pyarrow as pa
import pytest
from psycopg import sql

from tests.publication import samples
from tests.publication.conftest import Connection
from vospec.publication import Content, create_tables, publish

pytestmark = pytest.mark.service


def _indexes(connection: Connection) -> set[str]:
    found = connection.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'vospec' AND tablename = 'spectra'"
    )
    return {row[0] for row in found}


def _watched(seen: list[set[str]], reader: Connection) -> Iterator[pa.RecordBatch]:
    for batch in samples.spectra():
        # A reader does not wait meanwhile.
        reader.execute("SET statement_timeout = '2s'")
        reader.execute("SELECT count(*) FROM vospec.spectra")
        seen.append(_indexes(reader))
        yield batch


def _publish(connection: Connection, spectra: Iterator[pa.RecordBatch]) -> None:
    contents = {"spectra": Content(spectra, "spectra")}
    publish(connection, run_id="", contents=contents, make_current=False)


def test_indexes_are_made_when_the_rows_have_come(
    connection: Connection, reader: Connection
) -> None:
    whole, seen = _indexes(connection), list[set[str]]()
    _publish(connection, _watched(seen, reader))
    assert seen
    assert all(names == {"spectra_pkey"} for names in seen)
    assert _indexes(connection) == whole


def test_rows_that_come_later_find_all_indexes(connection: Connection, reader: Connection) -> None:
    whole, seen = _indexes(connection), list[set[str]]()
    _publish(connection, iter(samples.spectra()[:1]))
    contents = {"spectra": Content(_watched(seen, reader), "more")}
    publish(connection, run_id="", contents=contents, make_current=False)
    assert seen
    assert all(names == whole for names in seen)


def test_indexes_of_a_load_that_failed_are_made_by_the_next(
    connection: Connection, reader: Connection
) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from samples.spectra()
        message = "the archive is gone"
        raise OSError(message)

    whole = _indexes(connection)
    with pytest.raises(OSError, match="archive"):
        _publish(connection, broken())
    assert reader.execute("SELECT count(*) FROM vospec.spectra").fetchone() == (0,)
    assert _indexes(connection) == {"spectra_pkey"}
    create_tables(connection)
    assert _indexes(connection) == whole


def test_who_reads_an_empty_table_for_long_is_not_waited_for(
    connection: Connection, reader: Connection
) -> None:
    whole = _indexes(connection)
    with reader.transaction():
        reader.execute("SELECT * FROM vospec.spectra")
        _publish(connection, iter(samples.spectra()))
    assert _indexes(connection) == whole
    assert reader.execute("SELECT count(*) > 0 FROM vospec.spectra").fetchone() == (True,)


#: Spectra all over the sky and where axes pierce it, the places that need most care; near
#: each something that it may have seen.
_SKY = """
CREATE FUNCTION pg_temp.shift(width float) RETURNS float LANGUAGE sql VOLATILE
  AS 'SELECT width * (random() - 0.5)';
CREATE TEMPORARY TABLE sky AS
  SELECT 360 * random() AS ra, degrees(asin(2 * random() - 1)) AS "dec"
  FROM generate_series(1, 1000)
  UNION ALL SELECT ra + pg_temp.shift(8e-3), "dec" + pg_temp.shift(1e-4)
  FROM generate_series(1, 30),
    (VALUES (0, 0), (90, 0), (180, 0), (270, 0), (0, 89.9999), (0, -89.9999)) AS axes (ra, "dec");
CREATE TEMPORARY TABLE seen AS
  SELECT degrees(long(place)) AS ra, degrees(lat(place)) AS "dec", place,
    scircle(place, radians(2e-4 * random())) AS circle
  FROM (SELECT spoint(radians(ra + pg_temp.shift(1e-3)),
      radians(sign("dec") * (90 - abs(90 - abs("dec" + pg_temp.shift(1e-3)))))) AS place
    FROM sky, generate_series(1, 2)) AS places
  -- Closer to an axis are less than 0.03 arcsec, where the keys have no more digits.
  WHERE GREATEST(abs(x(place)), abs(y(place)), abs(z(place))) < 1 - 1e-14;
SET enable_seqscan = off;
"""
_REGION: LiteralString = "vospec.region(sky.ra, sky.dec, 'lamost'::text)"


def _found(connection: Connection, condition: LiteralString, kind: LiteralString) -> set[Any]:
    """The pairs that an index of a kind finds."""
    query = sql.SQL("SELECT sky.ctid::text, seen.ctid::text FROM seen JOIN sky ON {}").format(
        sql.SQL(condition)
    )
    connection.execute(
        sql.SQL("CREATE INDEX of_regions ON sky USING gist ({} {})").format(
            sql.SQL(_REGION), sql.SQL(kind)
        )
    )
    plan = connection.execute(sql.SQL("EXPLAIN {}").format(query)).fetchall()
    assert "of_regions" in str(plan)
    found = set(connection.execute(query).fetchall())
    connection.execute("DROP INDEX of_regions")
    return found


@pytest.mark.parametrize(
    "condition",
    [
        "seen.place <@ " + _REGION,
        _REGION + " && seen.circle",
        _REGION + " && vospec.region(seen.ra, seen.dec, 'sdss'::text)",
    ],
)
def test_the_index_of_small_regions_finds_what_their_own_finds(
    connection: Connection, condition: LiteralString
) -> None:
    connection.execute("SELECT setseed(0.5)")
    for statement in _SKY.split(";\n"):
        connection.execute(statement)
    found = _found(connection, condition, "small_spoly")
    assert len(found) > 100
    assert found == _found(connection, condition, "")
