"""A small graph and labels on it, searched and spread through Spark by a process of its own.

``python -m tests.backend.distributed MASTER FOLDER`` does the work of the stages with the
session of any master and writes their datasets into a store under the folder.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pyspark import SparkContext

from vospec import learning
from vospec.backend import diffusion, edges, faults, graph, parts, session
from vospec.backend.rowblocks import RowBlocks
from vospec.backend.session import Engine
from vospec.blocks import Blocks
from vospec.columns import NEAREST
from vospec.config import SparkSettings
from vospec.progress import Progress
from vospec.store import Store

#: Three blocks.
N, K = 2100, 5
DATASETS = ("nearest", "edges", "shares")
OPTIONS: dict[str, Any] = {"alpha": 0.9, "tol": 1e-3, "max_iter": 100}


def work(engine: Engine, folder: Path) -> None:
    """Search, join, and spread by both ways; what is there already is not made again."""
    rng, blocks, store = np.random.default_rng(21), Blocks(N), Store(str(folder))
    vectors = rng.normal(size=(N, 4)).astype(np.float32)
    classes = np.where(rng.random(N) < 0.03, rng.integers(0, 3, N), -1)
    nearest, joined, shares = (store.dataset(name) for name in DATASETS)
    spark = engine.session
    shared = spark.sparkContext.broadcast(learning.cell_search(vectors)[0])
    content = graph.nearest(lambda: shared.value, blocks, n_neighbors=K)
    tasks = spark.range(0, blocks.number, 1, blocks.number)
    parts.write(tasks, nearest, content, table=NEAREST, progress=Progress("searching", N))
    edges.write(spark, nearest, joined, N, weights="local_scaling", progress=Progress("joining", N))
    fitted = learning.LabelSpreading(**OPTIONS).fit(RowBlocks(spark, joined, N), classes)
    np.save(folder / "broadcast.npy", fitted.label_distributions_)
    diffusion.propagated(
        spark,
        joined,
        classes,
        method="label_spreading",
        shares=shares,
        progress=Progress("spreading", N),
        **OPTIONS,
    )


def files(folder: Path) -> dict[str, bytes]:
    """What the work has left."""
    made = [path for name in DATASETS for path in (folder / name).rglob("*.parquet")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in made} | {
        "broadcast": (folder / "broadcast.npy").read_bytes()
    }


def threads(spark: SparkContext) -> list[tuple[int, ...]]:
    """How many threads BLAS, OpenMP, numba and Arrow would start in tasks."""

    def counted(numbers: Iterable[int]) -> Iterator[tuple[int, ...]]:
        import numba  # noqa: PLC0415 - what a task loads
        import pyarrow as pa  # noqa: PLC0415
        import threadpoolctl  # noqa: PLC0415

        from vospec.backend import worker  # noqa: PLC0415

        worker.settle()
        for _ in numbers:
            found = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
            yield (*found, numba.get_num_threads(), pa.cpu_count())

    return spark.parallelize(range(4), 4).mapPartitions(counted).collect()


def main() -> None:
    """Do the work, or tell in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("master")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patience", type=float, default=session.PATIENCE)
    given = parser.parse_args()
    session.PATIENCE = given.patience
    settings = SparkSettings(master=given.master, driver_memory="512m", executor_memory="512m")
    with Engine(settings, given.folder / "scratch") as engine, faults.told():
        sys.stdout.write(json.dumps(threads(engine.session.sparkContext)))
        work(engine, given.folder / "store")


if __name__ == "__main__":
    main()
