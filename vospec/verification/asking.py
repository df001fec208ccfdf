"""Questions in blocks to the first of some services that answers them.

One service is asked at a time. What it cuts, or finds too long, is asked in halves. Where it
fails, the next one is asked, and goes on being the first to be asked. Where all of them fail for
one block after the other they are left alone: what remains is told as failed, to be asked the
next time.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from vospec.archives.ssa.transport import RefusedError
from vospec.errors import ServiceError
from vospec.verification.sources import Positions
from vospec.verification.tap import CutError

logger = logging.getLogger(__name__)

#: So many blocks without an answer one after the other, and nobody is asked any more.
STRIKES = 2
_TOO_LARGE = 413


class Service(Protocol):
    """Who knows of sources.

    Attributes
    ----------
    url
        Its address.
    block
        Positions of one question at most.
    """

    url: str
    block: int

    def ask(self, positions: Positions, radius_arcsec: float) -> pa.Table:
        """Ask about one block; see :meth:`vospec.verification.simbad.Simbad.ask`."""


class Asking:
    """Questions to some services.

    Parameters
    ----------
    services : sequence of Service
        In the order in which they are asked.
    radius_arcsec : float
        Radius around a position.
    """

    def __init__(self, services: Sequence[Service], radius_arcsec: float) -> None:
        self._services = list(services)
        self._radius = radius_arcsec

    def all(self, positions: Positions) -> Iterator[tuple[slice, pa.Table | str]]:
        """Ask about all positions.

        Yields
        ------
        slice
            Rows of a block.
        Table or str
            Its answers, in :data:`~vospec.verification.sources.SCHEMA` and the service that
            gave them; or why there are none.
        """
        strikes, step = 0, self._services[0].block
        for start in range(0, len(positions), step):
            rows = slice(start, min(start + step, len(positions)))
            try:
                yield rows, self._block(positions.some(rows))
                strikes = 0
            except ServiceError as fault:
                strikes += 1
                yield rows, str(fault)
                if strikes == STRIKES and rows.stop < len(positions):
                    reason = f"not asked after {STRIKES} failures in a row, the last: {fault}"
                    yield slice(rows.stop, len(positions)), reason
                    return

    def _block(self, positions: Positions) -> pa.Table:
        reasons = []
        for service in list(self._services):
            try:
                answers = self._of(service, positions)
            except ServiceError as fault:
                logger.warning("%s", fault)
                reasons.append(str(fault))
                continue
            self._services.remove(service)
            self._services.insert(0, service)
            names = pa.array([service.url] * len(answers), pa.string())
            return answers.append_column("service", names)
        raise ServiceError("; ".join(reasons))

    def _of(self, service: Service, positions: Positions) -> pa.Table:
        n = len(positions)
        if n <= service.block:
            try:
                return service.ask(positions, self._radius)
            except CutError:
                if n == 1:
                    raise
                step = (n + 1) // 2
            except RefusedError as fault:
                if fault.code != _TOO_LARGE or n == 1:
                    raise
                step = service.block = (n + 1) // 2
                logger.warning("%s: asked in blocks of %d from now on", fault, step)
        else:
            step = service.block
        parts = (slice(start, start + step) for start in range(0, n, step))
        return pa.concat_tables([self._of(service, positions.some(rows)) for rows in parts])
