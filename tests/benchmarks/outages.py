"""What readers and ``vospec rescore`` notice when the servers are killed while it publishes.

    python -m tests.benchmarks.outages FOLDER [--survey N]

A survey is simulated in the folder, scored and published. Then, for every victim, all is scored
anew with another number of neighbours, and in the middle of the publication the victim gets
``kill -9``; ``deploy/up`` follows at once, and the same job again. Told are the seconds from
the kill until the database answers, and from then until TAP answers with the run from before;
how the job that was disturbed has ended; and whether the next one has published its run.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psycopg
import requests
import tomlkit

from tests.benchmarks import publication, readers
from tests.benchmarks.rescoring import settings_of
from tests.conftest import Instance
from vospec import config, rescoring
from vospec.archives.simulated import simulate

#: That which copies what the run has.
_PUBLISHER = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%'"


@dataclass
class Watch:
    """When the database, and TAP, answered for the first time, and what."""

    found: Instance
    since: float = field(default_factory=time.perf_counter)
    database: float = 0.0
    service: float = 0.0
    answer: str = ""

    def run(self) -> None:
        """Ask until both have answered."""
        while not self.database:
            try:
                with psycopg.connect(self.found.database, connect_timeout=2) as connection:
                    connection.execute("SELECT FROM vospec.candidates LIMIT 1")
                self.database = time.perf_counter() - self.since
            except psycopg.Error:
                time.sleep(0.02)
        while not self.service:
            try:
                self.answer = next(readers.by_tap(self.found))()
            except requests.RequestException:
                self.answer = ""
            # That the database was lost is told in words; a run, its state, two numbers are not.
            if self.answer.split(",")[1:2] == ["current"]:
                self.service = time.perf_counter() - self.since
            else:
                time.sleep(0.02)


def postmaster(found: Instance) -> int:
    """The process from which all others of PostgreSQL come."""
    return int((found.folder / "postgres" / "postmaster.pid").read_text().partition("\n")[0])


def dachs(found: Instance) -> int:
    """The process of DaCHS."""
    return int((found.folder / "run" / "dachs.pid").read_text().partition("\n")[0])


#: Who is killed; None is the process of PostgreSQL that serves the publication.
VICTIMS: dict[str, Callable[[Instance], int] | None] = {
    "postmaster": postmaster,
    "backend": None,
    "DaCHS": dachs,
}


def main() -> None:
    """Kill one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.outages")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--survey", type=int, default=2000, metavar="N", help="spectra")
    given = parser.parse_args()
    folder = given.folder.resolve()
    (folder / "instance").mkdir(parents=True, exist_ok=True)
    if not (folder / "simulated").exists():
        simulate(folder / "simulated", n_survey=given.survey, n_training=300, seed=1)
    shutil.rmtree(folder / "store", ignore_errors=True)
    with publication.instance(folder / "instance") as found:
        settings = replace(
            settings_of(folder, found),
            survey=config.SurveySettings((str(folder / "simulated" / "survey"),)),
        )
        _start(folder, settings).communicate()
        found.adopt()
        for number, name in enumerate(VICTIMS):
            other = replace(settings.learning, n_neighbors=11 + number)
            _strike(folder, found, replace(settings, learning=other), name)


def _strike(folder: Path, found: Instance, settings: config.Settings, name: str) -> None:
    before = next(readers.by_tap(found))()
    job = _start(folder, settings)
    mark = folder / "store" / rescoring.MARK
    while json.loads(mark.read_text(encoding="utf-8"))["step"] != "publish":
        time.sleep(0.005)
    publisher = _publisher(found, job)
    chosen = VICTIMS[name]
    os.kill(chosen(found) if chosen else publisher, signal.SIGKILL)
    watch = Watch(found)
    watching = threading.Thread(target=watch.run)
    watching.start()
    up = [publication.ROOT / "deploy" / "up", "--folder", str(found.folder)]
    subprocess.run(up, check=True, capture_output=True)  # noqa: S603 - our own command
    said = job.communicate()[0].strip().splitlines()
    watching.join()
    again = _start(folder, settings)
    again.communicate()
    after = next(readers.by_tap(found))()
    old = "the old run" if watch.answer == before else f"another: {watch.answer}"
    print(f"{name} killed: the database is there after {watch.database:.2f} s, TAP answers")
    print(f"  {watch.service - watch.database:.2f} s later (target 5) with {old}")
    print(f"  rescore: exit code {job.returncode}; {said[-1]}")
    print(f"  the next: exit code {again.returncode}, {before} -> {after}", flush=True)


def _publisher(found: Instance, job: "subprocess.Popen[str]") -> int:
    """Wait for the process of PostgreSQL that serves the publication, in the middle of a copy."""
    with psycopg.connect(found.database, autocommit=True) as watching:
        while (row := watching.execute(_PUBLISHER).fetchone()) is None:
            assert job.poll() is None, "it was too fast: take a larger survey"
    return int(row[0])


def _start(folder: Path, settings: config.Settings) -> "subprocess.Popen[str]":
    path = folder / "vospec.toml"
    path.write_text(tomlkit.dumps(asdict(settings)), encoding="utf-8")
    command = [sys.executable, "-m", "vospec", "rescore", "--config", str(path)]
    return subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


if __name__ == "__main__":
    main()
