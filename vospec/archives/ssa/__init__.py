"""Spectra of any Simple Spectral Access service, downloaded into a folder of FITS files.

Beside the spectra stand two lists. ``manifest.csv`` has a row for each observation:
publisher DID, file, checksum and what became of it. ``queries.csv`` has a row for each
question: *found*, *nothing* found, *cut* (the service listed only a part), *failed*, or
*not asked*. A download that was interrupted asks and fetches only what is missing.
"""

import fcntl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vospec.archives.ssa.fetching import Fetching
from vospec.archives.ssa.positions import read_positions
from vospec.archives.ssa.query import Region, is_fits
from vospec.archives.ssa.transport import Manners, Transport
from vospec.errors import ManifestError

__all__ = [
    "HALPHA_BAND",
    "Manners",
    "Outcome",
    "Region",
    "Transport",
    "alone",
    "fetch",
    "read_positions",
]

#: Vacuum Å that a spectrum must cover to tell of Hα.
HALPHA_BAND = (6540.0, 6580.0)

_MOST_REASONS = 5


class Outcome(NamedTuple):
    """What a call leaves behind.

    Attributes
    ----------
    spectra, queries
        How many spectra of the folder and questions of this call are in which state.
    reasons
        Why something failed or was cut, each reason once.
    """

    spectra: Counter[str]
    queries: Counter[str]
    reasons: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing failed and no answer was cut."""
        return not (self.spectra["failed"] or self.queries["failed"] or self.queries["cut"])

    def lines(self) -> Iterator[str]:
        """The same in words."""
        for what, states in (("questions", self.queries), ("spectra", self.spectra)):
            told = ", ".join(f"{number} {state}" for state, number in states.most_common())
            yield f"{what}: {told or 'none'}"
        if set(self.queries) == {"nothing"}:
            yield "nothing found: the service has no spectrum that covers the band there"
        yield from self.reasons[:_MOST_REASONS]
        if len(self.reasons) > _MOST_REASONS:
            more = len(self.reasons) - _MOST_REASONS
            yield f"and {more} more reasons: see manifest.csv and queries.csv"
        if self.queries["cut"]:
            yield "answers were cut: ask in smaller parts (positions, or a smaller radius)"


def fetch(  # noqa: PLR0913 - all but two by name
    url: str,
    folder: str | Path,
    *,
    regions: Sequence[Region] | None = None,
    band: tuple[float, float] = HALPHA_BAND,
    preferred: str = "application/fits",
    most: int | None = None,
    again: bool = False,
    transport: Transport,
) -> Outcome:
    """Download the spectra that a service lists.

    Parameters
    ----------
    url
        Base address of the service.
    folder
        Where to write; made if missing.
    regions
        Circles on the sky; None: everywhere.
    band
        Wavelengths in Å that a spectrum must cover.
    preferred
        Media type of FITS that is taken where an observation has several.
    most
        Spectra in the folder at most; positions beyond are not asked.
    again
        Ask the questions anew that have been answered.
    transport
        Carries the requests.

    Raises
    ------
    ValueError
        The preferred media type is not one of FITS.
    ServiceError
        The service fails several times in a row.
    ManifestError
        The folder cannot be written, or its lists are not as they were written.
    """
    if not is_fits(preferred):
        message = f"preferred must be a media type of FITS, given {preferred!r}"
        raise ValueError(message)
    limit = most if most is not None else 1 << 62
    with alone(Path(folder)):
        fetching = Fetching(url, Path(folder), band, preferred, transport)
        try:
            asked = fetching.ask_all([None] if regions is None else regions, limit, again=again)
            fetching.download_all(limit)
        finally:
            fetching.write()
    spectra = list(fetching.manifest.rows.values())
    queries = [fetching.queries.rows[key] for key in asked]
    wrong = [query.reason for query in queries if query.state in {"failed", "cut"}]
    wrong += [spectrum.reason for spectrum in spectra if spectrum.state == "failed"]
    return Outcome(
        Counter(row.state for row in spectra),
        Counter(row.state for row in queries),
        tuple(dict.fromkeys(wrong)),
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make a folder and have it to oneself: two downloads would overwrite each other's lists.

    Raises
    ------
    ManifestError
        It cannot be written, or another download is at work.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".fetch.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as fault:
        message = f"{folder}: another download into this folder is at work"
        raise ManifestError(message) from fault
    except OSError as fault:
        message = f"{folder}: cannot be written: {fault}"
        raise ManifestError(message) from fault
