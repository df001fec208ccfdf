"""Headers of FITS files, read card by card when asked.

Section numbers are those of the FITS Standard 4.0 (IAU FITS Working Group, 2018). A
header is a row of cards of 80 ASCII characters in blocks of 2880 bytes, closed by the
card END (3.3.1, 4.4.1.1). Names are indexed once for all headers that have the same; a
value is parsed (1 µs) only when somebody wants it.
"""

import re
from functools import lru_cache

from vospec.errors import UnreadableFileError

BLOCK = 2880

_CARD = 80
_KEYWORD = 8
_END = b"END".ljust(_CARD)
#: Value indicator (4.1.2.2), then the value in free or fixed format (4.2), then a comment.
_VALUE = re.compile(
    r"= *(?:"
    r"'([^']*(?:''[^']*)*)'"
    r"|([TF])"
    r"|([+-]?\d+(?![\d.EDed]))"
    r"|([+-]?(?:\d+\.?\d*|\.\d+)(?:[EDed][+-]?\d+)?)"
    r")? *(?:/|\Z)"
)
_TEXT, _LOGICAL, _INTEGER = 1, 2, 3
_CONTINUATION = re.compile(r"CONTINUE  *'([^']*(?:''[^']*)*)' *(?:/|\Z)")
_MOST_CARDS = 10_000
#: Cards beyond the first that one long string may take; a header of a survey has a few.
_MOST_CONTINUATIONS = 1000

#: Exponents of double precision (4.2.4).
_EXPONENT = str.maketrans("Dd", "EE")

Value = str | bool | int | float


class Header:
    """The cards of one header data unit.

    Parameters
    ----------
    content
        The whole file.
    start
        Where the header begins.

    Raises
    ------
    UnreadableFileError
        The card END is missing, or there are more cards than any header has.
    """

    def __init__(self, content: bytes, start: int) -> None:
        end = _end(content, start)
        #: The cards up to END, as they stand.
        self.raw = content[start:end]
        self._text = self.raw.decode("latin-1")
        #: Where the data begin: the header fills whole blocks (3.3.1).
        self.stop = start + -(-(end + _CARD - start) // BLOCK) * BLOCK
        if len(self.raw) > _MOST_CARDS * _CARD:
            message = f"header at byte {start}: expected at most {_MOST_CARDS} cards, found more"
            raise UnreadableFileError(message)
        self._places = _places(b"".join([self.raw[letter::_CARD] for letter in range(_KEYWORD)]))

    @property
    def names(self) -> list[str]:
        """Names of the cards, each once, commentary included."""
        return [name.rstrip() for name in reversed(self._places)]

    def value(self, name: str) -> Value | None:
        """Value of a card (4.2); None where it is missing, undefined or not FITS.

        Long strings go on over cards CONTINUE (4.2.1.2). Complex numbers, which no
        archive here writes, are none.
        """
        place = self._places.get(name.ljust(_KEYWORD))
        if place is None:
            return None
        parts = _VALUE.match(self._text, place + _KEYWORD, place + _CARD)
        if parts is None or (kind := parts.lastindex) is None:
            return None
        found: str = parts[kind]
        if kind == _TEXT:
            text = self._long_string(found, place) if "&" in found or "''" in found else found
            # Header strings are printable ASCII (4.2.1); damage shows here.
            return text.rstrip(" ") if text.isascii() and text.isprintable() else None
        if kind == _LOGICAL:
            return found == "T"
        return int(found) if kind == _INTEGER else float(found.translate(_EXPONENT))

    def count(self, name: str, most: int) -> int:
        """Value of a mandatory card that counts something.

        Raises
        ------
        UnreadableFileError
            Anything but an integer of 0 … ``most``.
        """
        found = self.value(name)
        if type(found) is int and 0 <= found <= most:
            return found
        message = f"{name}: expected an integer from 0 to {most}, found {_told(found)}"
        raise UnreadableFileError(message)

    def _long_string(self, found: str, place: int) -> str:
        text = _unquoted(found)
        for following in range(place + _CARD, len(self._text), _CARD)[:_MOST_CONTINUATIONS]:
            parts = text.endswith("&") and _CONTINUATION.match(
                self._text, following, following + _CARD
            )
            if not parts:
                break
            text = text[:-1] + _unquoted(parts[1])
        return text


@lru_cache(maxsize=64)
def _places(letters: bytes) -> dict[str, int]:
    """Where each card of a header begins, by its name.

    Remembered, for most headers of a release have the same names in the same order.

    Parameters
    ----------
    letters
        The first letters of all names, then the second ones, up to the eighth.
    """
    count = len(letters) // _KEYWORD
    text = letters.decode("latin-1")
    # Backwards, for of two cards of one name the first holds.
    return {text[card::count]: card * _CARD for card in range(count - 1, -1, -1)}


def _unquoted(found: str) -> str:
    """Two quotes stand for one, and blanks at the end mean nothing (4.2.1.1)."""
    return found.replace("''", "'").rstrip(" ")


def _told(found: Value | None) -> str:
    return "nothing" if found is None else repr(found)


def _end(content: bytes, start: int) -> int:
    """Where the card END stands."""
    place = content.find(_END, start)
    while place >= 0 and (place - start) % _CARD:
        place = content.find(_END, place + 1)
    if place < 0:
        message = (
            f"header at byte {start}: expected a card END, "
            f"found none up to the end after {len(content)} bytes"
        )
        raise UnreadableFileError(message)
    return place
