"""What a run gave, for those who must trust it: one page of HTML, and the same as JSON.

The page stands alone (pictures are in it), so that it can be mailed, kept and served.
"""

import base64
import html
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from vospec import additions, drawn, plots
from vospec.columns import CANDIDATES, QUALITY_MEANING, Quality, Verdict
from vospec.gate import Check
from vospec.plan import Plan, Run
from vospec.publication import Served
from vospec.store import Dataset

#: Candidates that entered or left that are named one by one; the JSON has all of them.
NAMED = 100


@dataclass(frozen=True)
class Report:
    """What is told of a run.

    Attributes
    ----------
    run_id : str
        The run.
    outcome : str
        What became of it, in one sentence.
    why : str
        Why it was made in this way.
    checks : list of Check
        The questions of the gate.
    records : list of dict
        Rows of :data:`vospec.columns.RUNS`: the run, and those of other methods.
    quality : dict
        Number of spectra by the meaning of their flags.
    verdicts : dict
        Number of candidates by verdict.
    entered, left : list of dict
        Candidates now and not before (spectrum_id, rank, score, class), and the reverse.
    thresholds : list of dict
        Rows of :data:`vospec.columns.THRESHOLDS`: expected precision and recall.
    seconds : dict
        Time that each step took.
    settings : dict
        All settings.
    """

    run_id: str
    outcome: str
    why: str
    checks: Sequence[Check]
    records: Sequence[Mapping[str, Any]]
    quality: Mapping[str, int]
    verdicts: Mapping[str, int]
    entered: Sequence[Mapping[str, Any]]
    left: Sequence[Mapping[str, Any]]
    thresholds: Sequence[Mapping[str, Any]]
    seconds: Mapping[str, float]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """The report for programs."""
        return json.dumps(asdict(self), indent=1, default=str, ensure_ascii=False)

    @property
    def text(self) -> str:
        """A few lines for mail and chat."""
        failed = [f"  {check.name}: {check.told}" for check in self.checks if not check.holds]
        record = self.records[0]
        counts = (
            f"{record['n_candidates']} candidates among {record['n_usable']} spectra; "
            f"{len(self.entered)} entered, {len(self.left)} left"
        )
        verdicts = ", ".join(f"{n} {verdict}" for verdict, n in self.verdicts.items())
        total = sum(self.seconds.values())
        lines = [f"vospec: {self.outcome}", *failed, counts, verdicts, f"{self.why}; {total:.0f} s"]
        return "\n".join(filter(None, lines))


def quality_of(plan: Plan) -> dict[str, int]:
    """Number of a plan's spectra by the meaning of each flag that any of them has."""
    counts = plan.features.table(["quality"]).column("quality").value_counts().to_pylist()
    found = {"without fault": sum(row["counts"] for row in counts if row["values"] == 0)}
    for flag in Quality:
        if n := sum(row["counts"] for row in counts if row["values"] & flag):
            found[QUALITY_MEANING[flag]] = n
    return found


def candidates_of(run: Run) -> list[dict[str, Any]]:
    """The candidates of a run, best first."""
    columns = ["spectrum_id", "rank", "score", "class", "object"]
    rows: list[dict[str, Any]] = run.candidates.table(columns).sort_by("rank").to_pylist()
    return rows


@dataclass(frozen=True)
class Before:
    """What readers saw before a job: the run, None where nothing, and scores of candidates."""

    run_id: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, served: Served | None) -> "Before":
        """The same of what they see now."""
        return cls() if served is None else cls(served.record["run_id"], dict(served.scores))


