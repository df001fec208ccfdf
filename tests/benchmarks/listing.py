"""Listing millions of files: ``python -m tests.benchmarks.listing FOLDER``.

FOLDER holds files ``*.fits`` of any content, in subfolders. Prints seconds and the
peak of the memory, after each of the two passes that ``vospec ingest`` makes.
"""

import resource
import sys
import tempfile
import time

from vospec import inventory, listing
from vospec.store import Store


def _told(what: str, started: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<24}{time.monotonic() - started:8.1f} s   peak {peak:6.0f} MB")


def main(folder: str) -> None:
    """Measure the digest and the inventory of a folder."""
    _told("before", time.monotonic())
    started = time.monotonic()
    _, total = listing.digest((folder,))
    _told(f"digest of {total}", started)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as store:
        n_parts = inventory.parts_of(total)
        inventory.write(Store(store).dataset("files/x"), listing.files((folder,)), n_parts)
        _told(f"inventory, {n_parts} parts", started)
        started = time.monotonic()
        paths = list(inventory.paths_of(Store(store).dataset("files/x"), 7, n_parts))
        _told(f"one part, {len(paths)} files", started)


if __name__ == "__main__":
    main(sys.argv[1])
