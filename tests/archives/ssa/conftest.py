"""A service, and a download from it whose waiting takes no time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.archives.ssa.services import Service, serving
from vospec.archives.ssa import Manners, Outcome, Transport, fetch


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
def transport(clock: Clock) -> Iterator[Transport]:
    manners = Manners(pause=0.0, timeout=5.0, jitter=0.0)
    with Transport(manners, sleep=clock.sleep, clock=clock) as transport:
        yield transport


@pytest.fixture
def download(service: Service, transport: Transport, tmp_path: Path) -> Callable[..., Outcome]:
    """Download from the service into ``tmp_path/spectra``."""

    def call(**options: object) -> Outcome:
        return fetch(f"{service.url}/ssa", tmp_path / "spectra", transport=transport, **options)

    return call
