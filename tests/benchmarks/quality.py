"""Ranking quality beside tuned classifiers over fresh simulated surveys, and on real spectra.

    python -m tests.benchmarks.quality FOLDER --seeds 21 22 23
    python -m tests.benchmarks.quality FOLDER --real ../shared/data --seeds 21

The first simulates a survey of 5000 and 1700 training spectra for every seed below FOLDER
(what is there is used again, also the judgement, quality-SEED.json), carries out vospec up
to the scores, and judges them on the survey: Label Propagation and Label Spreading as
published, and a random forest, logistic regression and k nearest neighbours, taught with
the same labels and tuned on them in folds (`vospec.learning.baselines`). The classifiers are
given the space of the graph ("components") or the whole rectified flux ("flux"). Average
precision is told

- plain: of the shares of the target classes, which is what one would take otherwise;
- halved: with the halves of scores without a line, which are a part of vospec's method;

and in hindsight: of that choice of the classifier's parameters that the survey's truth,
which nobody has, shows to be best (forests, for which they hardly matter, as tuned). The
margins are those of the better one of the two methods, as published, over the best of all
classifiers, survey by survey.

The second asks for real spectra how the stars stand that are known to have emission (the
file lamost.csv says so), and what else stands above 0.5, taught by the real labels alone,
by the simulated ones of the first seed alone, and by both.

Cost: minutes a seed, most of them for the forests.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.base import clone

from vospec import config, learning, neighbourhood, pipeline, runs
from vospec.archives.simulated import simulate
from vospec.backend.session import Engine
from vospec.columns import CLASSES, TARGET_CLASSES
from vospec.job import Job
from vospec.learning.baselines import Baseline, tuned
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


#: Average precision, plain and halved, by method, what it was given, and how it was tuned.
Judgement = dict[str, tuple[float, float]]


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


def classified(survey: Survey) -> Iterator[tuple[str, tuple[float, float]]]:
    """Average precision of the classifiers, tuned and in hindsight."""
    taught, asked = survey.teaching, ~survey.teaching
    labels = survey.labels[taught]
    for name, vectors in survey.inputs.items():
        for baseline in get_args(Baseline):
            given = vectors[taught], labels
            search = tuned(baseline, *given, np.arange(len(labels)), targets=TARGETS)
            chosen = survey.quality(_shares(search, vectors[asked]))
            yield f"{baseline}, {name}", chosen
            every = [chosen]
            if baseline != "random_forest":
                tried = (
                    clone(search.best_estimator_).set_params(**p)
                    for p in search.cv_results_["params"]
                )
                every += [survey.quality(_shares(m.fit(*given), vectors[asked])) for m in tried]
            plain, halved = (max(values) for values in zip(*every, strict=True))
            yield f"{baseline}, hindsight, {name}", (plain, halved)


def _shares(model: Any, vectors: NDArray[np.float32]) -> Floats:  # noqa: ANN401 -- scikit-learn ships no types
    return np.asarray(model.predict_proba(vectors)[:, np.isin(model.classes_, TARGETS)].sum(axis=1))


def judged(folder: Path, seed: int) -> Judgement:
    """Judge all methods on the survey of a seed."""
    known = folder / f"quality-{seed}.json"
    if not known.exists():
        where, found = simulated(folder, seed), {}
        plan = scored(
            folder / f"of{seed}",
            survey=str(where / "survey"),
            training=(str(where / "training"),),
            truth=str(where / "truth.csv"),
        )
        survey = survey_of(plan)
        for name, quality in chain(published(plan, survey), classified(survey)):
            print(f"seed {seed}: {name:44s} {quality[0]:.3f} {quality[1]:.3f}", flush=True)
            found[name] = quality
        known.write_text(json.dumps(found), encoding="utf-8")
    judgement: Judgement = json.loads(known.read_text(encoding="utf-8"))
    return judgement


def table(judgements: list[Judgement]) -> None:
    """Print means and least over the surveys, and margins."""
    all_of = {name: np.array([each[name] for each in judgements]) for name in judgements[0]}
    print(f"\n{'average precision':44s} plain: mean least   halved: mean least")
    for name, values in all_of.items():
        (plain, halved), (least, least_halved) = values.mean(axis=0), values.min(axis=0)
        print(f"{name:51s} {plain:.3f} {least:.3f}        {halved:.3f} {least_halved:.3f}")
    ours = np.max([all_of[name][:, 1] for name in config.METHODS], axis=0)
    print("\nmargin of the better method, as published, over the best classifier: mean, least")
    others = {name: values for name, values in all_of.items() if name not in config.METHODS}
    for given in ("components", "flux"):
        for tuning in ("tuned", "hindsight"):
            rivals = [
                values
                for name, values in others.items()
                if name.endswith(given) and ("hindsight" in name) == (tuning == "hindsight")
            ]
            for column, how in enumerate(("plain", "halved")):
                margin = ours - np.max(rivals, axis=0)[:, column]
                print(f"{f'{given}, {tuning}, {how}':51s} {margin.mean():.3f} {margin.min():.3f}")


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
    table([judged(given.folder, seed) for seed in given.seeds])


if __name__ == "__main__":
    main()
