"""Scoring again: what few new spectra cost, and what readers notice.

    python -m tests.benchmarks.rescoring FOLDER [--survey N] [--training N] [--clients N] …

A survey is simulated in the folder, unless it is there. All but a share of its files are scored
and published by ``vospec rescore``; then the others come in, the first half of them while nobody
reads, the second while clients ask by TAP without a pause; at last, while they still ask, all
is scored anew (``--full``). PostgreSQL and DaCHS are a private instance below the folder.

The machine's load stands beside each job: on a busy machine only ratios tell.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomlkit

from tests.benchmarks import publication, readers
from tests.conftest import Instance
from tests.night import linked
from vospec import config
from vospec.archives.simulated import simulate

#: Nobody answers there, at once.
SILENT = config.VerificationSettings(
    services=("http://127.0.0.1:9/tap",), crossmatch="", pause_seconds=0.0, patience_seconds=0.0
)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rescoring")
    parser.add_argument("folder", type=Path)
    for name, default, what in (
        ("survey", 20_000, "spectra of the survey"),
        ("training", 1_000, "labelled spectra"),
        ("share", 1, "per cent of the survey that come in at a time"),
        ("clients", 8, "clients that ask by TAP"),
        ("seconds", 30, "for which they ask undisturbed"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=what)
    given = parser.parse_args()
    given.folder = given.folder.resolve()
    (given.folder / "instance").mkdir(parents=True, exist_ok=True)
    with publication.instance(given.folder / "instance") as found:
        settings = _prepare(given, found)
        full = _rescore(given.folder, "the first run")
        found.adopt()
        _arrive(given, settings, 0)
        few = _rescore(given.folder, f"{given.share} % new spectra")
        _compare(full, few)
        _read(found, given, settings)


def _prepare(given: argparse.Namespace, found: Instance) -> config.Settings:
    """Make a survey of which some files are still to come, an empty store, and settings."""
    folder = given.folder
    if not (folder / "simulated").exists():
        simulate(folder / "simulated", n_survey=given.survey, n_training=given.training, seed=1)
    for name in ("store", "survey", "late0", "late1"):
        shutil.rmtree(folder / name, ignore_errors=True)
    files = sorted((folder / "simulated" / "survey").rglob("*.fits*"))
    # Late ones are spread over all of the survey, as nights are over the sky.
    step = 100 // given.share
    late = files[::step], files[1::step]
    early = set(files) - set(late[0]) - set(late[1])
    for name, some in {"survey": sorted(early), "late0": late[0], "late1": late[1]}.items():
        linked(some, folder / name)
    settings = settings_of(folder, found)
    (folder / "vospec.toml").write_text(tomlkit.dumps(asdict(settings)), encoding="utf-8")
    return settings


def settings_of(folder: Path, found: Instance) -> config.Settings:
    """Settings of a job in a folder, published in an instance."""
    training = folder / "simulated" / "training"
    return config.Settings(
        store=config.StoreSettings(str(folder / "store")),
        survey=config.SurveySettings((str(folder / "survey"),)),
        training=config.TrainingSettings((str(training),), (str(training / "labels.csv"),)),
        publication=config.PublicationSettings(
            host=str(found.folder / "run"), port=5433, service_url=found.url
        ),
        verification=SILENT,
    )


def _arrive(given: argparse.Namespace, settings: config.Settings, number: int) -> None:
    (folder,) = settings.survey.folders
    for file in (given.folder / f"late{number}").iterdir():
        file.rename(Path(folder, file.name))


def _rescore(folder: Path, what: str, *options: str) -> dict[str, float]:
    """Run the command as a timer does; gives the seconds of its steps, and of all."""
    load, started = os.getloadavg()[0], time.perf_counter()
    command = [sys.executable, "-m", "vospec", "rescore", *options]
    command += ["--config", str(folder / "vospec.toml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    seconds = time.perf_counter() - started
    # SIMBAD has not answered.
    if done.returncode != 4:
        told = f"{what}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        raise SystemExit(told)
    path = max((folder / "store" / "reports").glob("*/report.json"))
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    print(f"{what}: {seconds:.1f} s, load {load:.1f}; {facts['why']}", flush=True)
    # The report cannot tell what comes after it.
    last = re.findall(r"(report|sweep): done in ([\d.]+) s", done.stderr)
    return facts["seconds"] | {name: float(told) for name, told in last} | {"all": seconds}


def _compare(full: dict[str, float], few: dict[str, float]) -> None:
    """Print the steps of two jobs beside each other."""
    print(f"\n{'step':<12}{'full run, s':>12}{'few new, s':>12}")
    names = dict.fromkeys((*full, *few))
    for name in sorted(names, key=lambda name: name == "all"):
        cells = (f"{job[name]:.1f}" if name in job else "" for job in (full, few))
        print(f"{name:<12}" + "".join(f"{cell:>12}" for cell in cells))
    print(f"{full['all'] / few['all']:.1f} times faster (target 5)\n", flush=True)


def _read(found: Instance, given: argparse.Namespace, settings: config.Settings) -> None:
    """Have clients ask while few spectra come in, and while all is scored anew."""
    got: set[str] = set()

    def is_whole(answer: str) -> bool:
        got.add(answer)
        return "\n" not in answer and answer.split(",")[1:2] == ["current"]

    published = [_now(found)]
    with readers.asking(
        found, given.clients, ways=("TAP",), pause=0.0, is_whole=is_whole
    ) as answers:
        # The first questions find everything cold.
        time.sleep(given.seconds / 3)
        marks = [time.perf_counter()]
        time.sleep(given.seconds)
        marks.append(time.perf_counter())
        _arrive(given, settings, 1)
        for what, options in (("few new spectra", ()), ("all scored anew", ("--full",))):
            _rescore(given.folder, f"while {given.clients} clients ask: {what}", *options)
            marks.append(time.perf_counter())
            published.append(_now(found))
    # An answer that is no state that was published mixes two of them.
    odd = got - set(published)
    print(f"\n{readers.HEAD}")
    before: float | None = None
    for what, *times in zip(
        ("undisturbed", "few new spectra", "all scored anew"), marks, marks[1:], strict=False
    ):
        some = answers["TAP"].between(*times)
        print(f"{what:<34}{'TAP':<5}{readers.line(some, before)}", flush=True)
        before = before or some.percentile(95)
    print(f"states that were published: {len(set(published))}; answers of none: {len(odd)}")
    for answer in sorted(odd):
        print(answer)


def _now(found: Instance) -> str:
    """What the clients' question gives now."""
    for ask in readers.by_tap(found):
        return ask()
    raise AssertionError


if __name__ == "__main__":
    main()
