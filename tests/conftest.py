"""What several tests share: a private instance, and no silent skips where it counts."""

import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Instance:
    """A running PostgreSQL and DaCHS that belong to the tests alone."""

    folder: Path
    url: str
    database: str

    def adopt(self) -> None:
        """Make DaCHS serve the tables that were loaded."""
        command = [os.environ["VOSPEC_TEST_ADOPT"], "--folder", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def instance() -> Instance:
    """The instance that ``deploy/test`` has started."""
    folder = os.environ.get("VOSPEC_TEST_FOLDER")
    if not folder:
        pytest.skip("no private PostgreSQL and DaCHS: run deploy/test")
    return Instance(Path(folder), os.environ["VOSPEC_TEST_URL"], os.environ["VOSPEC_TEST_DATABASE"])


def _must_not_skip() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as skipped too, but it has run.
    if _must_not_skip() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason} (with CI=true nothing may be skipped)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where everything must run."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into a failed one where everything must run."""
    report = yield
    _fail_if_skipped(report)
    return report
