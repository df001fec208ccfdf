"""The tables of schema ``vospec``, made from :mod:`vospec.columns`.

Readers see `spectra`, `features`, `grid`, `labels`, `reliability`, `thresholds`,
`scores`, `simbad`, `object_types`, `verdict_rules` and `pairs` themselves; `runs`,
`candidates`, `neighbours`, `score_changes` and `feature_summary` are views (see `views`).
`scores` and the records behind `candidates` and `neighbours` have one partition a run, and
the one row of `current_run` says which run is current: everything that follows it switches
together. `verdicts` holds the last of the rows of `simbad` about each spectrum.
`pixels` is not for readers: it holds every array as one ``bytea`` of
little-endian values (double precision wavelengths, real flux and ivar, a byte
a mask element), which loads six times faster than arrays. Nor is `originals`, which
tells where the files of the spectra lie (see `originals`).

DaCHS adopts what is made here (``dachs imp -m``); it must own the tables, so
the connection is that of its feeding role.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from vospec.columns import (
    CANDIDATES,
    FEATURES,
    GRID,
    JUDGEMENT,
    LABELS,
    NEIGHBOURS,
    OBJECT_TYPES,
    PAIRS,
    RELIABILITY,
    RUN_ID,
    RUNS,
    SCORES,
    SIMBAD,
    SPECTRA,
    SPECTRUM_ID,
    THRESHOLDS,
    VERDICT_RULES,
    Column,
    Table,
)
from vospec.errors import DatabaseError
from vospec.publication import footprints, views
from vospec.publication.originals import ORIGINALS
from vospec.publication.publisher import alone

SCHEMA = "vospec"

#: The role with which DaCHS fills its tables.
USER = "gavoadmin"

PIXELS = Table(
    "pixels",
    "Pixels of the usable spectra; products and previews are made from them",
    (
        SPECTRUM_ID,
        Column("origin", "text", "", "meta.code", "Checksum of the file and version of its reader"),
        *(column for column in SPECTRA if column.type.endswith("[]")),
    ),
    SPECTRA.key,
)
PUBLISHED_SPECTRA = Table("spectra", SPECTRA.description, SPECTRA.published, SPECTRA.key)
RUN_RECORDS = Table("run_records", RUNS.description, RUNS.columns, RUNS.key)
SCORE_RECORDS = Table("score_records", SCORES.description, SCORES.columns, SCORES.key)
CANDIDATE_RECORDS = Table(
    "candidate_records", CANDIDATES.description, CANDIDATES.columns, CANDIDATES.key
)
NEIGHBOUR_RECORDS = Table(
    "neighbour_records", NEIGHBOURS.description, NEIGHBOURS.columns, NEIGHBOURS.key
)

VERDICTS = Table(
    "verdicts",
    "The last answer of SIMBAD about each spectrum; one without an answer only where there is none",
    (SPECTRUM_ID, *JUDGEMENT),
    SPECTRA.key,
)

#: Tables of which each run has a partition.
PARTITIONED = (SCORE_RECORDS, CANDIDATE_RECORDS, NEIGHBOUR_RECORDS)
_OF_SPECTRA = (PUBLISHED_SPECTRA, PIXELS, ORIGINALS)
_OF_ALL_RUNS = (*_OF_SPECTRA, FEATURES, GRID, LABELS, SIMBAD, VERDICTS, PAIRS)
_OF_VERDICTS = (OBJECT_TYPES, VERDICT_RULES)
_PLAIN = (*_OF_ALL_RUNS, *_OF_VERDICTS, RUN_RECORDS, RELIABILITY, THRESHOLDS)

#: Names of earlier versions, where they are those of views now.
_RENAMED = {"scores": SCORE_RECORDS}

_INDEXES: dict[str, tuple[LiteralString, ...]] = {
    "spectra": (
        "USING gist (spoint(radians(ra), radians(dec)))",
        "(mjd)",
        "(collection, release, quality)",
        "USING gist (vospec.region(ra, dec, collection) {small_spoly})",
        # Names are sought whatever their case; and the training spectra are few.
        "(lower(object))",
        "(role) WHERE role = 'training'",
        # DaCHS seeks positions of ObsCore by q3c, in the words of its own view.
        """(q3c_ang2ipix(degrees(long(spoint(radians(ra), radians(dec)))),
          degrees(lat(spoint(radians(ra), radians(dec))))))""",
    ),
    "features": ("(peak_height)",),
    "labels": ("(spectrum_id)",),
    # By spectrum the keys serve: they begin with it.
    "score_records": ("(score)",),
    "candidate_records": ("USING gist (spoint(radians(ra), radians(dec)))", "(score)", "(rank)"),
    "neighbour_records": ("(neighbour_id)",),
    "simbad": ("(verdict)", "(main_id)"),
    "verdicts": ("(verdict)",),
    "pairs": ("(survey_id)",),
}

_BOOKKEEPING = {
    # One row at most: the key can only be true.
    "current_run": sql.SQL(
        "sole boolean PRIMARY KEY DEFAULT true CHECK (sole), run_id text NOT NULL"
        " REFERENCES vospec.run_records DEFERRABLE INITIALLY DEFERRED"
    ),
    "service": sql.SQL("sole boolean PRIMARY KEY DEFAULT true CHECK (sole), url text NOT NULL"),
    "loads": sql.SQL(
        "content text PRIMARY KEY, fingerprint text NOT NULL,"
        " loaded timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')"
    ),
    # For people, and no table of TAP: of each run what was told last.
    "reports": sql.SQL(
        "run_id text PRIMARY KEY, made timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),"
        " outcome text NOT NULL, page text NOT NULL, facts text NOT NULL"
    ),
}

#: Columns of text that the first version of a table did not have.
_LATER = {"current_run": ("previous_run_id", "left_run_id")}

_Statement = sql.SQL | sql.Composed


def connect(
    *, host: str, port: int, database: str = "gavo", user: str = USER
) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to the database that DaCHS serves.

    Parameters
    ----------
    host : str
        The folder of PostgreSQL's socket, or a host name.
    port : int
        PostgreSQL's port; part of the socket's name.
    database, user : str
        The database and the role that owns the tables.

    Returns
    -------
    psycopg.Connection
        In autocommit mode; :func:`~vospec.publication.publish` makes its own
        transaction.

    Raises
    ------
    DatabaseError
        Nobody answers there, or the database or the role does not exist.
    """
    # PostgreSQL takes a host for a folder only where it begins with a slash.
    host = str(Path(host).resolve()) if "/" in host else host
    try:
        return psycopg.connect(
            host=host, port=port, dbname=database, user=user, autocommit=True, connect_timeout=10
        )
    except psycopg.OperationalError as error:
        message = f"PostgreSQL at {host}, port {port}, database {database}: {_reason(error)}"
        raise DatabaseError(message) from error


