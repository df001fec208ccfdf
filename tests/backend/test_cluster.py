"""The stages on a standalone cluster: the same bytes as in local mode, whoever is killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend import distributed
from tests.cluster import Cluster
from vospec.backend.session import Engine

pytestmark = pytest.mark.spark

ROOT = Path(__file__).parents[2]
#: Seconds after which a driver that should long have ended hangs.
HANGS = 900.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), 2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def expected(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What local mode makes, with two tasks at once."""
    folder = tmp_path_factory.mktemp("local")
    distributed.work(engine, folder)
    return distributed.files(folder)


def _started(master: str, folder: Path, *options: str) -> "subprocess.Popen[str]":
    """A driver of its own: this process has its session already."""
    command = [sys.executable, "-m", "tests.backend.distributed", master, str(folder), *options]
    return subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd=ROOT,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _await(path: Path, driver: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + HANGS
    while not path.exists():
        assert driver.poll() is None, driver.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("where", ["cluster", "local[1]"])
def test_every_master_makes_the_same_bytes_with_one_thread_a_task(
    request: pytest.FixtureRequest, expected: dict[str, bytes], tmp_path: Path, where: str
) -> None:
    master = request.getfixturevalue("cluster").master if where == "cluster" else where
    driver = _started(master, tmp_path)
    told, faults = driver.communicate(timeout=HANGS)
    assert driver.returncode == 0, faults
    threads = json.loads(told)
    assert len(threads) == 4
    assert {number for of_task in threads for number in of_task} == {1}
    assert distributed.files(tmp_path / "store") == expected


def test_local_tasks_have_one_thread_each(engine: Engine) -> None:
    found = distributed.threads(engine.session.sparkContext)
    # BLAS, numba and Arrow at least.
    assert all(len(of_task) >= 3 for of_task in found)
    assert {number for of_task in found for number in of_task} == {1}


def test_work_of_a_killed_worker_is_done_again(
    cluster: Cluster, expected: dict[str, bytes], tmp_path: Path
) -> None:
    driver = _started(cluster.master, tmp_path)
    # In the middle of the propagation: half of its state was the killed worker's.
    _await(tmp_path / "store" / "shares" / "_working" / "image-3", driver)
    cluster.kill(0)
    _, faults = driver.communicate(timeout=HANGS)
    cluster.add_worker()
    assert driver.returncode == 0, faults
    assert distributed.files(tmp_path / "store") == expected


def test_no_worker_left_is_told(
    cluster: Cluster, expected: dict[str, bytes], tmp_path: Path
) -> None:
    driver = _started(cluster.master, tmp_path, "--patience", "5")
    _await(tmp_path / "store" / "edges", driver)
    for number in range(len(cluster.workers)):
        cluster.kill(number)
    _, faults = driver.communicate(timeout=HANGS)
    assert driver.returncode == 1
    assert "WorkerError: no executor of spark://" in faults
    cluster.add_worker()
    # The next job goes on where this one has ended.
    driver = _started(cluster.master, tmp_path)
    _, faults = driver.communicate(timeout=HANGS)
    assert driver.returncode == 0, faults
    assert distributed.files(tmp_path / "store") == expected
