"""Rate and memory of ingest and features: ``python -m tests.benchmarks.ingest FOLDER N …``.

FOLDER is what ``vospec simulate`` has made. For each N a survey of so many files is made
of it by links under other names, and the commands are run as a person runs them. Printed
are spectra a second and core, of the stage's work without the start of Spark; the time of
processors that the Python workers took a spectrum, which what others do on the machine
does not count in; and the peak of the memory of Java and of the largest Python worker.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

SETTINGS = """
[store]
folder = "{folder}/store"
[survey]
folders = ["{folder}/survey"]
[training]
folders = ["{training}"]
"""


def _linked(origin: Path, folder: Path, n_files: int) -> None:
    files = sorted((origin / "survey").rglob("*.fits*"))
    for number, file in enumerate(islice(cycle(files), n_files)):
        beside = folder / "survey" / f"copy{number // len(files)}" / file.parent.name
        beside.mkdir(parents=True, exist_ok=True)
        name = re.sub("SIM", f"C{number // len(files):03d}", file.name)
        (beside / name).hardlink_to(file)


def _below(process: int) -> list[int]:
    """A process and all that it has started."""
    found = [process]
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _below(int(child))
    return found


def _look(process: int, peaks: dict[str, int], ticks: dict[int, int]) -> None:
    for number in _below(process):
        try:
            state = Path(f"/proc/{number}/status").read_text()
            times = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            command = Path(f"/proc/{number}/cmdline").read_bytes()
        except OSError:
            continue
        kind = "java" if b"java" in command.split(b"\0")[0] else "worker"
        kind = "driver" if number == process else kind
        peak = int((re.search(r"VmHWM:\s+(\d+)", state) or ["", "0"])[1]) // 1024
        peaks[kind] = max(peaks.get(kind, 0), peak)
        if kind == "worker":
            # Of proc(5)'s fields the 14th and 15th, counted from the 3rd.
            ticks[number] = int(times[11]) + int(times[12])


def _run(stage: str, toml: Path) -> tuple[dict[str, int], float, str]:
    """Run a stage: peaks of memory in MB, seconds of the workers' processors, its words."""
    command = [sys.executable, "-m", "vospec", stage, "--config", str(toml)]
    peaks: dict[str, int] = {}
    ticks: dict[int, int] = {}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:  # noqa: S603 - our own command
        while running.poll() is None:
            # A process may end while one looks.
            with contextlib.suppress(OSError):
                _look(running.pid, peaks, ticks)
            time.sleep(0.2)
        told = running.stderr.read() if running.stderr else ""
    if running.returncode:
        raise SystemExit(told)
    return peaks, sum(ticks.values()) / os.sysconf("SC_CLK_TCK"), told


def _seconds(told: str, what: str) -> float:
    parts = re.search(rf"{what}: \d+ rows in (?:(\d+) min )?([\d.]+) s", told)
    return 60 * int(parts[1] or 0) + float(parts[2]) if parts else float("nan")


def main(origin: Path, numbers: list[int]) -> None:
    """Measure surveys of some sizes."""
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, load {os.getloadavg()[0]:.1f}")
    for n_files in numbers:
        with tempfile.TemporaryDirectory(dir=origin.parent) as name:
            folder, rates = Path(name), []
            _linked(origin, folder, n_files)
            toml = folder / "vospec.toml"
            toml.write_text(SETTINGS.format(folder=folder, training=origin / "training"))
            total = n_files + len(list((origin / "training").rglob("*.fits*")))
            for stage, parts in (
                ("ingest", ("reading spectra",)),
                ("features", ("adapting training spectra", "rectifying")),
            ):
                peaks, worked, told = _run(stage, toml)
                seconds = [_seconds(told, part) for part in parts]
                rates.append(seconds[-1])
                print(
                    f"{total:7d} files  {stage:<9}"
                    f"{'  + '.join(f'{s:.1f} s' for s in seconds):<16}"
                    f"{total / seconds[-1] / cores:7.0f} a second and core "
                    f"{1e6 * worked / total:6.0f} µs   peak "
                    + ", ".join(f"{kind} {peak} MB" for kind, peak in sorted(peaks.items())),
                    flush=True,
                )
            print(
                f"{total:7d} files  both     {total / sum(rates) / cores:23.0f} a second and core"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), list(map(int, sys.argv[2:])))
