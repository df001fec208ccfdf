"""What an evaluation found, for people: lines to read, a CSV, precision against recall.

And what the scores of runs are worth, drawn beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from vospec import plots
from vospec.columns import CLASSES, TARGET_CLASSES
from vospec.errors import OutputError
from vospec.plan import Plan

_SOUGHT = " or ".join(TARGET_CLASSES)
_ASKED = {
    "by_star": "By star, on the labels: {n_parts} parts, each judged by the others",
    "over_shift": "Over the shift: the training spectra teach, the survey is judged",
}
_CURVES = ("recall_curve", "precision_curve")


def lines(table: pa.Table) -> Iterator[str]:
    """Tell an evaluation: two small tables a question.

    Parameters
    ----------
    table : Table
        Rows of :data:`vospec.evaluate.EVALUATIONS`.

    Yields
    ------
    str
        One line each.
    """
    for number, rows in enumerate(_by_question(table).values()):
        if number:
            yield ""
        first = rows[0]
        yield _ASKED[first["question"]].format(**first)
        yield (
            f"  {first['n_judged']} spectra of {first['n_stars']} stars, {first['n_targets']} of "
            f"them {_SOUGHT}; {first['n_teaching']} spectra teach"
        )
        yield from _of_targets(rows)
        yield from _of_classes(rows)


def _by_question(table: pa.Table) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        found.setdefault(row["question"], []).append(row)
    return found


def _of_targets(rows: list[dict[str, Any]]) -> Iterator[str]:
    best = f"precision of the best {rows[0]['n_targets']}"
    yield f"  {'':<20} {'average precision':^19}  {best:^27}  calibration"
    heads = f"{'score':>9} {'shares':>9}  {'value':>9} {'95 % interval':>17}  {'error':>11}"
    yield f"  {'method':<20} {heads}"
    for row in rows:
        interval = f"{row['precision_lower']:.3f} to {row['precision_upper']:.3f}"
        yield (
            f"  {row['method']:<20} {row['average_precision']:9.3f} "
            f"{row['average_precision_shares']:9.3f}  {row['precision_at_n']:9.3f} "
            f"{interval:>17}  {row['calibration_error']:11.4f}"
        )


def _of_classes(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Precision, recall and F1 of every class that is there."""
    present = [name for name in CLASSES if rows[0][f"n_{name}"]]
    heads = "  ".join(f"{name + ' ' + str(rows[0]['n_' + name]):^17}" for name in present)
    yield f"  {'':<20} {heads}"
    yield f"  {'precision recall F1':<20} " + "  ".join(["    P     R    F1"] * len(present))
    for row in rows:
        figures = (
            " ".join(_figure(row[f"{measure}_{name}"]) for measure in ("precision", "recall", "f1"))
            for name in present
        )
        yield f"  {row['method']:<20} " + "  ".join(figures)


def _figure(value: float | None) -> str:
    return f"{'-':>5}" if value is None else f"{value:5.3f}"


def write(table: pa.Table, folder: Path) -> tuple[Path, Path]:
    """Write ``evaluation.csv`` and ``evaluation.png`` into a folder.

    Parameters
    ----------
    table : Table
        Rows of :data:`vospec.evaluate.EVALUATIONS`; the curves are drawn, not listed.
    folder : Path
        Made if missing.

    Returns
    -------
    (Path, Path)
        Both files.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    listed, drawn = folder / "evaluation.csv", folder / "evaluation.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        csv.write_csv(table.drop_columns(list(_CURVES)), listed)
    except OSError as fault:
        message = f"{listed}: cannot be written ({fault.strerror or fault})"
        raise OutputError(message) from fault
    plots.precision_recall(drawn, _by_question(table))
    return listed, drawn


def draw(plan: Plan, folder: Path) -> Iterator[Path]:
    """Draw ``probability.png`` of the runs that have probabilities.

    Parameters
    ----------
    plan : Plan
        Its runs may be there or not.
    folder : Path
        Exists.

    Yields
    ------
    Path
        The file, if there is such a run.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    complete = [run for run in plan.runs if run.record.is_complete()]
    tables = {run.method: (run.reliability.table(), run.thresholds.table()) for run in complete}
    drawn = {
        method: (bins.to_pylist(), thresholds.to_pylist())
        for method, (bins, thresholds) in tables.items()
        if len(bins)
    }
    if drawn:
        path = folder / "probability.png"
        plots.worth(path, drawn)
        yield path
