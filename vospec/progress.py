"""Progress of long work: a moving line on a terminal, plain lines in a log."""

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)

#: Seconds between two reports: a person watches, a log is read later.
TERMINAL_INTERVAL = 0.2
LOG_INTERVAL = 15.0


class Progress:
    """Rows done, rate and time left of one piece of work.

    Parameters
    ----------
    what : str
        The work, as the person knows it.
    total : int
        Rows to be done.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self, what: str, total: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self._clock = clock
        self._started = self._reported = clock()
        self._moving = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._moving:
            sys.stderr.write("\r\x1b[K")
        if fault is None and not self.done:
            logger.info("%s: nothing new", self.what)
        elif fault is None:
            elapsed = self._clock() - self._started
            logger.info("%s: %d rows in %s", self.what, self.done, duration(elapsed))

    def update(self, done: int, total: int | None = None) -> None:
        """Say how many rows are done; reports when it is time to."""
        self.done = done
        self.total = total or self.total
        now = self._clock()
        if now - self._reported < (TERMINAL_INTERVAL if self._moving else LOG_INTERVAL):
            return
        self._reported = now
        if self._moving:
            sys.stderr.write(f"\r\x1b[K{self.line()}")
            sys.stderr.flush()
        else:
            logger.info("%s", self.line())

    def line(self) -> str:
        """Rows done, rate and time left, in one line."""
        elapsed = max(self._clock() - self._started, 1e-9)
        rate = self.done / elapsed
        left = duration((self.total - self.done) / rate) if rate else "unknown time"
        share = 100 * self.done / max(self.total, 1)
        return (
            f"{self.what}: {self.done} of {self.total} rows ({share:.0f} %), "
            f"{rate:.0f} rows/s, {left} left"
        )


def duration(seconds: float) -> str:
    """Seconds as a person says them: 4.2 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"
