"""Folders and commands for the tests of deployment."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
Library = Callable[[str], subprocess.CompletedProcess[str]]


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


@pytest.fixture(scope="module")
def instance_folder(run: Run) -> Iterator[Path]:
    """A folder whose instance, if a test starts one, is stopped in the end."""
    if not (Path("/usr/bin/dachs").exists() and Path("/usr/lib/postgresql/15/bin").exists()):
        pytest.skip("DaCHS or PostgreSQL 15 is not installed")
    made = open_folder()
    yield made
    run("down", "--folder", made)
    shutil.rmtree(made)


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
