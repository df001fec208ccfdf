"""Whether a new run may take the place of the one that is served.

A run that came out of broken input or of a bad setting looks like any other to the database.
What it tells of itself is compared with what the served run told; each check is one sentence,
whether it held or not.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vospec.config import GateSettings
from vospec.publication import Served

#: What a run tells of itself: its row of :data:`vospec.columns.RUNS`.
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One question to a run, whether its answer is good, and the answer in words."""

    name: str
    holds: bool
    told: str


def checks(
    record: Record, candidates: frozenset[str], served: Served | None, settings: GateSettings
) -> list[Check]:
    """Put all questions to a run.

    Parameters
    ----------
    record : mapping
        The row of :data:`vospec.columns.RUNS` of the new run.
    candidates : frozenset of str
        The identifiers of its candidates.
    served : Served or None
        What readers see now; None before the first run, which is compared with nothing.
    settings : GateSettings
        How much worse a run may be.

    Returns
    -------
    list of Check
        The gate is open where all of them hold.
    """
    found = [_converged(record), _has_candidates(record)]
    if served is not None:
        found += [
            _usable(record, served.record, settings),
            _as_many(record, served.record, settings),
            _precise(record, served.record, settings),
            *_known(candidates, served, settings),
        ]
    return found


def check_added(n_scored: int, n_candidates: int, record: Record, settings: GateSettings) -> Check:
    """Whether candidates are about as frequent among what was added as they are in the run.

    Parameters
    ----------
    n_scored, n_candidates : int
        Spectra that were added to the run, and candidates among them.
    record : mapping
        The row of :data:`vospec.columns.RUNS` of the run.
    settings : GateSettings
        How much more frequent they may be; few that are expected may come out as some more.
    """
    expected = n_scored * record["n_candidates"] / max(record["n_usable"], 1)
    most = settings.max_candidates_factor * expected + 5 * math.sqrt(expected) + 5
    told = f"{n_candidates} candidates among {n_scored} spectra that were added, at most {most:.0f}"
    return Check("additions", n_candidates <= most, told)


def _converged(record: Record) -> Check:
    told = f"the propagation took {record['n_iter']} iterations"
    return Check("converged", bool(record["converged"]), told)


def _has_candidates(record: Record) -> Check:
    return Check("candidates", record["n_candidates"] > 0, f"{record['n_candidates']} candidates")


def _usable(record: Record, last: Record, settings: GateSettings) -> Check:
    new, old = record["n_usable"], last["n_usable"]
    least = (1 - settings.max_usable_loss) * old
    return Check("usable spectra", new >= least, f"{new}, before {old}, at least {least:.0f}")


def _as_many(record: Record, last: Record, settings: GateSettings) -> Check:
    """Candidates per usable spectrum must be about as frequent as they were."""
    new, old = (one["n_candidates"] / max(one["n_usable"], 1) for one in (record, last))
    factor = settings.max_candidates_factor
    holds = old / factor <= new <= old * factor
    told = f"{new:.2g} of the spectra, before {old:.2g}, by no more than a factor {factor:g} apart"
    return Check("share of candidates", holds, told)


def _precise(record: Record, last: Record, settings: GateSettings) -> Check:
    name, new, old = "expected precision", *(r["candidate_precision"] for r in (record, last))
    if old is None:
        return Check(name, holds=True, told=f"{_number(new)}, before none")
    least = old - settings.max_precision_loss
    holds = new is not None and new >= least
    return Check(name, holds, f"{_number(new)}, before {old:.3f}, at least {least:.3f}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _known(candidates: frozenset[str], served: Served, settings: GateSettings) -> Iterator[Check]:
    known = served.known
    if not known:
        return
    share = len(known & candidates) / len(known)
    told = (
        f"{len(known & candidates)} of {len(known)} candidates that are known emission-line stars "
        f"are candidates again, at least {settings.min_known_share:.0%}"
    )
    yield Check("known stars", share >= settings.min_known_share, told)
