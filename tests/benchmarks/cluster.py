"""The search and the propagation through Spark: one worker against two, and scikit-learn.

``python -m tests.benchmarks.cluster workers`` starts a standalone cluster with one one-core
worker, then with two, and does the same work on both: the search stage, the stage of the
edges, and Label Spreading by products of the executors. It prints the seconds of each side
by side, and the ratio.

``python -m tests.benchmarks.cluster local`` does search and Label Spreading of vectors in
memory through Spark's local mode, and by scikit-learn on the same vectors.

What is paid once is told apart: the session, loading compiled code in its processes, and
sorting the vectors into cells, for which the driver has all cores in any case.
"""

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from pyspark import SparkContext
from sklearn import semi_supervised
from sklearn.exceptions import ConvergenceWarning

from tests.benchmarks.learning import N_LABELLED, apart, load_compiled, problem
from tests.cluster import Cluster
from vospec import learning
from vospec.backend import edges, graph, parts
from vospec.backend.rowblocks import RowBlocks
from vospec.backend.session import Engine
from vospec.blocks import Blocks
from vospec.columns import NEAREST
from vospec.config import SparkSettings
from vospec.progress import Progress
from vospec.store import Dataset, Store, matrix

Seconds = dict[str, float]
K, ALPHA, TOL = 10, 0.9, 1e-4
#: What happens before the clock starts.
BEFORE = ("session", "loading", "cells")


class _Clock:
    """Seconds of one thing after the other."""

    def __init__(self) -> None:
        self.seconds: Seconds = {}
        self._last = time.perf_counter()

    def stop(self, what: str) -> None:
        """Say what has just ended."""
        now = time.perf_counter()
        self.seconds[what], self._last = now - self._last, now


def _loaded(spark: SparkContext) -> None:
    """Load what tasks need in every executor."""

    def load(_: int) -> None:
        learning.cell_search(np.random.default_rng(1).random((500, 3)))[0].nearest(
            range(100), n_neighbors=3
        )

    n_tasks = 4 * spark.defaultParallelism
    spark.parallelize(range(n_tasks), n_tasks).foreach(load)
    load_compiled()


def _searched(engine: Engine, search: learning.CellSearch, nearest: Dataset, n: int) -> None:
    blocks, spark = Blocks(n), engine.session
    shared = spark.sparkContext.broadcast(search)
    content = graph.nearest(lambda: shared.value, blocks, n_neighbors=K)
    tasks = spark.range(0, blocks.number, 1, blocks.number)
    parts.write(tasks, nearest, content, table=NEAREST, progress=Progress("searching", n))


def distributed(master: str, file: str, folder: str) -> Seconds:
    """Search, join and spread through Spark, in a process that does nothing else."""
    with np.load(file) as found:
        X, y = found["X"], found["y"]  # noqa: N806 -- scikit-learn's name
    store, n, clock = Store(folder), len(X), _Clock()
    settings = SparkSettings(master=master, executor_memory="2g")
    with Engine(settings, Path(folder, "scratch")) as engine:
        spark = engine.session
        clock.stop("session")
        _loaded(spark.sparkContext)
        clock.stop("loading")
        search, order = learning.cell_search(X, n_jobs=len(os.sched_getaffinity(0)))
        clock.stop("cells")
        nearest, joined = (store.dataset(name) for name in ("nearest", "edges"))
        _searched(engine, search, nearest, n)
        clock.stop("search")
        edges.write(
            spark, nearest, joined, n, weights="local_scaling", progress=Progress("joining", n)
        )
        clock.stop("edges")
        fitted = learning.LabelSpreading(alpha=ALPHA, tol=TOL)
        fitted.fit(RowBlocks(spark, joined, n), y[order])
        clock.stop("propagation")
    return clock.seconds


