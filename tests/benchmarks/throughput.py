"""Requests a second by one process of DaCHS and by all of an instance, behind nginx.

``python -m tests.benchmarks.throughput FOLDER [SECONDS]``; the instance was started by
``deploy/up --processes N`` and publishes something. Its first process is asked directly, at
its own port, and all of them by the public one, in turns of some SECONDS (4), so that whatever
else the machine does hits both. What a request costs is told in seconds of the processors, by
all processes of the instance: it is the same on a busy machine.
"""

import csv
import http.client
import io
import itertools
import os
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CLIENTS = (1, 8, 32)
TURNS = 3
_TICK = os.sysconf("SC_CLK_TCK")
_NAMES = ("dachs", "postgres", "nginx")

Star = dict[str, str]
#: What is asked for a star: an address.
Door = Callable[[Star], str]


def _tap(star: Star) -> str:
    query = f"SELECT * FROM vospec.spectra WHERE spectrum_id = '{star['spectrum_id']}'"  # noqa: S608 - our own
    return "/tap/sync?" + urllib.parse.urlencode(
        {"LANG": "ADQL", "REQUEST": "doQuery", "QUERY": query}
    )


def _ssa(star: Star) -> str:
    return f"/vospec/q/ssa/ssap.xml?REQUEST=queryData&POS={star['ra']},{star['dec']}&SIZE=0.01"


def _cone(star: Star) -> str:
    return f"/vospec/q/cone/scs.xml?RA={star['ra']}&DEC={star['dec']}&SR=0.01"


def _datalink(star: Star) -> str:
    return "/vospec/q/dl/dlmeta?" + urllib.parse.urlencode({"ID": star["spectrum_id"]})


DOORS: dict[str, Door] = {"TAP sync": _tap, "SSA": _ssa, "cone": _cone, "DataLink": _datalink}


@dataclass
class Taken:
    """What the clients got, and what it cost."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lasted: float = 0.0
    processors: float = 0.0

    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.lasted

    def row(self) -> str:
        """A part of the table."""
        middle, late = 1000 * np.percentile(self.seconds, (50, 95))
        cost = 1000 * self.processors / len(self.seconds)
        return f"{self.rate():7.1f} {middle:6.0f} {late:6.0f} {cost:6.1f} {len(self.errors):4d}"


def _ask(port: int, addresses: Sequence[str], until: float, taken: Taken) -> None:
    """One client: one question after the other, over a connection that stays."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for address in itertools.cycle(addresses):
        began = time.monotonic()
        if began > until:
            break
        try:
            connection.request("GET", address)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            taken.errors.append(repr(error))
            connection.close()
            continue
        if answer.status != http.client.OK or b'value="ERROR"' in content:
            taken.errors.append(f"{answer.status} {content[:200]!r}")
        taken.seconds.append(time.monotonic() - began)
    connection.close()


def _turn(folder: Path, port: int, addresses: list[str], clients: int, seconds: float) -> Taken:
    """Some clients at a time, each with questions of its own."""
    parts = [Taken() for _ in range(clients)]
    began, used = time.monotonic(), _processors(folder)
    threads = [
        threading.Thread(
            target=_ask,
            args=(port, addresses[n:] + addresses[:n], began + seconds, part),
        )
        for n, part in enumerate(parts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = Taken(lasted=time.monotonic() - began, processors=_processors(folder) - used)
    for part in parts:
        taken.seconds += part.seconds
        taken.errors += part.errors
    return taken


def _processors(folder: Path) -> float:
    """Seconds of the processors that the instance has used, ended children included."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
            if name in _NAMES and _is_of(folder, process):
                total += sum(map(int, rest.split()[11:15]))
        except OSError:
            continue
    return total / _TICK


def _is_of(folder: Path, process: Path) -> bool:
    return (process / "cwd").readlink().is_relative_to(folder)


def _joined(turns: Sequence[Taken]) -> Taken:
    return Taken(
        [each for turn in turns for each in turn.seconds],
        [each for turn in turns for each in turn.errors],
        sum(turn.lasted for turn in turns),
        sum(turn.processors for turn in turns),
    )


def _stars(port: int) -> list[Star]:
    query = "SELECT TOP 200 spectrum_id, ra, dec FROM vospec.spectra WHERE ra IS NOT NULL"
    given = {"LANG": "ADQL", "REQUEST": "doQuery", "FORMAT": "csv", "QUERY": query}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/tap/sync?" + urllib.parse.urlencode(given))
    content = connection.getresponse().read().decode()
    connection.close()
    return list(csv.DictReader(io.StringIO(content)))


def main() -> None:
    """Measure every door with some numbers of clients."""
    folder = Path(sys.argv[1]).resolve()
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
    alone, public = (int((folder / n).read_text()) for n in ("run/dachs-1.port", "port"))
    stars = _stars(public)
    number = (folder / "processes").read_text().strip()
    print(f"{len(stars)} stars, {number} processes, load {os.getloadavg()[0]:.1f}")
    part = f"{'req/s':>7} {'p50':>6} {'p95':>6} {'CPU':>6} {'err':>4}"
    print(f"{'ms':8} {'clients':>7} | {'one: ' + part:>38} | {'all: ' + part:>38} | ratio")
    for name, door in DOORS.items():
        addresses = [door(star) for star in stars]
        for clients in CLIENTS:
            turns = [
                [_turn(folder, port, addresses, clients, seconds) for port in (alone, public)]
                for _ in range(TURNS)
            ]
            one, everyone = (_joined(side) for side in zip(*turns, strict=True))
            ratio = everyone.rate() / one.rate()
            print(f"{name:8} {clients:7d} | {one.row():>38} | {everyone.row():>38} | {ratio:.2f}")
            for error in sorted(set(one.errors + everyone.errors))[:5]:
                print(f"    {error}")


if __name__ == "__main__":
    main()
