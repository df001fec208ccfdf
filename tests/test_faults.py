"""What fails from outside: a clear error or a correct result, never a wrong score.

After every fault it is asked what the user is told, that nothing half passes for whole,
and that the next good run gives the bytes of a run that nobody disturbed.
"""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.conftest import ALONE, BEFORE
from tests.faulty import Failing, Moment, full, killed
from vospec import __main__, config, scoring
from vospec.backend import faults, parts
from vospec.backend.session import Engine
from vospec.columns import COMPONENTS
from vospec.errors import StoreError, WorkerError
from vospec.job import Job
from vospec.plan import Plan
from vospec.progress import Progress
from vospec.store import Dataset, Store, arrow_schema

pytestmark = pytest.mark.spark

DATED = {"record", "labels"}


def _bytes(plan: Plan) -> dict[str, bytes]:
    """What the store holds of what scoring has made."""
    root = Path(plan.store.root)
    paths = [path.relative_to(root) for path in root.rglob("*.parquet")]
    return {
        str(path): (root / path).read_bytes()
        for path in paths
        if not (DATED | set(BEFORE)) & set(path.parts)
    }


def _made(plan: Plan) -> list[Dataset]:
    """What scoring makes, in its order."""
    run = plan.runs[0]
    of_graph = [plan.components, plan.vectors, plan.cells, plan.vertices, plan.nearest]
    worth = [run.reliability, run.thresholds]
    return [*of_graph, *worth, run.scores, run.candidates, run.neighbours, run.record]


# The command, in a process of its own.


def _write_config(settings: config.Settings, path: Path) -> Path:
    """Write settings as TOML; JSON writes texts, numbers and lists as TOML does."""
    lines = []
    for section, values in asdict(settings).items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _vospec_score(given: Path, told: Path, prepare: Callable[[], None] | None) -> None:
    """Be ``vospec score``, what it says written to a file."""
    with told.open("w") as stream:
        os.dup2(stream.fileno(), 2)
    if prepare:
        prepare()
    code = __main__.main(["score", "--config", str(given)])
    sys.stderr.flush()
    # Without what a test runner does at the end.
    os._exit(code)


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))