def create_tables(
    connection: psycopg.Connection[tuple[object, ...]],
    *,
    service_url: str = "http://127.0.0.1:8080",
) -> None:
    """Make the schema, its tables, columns, indexes and views where they are missing.

    Columns that an earlier version did not know are added, with nulls in the rows that
    are there; DaCHS must then adopt the tables anew.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`connect` gives it.
    service_url : str
        Address of the DaCHS that serves the tables; links among the columns begin with it.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses, for instance because pgsphere is not there.
    """
    with alone(connection, f"making the tables of schema {SCHEMA}"), connection.transaction():
        # Whatever is there already must not be touched: whoever makes or alters something
        # waits for its readers, and new ones wait for him.
        _rename(connection)
        for statement in _statements(connection):
            connection.execute(statement)
        for view in views.views():
            views.make(connection, view)
        _remember(connection, service_url)


def _remember(connection: psycopg.Connection[tuple[object, ...]], service_url: str) -> None:
    connection.execute(
        "INSERT INTO vospec.service (url) VALUES (%s)"
        " ON CONFLICT (sole) DO UPDATE SET url = excluded.url WHERE service.url <> excluded.url",
        (service_url.rstrip("/"),),
    )


def current_run(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """The identifier of the run that readers see, if there is one."""
    row = connection.execute("SELECT run_id FROM vospec.current_run").fetchone()
    return None if row is None else str(row[0])


def qualified(name: str) -> sql.Identifier:
    """The name of a table with its schema, quoted."""
    return sql.Identifier(SCHEMA, name)


def names(columns: Iterable[Column]) -> sql.Composed:
    """The names of columns, quoted, with commas between."""
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)


def _reason(error: psycopg.Error) -> str:
    """The first line that PostgreSQL gave."""
    return str(error).strip().partition("\n")[0]


def _statements(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[_Statement]:
    """What makes whatever is missing."""
    yield sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA))
    # An index of spectra is of one of these.
    yield from (*footprints.functions(), *views.FUNCTIONS)
    for table in (*_PLAIN, *PARTITIONED):
        if exists(connection, table.name):
            yield from _added_columns(connection, table)
        else:
            yield from _create(table)
    for name, columns in _BOOKKEEPING.items():
        if not exists(connection, name):
            yield sql.SQL("CREATE TABLE {} ({})").format(qualified(name), columns)
        for column in set(_LATER.get(name, ())) - set(_columns(connection, name)):
            yield sql.SQL("ALTER TABLE {} ADD {} text").format(
                qualified(name), sql.Identifier(column)
            )
    for name in _INDEXES:
        yield from _missing_indexes(connection, name)


