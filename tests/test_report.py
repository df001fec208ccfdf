"""A report tells what a run gave, on a page that stands alone and in JSON."""

import json
import re
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

import pytest

from vospec import report
from vospec.columns import Verdict
from vospec.gate import Check
from vospec.job import Job
from vospec.publication import Served


@pytest.fixture(scope="module")
def candidates(whole: Job) -> list[dict[str, Any]]:
    return report.candidates_of(whole.plan.runs[0])


@pytest.fixture(scope="module")
def made(whole: Job, candidates: list[dict[str, Any]]) -> report.Report:
    """The report of a run after one that had two of its candidates and one other."""
    run = whole.plan.runs[0]
    record = run.record.table().to_pylist()[0]
    scores = {row["spectrum_id"]: row["score"] for row in candidates[:2]} | {"<gone>": 0.75}
    entered, left = report.changes(candidates, report.Before.of(Served(record, scores, {})))
    return report.Report(
        run_id=run.run_id,
        outcome="run <x> is served",
        why="no reason & none",
        checks=[Check("good", holds=True, told="well"), Check("bad", holds=False, told="a < b")],
        records=[record],
        quality=report.quality_of(whole.plan),
        verdicts=report.in_order({"not_asked": 3, "known_emission_star": 2}),
        entered=entered,
        left=left,
        thresholds=run.thresholds.table().to_pylist(),
        seconds={"score": 12.5},
        settings=asdict(whole.settings),
    )


def test_what_entered_and_left_is_told(
    made: report.Report, candidates: list[dict[str, Any]]
) -> None:
    assert [row["spectrum_id"] for row in made.entered] == [
        row["spectrum_id"] for row in candidates[2:]
    ]
    assert made.left == [{"spectrum_id": "<gone>", "score": 0.75}]
    assert report.changes(candidates, report.Before.of(None)) == (candidates, [])


def test_quality_counts_every_spectrum(whole: Job, made: report.Report) -> None:
    judged = whole.plan.features.table(["quality"]).column("quality").to_pylist()
    assert made.quality["without fault"] == judged.count(0)
    assert made.quality["the file cannot be opened or is damaged"] == 2
    assert made.quality["another file of the same identity was taken"] == 1


def test_verdicts_come_in_their_order(made: report.Report) -> None:
    assert list(made.verdicts.items()) == [(Verdict.KNOWN_EMISSION_STAR, 2), (Verdict.NOT_ASKED, 3)]


def test_page_stands_alone_and_shows_the_best(
    whole: Job, made: report.Report, candidates: list[dict[str, Any]]
) -> None:
    page = report.page(made, whole.plan, n_pictures=2)
    assert page.count('src="data:image/png;base64,') == 2
    captions = re.findall("<figcaption><a [^>]*>(.*?)</a></figcaption>", page)
    assert captions == [row["spectrum_id"] for row in candidates[2:4]]
    assert not re.search('src="(?!data:)', page)
    # Links lead to the service, wherever the page is read.
    name = quote(captions[0], safe="")
    assert f'href="http://127.0.0.1:8080/vospec/q/dl/dlmeta?ID={name}"' in page
    assert not re.search('href="(?!http://127.0.0.1:8080/vospec/q/dl/dlmeta)', page)
    for text in ("run &lt;x&gt; is served", "no reason &amp; none", "a &lt; b", "&lt;gone&gt;"):
        assert text in page
    assert "<gone>" not in page
    assert '<td class="bad">fails</td><td>bad</td>' in page


def test_what_has_no_spectrum_here_has_no_picture(whole: Job, made: report.Report) -> None:
    elsewhere = [{"spectrum_id": "lamost/dr1/elsewhere", "score": 1.0}]
    page = report.page(replace(made, entered=elsewhere), whole.plan, n_pictures=5)
    assert "data:image/png" not in page
    assert "lamost/dr1/elsewhere" in page


def test_what_nothing_entered_is_told(whole: Job, made: report.Report) -> None:
    page = report.page(replace(made, entered=[], left=[]), whole.plan, n_pictures=5)
    assert page.count("<p>none</p>") == 2
    assert "best new candidates" not in page


def test_many_names_are_cut_on_the_page_and_not_in_json(whole: Job, made: report.Report) -> None:
    many = [{"spectrum_id": f"name-{n}", "score": 0.5} for n in range(report.NAMED + 7)]
    told = replace(made, left=many)
    page = report.page(told, whole.plan, n_pictures=0)
    assert "and 7 more in the JSON" in page
    assert f"name-{report.NAMED}" not in page
    assert len(json.loads(told.json)["left"]) == report.NAMED + 7


def test_json_holds_everything(made: report.Report) -> None:
    told = json.loads(made.json)
    assert told["run_id"] == made.run_id
    assert told["checks"][1] == {"name": "bad", "holds": False, "told": "a < b"}
    assert told["records"][0]["versions"]
    assert told["settings"]["learning"]["n_components"] == 16
    assert len(told["thresholds"]) == len(made.thresholds)


def test_text_is_short_and_names_what_failed(made: report.Report) -> None:
    lines = made.text.splitlines()
    assert lines[0] == "vospec: run <x> is served"
    assert lines[1] == "  bad: a < b"
    assert re.fullmatch(r"\d+ candidates among \d+ spectra; \d+ entered, 1 left", lines[2])
    assert lines[3] == "2 known_emission_star, 3 not_asked"
    assert lines[4] == "no reason & none; 12 s"
