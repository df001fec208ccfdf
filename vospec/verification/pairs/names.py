"""Where the names of stars lead in SIMBAD: positions that do not depend on a telescope's.

SIMBAD spells names in its own way: ``HD  53416``, ``V* BT CMi``, ``* gam Cas``. Observers do
not, so that every name is asked for in the spellings that it may have there; where they lead
to different objects, the name is of no use. Asked are the tables ``ident`` and ``basic``, in
blocks of names; the answers are kept in ``names.csv``.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.table import Table

from vospec.archives.ssa import Transport
from vospec.archives.ssa.files import now
from vospec.archives.ssa.manifest import Listing
from vospec.errors import ServiceError
from vospec.progress import Progress
from vospec.verification import tap
from vospec.verification.pairs.answers import ANSWERED, FAILED, FOUND, NOT_ASKED, NOTHING
from vospec.verification.pairs.fields import Resolved

logger = logging.getLogger(__name__)

#: Names of a question at most.
BLOCK = 500
#: Rows that a name brings at most: objects that its spellings lead to.
_MOST = 20
_QUERY = """\
SELECT n.number AS v_number, b.oid AS v_oid, b.main_id AS v_main_id, b.ra AS v_ra, b.dec AS v_dec
FROM TAP_UPLOAD.spellings AS n
JOIN ident AS i ON i.id = n.spelling
JOIN basic AS b ON b.oid = i.oidref"""
_COLUMNS = ("v_number", "v_oid", "v_main_id", "v_ra", "v_dec")

#: As SIMBAD writes the letters of Bayer's names.
_LETTERS = (
    "alpha alf, beta bet, gamma gam, delta del, epsilon eps, zeta zet, eta eta, theta tet, "
    "iota iot, kappa kap, lambda lam, mu mu., nu nu., xi ksi, omicron omi, pi pi., rho rho, "
    "sigma sig, tau tau, upsilon ups, phi phi, chi chi, psi psi, omega ome"
)
_GREEK = dict(letter.split() for letter in _LETTERS.split(", "))
#: Widths to which SIMBAD fills the numbers of catalogues.
_WIDTHS = {"HD": 6, "HR": 5, "HIP": 5, "SAO": 6, "MWC": 4}
_CATALOGUE = re.compile(r"([A-Za-z]+) ?(\d+)([A-Z]?)")
_CONSTELLATION = r"([A-Z][A-Za-z]{2})"
_VARIABLE = re.compile(rf"([A-Z]{{1,2}}|V ?\d{{3,4}}) ?{_CONSTELLATION}")
_ANY_LETTER = "|".join(map(re.escape, [*_GREEK, *_GREEK.values()]))
_BAYER = re.compile(rf"({_ANY_LETTER}) ?(\d?) ?{_CONSTELLATION}", re.IGNORECASE)
_ZONE = re.compile(r"(BD|CD|CPD) ?([+-]) ?(\d{1,2}) ?(\d+)", re.IGNORECASE)
_FLAMSTEED = re.compile(rf"(\d{{1,3}}) ?{_CONSTELLATION}")


class Asked(NamedTuple):
    """A name and where it leads; the first two are the question."""

    service: str
    name: str
    state: str
    main_id: str
    ra: str
    dec: str
    asked_at: str
    reason: str


def spellings(name: str) -> list[str]:
    """Return the ways in which SIMBAD may write a name, each once.

    Parameters
    ----------
    name
        As an observer writes it.
    """
    plain = " ".join(name.split())
    return list(dict.fromkeys([plain, *_spelled(plain)]))


def _spelled(name: str) -> Iterator[str]:
    if found := _CATALOGUE.fullmatch(name):
        catalogue, number, component = found.groups()
        width = _WIDTHS.get(catalogue.upper(), 0)
        yield f"{catalogue} {number}{component}"
        yield f"{catalogue.upper()} {number}{component}"
        yield f"{catalogue.upper()} {number:>{width}}{component}"
    if found := _ZONE.fullmatch(name):
        zone = f"{found[1].upper()}{found[2]}{int(found[3]):02d}"
        yield from (f"{zone} {found[4]}", f"{zone} {found[4]:>5}")
    if found := _VARIABLE.fullmatch(name):
        yield f"V* {found[1].replace(' ', '')} {found[2]}"
    if found := _BAYER.fullmatch(name):
        letter = found[1].lower()
        number = f"{int(found[2]):02d}" if found[2] else ""
        yield f"* {_GREEK.get(letter, letter)}{number} {found[3]}"
    if found := _FLAMSTEED.fullmatch(name):
        yield f"* {found[1]:>3} {found[2]}"
        yield f"* {found[1]} {found[2]}"


class Names:
    """SIMBAD, asked for names.

    Parameters
    ----------
    transport
        Carries the questions.
    urls
        Base addresses of its TAP service and of mirrors; one is asked where those before fail.
    folder
        Where the answers are kept.
    again
        Ask also what has been answered.
    """

    def __init__(
        self, transport: Transport, urls: Sequence[str], folder: Path, *, again: bool = False
    ) -> None:
        self._transport, self._urls, self._again = transport, list(urls), again
        self._listing = Listing(folder / "names.csv", Asked, n_key=2)
        self._names: list[str] = []

    def __call__(self, names: Sequence[str]) -> dict[str, Resolved]:
        """Tell where names lead; those that lead nowhere are left out."""
        self._names = list(dict.fromkeys(names))
        todo = [name for name in self._names if self._again or self._state(name) not in ANSWERED]
        for name in todo:
            self._put(name, NOT_ASKED)
        blocks = [todo[first : first + BLOCK] for first in range(0, len(todo), BLOCK)]
        with Progress("asking for names", len(todo)) as progress:
            for number, block in enumerate(blocks, start=1):
                if not self._ask(block):
                    break
                progress.update(min(number * BLOCK, len(todo)))
        self._listing.write()
        return dict(self._resolved())

    @property
    def url(self) -> str:
        """The service that is asked first."""
        return self._urls[0]

    @property
    def rows(self) -> list[Asked]:
        """What became of the names of this call."""
        return [self._listing.rows[self._key(name)] for name in self._names]

    def _ask(self, block: Sequence[str]) -> bool:
        """Ask for a block of names; give whether some service has answered."""
        reasons = []
        for url in list(self._urls):
            try:
                found = self._answer(url, block)
            except ServiceError as fault:
                reasons.append(str(fault))
                logger.warning("%s", fault)
                continue
            self._urls.remove(url)
            self._urls.insert(0, url)
            for name in block:
                self._keep(name, found.get(name, {}))
            return True
        for name in block:
            self._put(name, FAILED, reason="; ".join(reasons))
        return False

    def _answer(self, url: str, block: Sequence[str]) -> dict[str, dict[int, Resolved]]:
        """The objects that each name leads to, by their numbers in SIMBAD."""
        spelled = [(number, way) for number, name in enumerate(block) for way in spellings(name)]
        given = Table(rows=spelled, names=("number", "spelling"))
        found = tap.ask(
            self._transport,
            url,
            query=_QUERY,
            columns=_COLUMNS,
            uploads={"spellings": given},
            most=_MOST * len(spelled),
        )
        objects: dict[str, dict[int, Resolved]] = {}
        for number, oid, main_id, ra, dec in zip(*(found[c] for c in _COLUMNS), strict=True):
            if not (np.ma.is_masked(ra) or np.ma.is_masked(dec)):
                resolved = Resolved(str(main_id), float(ra), float(dec))
                objects.setdefault(block[int(number)], {})[int(oid)] = resolved
        return objects

    def _keep(self, name: str, objects: dict[int, Resolved]) -> None:
        if len(objects) == 1:
            (one,) = objects.values()
            self._put(name, FOUND, (one.main_id, str(one.ra), str(one.dec)))
            return
        several = ", ".join(sorted(one.main_id for one in objects.values()))
        self._put(name, NOTHING, reason=f"leads to {several}" if several else "")

    def _put(
        self,
        name: str,
        state: str,
        place: tuple[str, str, str] = ("", "", ""),
        *,
        reason: str = "",
    ) -> None:
        asked_at = "" if state == NOT_ASKED else now()
        self._listing.put(Asked(*self._key(name), state, *place, asked_at, reason))

    def _key(self, name: str) -> tuple[str, str]:
        return ("simbad", name)

    def _state(self, name: str) -> str:
        row = self._listing.rows.get(self._key(name))
        return NOT_ASKED if row is None else row.state

    def _resolved(self) -> Iterator[tuple[str, Resolved]]:
        for row in self.rows:
            if row.state == FOUND:
                yield row.name, Resolved(row.main_id, float(row.ra), float(row.dec))
