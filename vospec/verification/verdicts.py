"""What is made of a source in SIMBAD: one table of rules, of which the first that holds counts.

The rules name object types; which others belong to these is told by SIMBAD's own hierarchy
(see `types`), so that a new kind of nova is a cataclysmic variable here as soon as it is one
there. All types of a source are read: a Be star may have *variable star* for its main type,
and many have never been given another type than *star*, but a spectral type with an e. The
main type counts before the others: planetary nebulae are emission-line objects, too.

B[e] stars have no object type: their spectral type has ``[e]``.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from vospec.columns import Verdict
from vospec.verification.types import ObjectTypes

#: Be, Herbig Ae/Be, T Tauri, Wolf-Rayet, symbiotic and cataclysmic stars, Be stars and
#: supergiants with a compact companion, stars of which no more than their lines is known.
_EMISSION = ("Be*", "Ae*", "TT*", "WR*", "Sy*", "CV*", "HXB", "Em*")
#: Nebulae, galaxies and what lies in them, clusters and associations taken for one source.
_NO_STAR = ("PN", "out", "ISM", "HII", "G", "IG", "PaG", "GrG", "ClG", "Cl*", "As*")
_STAR = ("*",)

#: A spectral class, what may follow it, and an e: B2Vne, O7.5III(n)((f))e, B1IIIpe, M4Ve. Not
#: an e of He, Fe and other elements, nor of pec, shell, weak, met or neb.
_WITH_E = (
    r"(^|[+/]\s*)(sd|[dgc])?[OBAFGKM]"
    r"([0-9.:~?/()\[\]^,_-]|I|V|a|b|f|h|k|q|r|v|z|n(?!eb)|s(?!hell)|p(?!ec)|m(?!et)|w(?!eak)"
    r"|[A-HJ-UW-Z][a-z])*?e"
)


@dataclass(frozen=True)
class Rule:
    """One rule; a row of :data:`vospec.columns.VERDICT_RULES`."""

    rule: str
    verdict: Verdict
    looks_at: Literal["otype", "otypes", "sp_type"]
    meaning: str
    types: tuple[str, ...] | None = None
    of_candidates: bool | None = None
    pattern: str | None = None

    def holds(self, types: ObjectTypes, codes: Iterable[str], sp_type: str) -> bool:
        """Whether the rule holds for one of some codes, or for a spectral type."""
        if self.pattern is not None:
            return re.search(self.pattern, sp_type) is not None
        return self.types is None or any(self._has(types, code) for code in codes)

    def _has(self, types: ObjectTypes, code: str) -> bool:
        kind = types.kind(code)
        if kind is None or self.of_candidates not in {None, kind.is_candidate}:
            return False
        return not kind.belongs_to.isdisjoint(self.types or ())


RULES = (
    Rule(
        "emission_main",
        Verdict.KNOWN_EMISSION_STAR,
        "otype",
        "The main type is one of stars with emission lines",
        _EMISSION,
        of_candidates=False,
    ),
    Rule(
        "no_star_main",
        Verdict.CONTAMINANT,
        "otype",
        "The main type is one of nebulae, galaxies or groups of stars",
        _NO_STAR,
        of_candidates=False,
    ),
    Rule(
        "forbidden_lines",
        Verdict.KNOWN_EMISSION_STAR,
        "sp_type",
        "The spectral type tells of forbidden lines: B[e]",
        pattern=r"\[e\]",
    ),
    Rule(
        "emission_spectrum",
        Verdict.KNOWN_EMISSION_STAR,
        "sp_type",
        "The spectral type tells of emission lines: an e after the class",
        pattern=_WITH_E,
    ),
    Rule(
        "emission_other",
        Verdict.KNOWN_EMISSION_STAR,
        "otypes",
        "One of the other types is one of stars with emission lines",
        _EMISSION,
        of_candidates=False,
    ),
    Rule(
        "emission_suspected_main",
        Verdict.KNOWN_EMISSION_STAR,
        "otype",
        "The main type is that of a candidate of such a star",
        _EMISSION,
        of_candidates=True,
    ),
    Rule(
        "no_star_suspected_main",
        Verdict.CONTAMINANT,
        "otype",
        "The main type is that of a candidate of a nebula, galaxy or group of stars",
        _NO_STAR,
        of_candidates=True,
    ),
    Rule(
        "emission_suspected_other",
        Verdict.KNOWN_EMISSION_STAR,
        "otypes",
        "One of the other types is that of a candidate of a star with emission lines",
        _EMISSION,
        of_candidates=True,
    ),
    Rule(
        "star_main",
        Verdict.KNOWN_OTHER_STAR,
        "otype",
        "The main type is any other of stars, or of candidates of stars",
        _STAR,
    ),
    Rule(
        "no_star_other",
        Verdict.CONTAMINANT,
        "otypes",
        "The main type tells a wavelength or nothing, another one a nebula, galaxy or group",
        _NO_STAR,
    ),
    Rule(
        "star_other",
        Verdict.KNOWN_OTHER_STAR,
        "otypes",
        "The main type tells a wavelength or nothing, another one a star",
        _STAR,
    ),
    Rule(
        "unclear",
        Verdict.UNCLEAR,
        "otypes",
        "No type tells what the source is: radio, infrared, X-ray, unknown",
    ),
)

_OF_CANDIDATES = {True: "only", False: "never", None: None}


class Judge:
    """Finds verdicts.

    Parameters
    ----------
    types : ObjectTypes
        The hierarchy.
    """

    def __init__(self, types: ObjectTypes) -> None:
        self.types = types
        # Most sources share their types and spectral type with many.
        self._found = lru_cache(1 << 16)(self._find)

    def __call__(
        self, otype: str | None, otypes: str | None, sp_type: str | None
    ) -> tuple[Verdict, str]:
        """The verdict on a source and the name of the rule that holds.

        Parameters
        ----------
        otype : str or None
            Code of its main type.
        otypes : str or None
            Codes of all its types, with | between them.
        sp_type : str or None
            Its spectral type.
        """
        return self._found(otype, otypes, sp_type)

    def _find(
        self, otype: str | None, otypes: str | None, sp_type: str | None
    ) -> tuple[Verdict, str]:
        main = [otype] if otype else []
        every = main + [code for code in (otypes or "").split("|") if code]
        for rule in RULES:
            codes = main if rule.looks_at == "otype" else every
            if rule.holds(self.types, codes, sp_type or ""):
                return rule.verdict, rule.rule
        message = "the last rule always holds"
        raise AssertionError(message)

    def unknown(self, codes: Iterable[str]) -> list[str]:
        """Codes that the hierarchy does not have: no rule can hold for them."""
        return sorted({code for code in codes if code not in self.types})


def named() -> list[str]:
    """All object types that the rules name."""
    return sorted({code for rule in RULES for code in rule.types or ()})


def rows(rules: Sequence[Rule] = RULES) -> Iterator[dict[str, Any]]:
    """The rules in the columns of :data:`vospec.columns.VERDICT_RULES`."""
    for place, rule in enumerate(rules, start=1):
        yield {
            "place": place,
            "rule": rule.rule,
            "verdict": rule.verdict.value,
            "looks_at": rule.looks_at,
            "types": None if rule.types is None else "|".join(rule.types),
            "of_candidates": _OF_CANDIDATES[rule.of_candidates],
            "pattern": rule.pattern,
            "meaning": rule.meaning,
        }
