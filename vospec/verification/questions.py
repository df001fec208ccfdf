"""Spectra that are to be asked about, their questions, and what is kept of the answers."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec.archives.ssa import Manners, Transport
from vospec.columns import FAILED
from vospec.config import VerificationSettings
from vospec.errors import ServiceError
from vospec.progress import Progress
from vospec.verification import judging, sources
from vospec.verification.asking import Asking, Service
from vospec.verification.history import History, last
from vospec.verification.report import Outcome
from vospec.verification.simbad import Simbad
from vospec.verification.sources import Positions
from vospec.verification.types import ObjectTypes
from vospec.verification.verdicts import named
from vospec.verification.xmatch import CrossMatch

logger = logging.getLogger(__name__)

#: A position that differs by more, in arcseconds, is another one.
_MOVED = 0.1
#: Patience ends sooner.
_MOST_TRIES = 1000
#: What the services answer to some positions: rows of a block, its answers or why there are none.
Results = Iterator[tuple[slice, pa.Table | str]]


def transport_of(section: VerificationSettings) -> Transport:
    """Carries questions as the settings ask for."""
    manners = Manners(
        pause=section.pause_seconds,
        timeout=section.timeout_seconds,
        patience=section.patience_seconds,
        tries=_MOST_TRIES,
    )
    return Transport(manners)


def due(spectra: pa.Table, history: History, section: VerificationSettings) -> pa.Table:
    """Spectra without an answer that is young, of this radius and for this position.

    Parameters
    ----------
    spectra : Table
        With spectrum_id, ra and dec.
    history : History
        What has been answered.
    section : VerificationSettings
        Tells age and radius.
    """
    answers = history.answers()
    known = answers.take(last(answers)).combine_chunks()
    found = pc.index_in(spectra["spectrum_id"], known["spectrum_id"].combine_chunks())
    known = known.take(found.combine_chunks())
    now, at = datetime.now(UTC), known["asked_at"]
    oldest = now - timedelta(days=section.max_age_days)
    # How old an answer from the future is nobody knows: the clock was set back.
    is_young = pc.and_(pc.greater(at, pa.scalar(oldest)), pc.less_equal(at, pa.scalar(now)))
    is_young = pc.fill_null(is_young, False)
    here = Positions(spectra["ra"].to_numpy(), spectra["dec"].to_numpy())
    moved = sources.separations(here, known["ra"].to_numpy(), known["dec"].to_numpy())
    # Comparisons with what is not known are false.
    is_same = np.isclose(known["radius"].to_numpy(), section.radius_arcsec, rtol=1e-6)
    return spectra.filter(pa.array(~(is_same & (moved <= _MOVED) & is_young.to_numpy())))


class Questions:
    """Questions about spectra to SIMBAD and who else knows what it knows.

    Parameters
    ----------
    history : History
        Where answers are kept.
    section : VerificationSettings
        Who is asked, and how.
    transport : Transport
        Carries the questions.
    """

    def __init__(
        self, history: History, section: VerificationSettings, transport: Transport
    ) -> None:
        self.history, self.section, self.transport = history, section, transport
        block = section.block_positions
        self._simbad = [Simbad(transport, url, block=block) for url in section.services]

    def ask(self, spectra: pa.Table) -> Outcome:
        """Ask about spectra and keep the answers, block by block.

        Parameters
        ----------
        spectra : Table
            With spectrum_id, ra and dec.
        """
        started = datetime.now(UTC)
        # Spectra of one star have one position more often than not.
        places = np.column_stack([spectra[name].to_numpy() for name in ("ra", "dec")])
        unique, place = np.unique(places, axis=0, return_inverse=True)
        results = self._results(Positions(*unique.T))
        outcome = self._keep(spectra, place.reshape(-1), results)
        if outcome.complete and self.unknown():
            self._take_types(older_than=started)
        return outcome

    def unknown(self) -> list[str]:
        """Object types of answers, and of the rules, that the hierarchy does not have."""
        told = pc.unique(self.history.answers()["otypes"]).drop_null().to_pylist()
        codes = [code for of_source in told for code in of_source.split("|")]
        judge = judging.judge(self.history)
        return judge.unknown([*named(), *codes]) if len(self.history.types()) else []

    def _results(self, positions: Positions) -> Results:
        age = timedelta(days=self.section.max_age_days)
        try:
            self._take_types(older_than=datetime.now(UTC) - age)
        except ServiceError as fault:
            return iter([(slice(0, len(positions)), str(fault))])
        services = self._services(len(positions))
        return Asking(services, self.section.radius_arcsec).all(positions)

    def _services(self, n: int) -> list[Service]:
        """Who is asked about so many positions, in order."""
        section = self.section
        if not section.crossmatch or n <= section.crossmatch_positions:
            return list(self._simbad)
        types = ObjectTypes(self.history.types().to_pylist())
        address, block = section.crossmatch, section.crossmatch_block
        return [CrossMatch(self.transport, address, types=types, block=block), *self._simbad]

    def _take_types(self, *, older_than: datetime) -> None:
        """Take the hierarchy of object types where there is none, or too old a one.

        Raises
        ------
        ServiceError
            Nobody tells it, and there is none.
        """
        kept = self.history.types()
        if len(kept) and older_than < kept["taken_at"][0].as_py() <= datetime.now(UTC):
            return
        reasons = []
        for service in self._simbad:
            try:
                self.history.keep_types(service.types(), service=service.url)
            except ServiceError as fault:
                logger.warning("%s", fault)
                reasons.append(str(fault))
            else:
                return
        if not len(kept):
            raise ServiceError("; ".join(reasons))

    def _keep(self, spectra: pa.Table, place: NDArray[np.int_], results: Results) -> Outcome:
        """Keep answers and failures as they come."""
        failed, reasons = 0, dict[str, None]()
        with Progress("asking SIMBAD", len(spectra)) as progress:
            for block, result in results:
                rows = np.flatnonzero((place >= block.start) & (place < block.stop))
                asked = self._asked(spectra.take(rows))
                if isinstance(result, str):
                    failed += len(rows)
                    reasons[result] = None
                    self.history.keep_failures(_with(asked, state=FAILED, reason=result))
                else:
                    answers = result.take(place[rows] - block.start)
                    for name in answers.column_names:
                        asked = asked.append_column(name, answers[name])
                    self.history.keep_answers(asked)
                progress.update(progress.done + len(rows))
        return Outcome(asked=len(spectra), failed=failed, reasons=tuple(reasons))

    def _asked(self, spectra: pa.Table) -> pa.Table:
        return _with(spectra, asked_at=datetime.now(UTC), radius=self.section.radius_arcsec)


def _with(rows: pa.Table, **values: datetime | float | str) -> pa.Table:
    """Rows with the same value in each."""
    for name, value in values.items():
        rows = rows.append_column(name, pa.array([value] * len(rows)))
    return rows
