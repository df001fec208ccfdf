"""What an evaluation of a store says, stores and refuses."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tomlkit
from matplotlib import image

from vospec import assessment, evaluate, neighbourhood, runs
from vospec.__main__ import main
from vospec.columns import CLASSES, LABELS
from vospec.errors import EvaluationError, OutputError, StoreError
from vospec.job import Job
from vospec.learning import baselines
from vospec.learning.validation import METHODS, Curve
from vospec.plan import Plan
from vospec.store import arrow_schema


@pytest.fixture(scope="module")
def evaluated(done: Job) -> Iterator[pa.Table]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(baselines.GRIDS, "random_forest", {"n_estimators": [20]})
        yield evaluate.evaluate(done.plan)


def rows_of(table: pa.Table, question: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["question"] == question]


def test_every_method_answers_both_questions(evaluated: pa.Table, done: Job) -> None:
    vertices = neighbourhood.vertices(done.plan)
    labelled = int((vertices.classes != runs.UNLABELLED).sum())
    judged = {"by_star": labelled, "over_shift": int(vertices.survey.sum())}
    for question, n_judged in judged.items():
        rows = rows_of(evaluated, question)
        assert [row["method"] for row in rows] == list(METHODS)
        for row in rows:
            assert row["n_judged"] == n_judged
            assert sum(row[f"n_{name}"] or 0 for name in CLASSES) == n_judged
            assert row["n_emission"] + row["n_double_peak"] == row["n_targets"]
            assert row["precision_lower"] <= row["precision_at_n"] <= row["precision_upper"]


def test_the_curve_holds_the_average_precision(evaluated: pa.Table) -> None:
    for row in evaluated.to_pylist():
        recall, precision = (np.array(row[f"{name}_curve"]) for name in ("recall", "precision"))
        area = float((-np.diff(recall) * precision[:-1]).sum())
        assert area == pytest.approx(row["average_precision"], abs=1e-12)


def test_steps_keep_what_changes_recall() -> None:
    curve = Curve(
        *(np.array(v) for v in ([0.5, 0.6, 1.0, 1.0], [1.0, 1.0, 0.5, 0.0], [0.1, 0.2, 0.3]))
    )
    recall, precision = evaluate.steps(curve)
    assert (recall.tolist(), precision.tolist()) == ([1.0, 0.5, 0.0], [0.6, 1.0, 1.0])


def test_over_the_shift_a_method_is_as_good_as_its_run(evaluated: pa.Table, done: Job) -> None:
    found = {row["method"]: row for row in rows_of(evaluated, "over_shift")}
    for run in done.plan.runs:
        recorded = run.record.table().to_pylist()[0]["average_precision"]
        assert found[run.method]["average_precision"] == pytest.approx(recorded, abs=1e-6)


def test_without_a_line_a_score_counts_half(
    evaluated: pa.Table, done: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where no line is high enough all scores are halved, which leaves their order.
    monkeypatch.setattr(evaluate, "METHODS", ("label_spreading",))
    learning = replace(done.settings.learning, line_significance=1e9)
    halved = evaluate.evaluate(Plan(replace(done.settings, learning=learning))).to_pylist()
    plain = [row for row in evaluated.to_pylist() if row["method"] == "label_spreading"]
    for row, before in zip(halved, plain, strict=True):
        assert row["average_precision"] == pytest.approx(before["average_precision_shares"])
        # Half of what is above 0.95 is far from the share of targets there.
        assert row["calibration_error"] > before["calibration_error"]


def test_the_command_tells_what_is_stored(
    evaluated: pa.Table,
    done: Job,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(evaluate, "validate", None)
    path = tmp_path / "vospec.toml"
    sections = {k: v for k, v in asdict(done.settings).items() if k != "publication"}
    path.write_text(tomlkit.dumps(sections))
    folder = tmp_path / "new" / "folder"
    assert main(["evaluate", "--config", str(path), "--output", str(folder)]) == 0
    told = capsys.readouterr().out
    with (folder / "evaluation.csv").open(encoding="utf-8") as stream:
        listed = list(csv.DictReader(stream))
    for row, line in zip(evaluated.to_pylist(), listed, strict=True):
        assert float(line["average_precision"]) == row["average_precision"]
        assert f"  {row['method']:<20} {row['average_precision']:9.3f} " in told
    height, width, _ = image.imread(folder / "evaluation.png").shape
    assert width > 1.5 * height
    assert image.imread(folder / "probability.png").ndim == 3


def relabelled(done: Job, folder: Path, classes: list[str]) -> Plan:
    """A plan with labels of its own: of these classes, given to the first training spectra."""
    listed = folder / "labels.csv"
    listed.write_text("id,label\n" + "\n".join(classes))
    training = replace(done.settings.training, labels=(str(listed),))
    plan = Plan(replace(done.settings, training=training))
    vertices = neighbourhood.vertices(done.plan)
    names = vertices.spectrum_id.filter(pa.array(~vertices.survey)).to_pylist()
    given = [
        {"spectrum_id": name, "class": class_} for name, class_ in zip(names, classes, strict=False)
    ]
    plan.labels.write(pa.Table.from_pylist(given, schema=arrow_schema(LABELS)))
    return plan


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ([], "no usable spectrum has a label"),
        (["emission"] * 20, "and of other classes, found emission only"),
        (["emission", "double_peak"] * 9, "other classes, found emission, double_peak only"),
        (["absorption"] * 20, "of emission or double_peak and of other classes, found absorption"),
        (["emission"] * 4 + ["absorption"] * 9, "others, found 4 and 9"),
    ],
)
def test_labels_that_teach_too_little_are_refused(
    classes: list[str], told: str, done: Job, tmp_path: Path
) -> None:
    plan = relabelled(done, tmp_path, classes)
    with pytest.raises(EvaluationError, match=told) as raised:
        evaluate.evaluate(plan)
    assert str(raised.value).startswith(f"{plan.labels.uri}: ")
    assert not plan.evaluations.is_complete()


def test_rare_classes_are_judged_all_the_same(done: Job, tmp_path: Path) -> None:
    # Five stars are sought, the fewest that are allowed, and of one class there are two.
    classes = ["emission"] * 3 + ["double_peak"] * 2 + ["absorption"] * 12
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(baselines.GRIDS, "random_forest", {"n_estimators": [5]})
        found = evaluate.evaluate(relabelled(done, tmp_path, classes))
    for row in rows_of(found, "by_star"):
        assert (row["n_emission"], row["n_double_peak"], row["n_absorption"]) == (3, 2, 12)
        assert row["n_teaching"] >= 12


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("{0},nova\n", r"truth\.csv: .*: expected one of absorption, .*, found 'nova'"),
        ("lamost/none,emission\n", r"truth\.csv: expected usable .*, found no class only"),
        ("{0},absorption\n", r"truth\.csv: expected usable .*, found absorption only"),
    ],
)
def test_a_truth_that_tells_nothing_is_refused(
    lines: str, told: str, done: Job, tmp_path: Path
) -> None:
    vertices = neighbourhood.vertices(done.plan)
    name = vertices.spectrum_id[int(np.argmax(vertices.survey))].as_py()
    truth = tmp_path / "truth.csv"
    truth.write_text("spectrum_id,class\n" + lines.format(name))
    survey = replace(done.settings.survey, truth=str(truth))
    with pytest.raises(EvaluationError, match=told):
        evaluate.evaluate(Plan(replace(done.settings, survey=survey)))


def test_without_a_graph_the_step_before_is_named(done: Job) -> None:
    learning = replace(done.settings.learning, n_neighbors=3)
    with pytest.raises(StoreError, match=r"nearest/.*: the graph of these settings is not there"):
        evaluate.evaluate(Plan(replace(done.settings, learning=learning)))


def test_a_folder_that_is_a_file_is_named(evaluated: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file.evaluation\.csv: cannot be written"):
        assessment.write(evaluated, tmp_path / "file")


def test_without_truth_the_labels_alone_are_asked(evaluated: pa.Table) -> None:
    only = evaluated.filter(pa.compute.field("question") == "by_star")
    told = list(assessment.lines(only))
    assert len(told) == 2 + 2 * (2 + len(METHODS))
    assert told == list(assessment.lines(evaluated))[: len(told)]
