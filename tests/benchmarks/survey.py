"""A survey of millions of feature vectors in a store, and what scoring it takes.

``python -m tests.benchmarks.survey make N FOLDER`` writes the datasets that stand before
``vospec score`` (spectra without pixels, features, labels) for N survey spectra and the
labelled spectra of `learning`, all simulated (see `vectors`): 1.2 GB for a million.

``python -m tests.benchmarks.survey score FOLDER`` then scores as ``vospec score`` does, from
the features in Parquet to scores in Parquet, and prints the time of every stage, the peak
memory of all processes together and the recall of the neighbours, measured exactly on 2000
queries. ``--spark`` uses Spark where the cores of one machine would do; ``--again`` makes
all anew that stands behind the features; ``--method`` makes a run of one method only, and
``--explained`` tells for how many candidates the labels behind the score are sought.
"""

import argparse
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.benchmarks import vectors
from tests.benchmarks.learning import N_LABELLED
from vospec import config, inventory, neighbourhood, pipeline
from vospec.backend import parts
from vospec.backend.frames import lists
from vospec.columns import CLASSES, FEATURES, LABELS, SPECTRA, Table
from vospec.job import open_job
from vospec.plan import Plan
from vospec.progress import Progress
from vospec.store import arrow_schema

#: Survey spectra of one part of the datasets.
OF_A_PART = inventory.FILES_OF_A_PART
SEED = 1
#: Noise of the rectified flux over the inverse S/N, see `vectors`.
NOISE = 0.02