def local(file: str, folder: str) -> Seconds:
    """Search through Spark's local mode and spread on the driver."""
    with np.load(file) as found:
        X, y = found["X"], found["y"]  # noqa: N806 -- as above
    n, n_jobs, clock = len(X), len(os.sched_getaffinity(0)), _Clock()
    nearest = Store(folder).dataset("nearest")
    with Engine(SparkSettings(master=f"local[{n_jobs}]"), Path(folder, "scratch")) as engine:
        _loaded(engine.session.sparkContext)
        clock.stop("session")
        search, order = learning.cell_search(X, n_jobs=n_jobs)
        clock.stop("cells")
        _searched(engine, search, nearest, n)
        lists = _lists(nearest)
        clock.stop("search")
        learning.LabelSpreading(alpha=ALPHA, n_jobs=n_jobs).fit(
            learning.neighbour_graph(*lists), y[order]
        )
        clock.stop("propagation")
    return clock.seconds


def _lists(nearest: Dataset) -> tuple[np.ndarray, np.ndarray]:
    table = nearest.parts().to_table().sort_by("vertex")
    columns = (table.column(name).combine_chunks() for name in ("neighbours", "distances"))
    indices, distances = map(matrix, columns)
    return indices, distances


def by_scikit_learn(file: str) -> Seconds:
    """Fit scikit-learn's estimator on the same vectors."""
    with np.load(file) as found:
        X, y = found["X"], found["y"]  # noqa: N806 -- as above
    clock = _Clock()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=ConvergenceWarning)
        semi_supervised.LabelSpreading(kernel="knn", n_neighbors=K, alpha=ALPHA).fit(X, y)
    clock.stop("all")
    return clock.seconds


def compare_workers(file: str, folder: Path) -> None:
    """Print what one worker and two take."""
    took = []
    for n_workers in (1, 2):
        place = folder / str(n_workers)
        with Cluster(place / "cluster", n_workers, memory="3g") as cluster:
            took.append(apart(distributed, cluster.master, file, str(place / "store")))
    print("stage          1 worker s  2 workers s  ratio")
    for what in took[0]:
        note = "  (not counted)" if what in BEFORE else ""
        _print_row(what, *(seconds[what] for seconds in took), note)
    _print_row("together", *(_counted(seconds) for seconds in took), "  (target: 1.6)")


def _counted(seconds: Seconds) -> float:
    return sum(value for what, value in seconds.items() if what not in BEFORE)


def _print_row(what: str, one: float, two: float, note: str) -> None:
    print(f"{what:13s}  {one:10.2f}  {two:11.2f}  {one / two:5.2f}{note}", flush=True)


def compare_methods(file: str, folder: Path, repeats: int) -> None:
    """Print what Spark's local mode and scikit-learn take."""
    pairs = []
    for number in range(repeats):
        ours = apart(local, file, str(folder / f"store-{number}"))
        theirs = apart(by_scikit_learn, file)
        total = sum(value for what, value in ours.items() if what != "session")
        pairs.append((total, theirs["all"]))
        told = ", ".join(f"{what} {value:.2f}" for what, value in ours.items())
        print(f"vospec {total:.2f} s ({told}); scikit-learn {theirs['all']:.2f} s", flush=True)
    one, other = np.median(pairs, axis=0)
    print(f"medians {one:.2f} s and {other:.2f} s, ratio {other / one:.1f} (target: 5)")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("workers", "local"))
    parser.add_argument("--size", type=int, help="vectors: 500000 for workers, 200000 for local")
    parser.add_argument("--components", type=int, default=16)
    parser.add_argument("--vectors", help="file of tests.benchmarks.vectors")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    size = given.size or {"workers": 500_000, "local": 200_000}[given.what]
    with tempfile.TemporaryDirectory() as name:
        folder, file = Path(name), str(Path(name, "problem.npz"))
        if given.vectors:
            with np.load(given.vectors) as found:
                X, classes = found["vectors"][:size], found["classes"][:size]  # noqa: N806 -- as above
            np.savez(file, X=X, y=np.where(np.arange(size) < N_LABELLED, classes, -1))
        else:
            np.savez(file, **problem(size, given.components, given.seed))
        if given.what == "workers":
            compare_workers(file, folder)
        else:
            compare_methods(file, folder, given.repeats)


if __name__ == "__main__":
    main()
