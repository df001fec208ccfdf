"""What comes after the search, at the size of a survey: seconds, core-seconds and memory.

``python -m tests.benchmarks.propagation lists N FILE`` makes vectors like those of a survey
and writes their neighbours to an ``.npz`` file; ``... measure FILE`` takes them from there
and prints the cost of the graph, of both methods, of hidden labels in five parts, and of the
labels behind candidates.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from tests.benchmarks import vectors
from tests.benchmarks.learning import N_LABELLED, _peak
from vospec.learning import (
    LabelPropagation,
    LabelSpreading,
    cell_search,
    contributions,
    neighbour_graph,
)
from vospec.learning.systems import MANY, propagate, spread

N_JOBS = len(os.sched_getaffinity(0))


def lists(n_vectors: int, file: str, seed: int) -> None:
    """Write neighbours, and classes of which the first of the survey are known."""
    made = vectors.survey(n_vectors, n_components=16, seed=seed)
    search, order = cell_search(made.vectors, n_jobs=N_JOBS)
    indices, distances = search.nearest(range(n_vectors), n_neighbors=10, n_jobs=N_JOBS)
    known = np.where(np.arange(n_vectors) < N_LABELLED, made.classes, -1)
    np.savez(file, indices=indices, distances=distances, y=known[order])


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Print what the block took."""
    wall, cores, before = time.perf_counter(), time.process_time(), _peak()
    yield
    wall, cores = time.perf_counter() - wall, time.process_time() - cores
    memory = f"peak {_peak():6.0f} MB, {before:6.0f} before"
    print(f"{name:28s} {wall:8.1f} s {cores:8.1f} core-s  {memory}", flush=True)


def measure(file: str, n_explained: int) -> None:
    """Print a line for each piece of work; compiled code is loaded before."""
    with np.load(file) as found:
        indices, distances, y = found["indices"], found["distances"], found["y"]
    some = indices[:MANY] % MANY, distances[:MANY], np.arange(MANY) % 5 - 1
    _work(*some, 3, lambda _: nullcontext())
    _work(indices, distances, y, n_explained, timed)


def _work(
    indices: Any,  # noqa: ANN401 -- arrays
    distances: Any,  # noqa: ANN401 -- arrays
    y: Any,  # noqa: ANN401 -- arrays
    n_explained: int,
    timed: Callable[[str], Any],
) -> None:
    with timed("graph"):
        graph = neighbour_graph(indices, distances)
    for estimator in (LabelPropagation(tol=1e-4), LabelSpreading(tol=1e-4, alpha=0.9)):
        with timed(type(estimator).__name__):
            estimator.fit(graph, y)
    explained = np.flatnonzero(y < 0)[:: len(y) // (2 * n_explained)][:n_explained]
    rows, parts = np.flatnonzero(y >= 0), np.arange(np.count_nonzero(y >= 0)) % 5
    targets = np.zeros((len(y), 5, 2))
    for part in range(5):
        shown = rows[parts != part]
        targets[shown, part, (y[shown] > 0).astype(int)] = 1
    options: dict[str, Any] = {"solver": "conjugate_gradient", "tol": 1e-4, "max_iter": 1000}
    with timed("hidden labels, propagation"):
        propagate(graph, targets, n_jobs=N_JOBS, **options)
    with timed("hidden labels, spreading"):
        spread(graph, targets, alpha=0.9, n_jobs=N_JOBS, **options)
    del targets
    for alpha in (None, 0.9):
        with timed(f"{len(explained)} explained, alpha {alpha}"):
            contributions(graph, y, explained, alpha=alpha, tol=1e-2, n_jobs=N_JOBS)


def main() -> None:
    """Make lists, or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, dest="what")
    making, measuring = commands.add_parser("lists"), commands.add_parser("measure")
    making.add_argument("n_vectors", type=int)
    for command in (making, measuring):
        command.add_argument("file")
    making.add_argument("--seed", type=int, default=1)
    measuring.add_argument("--explained", type=int, default=200)
    given = parser.parse_args()
    if given.what == "lists":
        lists(given.n_vectors, given.file, given.seed)
    else:
        measure(given.file, given.explained)


if __name__ == "__main__":
    main()
