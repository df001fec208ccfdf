"""An archive that is asked for its spectra: by TAP, or by SSA where there is no TAP.

The training archive is listed whole: it is the small one. The survey is asked around the
places of its stars, as far as the field in which unrelated stars are counted. Spectra are
downloaded only where they are compared. Whatever fails is told, and asked again by the
next call; what was answered is not.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vospec import archives
from vospec.archives.ssa import HALPHA_BAND, Region, Transport
from vospec.archives.ssa.fetching import Fetching
from vospec.archives.ssa.query import Found, Product
from vospec.archives.ssa.transport import RefusedError
from vospec.errors import ServiceError, SpectrumError
from vospec.pairs import PIXELS, Spectrum
from vospec.progress import Progress
from vospec.verification.pairs.answers import FAILED, NOT_ASKED, Answers
from vospec.verification.pairs.catalogues import DEEPEST, Catalogue, Cell
from vospec.verification.pairs.fields import Fields
from vospec.verification.pairs.partners import Drawing
from vospec.verification.tap import CutError

logger = logging.getLogger(__name__)

#: So many questions without an answer one after the other, and the service is left alone.
STRIKES = 3
#: Seconds between two writings of the answers.
_INTERVAL = 5.0
_TOO_LARGE = 413
_MOST = 1 << 62
#: Of so many times the unrelated spectra that are needed, the needed ones are drawn.
_ENOUGH = 2
#: Rows of a service, of whatever place; it lists observations several times.
_SOME = 2000


class Served:
    """An archive behind a service.

    Parameters
    ----------
    catalogue
        Lists its spectra.
    transport
        Carries the requests.
    folder
        Where answers and downloaded spectra are kept.
    resolving_power
        That of its spectra near Hα.
    again
        Ask also what has been answered.
    """

    #: Unrelated spectra that are downloaded to compare with.
    n_partners = 100

    def __init__(
        self,
        catalogue: Catalogue,
        transport: Transport,
        folder: Path,
        *,
        resolving_power: float,
        again: bool = False,
    ) -> None:
        self.catalogue, self._transport, self._folder = catalogue, transport, folder
        self._power, self._again = resolving_power, again
        self.answers = Answers(folder, catalogue.key)
        self._products: dict[str, Product] = {}
        self._written = transport.clock()
        #: Identifiers of spectra that were wanted and could not be had, with the reasons.
        self.missing: dict[str, str] = {}
        #: Those among them that may be had the next time.
        self.n_failed = 0

    def spectra(self) -> list[Spectrum]:
        """Return all of its spectra that have a position.

        Raises
        ------
        ServiceError
            There is no list of them, neither now nor of an earlier call.
        """
        if self.answers.open([None], again=self._again):
            try:
                self.answers.put(None, self._within(Cell()))
            except ServiceError as fault:
                self.answers.fail(None, str(fault))
                if not self.answers.products:
                    raise
                logger.warning("%s", fault)
            finally:
                self.answers.write()
        return self._listed()

    def _within(self, cell: Cell, depth: int = 0) -> Found:
        """What is in a part of the sky, asked in parts where it is too much for one answer."""
        found = self.catalogue.within(cell)
        if not found.cut or depth == DEEPEST:
            return found
        parts = [self._within(part, depth + 1) for part in cell.parts()]
        products = [one for part in parts for one in part.products]
        return Found(products, any(part.cut for part in parts))

    def look(self, fields: Fields, drawing: Drawing) -> None:
        """Let the fields take in what is around the targets, and a draw the unrelated.

        Raises
        ------
        ServiceError
            No question at all was answered.
        """
        size = 2.0 * fields.field / 3600.0
        places = [Region(*place, size) for one in fields.targets for place in one.places]
        self._ask_all(self.answers.open(list(dict.fromkeys(places)), again=self._again))
        listed = self._listed()
        if len(listed) < _ENOUGH * self.n_partners:
            self._ask_for_some()
            listed = self._listed()
        take = partial(_taken, listed)
        ra, dec = (np.array([getattr(one, name) for one in listed]) for name in ("ra", "dec"))
        fields.add(ra, dec, take)
        drawing.add([one.spectrum_id for one in listed], take)

    def _ask_for_some(self) -> None:
        """Where the fields are nearly empty, unrelated spectra come from elsewhere."""
        if not self.answers.open([None], again=self._again):
            return
        try:
            self.answers.put(None, self.catalogue.some(_SOME))
        except ServiceError as fault:
            self.answers.fail(None, str(fault))
            logger.warning("%s", fault)
        self.answers.write()

    def _ask_all(self, todo: Sequence[Region | None]) -> None:
        places = [place for place in todo if place is not None]
        strikes = 0
        with Progress(f"asking {self.catalogue.url}", len(places)) as progress:
            first = 0
            while first < len(places) and strikes < STRIKES:
                block = places[first : first + self.catalogue.block]
                strikes = 0 if self._answered(block) else strikes + 1
                first += len(block)
                progress.update(first)
                self._keep()
        self.answers.write()
        if strikes == STRIKES and first < len(places):
            logger.warning("%s: left alone after %d failures", self.catalogue.url, STRIKES)
        if places and set(self.answers.states) <= {FAILED, NOT_ASKED}:
            raise ServiceError(self.answers.reasons[0])

    def _answered(self, block: Sequence[Region]) -> bool:
        """Ask about a block of places; in halves where the answer or the question is too long."""
        try:
            found = self.catalogue.around(block)
        except ServiceError as fault:
            too_long = isinstance(fault, CutError) or _is_too_large(fault)
            if too_long and len(block) > 1:
                middle = len(block) // 2
                if _is_too_large(fault):
                    self.catalogue.block = middle
                return all([self._answered(block[:middle]), self._answered(block[middle:])])
            for place in block:
                if isinstance(fault, CutError):
                    self.answers.put(place, Found([], cut=True))
                else:
                    self.answers.fail(place, str(fault))
            logger.warning("%s", fault)
            return isinstance(fault, CutError)
        for place, one in zip(block, found, strict=True):
            self.answers.put(place, one)
        return True

    def _keep(self) -> None:
        """Write the answers when it is time to."""
        if self._transport.clock() - self._written >= _INTERVAL:
            self.answers.write()
            self._written = self._transport.clock()

    def _listed(self) -> list[Spectrum]:
        self._products = {one.publisher_did: one for one in self.answers.products}
        return [self._spectrum(one) for one in self._products.values()]

    def _spectrum(self, one: Product) -> Spectrum:
        return Spectrum(
            spectrum_id=one.publisher_did,
            object=one.name or None,
            ra=one.ra,
            dec=one.dec,
            mjd=None if np.isnan(one.mjd) else one.mjd,
            snr=None if np.isnan(one.snr) else one.snr,
            resolving_power=self._power,
            archive_id=one.publisher_did,
        )

    def pixels(self, wanted: Iterable[Spectrum]) -> dict[str, dict[str, Any]]:
        """Return wavelengths, flux and mask by identifier; some may be missing."""
        names = sorted({one.spectrum_id for one in wanted} & self._products.keys())
        if not names:
            return {}
        fetching = Fetching(
            self.catalogue.url, self._folder, HALPHA_BAND, "application/fits", self._transport
        )
        fetching.take(self._products[name] for name in names)
        try:
            fetching.download_all(_MOST)
        except ServiceError as fault:
            logger.warning("%s", fault)
        finally:
            fetching.write()
        found = {name: self._read(name, fetching) for name in names}
        return {name: pixels for name, pixels in found.items() if pixels is not None}

    def _read(self, name: str, fetching: Fetching) -> dict[str, Any] | None:
        path = fetching.path(name)
        if path is None:
            row = fetching.manifest.rows[name,]
            self.n_failed += name not in self.missing and row.state in {"failed", "pending"}
            self.missing[name] = f"{name}: {row.state}: {row.reason or 'not fetched'}"
            return None
        try:
            spectrum = archives.read(path)
        except SpectrumError as fault:
            self.missing[name] = str(fault)
            return None
        return {part: getattr(spectrum, part) for part in PIXELS}


def _taken(listed: Sequence[Spectrum], rows: NDArray[np.intp]) -> list[Spectrum]:
    return [listed[row] for row in rows]


def _is_too_large(fault: ServiceError) -> bool:
    return isinstance(fault, RefusedError) and fault.code == _TOO_LARGE
