"""How long every documented query takes, by TAP, on a service that is there.

    python -m tests.benchmarks.examples http://127.0.0.1:8080/tap

Each is asked twice: the first time what it reads may have to come from the disk. Uploads are
of 2000 stars anywhere on the sky.
"""

import sys
import time

import numpy as np
import pyvo
from astropy.table import Table

from tests.service.test_examples import QUERIES

_STARS = 2000


def main() -> None:
    """Ask all, and print a table."""
    service = pyvo.dal.TAPService(sys.argv[1])
    print(f"{'first':>7} {'again':>7}  {'rows':>7}  query")
    for name, query in QUERIES.items():
        (first, rows), (again, _) = _timed(service, query), _timed(service, query)
        print(f"{first:5.2f} s {again:5.2f} s  {rows:7d}  {name}", flush=True)


def _timed(service: pyvo.dal.TAPService, query: str) -> tuple[float, int]:
    """Seconds from the question to the last row, and the rows."""
    generator = np.random.default_rng(1)
    stars = Table(
        {
            "name": [f"star {number}" for number in range(_STARS)],
            "ra": generator.uniform(0, 360, _STARS),
            "dec": np.degrees(np.arcsin(generator.uniform(-1, 1, _STARS))),
        }
    )
    start = time.perf_counter()
    found = service.search(query, uploads={"stars": stars} if "TAP_UPLOAD" in query else None)
    return time.perf_counter() - start, len(found)


if __name__ == "__main__":
    main()