def changes(
    candidates: Iterable[dict[str, Any]], last: Before
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What entered and what left the candidates, against those that readers saw before."""
    before = last.scores
    now = {row["spectrum_id"]: row for row in candidates}
    entered = [row for name, row in now.items() if name not in before]
    left = [{"spectrum_id": name, "score": before[name]} for name in before if name not in now]
    return entered, left


def in_order(verdicts: Mapping[str, int]) -> dict[str, int]:
    """Number of candidates by verdict, in the order of the verdicts."""
    return {str(verdict): verdicts[verdict] for verdict in Verdict if verdicts.get(verdict)}


def page(report: Report, plan: Plan, *, n_pictures: int) -> str:
    """The report as one page of HTML, with pictures of the best new candidates.

    Parameters
    ----------
    report : Report
        What is told.
    plan : Plan
        Its spectra are drawn.
    n_pictures : int
        Most candidates that are drawn.
    """
    return "\n".join(_document(report, _pictures(report, plan, n_pictures)))


_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1b1b1b}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #ccc}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;
vertical-align:top}.bad{color:#b00020;font-weight:600}.good{color:#00695c}figure{margin:1rem 0}
td{overflow-wrap:anywhere}img{max-width:100%}figcaption,small{color:#555}pre{overflow:auto;background:#f6f6f6;padding:1rem}"""


def _document(report: Report, pictures: Iterable[tuple[str, bytes]]) -> Iterator[str]:
    title = html.escape(f"Run {report.run_id}")
    yield f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
    yield f"<p><strong>{html.escape(report.outcome)}</strong><br>{html.escape(report.why)}</p>"
    yield from _section("Gate", _checks(report.checks))
    yield from _section("Counts", _table(["", "spectra"], report.quality.items()))
    yield from _section("SIMBAD", _table(["verdict", "candidates"], report.verdicts.items()))
    yield from _section("Expected precision and recall", _thresholds(report.thresholds))
    address = str(report.settings.get("publication", {}).get("service_url", ""))
    yield from _section(f"Entered ({len(report.entered)})", _names(report.entered, address))
    yield from _section(f"Left ({len(report.left)})", _names(report.left, address))
    if report.entered:
        yield from _section("The best new candidates", _figures(pictures, address))
    seconds = [(step, f"{value:.1f}") for step, value in report.seconds.items()]
    yield from _section("Time", _table(["step", "seconds"], seconds))
    yield from _section("Runs", _records(report.records))
    settings = json.dumps(report.settings, indent=1, default=str, ensure_ascii=False)
    yield from _section("Settings", [f"<pre>{html.escape(settings)}</pre>"])
    yield "</body></html>"


def _section(title: str, content: Iterable[str]) -> Iterator[str]:
    yield f"<h2>{html.escape(title)}</h2>"
    yield from content


class _Markup(str):
    """A text of a table that is HTML already."""

    __slots__ = ()


def _table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"
    for row in rows:
        texts = (cell if isinstance(cell, _Markup) else html.escape(str(cell)) for cell in row)
        yield "<tr>" + "".join(f"<td>{text}</td>" for text in texts) + "</tr>"
    yield "</table>"


def _checks(checks: Iterable[Check]) -> Iterator[str]:
    yield "<table>"
    for check in checks:
        kind, word = ("good", "holds") if check.holds else ("bad", "fails")
        cells = html.escape(check.name), html.escape(check.told)
        yield f'<tr><td class="{kind}">{word}</td><td>{cells[0]}</td><td>{cells[1]}</td></tr>'
    yield "</table>"


def _thresholds(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    columns = ["threshold", "n", "expected_precision", "expected_recall"]
    yield from _table(columns, ([_short(row[name]) for name in columns] for row in rows))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def _names(rows: Sequence[Mapping[str, Any]], address: str) -> Iterator[str]:
    columns = [name for name in CANDIDATES.names if any(name in row for row in rows)]
    if not rows:
        yield "<p>none</p>"
        return
    shown = ({name: _short(row.get(name)) for name in columns} for row in rows[:NAMED])
    yield from _table(
        columns,
        (
            (row | {"spectrum_id": _Markup(_link(row["spectrum_id"], address))}).values()
            for row in shown
        ),
    )
    if len(rows) > NAMED:
        yield f"<p><small>… and {len(rows) - NAMED} more in the JSON</small></p>"


def _link(name: str, address: str) -> str:
    """A spectrum's name that leads to all that the service has of it."""
    told = html.escape(name)
    if not address:
        return told
    target = f"{address.rstrip('/')}/vospec/q/dl/dlmeta?ID={quote(name, safe='')}"
    return f'<a href="{html.escape(target)}">{told}</a>'


def _figures(pictures: Iterable[tuple[str, bytes]], address: str) -> Iterator[str]:
    for name, content in pictures:
        source = base64.b64encode(content).decode()
        yield (
            f'<figure><img alt="{html.escape(name)}" src="data:image/png;base64,{source}">'
            f"<figcaption>{_link(name, address)}</figcaption></figure>"
        )


def _records(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    # What state a run was in when it was recorded tells nothing of what became of it.
    known = (name for name in records[0] if name != "state")
    names = [name for name in known if any(record[name] is not None for record in records)]
    rows = ([name, *(_short(record[name]) for record in records)] for name in names)
    yield from _table(["", *("run" for _ in records)], rows)


def _pictures(report: Report, plan: Plan, n_pictures: int) -> Iterator[tuple[str, bytes]]:
    """Pictures of the best new candidates, in the plan's spectra or in what was added to them."""
    best = [str(row["spectrum_id"]) for row in report.entered[:n_pictures]]
    scores = {row["spectrum_id"]: row["score"] for row in report.entered}
    added = (one.spectra for one in additions.all_of(plan.store, plan.runs[0]))
    found = _drawn(best, [plan.spectra, *added])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.png")
        for name in (name for name in best if name in found):
            spectrum = found[name]
            title = f"{spectrum.object or name}, score {scores[name]:.3f}"
            plots.spectrum(path, spectrum, title=title)
            yield name, path.read_bytes()


def _drawn(names: Sequence[str], datasets: Iterable[Dataset]) -> dict[str, drawn.Drawn]:
    """Those of some spectra that the datasets hold, with their pixels."""
    found: dict[str, drawn.Drawn] = {}
    for dataset in datasets:
        lacking = pa.array([name for name in names if name not in found], pa.string())
        wanted = pc.field("spectrum_id").isin(lacking) & (pc.field("n_pixels") > 0)
        if not len(lacking):
            break
        there = dataset.table(["spectrum_id"], where=wanted).column("spectrum_id").to_pylist()
        if there:
            found |= zip(there, drawn.from_dataset(dataset, *there), strict=True)
    return found
