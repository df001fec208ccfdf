"""Label Spreading beside scikit-learn's, and its cost against the number of vectors.

``python -m tests.benchmarks.learning speed`` fits both on the same vectors in memory, each
in a process of its own, in turns, and prints medians, their ratios, the peak of memory over
what the process had before, the recall of the neighbours and the average precision.

``python -m tests.benchmarks.learning growth --plot growth.png`` prints the cost of search,
graph and propagation for growing numbers of vectors and the slope of its logarithm, and
draws both logarithms. ``--vectors`` takes the vectors from a file of `tests.benchmarks.vectors`,
``--sizes`` other numbers of them.

Compiled code is loaded before the clock starts; how long that takes, and how long the
compilation took that is paid once after an installation, is printed too.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn import semi_supervised

from tests.benchmarks import vectors
from vospec.columns import CLASSES, TARGET_CLASSES
from vospec.learning import (
    LabelSpreading,
    average_precision,
    cell_search,
    default_cells,
    neighbour_graph,
)

#: Labelled vectors, as many as in the published trials.
N_LABELLED = 1696
OPTIONS = {"n_neighbors": 10, "alpha": 0.9}
METHODS = ("vospec", "scikit-learn")
PARTS = ("search", "graph", "propagation")
TARGETS = [CLASSES.index(name) for name in TARGET_CLASSES]


class Fit(NamedTuple):
    """What one fit took: seconds, megabytes, average precision."""

    seconds: float
    memory: float
    precision: float


def problem(n_vectors: int, n_components: int, seed: int) -> dict[str, NDArray[Any]]:
    """Give vectors, the labelled ones first, ``y`` and the true classes."""
    labelled = vectors.training(N_LABELLED, n_components=n_components, seed=seed)
    others = vectors.survey(n_vectors - N_LABELLED, n_components=n_components, seed=seed)
    classes = np.concatenate([labelled.classes, others.classes])
    y = np.where(np.arange(n_vectors) < N_LABELLED, classes, -1)
    return {"X": np.concatenate([labelled.vectors, others.vectors]), "y": y, "classes": classes}


def fit(method: str, file: str) -> Fit:
    """Fit one method on a problem, in a process that does nothing else."""
    with np.load(file) as found:
        X, y, classes = found["X"], found["y"], found["classes"]  # noqa: N806 -- scikit-learn's name
    if method == "vospec":
        load_compiled()
    before, start = _peak(), time.perf_counter()
    if method == "vospec":
        fitted: Any = LabelSpreading(**OPTIONS).fit(X, y)  # type: ignore[arg-type] # mixed values
    else:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", category=semi_supervised._label_propagation.ConvergenceWarning
            )
            fitted = semi_supervised.LabelSpreading(kernel="knn", **OPTIONS).fit(X, y)
    seconds, memory = time.perf_counter() - start, _peak() - before
    wanted = np.isin(fitted.classes_, TARGETS)
    scores = fitted.label_distributions_[N_LABELLED:, wanted].sum(axis=1)
    precision = average_precision(classes[N_LABELLED:], scores, targets=TARGETS)
    return Fit(seconds, memory, precision)


def load_compiled() -> float:
    """Load the compiled loops, or compile them; give the seconds."""
    start = time.perf_counter()
    some = np.random.default_rng(1).random((50, 3))
    LabelSpreading(search="cells", n_neighbors=3).fit(some, np.arange(50) % 3 - 1)
    return time.perf_counter() - start


def recall(file: str) -> float:
    """Measure the recall of the default search."""
    with np.load(file) as found:
        return cell_search(found["X"])[0].recall(n_neighbors=10, n_jobs=2)


def growth(file: str, n_vectors: int) -> tuple[float, float, float, float, float]:
    """Take search, graph and propagation apart; seconds each, megabytes and recall."""
    with np.load(file) as found:
        X, classes = found["vectors"][:n_vectors], found["classes"][:n_vectors]  # noqa: N806 -- as above
    load_compiled()
    n_jobs = len(os.sched_getaffinity(0))
    moments = [time.perf_counter()]
    search, order = cell_search(X, n_jobs=n_jobs)
    lists = search.nearest(range(n_vectors), n_neighbors=10, n_jobs=n_jobs)
    moments.append(time.perf_counter())
    graph = neighbour_graph(*lists)
    moments.append(time.perf_counter())
    y = np.where(np.arange(n_vectors) < N_LABELLED, classes, -1)
    LabelSpreading(alpha=0.9, tol=1e-4).fit(graph, y[order])
    moments.append(time.perf_counter())
    memory = _peak()
    found_share = search.recall(n_neighbors=10, n_queries=2000, n_jobs=n_jobs)
    return *np.diff(moments).tolist(), memory, found_share


def _peak() -> float:
    """Give the most megabytes that this process held (ru_maxrss starts with the parent's)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


def apart(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 -- any function
    """Call in a new process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(function, *arguments).result()


def compare(sizes: list[int], spaces: list[int], *, repeats: int, seed: int) -> None:
    """Print the table of both methods."""
    print("N        d    method        median s  (least .. most)   ratio  peak MB  AP      recall")
    with tempfile.TemporaryDirectory() as folder:
        for n_components in spaces:
            for n_vectors in sizes:
                made = problem(n_vectors, n_components, seed)
                file = str(Path(folder) / "problem.npz")
                np.savez(file, **made)
                _print_fits(file, made["X"].shape, repeats)


def _print_fits(file: str, shape: tuple[int, ...], repeats: int) -> None:
    fits: dict[str, list[Fit]] = {method: [] for method in METHODS}
    for _ in range(repeats):
        for method in METHODS:
            fits[method].append(apart(fit, method, file))
    medians = {
        method: float(np.median([one.seconds for one in fits[method]])) for method in METHODS
    }
    shares = {"vospec": f"{apart(recall, file):.4f}", "scikit-learn": "1"}
    for method, made in fits.items():
        seconds = sorted(one.seconds for one in made)
        print(
            f"{shape[0]:<8d} {shape[1]:<4d} {method:13s} {medians[method]:8.3f}  "
            f"({seconds[0]:.3f} .. {seconds[-1]:.3f})   {medians[method] / medians['vospec']:6.1f} "
            f"{max(one.memory for one in made):8.0f}  {made[0].precision:.4f}  {shares[method]}",
            flush=True,
        )


def grow(sizes: list[int], file: str | None, seed: int, plot: str | None) -> None:
    """Print the cost against the number of vectors, and draw it."""
    print("N         cells  search s  graph s  propagation s  total s  peak MB  recall")
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        if file is None:
            file = str(Path(folder) / "vectors.npz")
            np.savez(file, **vectors.survey(max(sizes), n_components=16, seed=seed)._asdict())
        for size in sizes:
            *seconds, memory, share = apart(growth, file, size)
            parts.append(seconds)
            print(
                f"{size:<9d} {default_cells(size):5d}  {seconds[0]:8.2f}  {seconds[1]:7.2f}  "
                f"{seconds[2]:13.2f}  {sum(seconds):7.2f}  {memory:7.0f}  {share:.4f}",
                flush=True,
            )
    curves = dict(zip(PARTS, np.transpose(parts), strict=True)) | {"total": np.sum(parts, axis=1)}
    slopes = {name: np.polyfit(np.log(sizes), np.log(cost), 1)[0] for name, cost in curves.items()}
    for name, slope in slopes.items():
        print(f"slope of log({name}) against log(N): {slope:.3f}")
    if plot is not None:
        _draw(sizes, curves, slopes, plot)


def _draw(
    sizes: list[int],
    curves: dict[str, NDArray[np.float64]],
    slopes: dict[str, float],
    plot: str,
) -> None:
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, cost in curves.items():
        axes.loglog(sizes, cost, "o-", label=f"{name}, slope {slopes[name]:.2f}")
    axes.set(xlabel="number of vectors", ylabel="time [s]")
    axes.legend()
    figure.savefig(plot)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "growth"))
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument(
        "--components", type=int, nargs="+", default=[16, 0], help="0: all elements"
    )
    parser.add_argument("--vectors", help="file of tests.benchmarks.vectors, for growth")
    parser.add_argument("--plot", help="file for the drawing of growth")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        kept = os.environ.pop("NUMBA_CACHE_DIR", None)
        os.environ["NUMBA_CACHE_DIR"] = empty
        print(f"compilation, once after an installation: {apart(load_compiled):.1f} s")
        del os.environ["NUMBA_CACHE_DIR"]
        if kept is not None:
            os.environ["NUMBA_CACHE_DIR"] = kept
    apart(load_compiled)
    print(f"loading compiled code, once a process: {apart(load_compiled):.2f} s")
    if given.what == "speed":
        sizes = given.sizes or [5_000, 20_000, 50_000]
        compare(sizes, given.components, repeats=given.repeats, seed=given.seed)
    else:
        sizes = given.sizes or [100_000, 200_000, 500_000, 1_000_000, 2_200_000]
        grow(sizes, given.vectors, given.seed, given.plot)


if __name__ == "__main__":
    main()
