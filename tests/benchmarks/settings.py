"""How settings of the methods and remedies change the ranking of spectra of known truth.

    python -m tests.benchmarks.quality FOLDER --seeds 11 12 13
    python -m tests.benchmarks.settings FOLDER/of11:FOLDER/sim11/truth.csv …

The first is described there; of its stores the features are used. Each table stands under
a heading; figures are means over the sets given, with the single ones behind. Training
spectra (CCD700) teach, survey spectra (LAMOST) are judged. Settings are chosen on some seeds
and judged on others (`tests.benchmarks.quality`).
"""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray
from scipy import sparse

from vospec import learning
from vospec.columns import CLASSES, TARGET_CLASSES, LineFlag
from vospec.learning.validation import GraphMethod, Problem, by_star, validate
from vospec.spectra import despiked, log_grid, sky_height
from vospec.spectra.lines import HALPHA

TARGETS = tuple(CLASSES.index(name) for name in TARGET_CLASSES)
UNLABELLED = -1
#: The settings that all rows of a table share but for what they say.
DEFAULT = {"limits": (0.3, 2.0), "n_components": 32, "n_neighbors": 10, "weights": "local_scaling"}
Floats = NDArray[np.float64]


@dataclass(eq=False)
class Sample:
    """A simulated set: vectors, labels of the training, truth of all."""

    flux: NDArray[np.float32]
    noise: Floats
    peaks: Floats
    survey: NDArray[np.bool_]
    labels: NDArray[np.int_]
    truth: NDArray[np.int_]
    kinds: NDArray[np.str_]
    types: NDArray[np.str_]

    @property
    def wanted(self) -> NDArray[np.bool_]:
        return np.isin(self.truth, TARGETS)

    def chosen(self, rows: NDArray[Any]) -> "Sample":
        return Sample(*(value[rows] for value in vars(self).values()))


def rows_of(store: str, name: str, columns: list[str]) -> pa.Table:
    """Columns of a store's dataset, the last that was written of this name."""
    written = sorted(Path(store, name).iterdir(), key=lambda path: path.stat().st_mtime)
    return ds.dataset(written[-1], format="parquet", exclude_invalid_files=True).to_table(columns)


def load(store: str, truth: str) -> Sample:
    measured = ["spectrum_id", "flux", "continuum_noise", "line_flags"]
    features = rows_of(store, "features", measured)
    features = features.filter(pc.is_valid(features["flux"]))
    names = np.array(features["spectrum_id"].to_pylist())
    with Path(truth).open(encoding="utf-8") as stream:
        known = {row["spectrum_id"]: row for row in csv.DictReader(stream)}
    given = rows_of(store, "labels", ["spectrum_id", "class"])
    labels = dict(zip(*(column.to_pylist() for column in given.columns), strict=True))
    grid, noise = log_grid(6310.0, 6725.0), features["continuum_noise"].to_numpy().astype(float)
    flux = np.array(features["flux"].to_pylist(), dtype=np.float32)
    flux = despiked(flux, grid, noise=noise)
    sky = (features["line_flags"].to_numpy() & LineFlag.SKY_RESIDUAL) != 0
    return Sample(
        flux,
        np.where(sky, np.maximum(noise, sky_height(flux, grid)), noise),
        learning.mean_peaks(flux, grid, centre=HALPHA),
        np.char.startswith(names, "lamost/"),
        np.array([CLASSES.index(labels[n]) if n in labels else UNLABELLED for n in names]),
        np.array([CLASSES.index(known[name]["class"]) for name in names]),
        np.array([known[name]["kind"] for name in names]),
        np.array([known[name]["spectral_type"] for name in names]),
    )


def space(
    sample: Sample, *, limits: tuple[float, float] | None, n_components: int
) -> NDArray[np.float32]:
    flux = learning.compressed(sample.flux, limits=limits) if limits else sample.flux
    if not n_components:
        return flux
    return learning.PrincipalComponents(n_components).fit(flux).transform(flux)


def graph_of(sample: Sample, **settings: Any) -> tuple[NDArray[np.float32], Any, Floats]:  # noqa: ANN401 -- of many types
    """Vectors, graph and local scales."""
    weights, n_neighbors = settings.pop("weights"), settings.pop("n_neighbors")
    vectors = space(sample, **settings)
    found = learning.nearest(vectors, range(len(vectors)), n_neighbors=n_neighbors)
    graph = learning.neighbour_graph(*found, weights=weights)
    return vectors, graph, found[1][:, -1].astype(np.float64)


def scored(graph: sparse.csr_array, labels: NDArray[np.int_], alpha: float | None) -> Floats:
    """Scores of all vertices: Label Propagation where alpha is None."""
    model = learning.LabelSpreading(alpha=alpha) if alpha else learning.LabelPropagation()
    model.fit(graph, labels)
    return np.asarray(model.label_distributions_[:, np.isin(model.classes_, TARGETS)].sum(axis=1))


def told(what: str, samples: list[Sample], scores: list[Floats]) -> None:
    """Print average precision, and how many of those above 0.5 are targets."""
    values, above = [], []
    for sample, all_scores in zip(samples, scores, strict=True):
        here = sample.survey
        values.append(
            learning.average_precision(sample.wanted[here], all_scores[here], targets=[True])
        )
        best = here & (all_scores > 0.5)
        above.append(f"{(best & sample.wanted).sum()}/{best.sum()}")
    single = " ".join(f"{value:.3f}" for value in values)
    print(f"{what:58s} {np.mean(values):.3f}  ({single})  {' '.join(above)}", flush=True)


