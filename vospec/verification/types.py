"""SIMBAD's object types and their hierarchy, as its table ``otypedef`` tells them.

A type has a short code (``Be*``) and a name; its path has the codes of the types that it
belongs to, from the most general to itself (``* > MS* > Be*``). Candidates of a type have
a code of their own (``Be?``) and the path of that type.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a code stands for: all types to which it belongs, and whether only perhaps."""

    belongs_to: frozenset[str]
    is_candidate: bool


class ObjectTypes:
    """The hierarchy.

    Parameters
    ----------
    rows : iterable of mappings
        In the columns of :data:`vospec.columns.OBJECT_TYPES`.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._kinds: dict[str, Kind] = {}
        self._codes: dict[str, str] = {}
        for row in rows:
            code, candidate = row["otype"], bool(row["is_candidate"])
            path = {part.strip() for part in (row["path"] or "").split(">")} - {""}
            self._kinds[code] = Kind(frozenset(path if candidate else path | {code}), candidate)
            self._codes.setdefault(row["label"], code)

    def __contains__(self, code: str) -> bool:
        return code in self._kinds

    def kind(self, code: str | None) -> Kind | None:
        """What a code stands for; None where the hierarchy does not have it."""
        return None if code is None else self._kinds.get(code)

    def code(self, word: str) -> str:
        """The code for a code or a name; a word that is neither is given back."""
        return word if word in self._kinds else self._codes.get(word, word)
