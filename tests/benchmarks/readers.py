"""Clients that ask one question after the other, each by itself."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import psycopg
import requests

from tests.conftest import Instance

#: Two views, of which the answer must be of one run alone: the candidates of the current run
#: and its record.
MIXED = """SELECT c.run_id, r.state, COUNT(*) AS n, MAX(r.n_candidates) AS told
FROM vospec.candidates AS c JOIN vospec.runs AS r ON r.run_id = c.run_id
GROUP BY c.run_id, r.state"""

#: Seconds between two questions of a client: it reads the answer.
PAUSE = 0.05


@dataclass
class Answers:
    """What the clients of one kind got, each with the time at which it was asked for."""

    seconds: list[tuple[float, float]] = field(default_factory=list)
    failed: list[tuple[float, str]] = field(default_factory=list)
    mixed: list[tuple[float, str]] = field(default_factory=list)

    def between(self, start: float, end: float) -> "Answers":
        """Those that were asked for between two times."""
        return Answers(
            [each for each in self.seconds if start <= each[0] < end],
            [each for each in self.failed if start <= each[0] < end],
            [each for each in self.mixed if start <= each[0] < end],
        )

    def percentile(self, percent: float) -> float:
        """Seconds within which so many of a hundred answers came."""
        return float(np.percentile([seconds for _, seconds in self.seconds], percent))


def by_tap(instance: Instance) -> Iterator[Callable[[], str]]:
    """Ask by HTTP, as a client of the Virtual Observatory."""
    with requests.Session() as session:
        given = {"LANG": "ADQL", "REQUEST": "doQuery", "FORMAT": "csv", "QUERY": MIXED}

        def ask() -> str:
            answer = session.get(f"{instance.url}/tap/sync", params=given, timeout=60)
            answer.raise_for_status()
            return answer.text.partition("\n")[2].strip()

        yield ask


def by_sql(instance: Instance) -> Iterator[Callable[[], str]]:
    """Ask the database itself."""
    with psycopg.connect(instance.database, autocommit=True) as connection:

        def ask() -> str:
            rows = connection.execute(MIXED).fetchall()
            return "\n".join(",".join(map(str, row)) for row in rows)

        yield ask


WAYS: Mapping[str, Callable[[Instance], Iterator[Callable[[], str]]]] = {
    "TAP": by_tap,
    "SQL": by_sql,
}


@contextmanager
def asking(
    instance: Instance,
    n_clients: int,
    *,
    ways: Sequence[str] = tuple(WAYS),
    pause: float = PAUSE,
    is_whole: Callable[[str], bool] | None = None,
) -> Iterator[Mapping[str, Answers]]:
    """Let so many clients of each kind ask until the work is done."""
    answers = {way: Answers() for way in ways}
    stop, judge = threading.Event(), is_whole or _is_whole
    clients = [
        threading.Thread(target=_ask, args=(instance, way, answers[way], stop, pause, judge))
        for way in ways
        for _ in range(n_clients)
    ]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        stop.set()
        for client in clients:
            client.join()


def _ask(  # noqa: PLR0913, PLR0917 - of a thread
    instance: Instance,
    way: str,
    answers: Answers,
    stop: threading.Event,
    pause: float,
    is_whole: Callable[[str], bool],
) -> None:
    for ask in WAYS[way](instance):
        while not stop.is_set():
            started = time.perf_counter()
            try:
                answer = ask()
            except (psycopg.Error, requests.RequestException) as fault:
                answers.failed.append((started, str(fault)))
                continue
            answers.seconds.append((started, time.perf_counter() - started))
            if not is_whole(answer):
                answers.mixed.append((started, answer))
            stop.wait(pause)


def _is_whole(answer: str) -> bool:
    """Whether an answer is one row, of the current run, with all of its candidates."""
    fields = answer.split(",")
    return "\n" not in answer and fields[1:2] == ["current"] and fields[2] == fields[3]


def line(answers: Answers, before: float | None) -> str:
    """Tell some answers in a line of a table; `before` is the undisturbed 95th percentile."""
    half, most = answers.percentile(50), answers.percentile(95)
    ratio = f"{most / before:5.2f}" if before else ""
    bad = f"{len(answers.failed):8d}{len(answers.mixed):7d}"
    return f"{len(answers.seconds):7d}{bad}{1e3 * half:10.1f}{1e3 * most:10.1f}  {ratio}"


HEAD = f"{'':<34}{'':<5}{'answers':>7}{'failed':>8}{'mixed':>7}{'p50 ms':>10}{'p95 ms':>10}  ratio"
