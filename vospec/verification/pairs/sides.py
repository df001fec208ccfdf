"""The two archives of a plan: what the store has of each, and what its service has."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from vospec import pairs
from vospec.archives.ssa import Manners, Transport, alone
from vospec.config import ArchiveSettings
from vospec.errors import ConfigurationError
from vospec.pairs import Spectrum
from vospec.plan import Plan
from vospec.verification import questions
from vospec.verification.pairs.catalogues import Catalogue, SsaCatalogue, TapCatalogue
from vospec.verification.pairs.fields import Fields
from vospec.verification.pairs.names import Names
from vospec.verification.pairs.partners import Drawing
from vospec.verification.pairs.search import Stored
from vospec.verification.pairs.served import Served


class Side:
    """An archive in all the places where its spectra are."""

    def __init__(self, members: Sequence[Stored | Served]) -> None:
        self._members = members
        self.n_partners = min(one.n_partners for one in members)

    @property
    def served(self) -> Iterator[Served]:
        """Those of its places that are services."""
        return (one for one in self._members if isinstance(one, Served))

    def spectra(self) -> list[Spectrum]:
        """Return all of its spectra that have a position."""
        return [spectrum for one in self._members for spectrum in one.spectra()]

    def look(self, fields: Fields, drawing: Drawing) -> None:
        """Let the fields take in what is around the targets, and a draw the unrelated."""
        for one in self._members:
            one.look(fields, drawing)

    def pixels(self, wanted: Iterable[Spectrum]) -> dict[str, dict[str, Any]]:
        """Return wavelengths, flux and mask by identifier; some may be missing."""
        named = list(wanted)
        found: dict[str, dict[str, Any]] = {}
        for one in self._members:
            found |= one.pixels(named)
        return found


@contextmanager
def sides(plan: Plan, *, again: bool) -> Iterator[tuple[Side, Side]]:
    """Open the training archive and the survey of a plan.

    Parameters
    ----------
    plan
        Its store takes part where folders are given, services where their addresses are.
    again
        Ask services also what they have answered.

    Raises
    ------
    ConfigurationError
        There is neither store nor service of one of them, or a service's table is told wrongly.
    StoreError
        The spectra of the store have not been read.
    ManifestError
        The folder of the answers cannot be written, or another search is at work.
    """
    settings = plan.settings
    given = {"training": settings.training_archive, "survey": settings.survey_archive}
    with ExitStack() as stack:
        both = [_side(plan, role, section, stack, again=again) for role, section in given.items()]
        yield both[0], both[1]


def _side(
    plan: Plan, role: str, section: ArchiveSettings, stack: ExitStack, *, again: bool
) -> Side:
    members: list[Stored | Served] = []
    if plan.has_folders:
        members.append(Stored(pairs.spectra_of(plan), role))
    if section.url:
        folder = Path(plan.settings.pairs.folder) / role
        stack.enter_context(alone(folder))
        manners = Manners(pause=section.pause_seconds, timeout=section.timeout_seconds)
        transport = stack.enter_context(Transport(manners))
        power = section.resolving_power
        catalogue = _catalogue(section, transport, role)
        members.append(Served(catalogue, transport, folder, resolving_power=power, again=again))
    if not members:
        message = f"no spectra of the {role}: give folders, or [{role}_archive] url"
        raise ConfigurationError(message)
    return Side(members)


def _catalogue(section: ArchiveSettings, transport: Transport, role: str) -> Catalogue:
    if section.protocol == "ssa":
        return SsaCatalogue(transport, section.url)
    try:
        return TapCatalogue(transport, section)
    except ConfigurationError as fault:
        message = f"[{role}_archive]: {fault}"
        raise ConfigurationError(message) from fault


@contextmanager
def resolver(plan: Plan, *, again: bool) -> Iterator[Names | None]:
    """Open SIMBAD as the settings ask for; nothing where they do not.

    Parameters
    ----------
    plan
        Its settings are used.
    again
        Ask also what has been answered.
    """
    section = plan.settings.verification
    if not plan.settings.pairs.names:
        yield None
        return
    folder = Path(plan.settings.pairs.folder) / "simbad"
    with alone(folder), questions.transport_of(section) as transport:
        yield Names(transport, section.services, folder, again=again)
