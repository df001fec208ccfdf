"""The search of a plan: carried out, kept in its store, and told in lines for people."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from vospec.columns import ACCEPTED, AMBIGUOUS, CHANCE, UNLIKE
from vospec.config import PairsSettings
from vospec.errors import OutputError
from vospec.plan import Plan
from vospec.verification.pairs.answers import ANSWERED
from vospec.verification.pairs.names import Names
from vospec.verification.pairs.search import Found, search
from vospec.verification.pairs.served import Served
from vospec.verification.pairs.sides import resolver, sides

#: Stars that are told one by one; the store has all of them.
NAMED = 40
#: Reasons of a service that are told.
REASONS = 3
_DAYS = 365.25


def find(plan: Plan, *, again: bool = False) -> None:
    """Find the pairs of a plan's archives and keep them in its store.

    What services left without an answer is asked again by the next call.

    Parameters
    ----------
    plan
        Spectra of its folders, if any, must have been read.
    again
        Search also where it has been done, and ask services also what they have answered.

    Raises
    ------
    VospecError
        As :func:`~vospec.verification.pairs.sides.sides`; or a service has answered nothing.
    """
    if plan.pairs.is_complete() and is_whole(plan) and not again:
        return
    with sides(plan, again=again) as (training, survey), resolver(plan, again=again) as names:
        found = search(training, survey, plan.settings, resolve=names)
        services = {
            role: _service(one)
            for role, side in (("training", training), ("survey", survey))
            for one in side.served
        }
        if names is not None:
            services["simbad"] = _names(names)
    _write(plan, found, services)


def _names(names: Names) -> dict[str, Any]:
    """What became of the questions for names."""
    states = Counter(row.state for row in names.rows)
    answered = sum(states[state] for state in ANSWERED)
    reasons = [row.reason for row in names.rows if row.state not in ANSWERED and row.reason]
    return {
        "url": names.url,
        "questions": dict(states),
        "unanswered": states.total() - answered,
        "reasons": list(dict.fromkeys(reasons)),
        "failed": 0,
        "missing": [],
    }


def is_whole(plan: Plan) -> bool:
    """Whether services have answered all questions and given all spectra that were wanted."""
    services = plan.pairs.manifest["services"].values()
    return not any(one["unanswered"] or one["failed"] for one in services)


def _service(one: Served) -> dict[str, Any]:
    """What became of the questions to a service, and of the spectra that it was to give."""
    return {
        "url": one.catalogue.url,
        "questions": dict(one.answers.states),
        "unanswered": one.answers.n_unanswered,
        "reasons": one.answers.reasons,
        "failed": one.n_failed,
        "missing": sorted(one.missing.values()),
    }


def _write(plan: Plan, found: Found, services: dict[str, Any]) -> None:
    """Keep what was found in the store of a plan."""
    decisions = found.candidates.column("decision").to_pylist()
    counts = {name: decisions.count(name) for name in (ACCEPTED, AMBIGUOUS, UNLIKE, CHANCE)}
    told = {
        "targets": len(found.targets),
        "near": len({one.candidate.target for one in found.judged}),
        "paired": len({o.candidate.target for o in found.judged if o.decision == ACCEPTED}),
        "by_radius": found.by_radius,
        "wrong": found.wrong,
        **counts,
        "services": services,
    }
    plan.pair_candidates.write(found.candidates, **told)
    # What is published comes last: where it is there, both are.
    plan.pairs.write(found.pairs, **told)


def lines(plan: Plan) -> Iterator[str]:
    """Tell what was found, one line a star, then what to make of it."""
    told, section = plan.pairs.manifest, plan.settings.pairs
    found = plan.pairs.table()
    if found.num_rows:
        yield from _table(found)
    for role, one in told["services"].items():
        yield from _answers(role, one)
    yield from _summary(told, section, found)


def write_csv(plan: Plan, path: Path) -> int:
    """Write the candidates with what was decided about them; give their number.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    table = plan.pair_candidates.table()
    try:
        csv.write_csv(table, str(path))
    except OSError as fault:
        message = f"{path}: the candidates cannot be written ({fault.strerror or fault})"
        raise OutputError(message) from fault
    return int(table.num_rows)


def _table(found: pa.Table) -> Iterator[str]:
    yield (
        f"{'star':<18} {'sep':>5} {'place':>8} {'agreement':>9} {'brightness':>10} {'chance':>8} "
        f"{'found by':<8} {'years':>5} {'velocity':>8} {'residual':>8} {'noise':>6} {'pairs':>5}"
    )
    stars: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for row in found.to_pylist():
        stars.setdefault((row["object"] or row["training_id"], row["chance"]), []).append(row)
    shown = sorted(stars.items())
    yield from (_line(name, group) for (name, _), group in shown[:NAMED])
    if len(shown) > NAMED:
        yield f"and {len(shown) - NAMED} more stars"


def _line(name: str, group: list[dict[str, Any]]) -> str:
    """A star by its pair of spectra that lie nearest in time."""
    best = min(group, key=_years)
    place = f"{best['separation_rank']} of {best['n_stars']}"
    return (
        f"{name[:18]:<18} {best['separation']:5.1f} {place:>8} {best['agreement']:9.3f} "
        f"{best['brightness']:10.3f} {best['chance']:8.1e} {best['found_by']:<8} "
        f"{_number(_years(best), '5.1f')} {_number(best['velocity'], '8.0f')} "
        f"{_number(best['residual'], '8.4f')} {_number(best['noise'], '6.4f')} {len(group):5}"
    )


def _years(row: dict[str, Any]) -> float:
    ours, theirs = row["training_mjd"], row["survey_mjd"]
    return float("inf") if None in {ours, theirs} else abs(ours - theirs) / _DAYS


def _number(value: float | None, layout: str) -> str:
    width = int(layout.partition(".")[0])
    return " " * width if value is None or value == float("inf") else format(value, layout)


def _answers(role: str, one: dict[str, Any]) -> Iterator[str]:
    """What a service has answered."""
    states = ", ".join(f"{number} {state}" for state, number in one["questions"].items())
    yield f"{role}: {one['url']}: questions: {states or 'none'}"
    if one["missing"]:
        yield f"  {len(one['missing'])} spectra could not be had, the first: {one['missing'][0]}"
    yield from (f"  {reason}" for reason in one["reasons"][:REASONS])
    if one["unanswered"] or one["failed"]:
        yield "  the same command asks again for what is missing"


def _summary(told: dict[str, Any], section: PairsSettings, found: pa.Table) -> Iterator[str]:
    radius = f"{section.radius_arcsec:g} arcsec"
    yield (
        f"stars of the training archive: {told['targets']}, "
        f"{told['near']} with a survey star within {radius}, {told['paired']} paired"
    )
    yield (
        f"survey stars there: {told[ACCEPTED]} accepted, {told[AMBIGUOUS]} as likely as another, "
        f"{told[UNLIKE]} with another spectrum, {told[CHANCE]} that chance may explain"
    )
    by_name = found.column("found_by").to_pylist().count("name")
    yield f"pairs of spectra: {found.num_rows}, {by_name} of them found by name"
    yield (
        f"stars with a wrong pair to expect: at most {told['wrong']:.2g}; {told['by_radius']:.2g} "
        f"if all within {radius} were taken"
    )
