"""Answers are added and kept; verdicts on them follow the rules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.service import simbad
from tests.verification.conftest import make_plan
from vospec import verify
from vospec.columns import ANSWERS, FAILED, FOUND, NOTHING, OBJECT_TYPES, SIMBAD, Verdict
from vospec.config import VerificationSettings
from vospec.errors import LockedError
from vospec.store import Store, arrow_schema
from vospec.verification import history as of_history
from vospec.verification import judging, questions, verdicts
from vospec.verification.history import History, last
from vospec.verification.report import Outcome, told_changes

EARLY = datetime(2025, 1, 1, tzinfo=UTC)
LATE = datetime(2025, 6, 1, tzinfo=UTC)
BE = {"main_id": "HD 1", "otype": "Be*", "otypes": "*|Be*", "n_sources": 1}


def _rows(*told: tuple[str, datetime, str], **more: Any) -> pa.Table:  # noqa: ANN401 - of any column
    rows = [
        {"spectrum_id": name, "asked_at": at, "state": state, "radius": 3.0} | more
        for name, at, state in told
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(ANSWERS))


def _types(taken_at: datetime, **paths: str) -> pa.Table:
    names = ("otype", "label", "path", "is_candidate")
    rows = [dict(zip(names, row, strict=True)) | {"taken_at": taken_at} for row in simbad.types()]
    for row in rows:
        row["is_candidate"] = bool(row["is_candidate"])
        row["path"] = paths.get(row["otype"], row["path"])
    return pa.Table.from_pylist(rows, schema=arrow_schema(OBJECT_TYPES))


@pytest.fixture
def history(store: Store) -> History:
    history = History(store)
    history.keep_types(_types(EARLY))
    return history


def test_answers_are_added(history: History) -> None:
    history.keep_answers(_rows(("a", EARLY, NOTHING), ("b", EARLY, NOTHING)))
    history.keep_answers(_rows(("a", LATE, FOUND), **BE))
    found = history.answers()
    assert found.schema == arrow_schema(ANSWERS)
    assert found["spectrum_id"].to_pylist() == ["a", "b", "a"]
    assert found.take(last(found))["state"].to_pylist() == [FOUND, NOTHING]
    before = found.take(last(found, before=LATE))
    assert before["state"].to_pylist() == [NOTHING, NOTHING]
    assert not len(last(found, before=EARLY))


def test_a_block_that_was_cut_off_is_none(history: History) -> None:
    history.keep_answers(_rows(("a", EARLY, NOTHING)))
    history.keep_answers(_rows(("b", EARLY, NOTHING)))
    (Path(history.store.root) / history.blocks[-1].path / "_manifest.json").unlink()
    assert history.answers()["spectrum_id"].to_pylist() == ["a"]


def test_only_the_last_failure_of_a_spectrum_is_kept(history: History) -> None:
    history.keep_failures(_rows(("a", EARLY, FAILED), ("b", EARLY, FAILED), reason="old"))
    history.keep_failures(_rows(("b", LATE, FAILED), reason="new"))
    found = {row["spectrum_id"]: row["reason"] for row in history.failures().to_pylist()}
    assert found == {"a": "old", "b": "new"}
    assert len(list(history.store.find("simbad/failures"))) == 1


def test_failures_survive_a_call_that_ends_between_two_steps(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.keep_failures(_rows(("a", EARLY, FAILED), reason="old"))

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    later = _rows(("a", LATE, FAILED), ("b", LATE, FAILED), reason="new")
    monkeypatch.setattr("vospec.store.Dataset.remove", killed)
    with pytest.raises(KeyboardInterrupt):
        history.keep_failures(later)
    assert history.failures()["reason"].to_pylist() == ["new", "new"]


def test_two_calls_are_kept_apart(history: History) -> None:
    other = History(history.store)
    with history.alone(), pytest.raises(LockedError, match="vospec verify, process"), other.alone():
        pass
    with other.alone():
        pass


def test_columns_that_an_earlier_version_did_not_keep_are_null(history: History) -> None:
    history.keep_answers(_rows(("a", EARLY, FOUND), **BE))
    (block,) = history.blocks
    path = Path(block.part(0))
    parquet.write_table(parquet.read_table(path).drop_columns(["sp_type", "updated"]), path)
    found = history.answers()
    assert found["sp_type"].to_pylist() == [None]
    assert found["otype"].to_pylist() == ["Be*"]


def test_verdicts_are_found_when_they_are_read(history: History) -> None:
    history.keep_answers(_rows(("a", EARLY, FOUND), **BE))
    history.keep_answers(_rows(("b", EARLY, NOTHING)))
    history.keep_failures(_rows(("b", LATE, FAILED), ("c", LATE, FAILED), reason="HTTP 503"))
    rows = judging.judged(history)
    assert rows.schema == arrow_schema(SIMBAD)
    told = {(row["spectrum_id"], row["state"]): row["verdict"] for row in rows.to_pylist()}
    assert told == {
        ("a", FOUND): Verdict.KNOWN_EMISSION_STAR,
        ("b", NOTHING): Verdict.NOT_IN_SIMBAD,
        ("b", FAILED): Verdict.SERVICE_FAILED,
        ("c", FAILED): Verdict.SERVICE_FAILED,
    }
    # A failure tells something only where there is no answer.
    latest = {r["spectrum_id"]: r["verdict"] for r in judging.latest(rows).to_pylist()}
    assert latest == {
        "a": Verdict.KNOWN_EMISSION_STAR,
        "b": Verdict.NOT_IN_SIMBAD,
        "c": Verdict.SERVICE_FAILED,
    }
    spectra = pa.array(["a", "b", "c", "d", "e"])
    assert judging.shares(judging.latest(rows), spectra) == {
        Verdict.KNOWN_EMISSION_STAR: 1,
        Verdict.NOT_IN_SIMBAD: 1,
        Verdict.SERVICE_FAILED: 1,
        Verdict.NOT_ASKED: 2,
    }


def test_a_new_hierarchy_holds_for_old_answers(history: History) -> None:
    known = {"main_id": "V 1", "otype": "Pu*", "otypes": "*|Pu*", "n_sources": 1}
    history.keep_answers(_rows(("a", EARLY, FOUND), **known))
    assert judging.judged(history)["verdict"].to_pylist() == [Verdict.KNOWN_OTHER_STAR]
    history.keep_types(_types(LATE, **{"Pu*": "* > ** > CV* > Pu*"}))
    assert judging.judged(history)["verdict"].to_pylist() == [Verdict.KNOWN_EMISSION_STAR]
    assert set(history.types()["taken_at"].to_pylist()) == {LATE}


def test_the_fingerprint_tells_whatever_changes_what_is_published(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def marks() -> dict[str, str]:
        return {name: mark for name, (_, mark) in judging.contents(history).items()}

    first = marks()
    assert marks() == first
    history.keep_answers(_rows(("a", EARLY, NOTHING)))
    second = marks()
    assert second["simbad"] != first["simbad"]
    assert second["verdict_rules"] == first["verdict_rules"]
    history.keep_failures(_rows(("b", EARLY, FAILED)))
    third = marks()
    assert third["simbad"] not in {first["simbad"], second["simbad"]}
    monkeypatch.setattr(verdicts, "rows", lambda: iter([{"rule": "another"}]))
    assert set(marks().values()).isdisjoint(third.values())


def test_what_changed_is_told(history: History) -> None:
    history.keep_answers(_rows(("known", EARLY, NOTHING), ("same", EARLY, NOTHING)))
    star = {"main_id": "HD 1", "otype": "*", "otypes": "*", "n_sources": 1}
    history.keep_answers(_rows(("type", EARLY, FOUND), **star))
    history.keep_answers(_rows(("known", LATE, FOUND), ("type", LATE, FOUND), **BE))
    history.keep_answers(_rows(("new", LATE, FOUND), **BE))
    history.keep_answers(_rows(("same", LATE, NOTHING)))
    history.keep_failures(_rows(("known", LATE + timedelta(1), FAILED)))
    rows, spectra = judging.judged(history), pa.array(["known", "same", "type", "new"])
    found = tuple(judging.changes(rows, spectra, since=LATE))
    assert list(told_changes(found)) == [
        "became known: known: not_in_simbad → known_emission_star (HD 1, Be*)",
        "changed: type: known_other_star * → known_emission_star (HD 1, Be*)",
    ]
    assert not list(judging.changes(rows, pa.array(["same", "new"]), since=LATE))
    assert not list(judging.changes(rows, spectra, since=LATE + timedelta(1)))


def test_many_changes_are_told_in_part(history: History) -> None:
    names = [f"s{number:02d}" for number in range(25)]
    history.keep_answers(_rows(*((name, EARLY, NOTHING) for name in names)))
    history.keep_answers(_rows(*((name, LATE, FOUND) for name in names), **BE))
    found = tuple(judging.changes(judging.judged(history), pa.array(names), since=LATE))
    lines = list(told_changes(found))
    assert len(lines) == 21
    assert lines[-1] == "and 5 more changes: see the table score_changes"


def test_an_outcome_is_told_in_words() -> None:
    outcome = Outcome(
        asked=10,
        failed=3,
        requests=7,
        without_position=2,
        reasons=("HTTP 503",),
        unknown=("XY*",),
    )
    assert not outcome.complete
    assert list(outcome.lines()) == [
        "asked about 10 spectra in 7 requests: 7 answered, 3 failed",
        "failed: HTTP 503",
        "what failed keeps its earlier answer; the same command asks again",
        "2 candidates have no position to ask about",
        "object types that SIMBAD's hierarchy does not have, which no rule reads: XY*",
    ]


def test_a_run_tells_what_changed_since_it_ended(history: History) -> None:
    plan = make_plan(history.store, {"a": (1.0, 2.0), "b": (3.0, 4.0), "c": None})
    (run,) = plan.runs
    assert list(verify.lines(plan, run)) == []
    # The run of the samples ended at the start of 2024.
    before = datetime(2023, 1, 1, tzinfo=UTC)
    history.keep_answers(_rows(("a", before, NOTHING), ("b", before, NOTHING)))
    history.keep_answers(_rows(("a", LATE, FOUND), **BE))
    shares, change = verify.lines(plan, run)
    assert shares == (
        "3 candidates: 1 known_emission_star (33 %), 1 not_in_simbad (33 %), 1 not_asked (33 %)"
    )
    assert change == "became known: a: not_in_simbad → known_emission_star (HD 1, Be*)"


FUTURE = datetime(2999, 1, 1, tzinfo=UTC)


def test_an_answer_from_the_future_is_older_than_all_others(history: History) -> None:
    history.keep_answers(_rows(("a", FUTURE, NOTHING), ("b", FUTURE, NOTHING)))
    history.keep_answers(_rows(("a", LATE, FOUND), **BE))
    found = history.answers()
    assert found.take(last(found))["state"].to_pylist() == [FOUND, NOTHING]
    before = found.take(last(found, before=LATE))
    assert before["state"].to_pylist() == [NOTHING, NOTHING]


def test_an_answer_from_the_future_is_asked_for_again(history: History) -> None:
    now = datetime.now(UTC)
    place = {"ra": 1.0, "dec": 2.0, "radius": VerificationSettings().radius_arcsec}
    history.keep_answers(_rows(("a", FUTURE, NOTHING), ("b", now, NOTHING), **place))
    spectra = pa.table({"spectrum_id": ["a", "b"], "ra": [1.0, 1.0], "dec": [2.0, 2.0]})

    def due() -> list[str]:
        names: list[str] = questions.due(spectra, history, VerificationSettings())[
            "spectrum_id"
        ].to_pylist()
        return names

    assert due() == ["a"]
    history.keep_answers(_rows(("a", now, NOTHING), **place))
    assert due() == []


def test_a_hierarchy_from_the_future_gives_way(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(of_history, "_now", lambda: f"{FUTURE:%Y%m%dT%H%M%S.%fZ}")
        history.keep_types(_types(FUTURE))
    history.keep_types(_types(LATE))
    assert history.types()["taken_at"][0].as_py() == LATE


def test_what_a_killed_call_has_left_is_taken_away(history: History, store: Store) -> None:
    history.keep_answers(_rows(("a", EARLY, NOTHING)))
    half = Path(store.root, "simbad", "answers", "20260101T000000.000000Z")
    half.mkdir()
    (half / "part-00000.parquet").write_bytes(b"half")
    with history.alone():
        assert not half.exists()
    assert history.answers()["spectrum_id"].to_pylist() == ["a"]
