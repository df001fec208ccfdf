"""The stage of verification: what SIMBAD knows of the candidates of all runs of a plan.

It asks what has not been asked, what was asked too long ago, with another radius or at another
position, and what stayed without an answer. What it finds stands in the store when a block of
questions is answered; a service that fails stops nothing, and takes no earlier answer away.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vospec import additions
from vospec.archives.ssa import Transport
from vospec.errors import StoreError
from vospec.plan import Plan, Run
from vospec.store import Dataset
from vospec.verification import judging, questions, report
from vospec.verification.history import History
from vospec.verification.questions import Questions
from vospec.verification.report import Outcome

_ORIGIN = ["spectrum_id", "ra", "dec"]


def verify(plan: Plan, *, again: bool = False, transport: Transport | None = None) -> Outcome:
    """Ask SIMBAD about the candidates of a plan.

    Parameters
    ----------
    plan : Plan
        Its runs are complete.
    again : bool
        Ask about all of them, whenever they were asked about.
    transport : Transport, optional
        Carries the questions; by default one as the settings ask for.

    Raises
    ------
    StoreError
        A run is missing or incomplete.
    LockedError
        Another call is at work.
    """
    started, section = datetime.now(UTC), plan.settings.verification
    spectra, history = _candidates(plan), History(plan.store)
    with history.alone(), transport or questions.transport_of(section) as carrier:
        asked = Questions(history, section, carrier)
        due = spectra if again else questions.due(spectra, history, section)
        done = asked.ask(due) if len(due) else Outcome()
        done = replace(done, requests=carrier.n_requests, unknown=tuple(asked.unknown()))
    return _told(plan, history, started, done)


def unasked(plan: Plan, reason: str) -> Outcome:
    """What is known of the candidates of a plan where nobody could be asked.

    Parameters
    ----------
    plan : Plan
        Its runs are complete.
    reason : str
        Why; those who would have been asked about count as failed.
    """
    history = History(plan.store)
    due = questions.due(_candidates(plan), history, plan.settings.verification)
    reasons = (reason,) if len(due) else ()
    done = Outcome(asked=len(due), failed=len(due), reasons=reasons)
    return _told(plan, history, datetime.now(UTC), done)


def contents(plan: Plan) -> dict[str, tuple[pa.Table, str]]:
    """What is published of all that SIMBAD has answered; see :func:`judging.contents`."""
    return judging.contents(History(plan.store))


def lines(plan: Plan, run: Run) -> Iterator[str]:
    """What SIMBAD tells of a run's candidates, and what it tells otherwise since the run."""
    rows, spectra = judging.judged(History(plan.store)), _names(plan, run)
    ended = run.record.table(["ended"])["ended"][0].as_py()
    if len(rows):
        yield report.told_shares(judging.shares(judging.latest(rows), spectra))
        yield from report.told_changes(tuple(judging.changes(rows, spectra, since=ended)))


def _told(plan: Plan, history: History, started: datetime, done: Outcome) -> Outcome:
    rows = judging.judged(history)
    latest = judging.latest(rows)
    spectra = {run.run_id: _names(plan, run) for run in plan.runs}
    all_spectra = pa.concat_arrays(list(spectra.values())).unique()
    return replace(
        done,
        shares={run_id: judging.shares(latest, names) for run_id, names in spectra.items()},
        changes=tuple(judging.changes(rows, all_spectra, since=started)),
        without_position=len(all_spectra) - len(_candidates(plan)),
    )


def _datasets(plan: Plan, run: Run) -> list[Dataset]:
    return [run.candidates, *(added.candidates for added in additions.all_of(plan.store, run))]


def _names(plan: Plan, run: Run) -> pa.Array:
    tables = [dataset.table(["spectrum_id"]) for dataset in _datasets(plan, run)]
    return pa.concat_tables(tables)["spectrum_id"].combine_chunks()


def _candidates(plan: Plan) -> pa.Table:
    """Candidates of all runs, and what was added to them, that have a position; each once."""
    for run in plan.runs:
        if not run.record.is_complete():
            message = f"{plan.store.uri}: run {run.run_id} is missing or incomplete; score first"
            raise StoreError(message)
    tables = [d.table(_ORIGIN) for run in plan.runs for d in _datasets(plan, run)]
    rows = pa.concat_tables(tables)
    rows = rows.filter(pc.and_(pc.is_finite(rows["ra"]), pc.is_finite(rows["dec"])))
    _, first = np.unique(rows["spectrum_id"].to_numpy(zero_copy_only=False), return_index=True)
    return rows.take(np.sort(first))
