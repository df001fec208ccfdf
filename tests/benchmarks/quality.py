"""Ranking quality beside tuned classifiers over fresh simulated surveys, and on real spectra.

    python -m tests.benchmarks.quality FOLDER --seeds 21 22 23
    python -m tests.benchmarks.quality FOLDER --real ../shared/data --seeds 21

The first simulates a survey of 5000 and 1700 training spectra for every seed below FOLDER
(what is there is used again), carries out vospec up to the scores, and judges them on the
survey: Label Propagation and Label Spreading as published, and a random forest, logistic
regression and k nearest neighbours, taught with the same labels and tuned on them in folds
(`vospec.learning.baselines`). The classifiers are given the space of the graph
("components") or the whole rectified flux ("flux"). Average precision is told

- plain: of the shares of the target classes, which is what one would take otherwise;
- halved: with the halves of scores without a line, which are a part of vospec's method;

and in hindsight: of that choice of the classifier's parameters that the survey's truth,
which nobody has, shows to be best. The margins are those of the better one of the two
methods, as published, over the best of all classifiers.

The second asks for real spectra how the stars stand that are known to have emission (the
file lamost.csv says so), and what else stands above 0.5, taught by the real labels alone,
by the simulated ones of the first seed alone, and by both.

Cost: minutes a seed, most of them for the forests.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from vospec import config, learning, neighbourhood, pipeline, runs
from vospec.archives.simulated import simulate
from vospec.backend.session import Engine
from vospec.columns import CLASSES, TARGET_CLASSES
from vospec.job import Job
from vospec.learning.baselines import GRIDS, Baseline, tuned
from vospec.plan import Plan
from vospec.store import matrix

TARGETS = tuple(CLASSES.index(name) for name in TARGET_CLASSES)
Floats = NDArray[np.float64]


@dataclass(eq=False)
class Survey:
    """What all methods are given of a survey, and what is true of it."""

    inputs: dict[str, NDArray[np.float32]]
    teaching: NDArray[np.bool_]
    labels: NDArray[np.int_]
    truth: NDArray[np.int_]
    factors: Floats

    def quality(self, shares: Floats) -> tuple[float, float]:
        """Average precision of shares of the survey's spectra, plain and halved."""
        judged = ~self.teaching
        plain, halved = (
            learning.average_precision(self.truth[judged], values, targets=TARGETS)
            for values in (shares, shares * self.factors[judged])
        )
        return plain, halved


@dataclass
class Results:
    """Average precision by method and input: plain and halved, one each a survey."""

    chosen: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    hindsight: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def scored(store: Path, *, survey: str, training: tuple[str, ...], truth: str = "") -> Plan:
    """Carry out vospec up to the scores, without Spark."""
    settings = config.Settings(
        store=config.StoreSettings(str(store)),
        survey=config.SurveySettings((survey,), truth),
        training=config.TrainingSettings(training),
    )
    job = Job(settings, Engine(config.SparkSettings(master="none"), store / "scratch"))
    for stage in (pipeline.ingest, pipeline.features, pipeline.score):
        stage(job)
    return job.plan


def simulated(folder: Path, seed: int) -> Path:
    where = folder / f"sim{seed}"
    simulate(where, seed=seed)
    return where


def survey_of(plan: Plan) -> Survey:
    vertices = neighbourhood.vertices(plan)
    names = vertices.spectrum_id
    known = runs.read_truth(plan.settings.survey.truth)
    features = plan.features.table(["spectrum_id", "flux"])
    rows = features.take(pc.index_in(names, features.column("spectrum_id").combine_chunks()))
    flux = matrix(rows.column("flux").combine_chunks())
    ones = np.ones(len(names))
    return Survey(
        {"components": neighbourhood.vectors(plan), "flux": flux},
        ~vertices.survey,
        vertices.classes,
        np.array([CLASSES.index(known[name]) for name in names.to_pylist()]),
        learning.tempered(ones, vertices.peaks, vertices.noise),
    )


def published(plan: Plan, survey: Survey) -> Iterator[tuple[str, tuple[float, float]]]:
    """Average precision of the runs' shares, plain, and of their scores."""
    names = neighbourhood.vertices(plan).spectrum_id
    for run in plan.runs:
        table = run.scores.table()
        table = table.take(pc.index_in(names, table.column("spectrum_id").combine_chunks()))
        shares = sum(table.column(f"p_{name}").to_numpy() for name in TARGET_CLASSES)
        scores, judged = table.column("score").to_numpy(), ~survey.teaching
        halved = learning.average_precision(survey.truth[judged], scores[judged], targets=TARGETS)
        yield run.method, (survey.quality(shares[judged])[0], halved)


