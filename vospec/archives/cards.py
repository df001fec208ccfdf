"""Header cards that may be missing or wrong.

Every question that finds no usable answer leaves a flag and a sentence, so
that a spectrum with a poor header is kept and its faults can be read.
"""

import math
from datetime import UTC, datetime, timedelta

from astropy.io import fits

from vospec.columns import Quality

_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)


class Cards:
    """The cards of one header, and what was found wrong in them."""

    def __init__(self, header: fits.Header) -> None:
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

    def value(self, name: str) -> object:
        """Value of a card; None where it is missing, blank or not FITS."""
        try:
            value = self._header[name]
        except (KeyError, ValueError, fits.VerifyError):
            return None
        if isinstance(value, str):
            return value.strip() or None
        return None if isinstance(value, fits.card.Undefined) else value

    def text(self, *names: str) -> str | None:
        """First of the named cards that says something; no fault where none does."""
        for name in names:
            value = self.value(name)
            if value is not None:
                return str(value)
        return None

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
        given = self.text(*names)
        try:
            number = math.nan if given is None else float(given)
        except ValueError:
            number = math.nan
        if math.isfinite(number) and least <= number <= most:
            return number
        lower = "" if math.isinf(least) else f" from {least:g}"
        upper = "" if math.isinf(most) else f" to {most:g}"
        self.note(
            flag,
            f"{' or '.join(names)}: expected a number{lower}{upper}, found {given or 'nothing'}",
        )
        return None

    def position(self) -> tuple[float, float] | tuple[None, None]:
        """RA and DEC in degrees, or neither."""
        ra = self.number("RA", least=0.0, most=360.0, flag=Quality.NO_POSITION)
        dec = self.number("DEC", least=-90.0, most=90.0, flag=Quality.NO_POSITION)
        return (None, None) if ra is None or dec is None else (ra, dec)

    def moment(self, name: str) -> float | None:
        """Modified Julian Date of a card in ISO 8601; None where it is not one."""
        given = self.value(name)
        try:
            moment = datetime.fromisoformat(str(given)).replace(tzinfo=UTC)
        except ValueError:
            return None
        return (moment - _MJD_ZERO) / timedelta(days=1)
