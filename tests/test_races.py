"""Two ``vospec rescore`` that start at once, again and again: one works, the other is told who."""

import contextlib
import io
import multiprocessing
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from vospec import rescoring
from vospec.__main__ import main
from vospec.columns import RUNS
from vospec.report import Report
from vospec.rescoring import Outcome

RACES = 20
#: A process that hangs must not keep the others waiting for ever.
PATIENCE = 60.0


def _outcome() -> Outcome:
    record = dict.fromkeys(RUNS.names, 1)
    told = {"run_id": "x", "outcome": "done", "why": "", "checks": [], "records": [record]}
    empty: dict[str, Any] = {"quality": {}, "verdicts": {}, "thresholds": [], "seconds": {}}
    report = Report(**told, **empty, entered=[], left=[])
    return Outcome(report, published=True, verified=True)


def _race(given: Path, together: Any, results: Any) -> None:  # noqa: ANN401 - of multiprocessing
    """Be one of the two; the one that works does so until the other is told."""

    def rescore(*_: object, **__: object) -> Outcome:
        together.wait(PATIENCE)
        return _outcome()

    with mock.patch.object(rescoring, "rescore", rescore):
        for number in range(RACES):
            together.wait(PATIENCE)
            said = io.StringIO()
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                code = main(["rescore", "--config", str(given)])
            if code:
                together.wait(PATIENCE)
            results.put((number, os.getpid(), code, said.getvalue()))
    results.close()
    results.join_thread()


@pytest.fixture
def races(tmp_path: Path) -> Callable[[], list[tuple[int, int, int, str]]]:
    """Let the two run; gives number, process, exit code and what it said."""
    given = tmp_path / "vospec.toml"
    given.write_text(f'[store]\nfolder = "{tmp_path}/store"\n', encoding="utf-8")

    def run() -> list[tuple[int, int, int, str]]:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["vospec.rescoring", "vospec.job"])
        together, results = context.Barrier(2), context.Queue()
        both = [context.Process(target=_race, args=(given, together, results)) for _ in "ab"]
        for process in both:
            process.start()
        found = [results.get(timeout=PATIENCE) for _ in range(2 * RACES)]
        for process in both:
            process.join(PATIENCE)
        return found

    return run


def test_of_two_that_start_at_once_one_works_and_the_other_is_told_who(
    races: Callable[[], list[tuple[int, int, int, str]]], tmp_path: Path
) -> None:
    found = races()
    for number in range(RACES):
        works, refused = sorted(result[1:] for result in found if result[0] == number)
        if works[1]:
            works, refused = refused, works
        assert (works[1], refused[1]) == (0, 1), (works, refused)
        told = (
            rf"vospec: {(tmp_path / 'store').as_uri()}: the store is held by vospec rescore, "
            rf"process {works[0]} on \S+ since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\n"
        )
        assert re.fullmatch(told, refused[2]), refused[2]
