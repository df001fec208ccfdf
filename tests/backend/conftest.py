from collections.abc import Iterator

import pytest

from vospec.backend.session import Engine
from vospec.config import SparkSettings


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    settings = SparkSettings(master="local[2]", driver_memory="1g")
    with Engine(settings, tmp_path_factory.mktemp("spark")) as engine:
        yield engine
