"""What several tests share: a private instance, and no silent skips where it counts."""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from vospec import config, pipeline, scoring
from vospec.archives.simulated import simulate
from vospec.backend.session import Engine
from vospec.job import Job

#: The small simulated survey of the tests.
N_SURVEY, N_TRAINING = 150, 60
SPARK = config.SparkSettings(master="local[2]", driver_memory="1g", min_spectra=0)
ALONE = config.SparkSettings(master="none", min_spectra=10**9)
#: What a job has before it scores.
BEFORE = ("files", "spectra", "labels", "adapted", "features", "grid")


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


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One Spark session for all tests; it starts with the first that needs it."""
    with Engine(SPARK, tmp_path_factory.mktemp("spark")) as engine:
        yield engine


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated survey with bad files among the good."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, n_survey=N_SURVEY, n_training=N_TRAINING, seed=3)
    good = next(iter(sorted((folder / "survey").rglob("*.fits"))))
    bad = folder / "survey" / "bad"
    bad.mkdir()
    (bad / "truncated.fits").write_bytes(good.read_bytes()[:9000])
    (bad / "empty.fits").write_bytes(b"")
    (bad / good.name).write_bytes(good.read_bytes())
    return folder


@pytest.fixture(scope="session")
def settings(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> config.Settings:
    """Settings of a job on that survey."""
    return config.Settings(
        store=config.StoreSettings(str(tmp_path_factory.mktemp("store"))),
        survey=config.SurveySettings((str(folder / "survey"),), str(folder / "truth.csv")),
        training=config.TrainingSettings((str(folder / "training"),)),
        learning=config.LearningSettings(n_components=16),
        spark=SPARK,
    )


@pytest.fixture(scope="session")
def done(settings: config.Settings, engine: Engine) -> Job:
    """A job that went through all stages but the publication."""
    job = Job(settings, engine)
    for stage in (pipeline.ingest, pipeline.features, pipeline.score):
        stage(job)
    return job


def by_itself(done: Job, folder: Path, **learning: Any) -> config.Settings:  # noqa: ANN401 - of the section's types
    """Settings of the job that is done, with a store of its own, one method, and no Spark."""
    section = replace(done.settings.learning, **{"methods": ("label_propagation",)} | learning)
    given = config.StoreSettings(str(folder))
    return replace(done.settings, store=given, learning=section, spark=ALONE)


def _before_scoring(done: Job, folder: Path, **learning: Any) -> Job:  # noqa: ANN401 - as above
    for name in BEFORE:
        shutil.copytree(Path(done.plan.store.root, name), folder / name)
    return Job(by_itself(done, folder, **learning), done.engine)


@pytest.fixture
def fresh(done: Job, tmp_path: Path) -> Callable[..., Job]:
    """Give a job that has features and labels, and nothing behind them."""

    def made(**learning: Any) -> Job:  # noqa: ANN401 - as above
        return _before_scoring(done, tmp_path / f"store{len(list(tmp_path.iterdir()))}", **learning)

    return made


@pytest.fixture(scope="session")
def whole(done: Job, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job that nobody disturbed, without Spark."""
    job = _before_scoring(done, tmp_path_factory.mktemp("whole"))
    scoring.score(job)
    return job


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist's
    """Where several processes share the tests (``-n``), what shares fixtures stays in one."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - there, if the hook is called

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist's
        def _split_scope(self, nodeid: str) -> str:
            path = Path(nodeid.partition("::")[0])
            # These tests change the one service, those the one database beside it.
            if path.name in {"test_health.py", "test_proxy.py"}:
                return "published"
            together = path.parent if path.parent.name in {"service", "publication"} else path
            return str(together)

    return Scheduling(config, log)


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
