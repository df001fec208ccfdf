"""Folders and commands for the tests of deployment."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.publication import samples
from vospec.publication import connect, create_tables, publish

CHECKOUT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
Library = Callable[[str], subprocess.CompletedProcess[str]]
RUN = "label_spreading-samples"


@pytest.fixture(scope="session")
def run() -> Run:
    """Call a command of deploy/ and capture what it says."""

    def call(name: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [str(CHECKOUT / "deploy" / name), *map(str, arguments)]
        return subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, check=False, timeout=300, **options
        )

    return call


def open_folder() -> Path:
    """Make a folder that every account can enter, as pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="vospec-deploy."))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    made = open_folder()
    yield made
    shutil.rmtree(made)


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def open_instance(run: Run) -> Iterator[Path]:
    """A folder whose instance, if a test starts one, is stopped in the end."""
    if not (Path("/usr/bin/dachs").exists() and Path("/usr/lib/postgresql/15/bin").exists()):
        pytest.skip("DaCHS or PostgreSQL 15 is not installed")
    made = open_folder()
    yield made
    run("down", "--folder", made)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def instance_folder(run: Run) -> Iterator[Path]:
    """A folder for the instance of a module."""
    with open_instance(run) as made:
        yield made


@pytest.fixture(scope="session")
def published(run: Run) -> Iterator[Path]:
    """An instance that publishes the samples; whoever takes it leaves it well."""
    with open_instance(run) as made:
        assert run("up", "--folder", made, "--port", free_port()).returncode == 0
        with connect(host=str(made / "run"), port=5433) as connection:
            create_tables(connection, service_url=f"http://127.0.0.1:{port_of(made)}")
            publish(connection, run_id=RUN, contents=samples.contents(RUN))
        done = run("adopt", "--folder", made)
        assert done.returncode == 0, done.stdout + done.stderr
        yield made


def port_of(folder: Path) -> int:
    """The public port of an instance."""
    return int((folder / "port").read_text())


@pytest.fixture
def library() -> Library:
    """Run lines of bash in the library that all commands share."""

    def call(lines: str) -> subprocess.CompletedProcess[str]:
        script = f"set -euo pipefail; source {CHECKOUT}/deploy/parts/instance.bash; {lines}"
        return subprocess.run(  # noqa: S603 - our own library
            ["/bin/bash", "-c", script], capture_output=True, text=True, check=False, timeout=60
        )

    return call


def as_nobody() -> dict[str, object]:
    """Options of subprocess that give root away; an ordinary user stays himself."""
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