@pytest.fixture(scope="module")
def processes() -> Any:  # noqa: ANN401 - a context of multiprocessing
    """Start processes from one that has imported everything and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.test_faults"])
    return context


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def vospec_score(processes: Any, tmp_path: Path) -> Command:  # noqa: ANN401 - as above
    """Run ``vospec score``; give its exit code and what it said."""

    def run(settings: config.Settings, prepare: Callable[[], None] | None = None) -> Any:  # noqa: ANN401
        given, told = _write_config(settings, tmp_path / "vospec.toml"), tmp_path / "told"
        process = processes.Process(target=_vospec_score, args=(given, told, prepare))
        process.start()
        process.join(600)
        assert process.exitcode is not None
        return process.exitcode, told.read_text(encoding="utf-8")

    return run


def _moments(plan: Plan) -> Iterator[tuple[Dataset, str, Moment]]:
    """Files of all that scoring makes, and when to fail there, in the order of the work."""
    for dataset in _made(plan):
        yield dataset, f"{dataset.path}/", "writing"
        if dataset.path == plan.vectors.path:
            yield dataset, f"{dataset.path}/part-00005", "naming"
        yield dataset, f"{dataset.path}/_manifest.json", "writing"
        yield dataset, f"{dataset.path}/_manifest.json", "naming"


def test_killed_at_every_step_and_started_again(
    fresh: Callable[..., Job], whole: Job, vospec_score: Command
) -> None:
    job = fresh()
    for dataset, name, moment in _moments(job.plan):
        if (name[-4:], moment) == ("json", "writing"):
            continue
        code, said = vospec_score(job.settings, Failing(name, moment, killed))
        assert code == -signal.SIGKILL, (name, moment, said)
        assert not dataset.is_complete(), (name, moment)
        assert not job.plan.runs[0].record.is_complete()
    code, said = vospec_score(job.settings)
    assert code == 0, said
    assert _bytes(job.plan) == _bytes(whole.plan)


def test_a_disk_that_is_full_at_every_step(fresh: Callable[..., Job], whole: Job) -> None:
    job = fresh()
    for dataset, name, moment in _moments(job.plan):
        with mock.patch("vospec.store.locate", Failing(name, moment, full).locate):
            failing = Job(job.settings, job.engine)
            with pytest.raises(StoreError, match=f"{dataset.path}/.*: No space left on device"):
                scoring.score(failing)
        assert not dataset.is_complete(), (name, moment)
    scoring.score(Job(job.settings, job.engine))
    assert _bytes(job.plan) == _bytes(whole.plan)
    assert not list(Path(job.plan.store.root).rglob("*incoming"))


def test_the_command_tells_what_the_system_refuses_in_one_line(
    fresh: Callable[..., Job], vospec_score: Command
) -> None:
    job = fresh()
    code, said = vospec_score(job.settings, _limit_files)
    assert code == 1
    assert said.splitlines()[-1].startswith("vospec: ")
    assert said.endswith("parquet: File too large\n")
    assert "Traceback" not in said
    assert vospec_score(job.settings)[0] == 0


# A store that is damaged though it says that it is whole.


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _lost(path: Path) -> None:
    path.unlink()


def _renamed(path: Path) -> None:
    table = parquet.read_table(path)
    parquet.write_table(table.rename_columns([f"{name}_" for name in table.column_names]), path)


def _shortened(path: Path) -> None:
    parquet.write_table(parquet.read_table(path).slice(1), path)


DAMAGES: dict[Callable[[Path], None], str] = {
    _cut: "part-0000{part}.parquet'?: .*[Pp]arquet",
    _emptied: "part-0000{part}.parquet'?: Parquet file size is 0 bytes",
    _lost: "part-0000{part}.parquet",
    _renamed: "part-0000{part}.parquet: expected the columns .*, found .*_ ",
    _shortened: "expected [0-9]+ rows, found [0-9]+",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["labels", "features", "vectors", "vertices", "nearest"])
def test_a_damaged_part_is_named(
    fresh: Callable[..., Job], name: str, damage: Callable[[Path], None]
) -> None:
    job = fresh()
    if name not in BEFORE:
        scoring.score(job)
        shutil.rmtree(Path(job.plan.store.root, "runs"))
    behind = {"vectors": job.plan.vertices, "vertices": job.plan.nearest}
    if name in behind:
        shutil.rmtree(behind[name].location)
    dataset: Dataset = getattr(job.plan, name)
    # Rows are lost only where there are some.
    part = 1 if name in {"features", "vectors"} else 0
    damage(Path(dataset.part(part)))
    job = Job(job.settings, job.engine)
    told = f"{dataset.path}.*{DAMAGES[damage].format(part=part)}"
    with pytest.raises(StoreError, match=told):
        scoring.score(job)
    assert not any(run.record.is_complete() for run in job.plan.runs)


def test_a_damaged_manifest_is_named(fresh: Callable[..., Job]) -> None:
    job = fresh()
    Path(job.plan.features.location, "_manifest.json").write_bytes(b'{"rows": 2')
    with pytest.raises(StoreError, match=r"_manifest.json: expected a manifest as JSON, found"):
        scoring.score(job)


@pytest.mark.parametrize("damage", [_cut, _emptied])
def test_a_part_that_lost_its_end_before_the_manifest_is_made_again(
    fresh: Callable[..., Job], whole: Job, damage: Callable[[Path], None]
) -> None:
    job = fresh()
    scoring.score(job)
    shutil.rmtree(job.plan.runs[0].record.location)
    for dataset in (job.plan.vectors, job.plan.vertices, job.plan.nearest):
        Path(dataset.location, "_manifest.json").unlink()
        damage(Path(dataset.part(0)))
    scoring.score(Job(job.settings, job.engine))
    assert _bytes(job.plan) == _bytes(whole.plan)


# Spark's tasks.


def _nothing(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    del part
    yield pa.RecordBatch.from_pylist([], schema=arrow_schema(COMPONENTS))


def _killing(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if part == 1:
        killed()
    yield from _nothing(part, _)


def _through_spark(engine: Engine, dataset: Dataset, content: parts.Content) -> parts.Made:
    tasks = engine.session.range(0, 3, 1, 3)
    return parts.write(tasks, dataset, content, table=COMPONENTS, progress=Progress("x", 3))


def _by_processes(_: Engine, dataset: Dataset, content: parts.Content) -> parts.Made:
    progress = Progress("x", 3)
    return parts.write_here(
        3, dataset, content, table=COMPONENTS, progress=progress, processes=True
    )


@pytest.mark.parametrize("write", [_through_spark, _by_processes])
def test_a_killed_worker_is_told_and_its_part_made_again(
    engine: Engine, tmp_path: Path, write: Callable[..., parts.Made]
) -> None:
    dataset = Store(str(tmp_path)).dataset("x/y", COMPONENTS)
    with pytest.raises(WorkerError, match=r"^[^\n]*(crashed|killed)[^\n]*$"), faults.told():
        write(engine, dataset, _killing)
    assert not dataset.has_part(1)
    assert write(engine, dataset, _nothing).parts == 3
    assert all(dataset.has_part(part) for part in range(3))


def test_a_full_disk_under_a_task_of_spark_is_told(engine: Engine, tmp_path: Path) -> None:
    with mock.patch("vospec.store.locate", Failing("part-00001", "writing", full).locate):
        dataset = Store(str(tmp_path)).dataset("x/y", COMPONENTS)
    told = r"^/[^\n]*part-00001.parquet: No space left on device$"
    with pytest.raises(StoreError, match=told), faults.told():
        _through_spark(engine, dataset, _nothing)
    assert not dataset.has_part(1)
    assert not list(tmp_path.rglob("*incoming"))


def test_a_damaged_part_under_a_task_of_spark_is_named(fresh: Callable[..., Job]) -> None:
    job = fresh()
    settings = replace(job.settings, spark=replace(ALONE, min_spectra=0))
    graph_less = replace(settings, learning=replace(settings.learning, n_components=0))
    _cut(Path(job.plan.features.part(1)))
    with pytest.raises(StoreError, match=r"part-00001.parquet: [^\n]*$"), faults.told():
        scoring.score(Job(graph_less, job.engine))


# The driver of Spark.


def test_spark_is_killed_with_its_driver(
    fresh: Callable[..., Job], whole: Job, vospec_score: Command, tmp_path: Path
) -> None:
    job = fresh()
    on_spark = config.SparkSettings(master="local[2]", driver_memory="1g", min_spectra=0)
    settings = replace(job.settings, spark=on_spark)
    code, said = vospec_score(
        settings, Failing(f"{job.plan.nearest.path}/_manifest.json", "naming", killed)
    )
    assert code == -signal.SIGKILL, said
    assert job.plan.vertices.is_complete()
    assert not job.plan.nearest.is_complete()
    _wait_for_the_end_of(str(tmp_path))
    scoring.score(Job(job.settings, job.engine))
    assert _bytes(job.plan) == _bytes(whole.plan)


def _wait_for_the_end_of(scratch: str) -> None:
    """Wait until no process of the folder is left: Java must not outlive its driver."""
    deadline = time.monotonic() + 60
    while any(scratch in words for words in _commands()):
        assert time.monotonic() < deadline, f"Java still works in {scratch}"
        time.sleep(0.2)


def _commands() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
