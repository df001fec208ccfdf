"""One small publication, loaded and adopted, that all tests of the service read."""

import shutil
from collections.abc import Iterator

import pytest
import pyvo
import requests
from psycopg import conninfo

from tests.conftest import Instance
from tests.publication import samples
from vospec.publication import Connection, connect, create_tables, publish

#: Marks of every test that asks the service.
SERVICE = [
    pytest.mark.service,
    # VOUnits 1.1 discourages it, but SSA and the Spectral Data Model ask for it.
    pytest.mark.filterwarnings("ignore:The unit 'Angstrom' has been deprecated"),
]

RUN, OTHER_RUN = "label_spreading-test", "label_propagation-test"


def connected(instance: Instance) -> Connection:
    """A connection to the instance's database."""
    place = conninfo.conninfo_to_dict(instance.database)
    return connect(
        host=str(place["host"]),
        port=int(str(place["port"])),
        database=str(place["dbname"]),
        user=str(place["user"]),
    )


@pytest.fixture(scope="session")
def url(instance: Instance) -> Iterator[str]:
    """The address of a service that publishes the samples in two runs."""
    samples.write_originals()
    with connected(instance) as connection:
        # Tests must not depend on what somebody loaded before.
        connection.execute("DROP SCHEMA IF EXISTS vospec CASCADE")
        create_tables(connection, service_url=instance.url)
        publish(connection, run_id=OTHER_RUN, contents=samples.contents(OTHER_RUN, scale=0.5))
        publish(connection, run_id=RUN, contents=samples.contents(RUN))
    instance.adopt()
    yield instance.url
    shutil.rmtree(samples.FOLDER)


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """Connections that are closed at the end.

    Clients leave an answer that they have not read to its end to the garbage collector,
    which would complain of the open connection in some other test.
    """
    answers: list[requests.Response] = []
    with requests.Session() as opened:
        opened.hooks["response"].append(lambda answer, **_: answers.append(answer))
        yield opened
        for answer in answers:
            answer.close()


@pytest.fixture(scope="session")
def tap(url: str, session: requests.Session) -> pyvo.dal.TAPService:
    """The TAP service."""
    return pyvo.dal.TAPService(f"{url}/tap", session=session)
