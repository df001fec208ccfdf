"""Candidates against a list of known stars."""

import csv
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.verification.conftest import RUN
from vospec import known
from vospec.columns import CANDIDATES, SCORES, SPECTRA
from vospec.errors import OutputError
from vospec.store import Store, arrow_schema
from vospec.verification.catalogues import KnownList
from vospec.verification.sources import Positions

#: Spectra by name: place, score (None: cannot be used), whether a candidate.
SURVEY: dict[str, tuple[tuple[float, float] | None, float | None, bool]] = {
    "found": ((10.0, 20.0), 0.9, True),
    "found again": ((10.0, 20.0), 0.1, False),
    "low": ((30.0, 40.0), 0.2, False),
    "lower": ((30.0, 40.0), 0.1, False),
    "unusable": ((50.0, 60.0), None, False),
    "new": ((70.0, 80.0), 0.95, True),
    "new again": ((70.0, 80.0 + 1 / 3600), 0.8, True),
    "other new": ((359.9999, 0.0), 0.7, True),
    "new of nowhere": (None, 0.6, True),
    "of nowhere": (None, 0.3, False),
}
STARS = {
    "recovered": (10.0 + 1 / 3600, 20.0),
    # A list may have a star twice.
    "recovered twice": (10.0, 20.0 + 2.9 / 3600),
    "missed": (30.0, 40.0),
    "without spectrum that can be used": (50.0, 60.0),
    "elsewhere": (200.0, -80.0),
    "too far": (10.0, 20.0 + 3.1 / 3600),
}


def _plan(store: Store) -> Any:  # noqa: ANN401 - stands for a Plan
    ranks = sorted((n for n, (_, score, _) in SURVEY.items() if score), key=lambda n: -SURVEY[n][1])  # type: ignore[operator]
    tables: dict[str, list[dict[str, Any]]] = {"spectra": [], "scores": [], "candidates": []}
    for name, (place, score, is_candidate) in SURVEY.items():
        at = {"ra": place and place[0], "dec": place and place[1]}
        row: dict[str, Any] = {"spectrum_id": name, "run_id": RUN, "score": score}
        tables["spectra"].append({"spectrum_id": name, "role": "survey", "quality": 0} | at)
        if score is not None:
            row["rank"] = ranks.index(name) + 1
            tables["scores"].append(row)
        if is_candidate:
            tables["candidates"].append(row | at)
    # Of a training spectrum nothing is told, wherever it is.
    place = {"ra": 200.0, "dec": -80.0}
    tables["spectra"].append({"spectrum_id": "training", "role": "training", "quality": 0} | place)
    kinds = {"spectra": SPECTRA, "scores": SCORES, "candidates": CANDIDATES}
    made = {name: store.dataset(f"{RUN}/{name}", kind) for name, kind in kinds.items()}
    for name, rows in tables.items():
        made[name].write(pa.Table.from_pylist(rows, schema=arrow_schema(kinds[name])))
    run = SimpleNamespace(run_id=RUN, scores=made["scores"], candidates=made["candidates"])
    return SimpleNamespace(store=store, spectra=made["spectra"], runs=(run,))


def _known(stars: dict[str, tuple[float, float]], n_skipped: int = 0) -> KnownList:
    ra, dec = (np.array([place[axis] for place in stars.values()]) for axis in (0, 1))
    return KnownList("list", tuple(stars), Positions(ra, dec), n_skipped)


def _compare(store: Store, stars: dict[str, tuple[float, float]]) -> known.Comparison:
    plan = _plan(store)
    return known.compare(plan, plan.runs[0], _known(stars), radius_arcsec=3.0)


def test_stars_are_told_apart_by_their_best_spectra(store: Store) -> None:
    found = _compare(store, STARS)
    told = [(one.star, one.state, one.spectrum_id) for one in found.stars]
    assert told == [
        ("recovered", "recovered", "found"),
        ("recovered twice", "recovered", "found"),
        ("missed", "missed", "low"),
        ("without spectrum that can be used", "unusable", "unusable"),
        ("elsewhere", "not observed", None),
        ("too far", "not observed", None),
        ("", "new", "new"),
        ("", "new", "new again"),
        ("", "new", "other new"),
        ("", "new", "new of nowhere"),
    ]
    assert found.n_candidates == 5
    assert found.n_new_stars == 3
    best = found.stars[0]
    assert best.separation == pytest.approx(np.cos(np.radians(20.0)), rel=1e-4)
    assert (best.score, best.rank) == (pytest.approx(0.9), 2)


def test_stars_on_both_sides_of_zero_are_near(store: Store) -> None:
    found = _compare(store, {"star": (0.0001, 0.0)})
    assert found.stars[0].state == "recovered"
    assert "other new" not in {one.spectrum_id for one in found.stars[1:]}


def test_without_a_star_all_candidates_are_new(store: Store) -> None:
    found = _compare(store, {})
    assert Counter(one.state for one in found.stars) == {"new": 5}


def test_what_was_found_is_told(store: Store) -> None:
    plan = _plan(store)
    found = known.compare(plan, plan.runs[0], _known(STARS, 2), radius_arcsec=3.0)
    assert list(found.lines()) == [
        f"list: 6 stars; {RUN}: 5 candidates",
        "2 rows of the list have no position",
        "2 recovered, 1 missed, 1 unusable, 2 not observed",
        "4 new candidates, of 3 stars",
        "missed: missed: low, score 0.200, rank 7",
    ]


def test_many_missed_stars_are_told_in_part(store: Store) -> None:
    stars = {f"star {number}": (30.0, 40.0) for number in range(25)}
    lines = list(_compare(store, stars).lines())
    assert sum(line.startswith("missed: ") for line in lines) == 20
    assert lines[-1] == "and 5 more missed stars (--output tells all)"


def test_all_stars_are_written(store: Store, tmp_path: Path) -> None:
    found = _compare(store, STARS)
    known.write([found], tmp_path / "stars.csv")
    with (tmp_path / "stars.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["state"] for row in rows] == [one.state for one in found.stars]
    assert {row["list"] for row in rows} == {"list"}
    assert rows[2]["spectrum_id"] == "low"
    with pytest.raises(OutputError, match="cannot be written"):
        known.write([found], tmp_path)


def test_what_came_after_the_run_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = _plan(store)
    origin = plan.runs[0]
    rows = [{"spectrum_id": "later", "ra": 200.0, "dec": -80.0, "role": "survey", "quality": 0}]
    later = store.dataset("later/spectra", SPECTRA)
    later.write(pa.Table.from_pylist(rows, schema=arrow_schema(SPECTRA)))
    row = {"spectrum_id": "later", "run_id": RUN, "score": 0.8, "ra": 200.0, "dec": -80.0}
    for name, kind in (("scores", SCORES), ("candidates", CANDIDATES)):
        told = [{key: value for key, value in row.items() if key in kind.names}]
        store.dataset(f"later/{name}", kind).write(
            pa.Table.from_pylist(told, schema=arrow_schema(kind))
        )
    added = SimpleNamespace(
        spectra=later,
        scores=store.dataset("later/scores", SCORES),
        candidates=store.dataset("later/candidates", CANDIDATES),
    )
    monkeypatch.setattr("vospec.additions.all_of", lambda _store, _run: [added])
    found = known.compare(plan, origin, _known(STARS), radius_arcsec=3.0)
    assert {one.star: one.state for one in found.stars}["elsewhere"] == "recovered"
    assert found.n_candidates == 6