def variants() -> Iterator[dict[str, Any]]:
    yield {}
    yield from ({"limits": limits} for limits in (None, (0.1, 3.0), (0.1, 2.0), (0.5, 2.0)))
    yield from ({"n_components": number} for number in (16, 64, 0))
    yield from ({"n_neighbors": number} for number in (5, 20, 30))
    yield from ({"weights": weights} for weights in ("binary", "rbf"))


def settings_table(samples: list[Sample]) -> None:
    for changed in variants():
        graphs = [graph_of(sample, **{**DEFAULT, **changed})[1] for sample in samples]
        for alpha in (None, 0.2, 0.5, 0.9, 0.99) if not changed else (None, 0.9):
            scores = [scored(g, s.labels, alpha) for g, s in zip(graphs, samples, strict=True)]
            name = f"spreading, alpha {alpha}" if alpha else "propagation"
            told(f"{changed or DEFAULT} {name}", samples, scores)


def remedies_table(samples: list[Sample]) -> None:
    """Labels for late types, novelty, and what the line itself tells."""
    rng = np.random.default_rng(0)
    built = [graph_of(sample, **DEFAULT) for sample in samples]
    for alpha in (None, 0.9):
        rows: dict[str, list[Floats]] = {}
        for sample, (vectors, graph, scales) in zip(samples, built, strict=True):
            score = scored(graph, sample.labels, alpha)
            late = np.flatnonzero(sample.survey & np.isin(sample.types.astype("U1"), list("GKM")))
            more = sample.labels.copy()
            more[rng.choice(late, 200, replace=False)] = 0
            new = learning.novelty(vectors, vectors[sample.labels != UNLABELLED], scales)
            shows = sample.peaks > 3 * sample.noise
            for name, values in {
                "none": score,
                "200 late survey stars labelled absorption": scored(graph, more, alpha),
                "score / max(1, novelty)": score / np.maximum(1, new),
                "score exp(-novelty)": score * np.exp(-new),
                "0 without a peak above 3 sigma": score * shows,
                "half without a peak above 3 sigma": learning.tempered(
                    score, sample.peaks, sample.noise
                ),
            }.items():
                rows.setdefault(name, []).append(values)
        for name, scores in rows.items():
            told(f"{'spreading' if alpha else 'propagation'}: {name}", samples, scores)


def probability_table(samples: list[Sample]) -> None:
    """Calibrated on held-out training labels, carried to the survey, against its truth."""
    for sample in samples:
        vectors, graph, _ = graph_of(sample, **DEFAULT)
        stars = np.arange(len(vectors))
        problem = Problem(vectors, graph, sample.labels, stars, TARGETS)
        methods: dict[GraphMethod, float | None] = {
            "label_propagation": None,
            "label_spreading": 0.9,
        }
        for method, alpha in methods.items():
            (held,) = validate(problem, by_star(sample.labels, stars), methods=[method])
            wanted = np.isin(sample.labels[held.rows], TARGETS)
            out = np.clip(
                learning.tempered(held.scores, sample.peaks[held.rows], sample.noise[held.rows]),
                0,
                1,
            )
            score = scored(graph, sample.labels, alpha)[sample.survey].clip(0, 1)
            score = learning.tempered(
                score, sample.peaks[sample.survey], sample.noise[sample.survey]
            )
            truth = sample.wanted[sample.survey]
            for kind in ("isotonic", "platt"):
                calibrator = learning.Calibrator(kind).fit(out, wanted)
                share = learning.survey_share(calibrator.predict(score), calibrator.share_)
                crossed = learning.cross_calibrated(out, wanted, held.rows, method=kind)
                table = [
                    f"held out {learning.reliability(crossed, wanted).calibration_error:.4f}",
                    f"share {share:.4f} (true {truth.mean():.4f})",
                ]
                for name, values in (
                    ("score", score),
                    ("labels' share", calibrator.predict(score)),
                    ("carried", calibrator.predict(score, share=share)),
                ):
                    result = learning.reliability(values, truth)
                    expected = learning.expected_precision(values, score, [0.5, 0.9])
                    real = [truth[score >= limit].mean() for limit in (0.5, 0.9)]
                    table.append(
                        f"{name}: ECE {result.calibration_error:.4f} Brier {result.brier:.4f} "
                        f"precision at 0.5 {expected.precision[0]:.2f} (true {real[0]:.2f}), "
                        f"at 0.9 {expected.precision[1]:.2f} (true {real[1]:.2f})"
                    )
                print(f"{method} {kind}: " + "; ".join(table), flush=True)


def main() -> None:
    samples = [load(*argument.split(":")) for argument in sys.argv[1:]]
    print("\nsettings: average precision (each set), targets / all above 0.5")
    settings_table(samples)
    print("\nremedies, all labels")
    remedies_table(samples)
    print("\nremedies, training without types G, K, M")
    early = [s.chosen(s.survey | ~np.isin(s.types.astype("U1"), list("GKM"))) for s in samples]
    remedies_table(early)
    print("\nprobability")
    probability_table(samples)


if __name__ == "__main__":
    main()
