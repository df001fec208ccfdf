"""Spectra added to a run, against the full run that replaces them.

    vospec simulate sim --survey 6000 --training 1000
    python -m tests.benchmarks.additions sim

Every sixth spectrum of the survey is added to a run over the others; then a full run takes
all. The same spectra are compared by the score that the one and the other gave them:
Spearman's correlation of ranks, among all and among those above 0.05, average precision
against the truth, candidates. Last, the search alone: 10 000 new vectors among half a
million, in cells and in all vectors (as many as a second or two allow).
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import stats

from vospec import additions, config, interim, learning, pipeline, runs
from vospec.columns import TARGET_CLASSES
from vospec.job import Job, open_job
from vospec.plan import Plan

LATE = 6
#: Vertices and new vectors of the search alone, and their dimensions.
SIZES = 500_000, 10_000, 16
#: New vectors that are sought in all vectors.
EXACT = 200


def main(folder: Path) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as scratch:
        agreement(folder, Path(scratch))
    search()


def agreement(folder: Path, scratch: Path) -> None:
    """Compare the scores of additions with those of a full run over them."""
    files = sorted(path for path in (folder / "survey").rglob("*") if path.is_file())
    parts = {
        "early": [file for place, file in enumerate(files) if place % LATE],
        "late": files[::LATE],
    }
    for name, chosen in parts.items():
        (scratch / name).mkdir()
        for file in chosen:
            (scratch / name / file.name).symlink_to(file.resolve())
    early, late = (str(scratch / name) for name in parts)
    settings = config.Settings(
        store=config.StoreSettings(str(scratch / "store")),
        survey=config.SurveySettings((early,)),
        training=config.TrainingSettings((str(folder / "training"),)),
    )
    with open_job(settings, "benchmark") as job:
        print(f"run over {len(parts['early'])} spectra: {full_run(job):.1f} s")
        started = time.perf_counter()
        list(interim.add(job, (late,)))
        print(f"{len(parts['late'])} additions: {time.perf_counter() - started:.1f} s")
        survey = config.SurveySettings((early, late))
        both = Job(replace(settings, survey=survey), job.engine)
        print(f"run over {len(files)} spectra: {full_run(both):.1f} s\n")
        new = Plan(additions.settings_of(settings, (late,)))
        compare(job.plan, both.plan, new, runs.read_truth(str(folder / "truth.csv")))


def full_run(job: Job) -> float:
    """Seconds from files to candidates."""
    started = time.perf_counter()
    for stage in (pipeline.ingest, pipeline.features, pipeline.score):
        stage(job)
    return time.perf_counter() - started


def compare(plan: Plan, both: Plan, new: Plan, truth: dict[str, str]) -> None:
    """Print how the additions' scores of each method agree with the full run's."""
    head = "method  n  correlation  above_0.05  median_difference  AP_added  AP_full"
    print(f"{head}  candidates_added  candidates_full  in_both")
    vectors = additions.vectors_of(plan, new)
    for run, full in zip(plan.runs, both.runs, strict=True):
        added = additions.of_run(run, vectors)
        names, score = columns(added.scores)
        full_names, full_score = columns(full.scores)
        whole = full_score[pc.index_in(names, full_names).to_numpy()]
        classes = np.array([truth.get(name, "") for name in names.to_pylist()])
        known = classes != ""
        high = (score > 0.05) | (whole > 0.05)
        chosen = added.candidates.table().column("spectrum_id").to_pylist()
        late = set(names.to_pylist())
        fully = late & set(full.candidates.table().column("spectrum_id").to_pylist())
        figures = [
            stats.spearmanr(score, whole).statistic,
            stats.spearmanr(score[high], whole[high]).statistic,
            np.median(np.abs(score - whole)),
            *(
                learning.average_precision(classes[known], s[known], targets=TARGET_CLASSES)
                for s in (score, whole)
            ),
        ]
        counts = len(chosen), len(fully), len(fully & set(chosen))
        print(run.method, len(names), *(f"{figure:.4f}" for figure in figures), *counts)


def columns(scores: Any) -> tuple[Any, NDArray[np.float64]]:  # noqa: ANN401 -- of a dataset
    """Identifiers and scores; what no label reached counts 0."""
    table = scores.table(["spectrum_id", "score"])
    score = table.column("score").fill_null(0).to_numpy().astype(np.float64)
    return table.column("spectrum_id").combine_chunks(), score


def search() -> None:
    """Time the search of new vectors in a large graph."""
    n_vertices, n_new, n_elements = SIZES
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(200, n_elements))
    vectors, new = (draw(rng, centres, size) for size in (n_vertices, n_new))
    found, _ = learning.cell_search(vectors, n_jobs=2)
    graph = learning.KnownGraph(found, np.ones((n_vertices, 10), np.float32), "local_scaling")
    print("\nsearch  spectra  seconds  per_spectrum_ms")
    for name, size, seek in (
        ("cells", n_new, graph.nearest),
        ("all", EXACT, lambda points: learning.nearest(found.vectors, points, n_neighbors=10)),
    ):
        started = time.perf_counter()
        seek(new[:size])
        seconds = time.perf_counter() - started
        print(f"{name}  {size}  {seconds:.2f}  {1000 * seconds / size:.3f}")


def draw(rng: np.random.Generator, centres: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Vectors around centres."""
    own = centres[rng.integers(len(centres), size=size)]
    return (own + rng.normal(scale=0.5, size=own.shape)).astype(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