@dataclass(frozen=True)
class SimulatedPlan(Plan):
    """A plan whose files were never there: one part for every block of the survey."""

    n_survey: int = 0

    @cached_property
    def inventory(self) -> tuple[str, int]:
        """What stands for the files."""
        return f"simulated-{SEED}-{self.n_survey}", self.n_survey + N_LABELLED

    @property
    def n_parts(self) -> int:
        """Blocks of the survey, and one of labelled spectra."""
        return -(-self.n_survey // OF_A_PART) + 1


def settings(
    folder: Path,
    *,
    min_spectra: int = 0,
    methods: Sequence[str] = config.METHODS,
    n_explained: int = 200,
) -> config.Settings:
    """Settings of a job on the simulated datasets; 16 components as in the published trials."""
    return config.Settings(
        store=config.StoreSettings(str(folder / "store")),
        survey=config.SurveySettings(("simulated",)),
        training=config.TrainingSettings(labels=(str(folder / "labels.csv"),)),
        learning=config.LearningSettings(methods=tuple(methods), n_components=16),
        selection=config.SelectionSettings(n_explained=n_explained),
        spark=config.SparkSettings(min_spectra=min_spectra),
    )


def make(n_survey: int, folder: Path) -> None:
    """Write the datasets that stand before the score."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.csv").write_text(f"{n_survey} survey spectra\n", encoding="ascii")
    plan = SimulatedPlan(settings(folder), n_survey=n_survey)
    (folder / "size").write_text(str(n_survey), encoding="ascii")
    wanted: dict[str, tuple[Any, Table, Callable[[int], pa.Table]]] = {
        "spectra": (plan.spectra, SPECTRA, lambda part: _spectra(plan, part)),
        "features": (plan.features, FEATURES, lambda part: _features(plan, part)),
    }
    for name, (dataset, table, rows) in wanted.items():
        total = plan.inventory[1]
        made = parts.write_here(
            plan.n_parts,
            dataset,
            _in_batches(rows),
            table=table,
            progress=Progress(name, total),
            processes=True,
        )
        dataset.complete(rows=total, usable=total, counts=made.counts)
    plan.labels.write(_labels(plan))


def _in_batches(rows: Callable[[int], pa.Table]) -> parts.Content:
    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from rows(part).to_batches(max_chunksize=parts.ROWS)

    return content


def _block(plan: SimulatedPlan, part: int) -> tuple[list[str], vectors.Set]:
    """Identifiers, vectors and classes of a part; the last one teaches."""
    first = part * OF_A_PART
    number = min(OF_A_PART, plan.n_survey - first)
    if number > 0:
        made = vectors.block("SURVEY", part, seed=SEED, n_vectors=number)
        return [f"lamost/spec-{first + i:09d}" for i in range(number)], made
    made = vectors.block("TRAINING", 0, seed=SEED, n_vectors=N_LABELLED)
    return [f"ccd700/{i:06d}" for i in range(N_LABELLED)], made


def _spectra(plan: SimulatedPlan, part: int) -> pa.Table:
    number = min(OF_A_PART, plan.n_survey - part * OF_A_PART)
    names = (
        [f"lamost/spec-{part * OF_A_PART + i:09d}" for i in range(number)]
        if number > 0
        else [f"ccd700/{i:06d}" for i in range(N_LABELLED)]
    )
    role = "survey" if number > 0 else "training"
    return _table(SPECTRA, {"spectrum_id": names, "role": [role] * len(names)})


def _features(plan: SimulatedPlan, part: int) -> pa.Table:
    names, made = _block(plan, part)
    flux = lists(
        made.vectors,
        np.ones(len(names), dtype=bool),
        arrow_schema(FEATURES).field("flux").type,
    )
    noise = np.full(len(names), NOISE, dtype=np.float32)
    return _table(FEATURES, {"spectrum_id": names, "flux": flux, "continuum_noise": noise})


def _table(table: Table, given: dict[str, Any]) -> pa.Table:
    """Rows of a table, null in what is not given, without a flag."""
    schema = arrow_schema(table)
    n_rows = len(given["spectrum_id"])
    given["quality"] = np.zeros(n_rows, dtype=np.int32)
    columns = [
        pa.array(given[field.name], field.type)
        if field.name in given
        else pa.nulls(n_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _labels(plan: SimulatedPlan) -> pa.Table:
    names, made = _block(plan, plan.n_parts - 1)
    rows = [
        {"spectrum_id": name, "class": CLASSES[class_], "source": "archive"}
        for name, class_ in zip(names, made.classes.tolist(), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(LABELS))


def score(folder: Path, given: config.Settings, *, again: bool) -> None:
    """Score the survey of a folder and print what it took."""
    plan = SimulatedPlan(given, n_survey=int((folder / "size").read_text(encoding="ascii")))
    if again:
        for name in ("components", "vectors", "cells", "vertices", "nearest", "edges", "runs"):
            shutil.rmtree(folder / "store" / name, ignore_errors=True)
    with _peak_memory() as memory, open_job(given, "benchmark") as job:
        job.plan = plan
        seconds = _timed(lambda: pipeline.score(job))
    methods = " and ".join(given.learning.methods)
    print(f"features to scores of {methods}: {seconds:.1f} s, peak {max(memory):.2f} GB")
    search = neighbourhood.search(plan)
    k = given.learning.n_neighbors
    recall = search.recall(n_neighbors=k, n_queries=2000, n_jobs=job.n_jobs)
    print(f"recall on 2000 exact queries: {recall:.4f}")


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """Gigabytes that this process and its children hold together, twice a second."""
    found, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            found.append(_held() / 1e9)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _held() -> int:
    """Proportional set size of this process and all below it, in bytes."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    todo, total = [Path("/proc/self").resolve().name], 0
    while todo:
        process = todo.pop()
        todo += map(str, children.get(int(process), []))
        try:
            lines = Path("/proc", process, "smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    making = actions.add_parser("make")
    making.add_argument("n_survey", type=int)
    making.add_argument("folder", type=Path)
    scoring = actions.add_parser("score")
    scoring.add_argument("folder", type=Path)
    scoring.add_argument("--spark", action="store_true")
    scoring.add_argument("--again", action="store_true")
    scoring.add_argument("--method", choices=config.METHODS, action="append")
    scoring.add_argument("--explained", type=int, default=200)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    if given.action == "make":
        make(given.n_survey, given.folder)
    else:
        chosen = settings(
            given.folder,
            min_spectra=0 if given.spark else 10**12,
            methods=given.method or config.METHODS,
            n_explained=given.explained,
        )
        score(given.folder, chosen, again=given.again)


if __name__ == "__main__":
    # Processes import what they are to do; this module has no name for them.
    from tests.benchmarks import survey  # noqa: PLW0406

    survey.main()
