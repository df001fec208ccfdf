"""Publication: loading, switching, reading meanwhile, and what readers ask.

    python -m tests.benchmarks.publication [PART …] [--folder DIR] [--scores N] …

Parts, all of them where none is named: ``vectors`` copies feature vectors, and has ``dachs
imp`` import some of the same rows; ``load`` loads and switches runs of so many scores, with
all indexes; ``questions`` asks by TAP what astronomers ask of them, and explains what DaCHS
made of it; ``readers`` has clients ask by TAP and by SQL, alone and while runs are published.
PostgreSQL and DaCHS are a private instance (``deploy/up``) that goes afterwards; one in a
folder that is named stays, and what it has loaded already is not loaded again.

The machine's load stands beside each figure: on a busy machine only ratios tell.
"""

import argparse
import contextlib
import logging
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psycopg
from psycopg import conninfo

from tests.benchmarks import imports, questions, readers, surveyed
from tests.conftest import Instance
from tests.service.server import free_port
from vospec import publication
from vospec.publication import Content

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Measure the parts that are asked for."""
    parts = {"vectors": vectors, "load": load, "questions": ask, "readers": read}
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.publication")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}")
    parser.add_argument("--folder", type=Path, help="where the instance is, and stays")
    for name, default, what in (
        ("scores", 2_200_000, "scores of a run, and spectra"),
        ("candidates", 10_000, "candidates of a run, with ten neighbours each"),
        ("vectors", 200_000, "feature vectors that are copied"),
        ("imported", 20_000, "feature vectors that DaCHS imports"),
        ("clients", 8, "clients of each kind"),
        ("switches", 10, "runs that are published while they read"),
        ("switched", 100_000, "scores of each of these runs"),
        ("seconds", 30, "for which clients read undisturbed"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=what)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with instance(given.folder) as found:
        for part in given.parts or parts:
            print(f"\n{part}", flush=True)
            parts[part](found, given)


@contextmanager
def instance(folder: Path | None) -> Iterator[Instance]:
    """Start an instance; one that nobody named goes with all that it holds."""
    place = folder or Path(tempfile.mkdtemp(prefix="vospec-benchmark."))
    place.mkdir(exist_ok=True)
    # The account of the services must be able to enter it.
    place.chmod(0o755)
    port = free_port()
    database = f"host={place}/run port=5433 dbname=gavo user=gavoadmin"
    found = Instance(place, f"http://127.0.0.1:{port}", database)
    os.environ["VOSPEC_TEST_ADOPT"] = str(ROOT / "deploy" / "adopt")
    try:
        _command(place, "up", "--port", str(port))
        with connect(found) as connection:
            publication.create_tables(connection, service_url=found.url)
        yield found
    finally:
        _command(place, "down")
        if folder is None:
            shutil.rmtree(place)


def _command(folder: Path, name: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own commands
        [ROOT / "deploy" / name, "--folder", str(folder), *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def connect(found: Instance) -> publication.Connection:
    """Connect to the database of an instance."""
    place = conninfo.conninfo_to_dict(found.database)
    return publication.connect(host=str(place["host"]), port=5433)


def told(what: str, seconds: float, target: str = "") -> None:
    """Print one figure."""
    load = f"load {os.getloadavg()[0]:4.1f}"
    print(f"{what:<54}{seconds:10.3f} s   {load}   {target}", flush=True)


def timed(what: str, work: Callable[[], Any], target: str = "") -> float:
    """Time some work, and tell it with the peak of this process' memory meanwhile."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    seconds = _seconds(work)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    told(what, seconds, f"{target:<14}client's peak {peak} MB")
    return seconds


