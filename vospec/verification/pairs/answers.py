"""What services have answered, kept in a folder: nothing is asked twice, whatever interrupts.

``places.csv`` has a row for each place that was asked about, and for the list of everything:
*found*, *nothing* (there is no such spectrum), *cut* (the service has more than it gives),
*failed*, or *not asked*. ``sightings.csv`` has the spectra that were listed, each once by
its publisher DID.
"""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vospec.archives.ssa import Region
from vospec.archives.ssa.files import now
from vospec.archives.ssa.manifest import Listing
from vospec.archives.ssa.query import Found, Product, choose

NOT_ASKED, FOUND, NOTHING, CUT, FAILED = ("not asked", "found", "nothing", "cut", "failed")
#: States in which a question needs no other one.
ANSWERED = frozenset({FOUND, NOTHING})
_NUMBERS = ("start", "stop", "ra", "dec", "mjd", "snr")
_PREFERRED = "application/fits"


class Place(NamedTuple):
    """A question about a place, or about everything where there is none; the first four are it."""

    service: str
    ra: str
    dec: str
    size: str
    state: str
    spectra: str
    asked_at: str
    reason: str


class Sighting(NamedTuple):
    """A spectrum that a service lists."""

    publisher_did: str
    access_url: str
    access_format: str
    start: str
    stop: str
    ra: str
    dec: str
    mjd: str
    snr: str
    name: str


class Answers:
    """The answers of one service.

    Parameters
    ----------
    folder
        Where they are kept.
    service
        What tells them from those of another service.
    """

    def __init__(self, folder: Path, service: str) -> None:
        self._service = service
        self._places = Listing(folder / "places.csv", Place, n_key=4)
        self._sightings = Listing(folder / "sightings.csv", Sighting)
        self._asked: list[tuple[str, ...]] = []

    def open(self, places: Sequence[Region | None], *, again: bool) -> list[Region | None]:
        """Tell which of some questions are still to be asked.

        Parameters
        ----------
        places
            The questions of this call.
        again
            Ask what has been answered, too.
        """
        todo = []
        for place in places:
            key = self._key(place)
            self._asked.append(key)
            known = self._places.rows.get(key)
            if again or known is None or known.state not in ANSWERED:
                self._places.put(Place._make((*key, NOT_ASKED, "", "", "")))
                todo.append(place)
        return todo

    def put(self, place: Region | None, found: Found) -> None:
        """Keep an answer."""
        chosen = choose((one for one in found.products if one.publisher_did), _PREFERRED)
        for product in chosen.values():
            self._sightings.put(Sighting._make(str(value) for value in product))
        state = CUT if found.cut else FOUND if chosen else NOTHING
        reason = "the service has more than it gives" if found.cut else ""
        self._note(place, state, str(len(chosen)), reason)

    def fail(self, place: Region | None, reason: str) -> None:
        """Keep that there was no answer, and why."""
        self._note(place, FAILED, "", reason)

    def _note(self, place: Region | None, state: str, spectra: str, reason: str) -> None:
        self._places.put(Place._make((*self._key(place), state, spectra, now(), reason)))

    def _key(self, place: Region | None) -> tuple[str, ...]:
        where = ("", "", "") if place is None else tuple(str(value) for value in place)
        return (self._service, *where)

    @property
    def states(self) -> Counter[str]:
        """How many questions of this call are in which state."""
        return Counter(self._places.rows[key].state for key in self._asked)

    @property
    def n_unanswered(self) -> int:
        """How many questions of this call have no whole answer."""
        return sum(number for state, number in self.states.items() if state not in ANSWERED)

    @property
    def reasons(self) -> list[str]:
        """Why questions of this call have no answer, each reason once."""
        rows = (self._places.rows[key] for key in self._asked)
        return list(dict.fromkeys(row.reason for row in rows if row.reason))

    @property
    def products(self) -> list[Product]:
        """All spectra that were listed and have a position, in the order of their identifiers."""
        rows = (self._sightings.rows[key] for key in sorted(self._sightings.rows))
        made = (_product(row) for row in rows)
        return [one for one in made if math.isfinite(one.ra) and math.isfinite(one.dec)]

    def write(self) -> None:
        """Write both lists, the answers before the questions that they answer."""
        self._sightings.write()
        self._places.write()


def _product(row: Sighting) -> Product:
    values = row._asdict()
    return Product(**{**values, **{name: float(values[name]) for name in _NUMBERS}})
