"""What comes of damaged files: ``python -m tests.benchmarks.damage [number] [seed]``.

Prints counts by layout and outcome, the longest processor time of a file, and the memory before
and after. Stops at the first exception that is no verdict over the file.
"""

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tests.archives.damage import SOUND, STRIKES, Damage, damaged, outcome

OUTCOMES = ("read", "flagged", "UnreadableFileError", "UnknownLayoutError")


def resident() -> float:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def draw(rng: np.random.Generator) -> list[Damage]:
    """One to three damages."""
    kinds = rng.choice(sorted(STRIKES), rng.integers(1, 4))
    return [Damage(str(kind), rng.random(), int(rng.integers(2**32))) for kind in kinds]


def main(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts: Counter[tuple[str, str]] = Counter()
    memory, longest = [], 0.0
    for turn in range(number):
        layout = sorted(SOUND)[turn % len(SOUND)]
        content = damaged(layout, draw(rng))
        started = time.process_time()
        counts[layout, outcome(content)] += 1
        longest = max(longest, time.process_time() - started)
        if turn % (number // 10 or 1) == 0:
            memory.append(resident())
    print(f"{'layout':16}" + "".join(f"{name:>21}" for name in OUTCOMES))
    for layout in [*sorted(SOUND), "all"]:
        row = [sum(n for (one, end), n in counts.items() if end == name and layout in {one, "all"})
               for name in OUTCOMES]  # fmt: skip
        print(f"{layout:16}" + "".join(f"{count:21}" for count in row))
    assert counts.total() == number
    print(f"longest processor time of a file {1e3 * longest:.1f} ms")
    print("memory by tenths, MB: " + " ".join(f"{value:.0f}" for value in [*memory, resident()]))


if __name__ == "__main__":
    main(*(int(one) for one in (sys.argv[1:] + ["20000", "1"][len(sys.argv) - 1 :])))
