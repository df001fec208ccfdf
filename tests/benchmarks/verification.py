"""Positions asked of a large mirror of SIMBAD, undisturbed and with an outage in the middle.

    deploy/up --folder /tmp/mirror --port 8200
    python -m tests.benchmarks.verification /tmp/mirror http://127.0.0.1:8200

A million sources go into the tables of SIMBAD, which the DaCHS of the instance then serves;
200 000 candidates lie near seven tenths of as many of them. They are verified as ``vospec
verify`` does it, by TAP with uploads in blocks, once undisturbed, and once with a server that
cannot be reached for a minute when half of the requests have come. Memory is what the process
takes above what it held before. The answers of both must be the same.

Last the same and a quarter more by the interface of CDS X-Match, from a stand-in that matches
by itself: what is timed there is who asks, the stand-in's time told beside it.
"""

import argparse
import gc
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from tests.conftest import Instance
from tests.publication import samples
from tests.service import proxy as fails
from tests.service import simbad
from tests.verification import crossmatch
from vospec import config, verify
from vospec.columns import CANDIDATES, RUNS
from vospec.store import Store, arrow_schema
from vospec.verification.history import History

N_SOURCES, N_POSITIONS = 1_000_000, 200_000
#: Seconds without a server.
OUTAGE = 60.0
_OTYPES = ("*", "PM*", "V*", "Be*", "Em*", "G", "QSO")
_SHARES = (0.5, 0.2, 0.15, 0.03, 0.02, 0.07, 0.03)
_RUN = "benchmark"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of an instance (deploy/up)")
    parser.add_argument("url", help="its address")
    parser.add_argument("--sources", type=int, default=N_SOURCES)
    parser.add_argument("--positions", type=int, default=N_POSITIONS)
    parser.add_argument("--block", type=int, default=5000)
    given = parser.parse_args()
    database = f"host={given.folder}/run port=5433 dbname=gavo user=gavoadmin"
    instance = Instance(given.folder, given.url, database)
    random = np.random.default_rng(1)
    sky = _sky(random, given.sources)
    started = time.perf_counter()
    simbad.install(instance, _rows(random, *sky))
    print(f"mirror of {given.sources} sources: {time.perf_counter() - started:.0f} s")
    try:
        compare(instance, random, sky, given)
    finally:
        simbad.remove(instance)


