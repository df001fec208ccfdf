"""Who asks in ADQL reaches the published tables, and nothing else of the machine."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import psycopg
import pytest
import requests
from psycopg import conninfo

from tests.conftest import Instance
from tests.service.conftest import SERVICE
from tests.service.jobs import await_end, start
from tests.service.told import ask, rows, votable

pytestmark = SERVICE

HIDDEN = (
    "vospec.pixels",
    "vospec.originals",
    "vospec.loads",
    "vospec.current_run",
    "vospec.verdicts",
    "vospec.service",
    "vospec.run_records",
    "vospec.candidate_records",
    "vospec.neighbour_records",
    '"vospec"."pixels"',
    "gavo.vospec.candidates",
    "pg_class",
    "pg_catalog.pg_class",
    "pg_catalog.pg_authid",
    "pg_shadow",
    "information_schema.tables",
    "dc.tablemeta",
    "dc.users",
    "dc.groups",
    "dc.products",
    "tap_schema.tapjobs",
    "uws.userjobs",
)
AROUND = (
    "SELECT * FROM {}",
    "SELECT element FROM vospec.grid UNION SELECT 1 AS element FROM {}",
    "SELECT * FROM (SELECT * FROM {}) AS q",
    "WITH q AS (SELECT * FROM {}) SELECT * FROM q",
    "SELECT element FROM vospec.grid WHERE EXISTS (SELECT * FROM {})",
    "SELECT a.element FROM vospec.grid AS a, {} AS b",
    "SELECT a.element FROM vospec.grid AS a LEFT OUTER JOIN {} AS b ON 1 = 1",
)
NO_ADQL = (
    "COPY vospec.grid TO '/tmp/x'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "INSERT INTO vospec.grid VALUES (1, 2, 3)",
    "DELETE FROM vospec.grid",
    "UPDATE vospec.grid SET element = 1",
    "CREATE TABLE x (a int)",
    "DROP TABLE vospec.grid",
    "SET ROLE gavoadmin",
    "DO $$ BEGIN END $$",
    "SELECT * INTO x FROM vospec.grid",
    "SELECT TOP 1 * FROM vospec.grid; DROP TABLE vospec.grid",
    "SELECT TOP 1 * FROM vospec.grid FOR UPDATE",
    "SELECT TOP 1 element FROM vospec.grid -- \n; DROP TABLE vospec.grid",
    "SELECT $$a$$ AS a FROM vospec.grid",
    "SELECT e'\\'' AS a FROM vospec.grid",
    "VALUES (1)",
    "TABLE vospec.grid",
)
FUNCTIONS = (
    "pg_read_file('/etc/passwd')",
    "pg_ls_dir('/')",
    "lo_import('/etc/passwd')",
    "lo_create(0)",
    "pg_sleep(1)",
    "dblink('host=127.0.0.1', 'SELECT 1')",
    "query_to_xml('SELECT 1', true, true, '')",
    "set_config('role', 'gavoadmin', false)",
    "current_setting('data_directory')",
    "pg_terminate_backend(1)",
    "pg_advisory_lock(1)",
    "nextval('x')",
    "version()",
    "current_user",
    "vospec.escaped('x')",
)
PAYLOADS = (
    "it''s",
    "'' || pg_sleep(1) || ''",
    "\\'' OR 1=1 --",
    "\\",
    "\\\\",
    "\\x41",
    "%(x)s %s {0} %%",
    "$$;--",
)
LITERALS = (
    "SELECT TOP 1 '{}' AS a FROM vospec.grid",
    "SELECT TOP 1 spectrum_id FROM vospec.spectra WHERE spectrum_id LIKE '{}'",
    "SELECT TOP 1 spectrum_id FROM vospec.spectra WHERE spectrum_id ILIKE '{}'",
    "SELECT TOP 1 spectrum_id FROM vospec.spectra WHERE spectrum_id IN ('{}')",
    "SELECT TOP 1 spectrum_id FROM vospec.spectra WHERE 1 = ivo_nocasematch(spectrum_id, '{}')",
    "SELECT TOP 1 spectrum_id FROM vospec.spectra WHERE 1 = ivo_hasword(spectrum_id, '{}')",
    "SELECT TOP 1 spectrum_id FROM vospec.spectra WHERE 1 = ivo_hashlist_has(spectrum_id, '{}')",
    "SELECT ivo_string_agg(spectrum_id, '{}') AS a FROM vospec.spectra",
    "SELECT TOP 1 UPPER('{}') AS a, '{}' || spectrum_id AS b FROM vospec.spectra",
    "SELECT TOP 1 COALESCE(spectrum_id, '{}') AS a FROM vospec.spectra",
)


@pytest.mark.parametrize("table", HIDDEN)
def test_no_other_table_is_reached(url: str, session: requests.Session, table: str) -> None:
    for query in AROUND:
        told = ask(session, url, query.format(table))
        assert told.refused, query
        assert "Could not locate table" in told.text or "permission denied" in told.text, told


@pytest.mark.parametrize("query", NO_ADQL)
def test_nothing_but_adql_is_taken(url: str, session: requests.Session, query: str) -> None:
    told = ask(session, url, query)
    assert told.refused
    assert "Could not parse your query" in told.text


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_of_the_database_is_called(
    url: str, session: requests.Session, function: str
) -> None:
    for query in (
        f"SELECT {function} AS a FROM vospec.grid",  # noqa: S608 - an attack
        f"SELECT element FROM vospec.grid WHERE element = {function}",  # noqa: S608 - as above
        f"SELECT * FROM {function}",  # noqa: S608 - as above
    ):
        assert ask(session, url, query).refused


@pytest.mark.parametrize("query", LITERALS)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_literals_stay_literals(
    url: str, session: requests.Session, query: str, payload: str
) -> None:
    told = ask(session, url, query.replace("{}", payload), FORMAT="csv")
    # A pattern that ends within an escape is none.
    assert told.status == "OK" or "pattern must not end with escape" in told.text, told


BACKSLASHES = (
    "SELECT layout FROM vospec.spectra WHERE layout = '\\' UNION SELECT rolname FROM pg_roles --'",
    "SELECT TOP 1 '\\' || current_user || ' AS a FROM vospec.grid",
    "SELECT TOP 1 '\\'; DROP TABLE vospec.grid; --' AS a FROM vospec.grid",
)


@pytest.mark.parametrize("query", BACKSLASHES)
def test_no_backslash_moves_the_end_of_a_literal(
    url: str, session: requests.Session, query: str
) -> None:
    told = ask(session, url, query, FORMAT="csv")
    assert told.refused
    assert "Could not parse your query" in told.text or "Could not locate" in told.text


def test_a_backslash_is_a_sign_like_others(url: str, session: requests.Session) -> None:
    query = "SELECT TOP 1 'a\\' AS a, 'b\\''c' AS b FROM vospec.grid"
    answer = session.get(
        f"{url}/tap/sync",
        params={"LANG": "ADQL", "QUERY": query, "FORMAT": "votable/td"},
        timeout=60,
    )
    assert "<TD>a\\</TD><TD>b\\'c</TD>" in answer.text


@pytest.mark.parametrize(
    "name", ['a"; DROP TABLE vospec.grid; --', "%(x)s", "a'b", "a\nb", "{0}", "\\", "*"]
)
def test_quoted_names_stay_names(url: str, session: requests.Session, name: str) -> None:
    quoted = name.replace('"', '""')
    told = ask(session, url, f'SELECT TOP 1 element AS "{quoted}" FROM vospec.grid')  # noqa: S608 - as above
    assert told.status == "OK", told
    told = ask(session, url, f'SELECT TOP 1 "{quoted}" FROM vospec.grid')  # noqa: S608 - as above
    assert told.refused


# ---- Python and SQL that DaCHS makes of names ----


@pytest.fixture
def mark(instance: Instance) -> Iterator[Path]:
    """A file that an attack would write as the account of the service."""
    path = instance.folder / "dachs" / "tmp" / "attacked"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def test_no_name_of_a_column_is_run(url: str, session: requests.Session, mark: Path) -> None:
    # The name stands in the source of the function that writes the answer: in what it
    # says where a value is too large for its column. Parentheses are taken out of it.
    code = f"open\\x28\\x22{mark}\\x22, \\x22w\\x22\\x29"
    name = (
        f"x' + [common.VOTableError['''{code}'''] for common.VOTableError.__class_getitem__"
        " in [exec]][0] + '"
    )
    for form in ("votable", "votable/td", "application/x-votable+xml;serialization=BINARY2"):
        ask(
            session,
            url,
            f'SELECT SUM(element) * 100000 AS "{name}" FROM vospec.grid',  # noqa: S608 - as above
            FORMAT=form,
        )
        assert not mark.exists()


@pytest.mark.parametrize("shape", ['arraysize="2"', 'arraysize="*"', 'xtype="moc"', ""])
@pytest.mark.parametrize("datatype", ["int", "short", "long", "unsignedByte"])
def test_no_null_value_is_run(
    url: str, session: requests.Session, mark: Path, shape: str, datatype: str
) -> None:
    # It stood between quotes in the source of the function that reads the rows.
    name = f'""" or open("{mark}", "w") or """'
    null = "<VALUES null='\"\"0'/>"
    fields = "".join(
        f'<FIELD name={quoteattr(told)} datatype="{datatype}" {shape}>{null}</FIELD>'
        for told in (name, "b")
    )
    told = ask(
        session, url, "SELECT * FROM TAP_UPLOAD.t", table=votable(fields, rows(("1 2", "1 2")))
    )
    assert told.refused
    assert "null" in told.text
    assert not mark.exists()


@pytest.mark.parametrize(
    "shape",
    [
        "3]); DROP TABLE vospec.grid; --",
        "3]); CREATE TEMP TABLE u AS SELECT rolname FROM pg_roles; --",
        "3'",
        "-1",
        "1_0",
        "x",
        "3,3",
        " 3",
        "3\n",
    ],
)
def test_no_shape_of_an_array_is_sql(url: str, session: requests.Session, shape: str) -> None:
    # It stood in CREATE TABLE as it was given.
    field = f'<FIELD name="a" datatype="int" arraysize={quoteattr(shape)}/>'
    told = ask(session, url, "SELECT * FROM TAP_UPLOAD.t", table=votable(field, rows(("1 2 3",))))
    assert told.refused
    assert "arraysize of FIELD 'a': expected numbers, x and *" in told.text


@pytest.mark.parametrize("name", ['a"b', "a'b", 'a" int); DROP TABLE x; --', "select", "a{0}b"])
def test_uploaded_columns_keep_odd_names(url: str, session: requests.Session, name: str) -> None:
    field = f'<FIELD name={quoteattr(name)} datatype="int"/>'
    told = ask(session, url, "SELECT * FROM TAP_UPLOAD.t", table=votable(field, rows((7,))))
    assert told.status == "OK", told


# ---- what DaCHS loads of the files of a job ----


class _Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("name", ["__RESULTS__", "__x", "_"])
def test_no_upload_takes_the_place_of_a_job_s_own_notes(
    url: str, session: requests.Session, mark: Path, name: str
) -> None:
    made = session.post(
        f"{url}/tap/async",
        data={"LANG": "ADQL", "QUERY": "SELECT 1", "UPLOAD": f"{name},param:table"},
        files={"table": ("table.xml", pickle.dumps(_Attack(mark)))},
        allow_redirects=False,
        timeout=60,
    )
    assert "a table must be named by letters, digits and _" in made.text
    assert "Location" not in made.headers
    assert not mark.exists()


def test_a_job_s_notes_are_data(
    url: str, session: requests.Session, instance: Instance, mark: Path
) -> None:
    address = start(session, url, QUERY="SELECT TOP 1 * FROM vospec.grid")
    assert await_end(session, address).phase == "COMPLETED"
    notes = instance.folder / "dachs/state/uwsjobs" / address.rpartition("/")[2] / "__RESULTS__"
    notes.write_bytes(pickle.dumps(_Attack(mark)))
    told = session.get(f"{address}/results", timeout=60)
    assert "is nothing that a job keeps" in told.text
    assert not mark.exists()
    session.delete(address)


def test_an_uploaded_page_is_no_page(url: str, session: requests.Session) -> None:
    address = start(
        session,
        url,
        QUERY="SELECT TOP 1 * FROM vospec.grid",
        UPLOAD="page,param:page",
        files={"page": ("page.html", "<script>pwned()</script>", "text/html")},
    )
    page = session.get(f"{address}/results/page", timeout=60)
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    session.delete(address)


# ---- the role under which queries run, should SQL ever reach it ----


@pytest.fixture(scope="module")
def untrusted(instance: Instance, url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection of the role that the queries of TAP have."""
    assert url
    place = conninfo.conninfo_to_dict(instance.database)
    with psycopg.connect(**{**place, "user": "untrusted"}, autocommit=True) as connection:
        yield connection


