"""A run that is worse than the one that is served does not take its place."""

from typing import Any

import pytest

from vospec import gate
from vospec.columns import Verdict
from vospec.config import GateSettings
from vospec.publication import Served

_SETTINGS = GateSettings()
_KNOWN = [f"star-{number}" for number in range(10)]


def _record(**facts: Any) -> dict[str, Any]:  # noqa: ANN401 - of the columns' types
    told = {"n_usable": 1000, "n_candidates": 20, "candidate_precision": 0.9}
    return told | {"converged": True, "n_iter": 30} | facts


def _served(**facts: Any) -> Served:  # noqa: ANN401 - as above
    verdicts = dict.fromkeys(_KNOWN, Verdict.KNOWN_EMISSION_STAR) | {"new": Verdict.NOT_IN_SIMBAD}
    return Served(_record(**facts), dict.fromkeys(verdicts, 1.0), verdicts)


def _failed(
    record: dict[str, Any], served: Served | None, candidates: list[str] = _KNOWN
) -> list[str]:
    found = gate.checks(record, frozenset(candidates), served, _SETTINGS)
    return [check.name for check in found if not check.holds]


def test_a_run_like_the_last_passes() -> None:
    assert _failed(_record(), _served()) == []
    found = gate.checks(_record(), frozenset(_KNOWN), _served(), _SETTINGS)
    assert len(found) == 6
    assert all(check.told for check in found)


def test_the_first_run_is_compared_with_nothing() -> None:
    assert _failed(_record(n_usable=1, candidate_precision=None), None) == []


@pytest.mark.parametrize(
    ("facts", "failed"),
    [
        ({"converged": False}, ["converged"]),
        ({"n_candidates": 0}, ["candidates", "share of candidates"]),
        ({"n_usable": 980}, []),
        ({"n_usable": 979}, ["usable spectra"]),
        ({"n_usable": 10_000, "n_candidates": 200}, []),
        ({"n_candidates": 40}, []),
        ({"n_candidates": 41}, ["share of candidates"]),
        ({"n_candidates": 10}, []),
        ({"n_candidates": 9}, ["share of candidates"]),
        ({"candidate_precision": 0.86}, []),
        ({"candidate_precision": 0.84}, ["expected precision"]),
        ({"candidate_precision": None}, ["expected precision"]),
    ],
)
def test_what_is_worse_is_named(facts: dict[str, Any], failed: list[str]) -> None:
    assert _failed(_record(**facts), _served()) == failed


def test_precision_is_not_missed_where_there_was_none() -> None:
    assert _failed(_record(), _served(candidate_precision=None)) == []


@pytest.mark.parametrize(("n_found", "failed"), [(9, []), (8, ["known stars"])])
def test_known_stars_must_be_found_again(n_found: int, failed: list[str]) -> None:
    assert _failed(_record(), _served(), [*_KNOWN[:n_found], "other"]) == failed


def test_known_stars_are_not_missed_where_none_is_known() -> None:
    served = Served(_record(), {"new": 1.0}, {"new": Verdict.NOT_IN_SIMBAD})
    assert _failed(_record(), served, ["other"]) == []


# Of 100 spectra 2 are expected: 2 x 2 + 5 x sqrt(2) + 5 = 16.07.
@pytest.mark.parametrize(("n_candidates", "holds"), [(0, True), (16, True), (17, False)])
def test_candidates_among_additions_may_not_abound(n_candidates: int, *, holds: bool) -> None:
    found = gate.check_added(100, n_candidates, _record(), _SETTINGS)
    assert found.holds is holds
    assert f"{n_candidates} candidates among 100" in found.told