def make_indexes(connection: psycopg.Connection[tuple[object, ...]], table: Table) -> None:
    """Make those indexes of a table that are missing; its key is none of them."""
    for statement in _missing_indexes(connection, table.name):
        connection.execute(statement)


def drop_indexes(connection: psycopg.Connection[tuple[object, ...]], table: Table) -> None:
    """Drop the indexes of a table, but for its key."""
    for number in range(len(_INDEXES.get(table.name, ()))):
        connection.execute(
            sql.SQL("DROP INDEX IF EXISTS {}").format(qualified(f"{table.name}_index_{number}"))
        )


def _missing_indexes(
    connection: psycopg.Connection[tuple[object, ...]], name: str
) -> Iterator[_Statement]:
    for number, definition in enumerate(_INDEXES.get(name, ())):
        index = f"{name}_index_{number}"
        if not exists(connection, index) and _is_possible(connection, definition):
            how = sql.SQL(definition).format(small_spoly=_small_spoly(connection))
            yield sql.SQL("CREATE INDEX {} ON {} {}").format(
                sql.Identifier(index), qualified(name), how
            )


def _is_possible(connection: psycopg.Connection[tuple[object, ...]], definition: str) -> bool:
    """Whether the database has what an index needs: the extension q3c comes with DaCHS."""
    asked: LiteralString = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'q3c')"
    return "q3c_" not in definition or connection.execute(asked).fetchone() == (True,)


def _small_spoly(connection: psycopg.Connection[tuple[object, ...]]) -> sql.SQL:
    """The operator class of small polygons, where a superuser has made it (``deploy/parts``)."""
    asked: LiteralString = "SELECT EXISTS (SELECT FROM pg_opclass WHERE opcname = 'small_spoly')"
    return sql.SQL("small_spoly" if connection.execute(asked).fetchone() == (True,) else "")


def _rename(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Give tables of earlier versions, their partitions and indexes the names of today."""
    for old, table in _RENAMED.items():
        found = connection.execute(
            "SELECT relname, relkind IN ('i', 'I') FROM pg_class"
            " WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('p', 'r', 'i', 'I')"
            " AND relname ~ ('^' || %s || '(_index_[0-9]+|_[0-9a-f]{16})?$')",
            (SCHEMA, old),
        )
        for name, is_index in found.fetchall():
            new = str(name).replace(old, table.name, 1)
            connection.execute(
                sql.SQL("ALTER {} {} RENAME TO {}").format(
                    sql.SQL("INDEX" if is_index else "TABLE"),
                    qualified(str(name)),
                    sql.Identifier(new),
                )
            )


def _create(table: Table) -> Iterator[_Statement]:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), _sql_type(column, table))
        for column in table
    )
    key = sql.SQL(", ").join(map(sql.Identifier, _key(table)))
    partitions = sql.SQL("PARTITION BY LIST (run_id)" if table in PARTITIONED else "")
    yield sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({})) {}").format(
        qualified(table.name), columns, key, partitions
    )
    for column in (column for column in table if column.type.endswith("[]")):
        # Arrays of thousands of pixels: lz4 is several times faster than the default. Of
        # arrays of features statistics would take longer than their copy, and help nobody.
        how = "COMPRESSION lz4" if table is PIXELS else "STATISTICS 0"
        yield sql.SQL("ALTER TABLE {} ALTER {} SET {}").format(
            qualified(table.name), sql.Identifier(column.name), sql.SQL(how)
        )


def _key(table: Table) -> list[str]:
    """The columns of a key; in a partition all rows are of one run, so that it comes last."""
    return sorted(table.key, key=lambda name: table in PARTITIONED and name == RUN_ID.name)


def _sql_type(column: Column, table: Table) -> sql.SQL:
    packed = table is PIXELS and column.type.endswith("[]")
    return sql.SQL("bytea" if packed else column.type)


def _added_columns(
    connection: psycopg.Connection[tuple[object, ...]], table: Table
) -> Iterator[_Statement]:
    found = _columns(connection, table.name)
    for column in (column for column in table if column.name not in found):
        yield sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
            qualified(table.name), sql.Identifier(column.name), _sql_type(column, table)
        )


def exists(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    """Whether the schema has a table, view or index of this name."""
    row = connection.execute(
        "SELECT to_regclass(quote_ident(%s) || '.' || quote_ident(%s))", (SCHEMA, name)
    ).fetchone()
    return row is not None and row[0] is not None


def _columns(connection: psycopg.Connection[tuple[object, ...]], name: str) -> list[str]:
    """The columns of a table or view, in order; none where it does not exist."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (f"{SCHEMA}.{name}",),
    )
    return [str(row[0]) for row in rows]
