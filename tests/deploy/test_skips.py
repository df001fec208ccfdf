"""With CI=true no test is silently left out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import CHECKOUT

SKIPPING = """import pytest
def test_without_data():
    pytest.skip("no data here")
@pytest.mark.xfail(raises=ZeroDivisionError)
def test_that_is_expected_to_fail():
    1 / 0
"""
MODULE = 'import pytest\npytest.importorskip("a_module_that_is_not_there")\n'


def _run(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CI": ci}
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(  # noqa: S603 - our own interpreter
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("false", 0), ("true", 1), ("1", 1)])
def test_a_skipped_test_fails_only_in_ci(tmp_path: Path, ci: str, code: int) -> None:
    shutil.copy(CHECKOUT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    done = _run(tmp_path, ci)
    assert done.returncode == code, done.stdout
    assert "1 xfailed" in done.stdout
    assert "no data here" in done.stdout


def test_a_skipped_module_fails_in_ci(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_module.py").write_text(MODULE)
    assert _run(tmp_path, "true").returncode not in (0, 5)
    assert "a_module_that_is_not_there" in _run(tmp_path, "true").stdout
