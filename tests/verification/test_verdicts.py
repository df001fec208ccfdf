"""The rules by which verdicts are found."""

import re
from itertools import pairwise

import pytest

from tests.service import simbad
from vospec.columns import VERDICT_MEANING, VERDICT_RULES, Verdict
from vospec.verification.types import ObjectTypes
from vospec.verification.verdicts import RULES, Judge, named, rows

EMISSION, OTHER = Verdict.KNOWN_EMISSION_STAR, Verdict.KNOWN_OTHER_STAR
NO_STAR, UNCLEAR = Verdict.CONTAMINANT, Verdict.UNCLEAR

#: A source for every rule, and for what may be mistaken.
SOURCES = [
    ("Be*", "*|Be*", None, EMISSION, "emission_main"),
    ("Ae*", "Ae*", None, EMISSION, "emission_main"),
    ("TT*", "TT*", None, EMISSION, "emission_main"),
    ("WR*", "WR*", "WC7", EMISSION, "emission_main"),
    ("Sy*", "Sy*", "M3III", EMISSION, "emission_main"),
    ("Em*", "*|Em*", None, EMISSION, "emission_main"),
    ("HXB", "HXB", "O9.7Iab", EMISSION, "emission_main"),
    # A nova is a cataclysmic variable by the hierarchy alone.
    ("No*", "No*", None, EMISSION, "emission_main"),
    # Planetary nebulae are often called emission-line stars, too.
    ("PN", "*|Em*|PN", "WC9", NO_STAR, "no_star_main"),
    ("HII", "HII|ISM", None, NO_STAR, "no_star_main"),
    ("QSO", "QSO|*", None, NO_STAR, "no_star_main"),
    ("BLL", "BLL", None, NO_STAR, "no_star_main"),
    ("H2G", "G|H2G", None, NO_STAR, "no_star_main"),
    ("OpC", "OpC", None, NO_STAR, "no_star_main"),
    ("HH", "HH", None, NO_STAR, "no_star_main"),
    ("V*", "*|V*", "B2IV/V[e]", EMISSION, "forbidden_lines"),
    ("*", "*", "B2Vne", EMISSION, "emission_spectrum"),
    ("V*", "*|Be*|V*", "B2V", EMISSION, "emission_other"),
    ("QSO", "Em*|QSO", None, NO_STAR, "no_star_main"),
    ("Q?", "Em*|Q?", None, EMISSION, "emission_other"),
    ("Be?", "*|Be?", None, EMISSION, "emission_suspected_main"),
    ("HX?", "HX?|X", None, EMISSION, "emission_suspected_main"),
    ("PN?", "*|PN?", None, NO_STAR, "no_star_suspected_main"),
    ("PN?", "Be?|PN?", None, NO_STAR, "no_star_suspected_main"),
    ("V*", "*|TT?|V*", None, EMISSION, "emission_suspected_other"),
    ("dS*", "*|dS*", "A0Va", OTHER, "star_main"),
    ("WD?", "WD?", None, OTHER, "star_main"),
    ("*", "*|G", None, OTHER, "star_main"),
    ("pA*", "pA*", None, OTHER, "star_main"),
    # Supergiants are above Wolf-Rayet stars, not below.
    ("s*b", "s*b", "B1Ia", OTHER, "star_main"),
    ("Rad", "G|Rad", None, NO_STAR, "no_star_other"),
    ("IR", "*|G|IR", None, NO_STAR, "no_star_other"),
    ("X", "*|X", None, OTHER, "star_other"),
    ("IR", "IR|Rad", None, UNCLEAR, "unclear"),
    ("?", "?", None, UNCLEAR, "unclear"),
    (None, None, None, UNCLEAR, "unclear"),
    # A type that the hierarchy does not have says nothing; the others do.
    ("New", "New", None, UNCLEAR, "unclear"),
    ("New", "*|New", None, OTHER, "star_other"),
]


@pytest.mark.parametrize(("otype", "otypes", "sp_type", "verdict", "rule"), SOURCES)
def test_the_first_rule_that_holds_tells(  # noqa: PLR0913, PLR0917 - what the table has
    types: ObjectTypes,
    otype: str | None,
    otypes: str | None,
    sp_type: str | None,
    verdict: Verdict,
    rule: str,
) -> None:
    assert Judge(types)(otype, otypes, sp_type) == (verdict, rule)