def compare(
    instance: Instance,
    random: np.random.Generator,
    sky: tuple[NDArray[np.float64], NDArray[np.float64]],
    given: argparse.Namespace,
) -> None:
    """Verify the same positions under each condition."""
    print("case  positions  seconds  positions_per_s  memory_MB  requests  failed  found")
    places = _near(random, sky, given.positions)
    found = []
    with fails.before(f"{instance.url}/tap") as proxy:
        section = {"services": (proxy.url,), "block_positions": given.block, "crossmatch": ""}
        quiet = case("undisturbed", places, section)
        found.append(quiet)
        with _outage(proxy, after=quiet.requests // 2):
            found.append(case(f"{OUTAGE:.0f} s without server", places, section))
    same = [_comparable(one.answers) for one in found]
    print("answers are the same:", same[0].equals(same[1]))
    more = _near(random, sky, given.positions + given.positions // 4)
    with (
        crossmatch.serving(_told(random, *sky)) as service,
        fails.before(f"{instance.url}/tap") as proxy,
    ):
        section = {"services": (proxy.url,), "crossmatch": service.url}
        section |= {"crossmatch_positions": given.positions}
        case("X-Match", more, section)
        print(f"of which the stand-in: {service.seconds:.1f} s, {len(service.forms)} requests")


def case(
    name: str, places: tuple[NDArray[np.float64], NDArray[np.float64]], section: dict[str, Any]
) -> Any:  # noqa: ANN401 - a row
    """Verify candidates at some places in a store of their own."""
    with tempfile.TemporaryDirectory() as folder:
        plan = _plan(Store(folder), places, section)
        gc.collect()
        before = _memory(reset=True)
        started = time.perf_counter()
        outcome = verify.verify(plan)
        seconds = time.perf_counter() - started
        memory = (_memory(reset=False) - before) / 1e6
        answers = History(plan.store).answers()
    known = sum(state == "found" for state in answers["state"].to_pylist())
    rate = outcome.asked / seconds
    print(
        f"{name}  {outcome.asked}  {seconds:.1f}  {rate:.0f}  {memory:.0f}  "
        f"{outcome.requests}  {outcome.failed}  {known}"
    )
    return SimpleNamespace(requests=outcome.requests, answers=answers)


@contextmanager
def _outage(proxy: fails.Proxy, *, after: int) -> Iterator[None]:
    """Let a server go away when it has been asked so often, and come again."""
    left = after

    def counted(body: bytes, ask: Callable[[bytes], fails.Answer]) -> fails.Answer:
        nonlocal left
        left -= 1
        if left == 0:
            threading.Thread(target=proxy.stop).start()
            threading.Timer(OUTAGE, proxy.start).start()
        return ask(body)

    proxy.usual = counted
    yield
    proxy.usual = fails.passed


def _sky(random: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places all over the sky."""
    return random.uniform(0, 360, n), np.degrees(np.arcsin(random.uniform(-1, 1, n)))


def _near(
    random: np.random.Generator, sky: tuple[NDArray[np.float64], NDArray[np.float64]], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places of which seven tenths lie within some arcsecond of a source."""
    near = random.choice(len(sky[0]), 7 * n // 10, replace=len(sky[0]) < n)
    places = [np.concatenate(both) for both in zip(sky, _sky(random, n), strict=True)]
    ra, dec = (np.concatenate([one[near], one[len(sky[0]) :][: n - len(near)]]) for one in places)
    return ra, np.clip(dec + random.normal(0, 1 / 3600, n), -90, 90)


def _rows(
    random: np.random.Generator, ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> simbad.Rows:
    """Sources of the mirror, with two types each, as rows."""
    kinds = random.choice(len(_OTYPES), len(ra), p=_SHARES).tolist()
    numbers, places = range(len(ra)), list(zip(ra.tolist(), dec.tolist(), strict=True))
    return {
        "basic": (
            (n, f"MIRROR {n}", *places[n], _OTYPES[kinds[n]], None, None, n % 50, "2024-01-01")
            for n in numbers
        ),
        "otypes": ((n, otype) for n in numbers for otype in {"*", _OTYPES[kinds[n]]}),
        "otypedef": simbad.type_rows(),
        "ident": ((n, f"MIRROR {n}") for n in numbers),
    }


def _told(
    random: np.random.Generator, ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> crossmatch.Sky:
    """The same sources, as the cross-match service tells them."""
    n = len(ra)
    otypes = np.array(_OTYPES)[random.choice(len(_OTYPES), n, p=_SHARES)]
    told = {
        "main_id": np.array([f"MIRROR {number}" for number in range(n)]),
        "main_type": otypes,
        "other_types": otypes,
        "sp_type": np.full(n, ""),
        "radvel": np.full(n, np.nan),
        "nbref": np.arange(n) % 50,
    }
    return crossmatch.Sky(SkyCoord(ra, dec, unit="deg"), told)


def _plan(
    store: Store, places: tuple[NDArray[np.float64], NDArray[np.float64]], section: dict[str, Any]
) -> Any:  # noqa: ANN401 - stands for a Plan
    schema = arrow_schema(CANDIDATES)
    n = len(places[0])
    known = {
        "spectrum_id": pa.array([f"lamost/dr9/spec-{number}" for number in range(n)]),
        "run_id": pa.array([_RUN] * n),
        "ra": pa.array(places[0]),
        "dec": pa.array(places[1]),
    }
    columns = [known.get(field.name, pa.nulls(n, field.type)) for field in schema]
    candidates = store.dataset(f"runs/{_RUN}/candidates", CANDIDATES)
    candidates.write(pa.table(columns, schema=schema))
    record = store.dataset(f"runs/{_RUN}/record", RUNS)
    record.write(pa.Table.from_batches(samples.runs(_RUN)))
    settings = config.Settings()
    verification = replace(settings.verification, pause_seconds=0.0, **section)
    run = SimpleNamespace(run_id=_RUN, record=record, candidates=candidates)
    return SimpleNamespace(
        settings=replace(settings, verification=verification), store=store, runs=(run,)
    )


def _comparable(answers: pa.Table) -> pa.Table:
    """Answers without what differs between two calls."""
    return answers.drop_columns(["asked_at", "service"]).sort_by("spectrum_id")


def _memory(*, reset: bool) -> float:
    """Bytes that the process holds, or has held at most since the last time."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    name = "VmRSS:" if reset else "VmHWM:"
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(name))
    return float(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