class _Switches(logging.Handler):
    """Notes how long the transactions took in which runs became visible."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        logging.getLogger("vospec").addHandler(self)
        logging.getLogger("vospec").setLevel(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        """Note one."""
        if record.msg.startswith("run %s: visible") and isinstance(record.args, tuple):
            self.seconds.append(float(str(record.args[1])) / 1e3)


def load(found: Instance, given: argparse.Namespace) -> None:
    """Load two runs beside each other and switch."""
    n, switches = given.scores, _Switches()
    with connect(found) as connection:

        def publish(run_id: str | None, **contents: Content) -> Callable[[], Any]:
            is_run = run_id is not None
            return lambda: publication.publish(
                connection, run_id=run_id or "", contents=contents, make_current=is_run
            )

        shared = {
            "spectra": Content(surveyed.spectra(n), f"{n}"),
            "simbad": Content([surveyed.simbad(n, given.candidates)], f"{n}"),
            "grid": Content([surveyed.grid()], "grid"),
        }
        timed(f"{n} spectra, first load", publish(None, **shared))
        for run_id in ("first", "second"):
            run = _run(run_id, n, given.candidates)
            timed(f"{n} scores with all indexes: run {run_id}", publish(run_id, **run), "target 90")
            told("  of that the transaction of the switch", switches.seconds[-1], "target 0.050")
        timed("the same once more", publish("second", **_run("second", n, given.candidates)))
        late = n // 100
        more = Content(surveyed.spectra(n, late=late), f"{n}+{late}")
        timed(f"{late} spectra more, compared with all", publish(None, spectra=more))
        told("  of that the transaction", switches.seconds[-1])
        back = [_seconds(lambda: publication.rollback(connection)) for _ in range(20)]
        told("the pointer to a run that is loaded, median of 20", median(back), "target 0.050")
        told("  the slowest", max(back))


def _run(run_id: str, n_scores: int, n_candidates: int) -> dict[str, Content]:
    seed = sum(map(ord, run_id)) % 100
    return surveyed.run(run_id, n_spectra=n_scores, n_candidates=n_candidates, seed=seed)


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def vectors(found: Instance, given: argparse.Namespace) -> None:
    """Copy feature vectors, and have DaCHS import some of them."""
    batches = list(surveyed.vectors(given.vectors))
    rows = Content(batches, "vectors")
    with connect(found) as connection:
        connection.execute("TRUNCATE vospec.features")
        connection.execute("DELETE FROM vospec.loads WHERE content = 'features'")
        ours = spent(
            found,
            f"{given.vectors} feature vectors by COPY",
            lambda: publication.publish(
                connection, run_id="", contents={"features": rows}, make_current=False
            ),
        )
    few, taken = max(1, given.imported // 20), []
    for n_rows in (few, given.imported):
        imports.prepare(found, list(surveyed.vectors(n_rows)))
        what = f"{n_rows} of them by dachs imp"
        taken.append(spent(found, what, lambda: imports.run(found)))
    # What starting DaCHS and making the table costs is not counted per row.
    steps = (given.vectors - few) / (given.imported - few)
    wall, cores = (first + steps * (last - first) for first, last in zip(*taken, strict=True))
    scaled = "" if given.imported == given.vectors else ", scaled by the rows"
    print(
        f"dachs imp of {given.vectors}{scaled}: {wall:.1f} s, of processors {cores:.1f} s\n"
        f"COPY is {wall / ours[0]:.1f} times faster (target 20), "
        f"and takes {cores / ours[1]:.1f} times less of processors",
        flush=True,
    )


def spent(found: Instance, what: str, work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of some work, and those of processors that it, PostgreSQL and DaCHS took."""
    before = _processors(found)
    seconds = timed(what, work)
    cores = _processors(found) - before
    told("  of processors", cores)
    return seconds, cores


def _processors(found: Instance) -> float:
    """Seconds of processors that this process, its children and PostgreSQL have taken."""
    pid = (found.folder / "postgres" / "postmaster.pid").read_text().partition("\n")[0]
    own = sum(os.times()[:4])
    # Of proc(5)'s fields the 14th to 17th, counted from the 3rd; children that ended first.
    ticks = sum(map(int, _fields(pid)[13:15]))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    for child in children:
        # One may end while one looks.
        with contextlib.suppress(OSError):
            ticks += sum(map(int, _fields(child)[11:13]))
    return own + ticks / os.sysconf("SC_CLK_TCK")


def _fields(pid: str) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()


def ask(found: Instance, given: argparse.Namespace) -> None:
    """Ask of what `load` has loaded."""
    found.adopt()
    number = np.array([given.scores // 2])
    ra, dec = surveyed.positions(number)
    known = {"ra": f"{ra[0]:.4f}", "dec": f"{dec[0]:.4f}"}
    known["spectrum_id"] = surveyed.names(number)[0].as_py()
    address = conninfo.make_conninfo(found.database, user="dachsroot")
    with psycopg.connect(address, autocommit=True) as superuser:
        questions.ask(found, superuser, **known)


def read(found: Instance, given: argparse.Namespace) -> None:
    """Have clients read while runs are published, and while the pointer moves."""
    with connect(found) as connection:
        for number in range(2):
            _publish(connection, f"read{number}", given)
    found.adopt()
    with readers.asking(found, given.clients) as answers:
        # The first questions find everything cold.
        time.sleep(given.seconds / 3)
        marks = [time.perf_counter()]
        time.sleep(given.seconds)
        marks.append(time.perf_counter())
        # In a process of its own, as it is in life.
        publisher = multiprocessing.get_context("spawn").Process(
            target=_publish_runs, args=(found, given)
        )
        publisher.start()
        publisher.join()
        marks.append(time.perf_counter())
        with connect(found) as connection:
            for _ in range(given.switches):
                time.sleep(given.seconds / given.switches)
                publication.rollback(connection)
        marks.append(time.perf_counter())
    if publisher.exitcode:
        raise SystemExit(publisher.exitcode)
    print(readers.HEAD)
    told = (
        "undisturbed",
        f"{given.switches} runs of {given.switched} published",
        f"{given.switches} times back to the run before",
    )
    undisturbed: dict[str, float] = {}
    for what, *times in zip(told, marks, marks[1:], strict=False):
        for way, got in answers.items():
            some = got.between(*times)
            print(f"{what:<34}{way:<5}{readers.line(some, undisturbed.get(way))}", flush=True)
            undisturbed.setdefault(way, some.percentile(95))


def _publish(connection: publication.Connection, run_id: str, given: argparse.Namespace) -> None:
    run = _run(run_id, given.switched, given.candidates)
    publication.publish(connection, run_id=run_id, contents=run)


def _publish_runs(found: Instance, given: argparse.Namespace) -> None:
    with connect(found) as connection:
        for number in range(given.switches):
            _publish(connection, f"switch{number}-{time.time():.0f}", given)
            publication.prune(connection, keep=4)


if __name__ == "__main__":
    main()
