"""The address that load balancers ask tells how the service is, whatever else it does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests

from tests.conftest import Instance
from tests.service.conftest import RUN, SERVICE
from tests.service.server import serve
from tests.service.test_limits import RUNAWAY
from tests.service.told import ask

pytestmark = SERVICE


def test_a_service_that_is_well_tells_its_run(url: str, session: requests.Session) -> None:
    answer = session.get(f"{url}/vospec/q/health", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert told["status"] == "ok"
    assert told["run"] == RUN
    assert told["guarded"] is True
    assert abs((datetime.now(UTC) - datetime.fromisoformat(told["time"])).total_seconds()) < 60


def test_its_head_is_enough(url: str, session: requests.Session) -> None:
    answer = session.head(f"{url}/vospec/q/health", timeout=30)
    assert answer.status_code == 200
    assert answer.content == b""


def test_many_ask_at_once(url: str) -> None:
    def status(_: int) -> int:
        return requests.get(f"{url}/vospec/q/health", timeout=30).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(status, range(60))) == {200}


@pytest.fixture(scope="module")
def busy(instance: Instance, url: str) -> Iterator[str]:
    """A server whose threads are all taken for some seconds."""
    assert url
    with serve(instance, settings={"async.defaultExecTimeSync": "15"}) as address:
        yield address


def test_slow_queries_do_not_hold_it_up(busy: str) -> None:
    def slow(_: int) -> str:
        with requests.Session() as own:
            return ask(own, busy, RUNAWAY).text

    # The server has ten threads.
    with ThreadPoolExecutor(15) as pool:
        asked = [pool.submit(slow, number) for number in range(15)]
        for _ in range(5):
            answer = requests.get(f"{busy}/vospec/q/health", timeout=30)
            assert answer.status_code == 200
        assert not any(future.done() for future in asked)
        assert all("timed out" in future.result() for future in asked)
