"""Header cards that may be missing or wrong.

Every question that finds no usable answer leaves a flag and a sentence, so
that a spectrum with a poor header is kept and its faults can be read.
"""

import math
from datetime import UTC, datetime, timedelta

from vospec.archives.headers import Header, Value
from vospec.columns import Quality

_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
#: Largest number of a column of type smallint.
_SMALLINT = 32767


class Cards:
    """The cards of one header, and what was found wrong in them."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._reasons: list[str] = []
        self.quality = Quality(0)

    @property
    def reason(self) -> str | None:
        """What is wrong, in words; None where nothing is."""
        return "; ".join(self._reasons) or None

    def note(self, flag: Quality, reason: str) -> None:
        """Remember a fault."""
        self.quality |= flag
        self._reasons.append(reason)

    def value(self, *names: str) -> Value | None:
        """Value of the first of the named cards that is there, not blank, and FITS."""
        for name in names:
            value = self._header.value(name)
            if isinstance(value, str):
                value = value.strip() or None
            if value is not None:
                return value
        return None

    def text(self, *names: str) -> str | None:
        """First of the named cards that says something; no fault where none does."""
        value = self.value(*names)
        return None if value is None else str(value)

    def number(
        self,
        *names: str,
        least: float = -math.inf,
        most: float = math.inf,
        flag: Quality = Quality.HEADER_INCOMPLETE,
    ) -> float | None:
        """Number of the first of the named cards that is there.

        Anything but a finite number within ``least`` … ``most`` is noted under
        ``flag`` and gives None.
        """
        given = self.value(*names)
        number = _number(given, least, most)
        if number is None:
            self.note(flag, f"{' or '.join(names)}: {_expected(least, most)}, {_found(given)}")
        return number

    def known(self, *names: str, least: float, most: float) -> float | None:
        """Number that an archive need not give: as :meth:`number`, but nothing is noted."""
        return _number(self.value(*names), least, most)

    def count(self, name: str) -> int | None:
        """Small integer that an archive need not give, also as text (``'126'``)."""
        number = self.known(name, least=0, most=_SMALLINT)
        return int(number) if number is not None and number.is_integer() else None

    def position(self, ra: str = "RA", dec: str = "DEC") -> tuple[float, float] | tuple[None, None]:
        """Two cards in degrees, or neither."""
        alpha = self.number(ra, least=0.0, most=360.0, flag=Quality.NO_POSITION)
        delta = self.number(dec, least=-90.0, most=90.0, flag=Quality.NO_POSITION)
        return (None, None) if alpha is None or delta is None else (alpha, delta)

    def moment(self, name: str) -> float | None:
        """Modified Julian Date of a card in ISO 8601; None where it is not one."""
        given = self.value(name)
        try:
            moment = datetime.fromisoformat(str(given)).replace(tzinfo=UTC)
        except ValueError:
            return None
        return (moment - _MJD_ZERO) / timedelta(days=1)


def _number(given: Value | None, least: float, most: float) -> float | None:
    """Finite number within the bounds; None for anything else."""
    if given is None or isinstance(given, bool):
        return None
    try:
        number = float(given)
    except ValueError:
        return None
    # NaN compares with nothing.
    return number if math.isfinite(number) and least <= number <= most else None


def _expected(least: float, most: float) -> str:
    lower = "" if math.isinf(least) else f" from {least:g}"
    upper = "" if math.isinf(most) else f" to {most:g}"
    return f"expected a number{lower}{upper}"


def _found(given: Value | None) -> str:
    return f"found {'nothing' if given is None else given}"