def judge(plan: Plan, results: Results) -> None:
    survey = survey_of(plan)
    for method, quality in published(plan, survey):
        results.chosen.setdefault(method, []).append(quality)
        print(f"{method:32s} plain {quality[0]:.3f}, as published {quality[1]:.3f}", flush=True)
    taught, judged = survey.teaching, ~survey.teaching
    labels = survey.labels[taught]
    for baseline in get_args(Baseline):
        for name, vectors in survey.inputs.items():
            search = tuned(
                baseline, vectors[taught], labels, np.arange(len(labels)), targets=TARGETS
            )
            every = {
                str(parameters): survey.quality(
                    _shares(
                        clone(search.best_estimator_).set_params(**parameters),
                        *(vectors[taught], labels, vectors[judged]),
                    )
                )
                for parameters in ParameterGrid(GRIDS[baseline])
            }
            of, chosen = f"{baseline}, {name}", every[str(search.best_params_)]
            best = tuple(map(max, zip(*every.values(), strict=True)))
            results.chosen.setdefault(of, []).append(chosen)
            results.hindsight.setdefault(of, []).append(best)
            told = "plain {:.3f}, halved {:.3f}; in hindsight {:.3f}, {:.3f}; "
            print(f"{of:32s}", told.format(*chosen, *best), search.best_params_, flush=True)


def _shares(model, vectors, labels, asked) -> Floats:  # type: ignore[no-untyped-def] # noqa: ANN001 -- scikit-learn ships no types
    model.fit(vectors, labels)
    return np.asarray(model.predict_proba(asked)[:, np.isin(model.classes_, TARGETS)].sum(axis=1))


def table(results: Results) -> None:
    """Print means and least over the surveys, and margins."""
    print(f"\n{'average precision':32s} plain: mean least   halved: mean least")
    for kind, qualities in (("", results.chosen), ("hindsight: ", results.hindsight)):
        for name, values in qualities.items():
            mean, least = np.mean(values, axis=0), np.min(values, axis=0)
            print(
                f"{kind + name:42s} {mean[0]:.3f} {least[0]:.3f}      {mean[1]:.3f} {least[1]:.3f}"
            )
    ours = np.max([results.chosen[name] for name in config.METHODS], axis=0)[:, 1]
    print("\nmargin of the better method, as published: mean, least, over")
    for kind, qualities in (("", results.chosen), ("in hindsight, ", results.hindsight)):
        for given in ("components", "flux"):
            best = np.max([v for name, v in qualities.items() if name.endswith(given)], axis=0)
            for column, how in enumerate(("plain", "halved")):
                margin = ours - best[:, column]
                what = f"the best classifier {kind}on {given}, {how}"
                print(f"{what:64s} {margin.mean():.3f} {margin.min():.3f}")


def emission_stars(data: Path) -> dict[str, str]:
    """Objects with emission in the list of the real files, by the stems of these."""
    with (data / "lamost.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["halpha_label"] == "emission"]
    return {Path(row["file"]).name.split(".fits")[0]: row["object"] for row in rows}


def real(folder: Path, data: Path, seed: int) -> None:
    simulation = str(simulated(folder, seed) / "training")
    taught = {"real": (str(data),), "simulated": (simulation,), "both": (str(data), simulation)}
    stars = emission_stars(data)
    for name, training in taught.items():
        plan = scored(folder / f"real-{name}", survey=str(data), training=training)
        lines = plan.vertices.table(["spectrum_id", "peak", "continuum_noise"]).to_pylist()
        height = {row["spectrum_id"]: row["peak"] / row["continuum_noise"] for row in lines}
        for run in plan.runs:
            rows = run.scores.table().filter(pc.field("rank").is_valid()).sort_by("rank")
            print(f"\n{run.method}, taught by {name} labels: {len(rows)} spectra")
            for row in rows.to_pylist():
                star = stars.get(row["spectrum_id"].rpartition("/")[2])
                if star or row["score"] > 0.5:
                    print(
                        f"rank {row['rank']}, score {row['score']:.3f}, {star or 'no known star'}, "
                        f"{row['spectrum_id']}, {height[row['spectrum_id']]:.1f} times the noise"
                    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--real", type=Path)
    given = parser.parse_args()
    if given.real:
        real(given.folder, given.real, given.seeds[0])
        return
    results = Results()
    for seed in given.seeds:
        where = simulated(given.folder, seed)
        print(f"\nseed {seed}", flush=True)
        plan = scored(
            given.folder / f"of{seed}",
            survey=str(where / "survey"),
            training=(str(where / "training"),),
            truth=str(where / "truth.csv"),
        )
        judge(plan, results)
    table(results)


if __name__ == "__main__":
    main()
