"""A fresh database in the private PostgreSQL, without DaCHS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql

from tests.conftest import Instance
from tests.publication import rescored
from vospec.config import Settings
from vospec.publication import connect, create_tables

Connection = psycopg.Connection[tuple[Any, ...]]

_NAME = "vospec_test"
_PARTS = Path(__file__).resolve().parents[2] / "deploy" / "parts"


@pytest.fixture(scope="module")
def address(instance: Instance) -> Iterator[dict[str, Any]]:
    """Where a database is that only these tests use."""
    place = conninfo.conninfo_to_dict(instance.database)
    given = {"host": place["host"], "port": int(str(place["port"])), "database": _NAME}
    name = sql.Identifier(_NAME)
    with _as_superuser(given, "postgres") as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        server.execute(sql.SQL("CREATE DATABASE {} OWNER gavoadmin").format(name))
        with _as_superuser(given, _NAME) as database:
            database.execute("CREATE EXTENSION q3c")
            for name_of_part in ("pg_sphere.sql", "small_spoly.sql"):
                database.execute((_PARTS / name_of_part).read_bytes())
        yield given
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _as_superuser(address: dict[str, Any], database: str) -> Connection:
    return psycopg.connect(
        host=address["host"],
        port=address["port"],
        dbname=database,
        user="dachsroot",
        autocommit=True,
    )


@pytest.fixture
def connection(address: dict[str, Any]) -> Iterator[Connection]:
    """A connection to empty tables."""
    with connect(**address) as opened:
        opened.execute("DROP SCHEMA IF EXISTS vospec CASCADE")
        create_tables(opened)
        yield opened


@pytest.fixture
def reader(address: dict[str, Any], connection: Connection) -> Iterator[Connection]:
    """A second connection, that of somebody who only reads."""
    assert not connection.closed
    with connect(**address) as opened:
        yield opened


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a survey that is scored and not published yet."""
    return rescored.scored(tmp_path_factory.mktemp("rescoring"))