FORBIDDEN = (
    "SELECT * FROM vospec.pixels",
    "SELECT * FROM vospec.originals",
    "SELECT * FROM vospec.loads",
    "SELECT * FROM vospec.current_run",
    "SELECT * FROM vospec.verdicts",
    "SELECT * FROM vospec.service",
    "SELECT * FROM vospec.run_records",
    "SELECT * FROM vospec.candidate_records",
    "SELECT * FROM dc.tablemeta",
    "SELECT * FROM dc.users",
    "SELECT * FROM dc.products",
    "SELECT * FROM tap_schema.tapjobs",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_largeobject",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_sleep(0)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_advisory_xact_lock(1)",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "COPY (SELECT 1) TO '/tmp/x'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "CREATE TABLE vospec.x (a int)",
    "CREATE TABLE public.x (a int)",
    "CREATE TABLE tap_schema.x (a int)",
    "CREATE SCHEMA x",
    "CREATE EXTENSION dblink",
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "DO $$ BEGIN END $$",
    "INSERT INTO vospec.grid VALUES (1, 2, 3)",
    "UPDATE vospec.labels SET author = 'me'",
    "DELETE FROM vospec.candidates",
    "TRUNCATE vospec.scores",
    "DROP TABLE vospec.grid",
    "ALTER TABLE vospec.grid ADD x int",
    "SELECT * FROM vospec.spectra FOR UPDATE",
    "SET ROLE gavoadmin",
    "SET SESSION AUTHORIZATION dachsroot",
    "ALTER ROLE untrusted SUPERUSER",
    "GRANT gavoadmin TO untrusted",
    "SET temp_file_limit = -1",
    "SHOW data_directory",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_role_of_queries_may_not(
    untrusted: psycopg.Connection[tuple[Any, ...]], statement: str
) -> None:
    refusals = (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.UndefinedTable,
        # Of a view.
        psycopg.errors.ObjectNotInPrerequisiteState,
        psycopg.errors.WrongObjectType,
    )
    with pytest.raises(refusals):
        untrusted.execute(statement)  # type: ignore[call-overload]


def test_the_role_of_queries_reads_what_is_published(
    untrusted: psycopg.Connection[tuple[Any, ...]], url: str, session: requests.Session
) -> None:
    read = untrusted.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.table_privileges"
        " WHERE grantee IN ('untrusted', 'PUBLIC') AND privilege_type = 'SELECT'"
        " AND table_schema IN ('vospec', 'ivoa', 'tap_schema')"
    ).fetchall()
    answer = session.get(
        f"{url}/tap/sync",
        params={
            "LANG": "ADQL",
            "QUERY": "SELECT table_name FROM tap_schema.tables",
            "FORMAT": "csv",
        },
        timeout=60,
    )
    published = set(answer.text.split()[1:])
    # ObsCore is assembled from an empty table, and groups are no table of TAP 1.1.
    assert {name for (name,) in read} - published <= {"ivoa.emptyobscore", "tap_schema.groups"}
    assert published <= {name for (name,) in read}


def test_files_of_a_query_are_bounded(untrusted: psycopg.Connection[tuple[Any, ...]]) -> None:
    row = untrusted.execute("SHOW temp_file_limit").fetchone()
    assert row == ("4GB",)
