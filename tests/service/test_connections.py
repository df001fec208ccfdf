"""Connections of queries: one that ended well serves the next query as if it were new."""

from typing import LiteralString

import psycopg
import requests
from psycopg import conninfo

from tests.conftest import Instance
from tests.service.conftest import SERVICE
from tests.service.told import ask, rows, votable

pytestmark = SERVICE

_TABLE = votable('<FIELD name="a" datatype="int"/>', rows((1,), (2,)))
_SESSIONS = """SELECT pid FROM pg_stat_activity
WHERE usename = 'untrusted' AND state = 'idle' AND query = 'DISCARD ALL'"""
_TEMPORARY = "SELECT relname FROM pg_class WHERE relpersistence = 't'"


def _found(instance: Instance, query: LiteralString) -> set[object]:
    place = conninfo.make_conninfo(instance.database, user="dachsroot")
    with psycopg.connect(place, autocommit=True) as connection:
        return {row[0] for row in connection.execute(query)}


def test_the_next_query_finds_nothing_of_the_one_before(
    instance: Instance, url: str, session: requests.Session
) -> None:
    assert not ask(session, url, "SELECT * FROM TAP_UPLOAD.t", table=_TABLE).refused
    before = _found(instance, _SESSIONS)
    assert before
    assert _found(instance, _TEMPORARY) == set()
    assert not ask(session, url, "SELECT * FROM TAP_UPLOAD.t", table=_TABLE).refused
    assert _found(instance, _SESSIONS) & before


def test_a_query_that_failed_leaves_no_connection(
    instance: Instance, url: str, session: requests.Session
) -> None:
    assert not ask(session, url, "SELECT 1 AS a FROM tap_schema.schemas").refused
    before = _found(instance, _SESSIONS)
    assert ask(session, url, "SELECT 1 / 0 AS a FROM tap_schema.schemas").refused
    assert len(_found(instance, _SESSIONS)) == len(before) - 1


def test_a_connection_that_was_cut_harms_nobody(
    instance: Instance, url: str, session: requests.Session
) -> None:
    assert not ask(session, url, "SELECT 1 AS a FROM tap_schema.schemas").refused
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'untrusted'"
    assert _found(instance, cut) == {True}
    assert not ask(session, url, "SELECT 1 AS a FROM tap_schema.schemas").refused