def test_every_rule_decides_somewhere() -> None:
    assert {rule.rule for rule in RULES} == {source[-1] for source in SOURCES}
    assert len({rule.rule for rule in RULES}) == len(RULES)


def test_true_stars_are_known(types: ObjectTypes) -> None:
    judge = Judge(types)
    found = {
        kind: {
            one.main_id: judge(one.otype, "|".join({one.otype, *one.otypes}), one.sp_type)[0]
            for one in sources
        }
        for kind, sources in (
            (EMISSION, simbad.EMISSION),
            (OTHER, simbad.OTHERS),
            (NO_STAR, simbad.CONTAMINANTS),
            (UNCLEAR, simbad.UNCLEAR),
        )
    }
    for kind, of_kind in found.items():
        assert set(of_kind.values()) == {kind}, of_kind


#: Spectral types as SIMBAD has them, of stars with and without emission lines.
WITH_E = (
    *("B2Vne", "B0.5IVpe", "B1IVe_shell", "B1.5V:e-shell", "B4IIIep", "O7.5III(n)((f))e", "Be"),
    *("B(e)", "Oe5", "A0Ve", "A2IIIe", "K0IV/Ve", "M4.5Ve", "dM3e", "M5e+DA", "DA+dM4e", "B3:e"),
    *("B8/9Ve", "F5e?", "B2(V)nne", "B1Vnpe", "B5VneHe", "B2IVe+sdO", "B0IIIev", "K7Vvare"),
    *("B2/3Ve", "B1.5IVeq"),
)
WITHOUT_E = (
    *("B2V", "A0Va", "F8VFe-0.8", "B3IIIHe", "B7IIIHe-weak", "ApSi", "A0Vpec", "B2Vshell", "sdB"),
    *("A1V(shell)", "kA3hF0mF5", "kA2hA5VmF2", "sdO5He", "sdOHe", "G8IIICH-0.5", "G5 Fe-1", "E5"),
    *("K0 Fe-1", "DA2.5", "DZAe?", "M3III", "WN5", "WC7p+O5", "C-N5", "S3,9", "B8Vp(HgMnEu)", ""),
    *("A5Vmet", "K1III CN0.5", "B2weak", "F0Vneb", "SAB"),
)


@pytest.mark.parametrize("sp_type", WITH_E)
def test_spectral_types_with_emission_lines(types: ObjectTypes, sp_type: str) -> None:
    assert Judge(types)("*", "*", sp_type) == (EMISSION, "emission_spectrum")


@pytest.mark.parametrize("sp_type", WITHOUT_E)
def test_other_letters_e_are_no_emission_lines(types: ObjectTypes, sp_type: str) -> None:
    assert Judge(types)("*", "*", sp_type) == (OTHER, "star_main")


@pytest.mark.parametrize("sp_type", ["B[e]", "sgB[e]", "B2IV/V[e]", "B0.5[e]p", "unc[e]"])
def test_forbidden_lines(types: ObjectTypes, sp_type: str) -> None:
    assert Judge(types)("*", "*", sp_type) == (EMISSION, "forbidden_lines")


def test_the_hierarchy_has_all_types_that_the_rules_name(types: ObjectTypes) -> None:
    assert Judge(types).unknown(named()) == []
    assert Judge(types).unknown(["Be*", "New", "Gone", "New"]) == ["Gone", "New"]


def test_a_rule_follows_the_hierarchy() -> None:
    row = {"otype": "XY*", "label": "XY", "is_candidate": 0, "path": "* > ** > XY*"}
    before, after = ObjectTypes([row]), ObjectTypes([row | {"path": "* > ** > CV* > XY*"}])
    assert Judge(before)("XY*", "XY*", None)[0] is OTHER
    assert Judge(after)("XY*", "XY*", None)[0] is EMISSION


def test_rules_are_published_in_order() -> None:
    told = list(rows())
    assert all(set(row) == set(VERDICT_RULES.names) for row in told)
    assert all(b["place"] - a["place"] == 1 for a, b in pairwise(told))
    assert {row["verdict"] for row in told} < {verdict.value for verdict in VERDICT_MEANING}
    assert all(re.compile(row["pattern"] or "") and row["meaning"] for row in told)


def test_codes_and_names_are_told_apart(types: ObjectTypes) -> None:
    assert types.code("WolfRayet*") == "WR*"
    assert types.code("Be*_Candidate") == "Be?"
    assert types.code("WR*") == "WR*"
    assert types.code("something") == "something"
    assert "Be?" in types
    assert "something" not in types
