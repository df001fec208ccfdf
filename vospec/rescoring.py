"""Scoring again by itself: from what has come in to what is served.

The steps follow each other in one job, which holds the lock of the store. Each leaves its
datasets, so that a job that was killed goes on where it stopped; the mark of the last step
tells where that was. Readers keep the old run until the new one is whole and the gate has let
it through.
"""

import json
import logging
import posixpath
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pyarrow import fs

from vospec import additions, gate, interim, pipeline, publication, report, retention
from vospec.errors import LockedError, StoreError
from vospec.increment import Increment, increment
from vospec.job import Job
from vospec.plan import Plan, Run
from vospec.progress import duration
from vospec.report import Report
from vospec.store import Store, named
from vospec.verification.report import Outcome as Verified
from vospec.verify import unasked, verify

logger = logging.getLogger(__name__)

MARK = "rescore.json"
REPORTS = "reports"


@dataclass
class Steps:
    """The steps of a job: the mark of the one at work, and the seconds that each took.

    Attributes
    ----------
    before : Before or None
        What readers saw before the job, once it is known. A job that goes on where another
        has published, but not reported, reports against what the other one found.
    """

    store: Store
    seconds: dict[str, float] = field(default_factory=dict)
    before: report.Before | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Mark a step while the body does it."""
        self._mark(name)
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started
        logger.info("%s: done in %s", name, duration(self.seconds[name]))

    def take_up(self) -> None:
        """Say where the last job was killed, if it was, and go on from there."""
        path = self._path
        with named(path):
            if self.store.filesystem.get_file_info(path).type != fs.FileType.File:
                return
            with self.store.filesystem.open_input_stream(path) as stream:
                text = stream.read().decode()
        last = json.loads(text or "{}")
        if last.get("step"):
            logger.warning("the job of %s ended within: %s; going on", last["at"], last["step"])
        if last.get("before"):
            self.before = report.Before(**last["before"])

    def end(self) -> None:
        """Mark that nothing is under way."""
        self.before = None
        self._mark(None)

    @property
    def _path(self) -> str:
        return posixpath.join(self.store.root, MARK)

    def _mark(self, step: str | None) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        mark = {"step": step, "at": at, "before": self.before and asdict(self.before)}
        with named(self._path):
            incoming = f"{self._path}.incoming"
            with self.store.filesystem.open_output_stream(incoming) as stream:
                stream.write(json.dumps(mark).encode())
            self.store.filesystem.move(incoming, self._path)


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its report, whether the gate was open, whether SIMBAD answered."""

    report: Report
    published: bool
    verified: bool


def rescore(job: Job, *, in_full: bool = False) -> Outcome:
    """Score what has come in, publish it where the gate lets it through, and report.

    Parameters
    ----------
    job : Job
        Of all files in the folders of its settings; the store is locked.
    in_full : bool
        Make a new run even where few spectra came in.

    Returns
    -------
    Outcome
        What became of it.

    Raises
    ------
    StoreError
        The disk under the store is all but full.
    VospecError
        What a step raises; readers see what they saw before.
    """
    require_space(job)
    steps = Steps(job.plan.store)
    steps.take_up()
    found = _found(job, in_full=in_full)
    logger.info("%s: %s", "additions to the last run" if found.new else "a full run", found.why)
    own = Job(job.settings, job.engine, found.plan)
    _score(own, found, steps)
    with steps.step("verify"):
        verified = _verify(found.plan)
    made, is_open = _publish(own, found, verified, steps)
    with steps.step("sweep"):
        _sweep(found.plan)
    steps.end()
    return Outcome(made, is_open, verified.complete)


def require_space(job: Job) -> None:
    """Refuse to begin what a full disk would end.

    Raises
    ------
    StoreError
        Less is free under the store than the settings ask for.
    """
    least, free = job.settings.rescore.min_free_gigabytes, retention.free_bytes(job.plan.store)
    if free is not None and free < least * 1e9:
        message = (
            f"{job.plan.store.uri}: {free / 1e9:.1f} GB are free, expected at least {least:g} "
            "([rescore] min_free_gigabytes)"
        )
        raise StoreError(message)


def _found(job: Job, *, in_full: bool) -> Increment:
    if in_full:
        return Increment(job.plan, None, "asked for")
    share = job.settings.rescore.max_added_share
    return increment(job.settings, max_added_share=share, elsewhere=job.plan.elsewhere)


def _score(own: Job, found: Increment, steps: Steps) -> None:
    if found.new is None:
        for name in ("ingest", "features", "score"):
            with steps.step(name):
                getattr(pipeline, name)(own)
        return
    with steps.step("additions"):
        interim.score(own, Job(found.new.settings, own.engine, found.new))


def _verify(plan: Plan) -> Verified:
    """Ask SIMBAD; where somebody else is asking, what he has not heard yet comes the next time."""
    try:
        return verify(plan)
    except LockedError as fault:
        logger.warning("verify: %s", fault)
        return unasked(plan, str(fault))


def _publish(own: Job, found: Increment, verified: Verified, steps: Steps) -> tuple[Report, bool]:
    """Let the gate decide, publish or keep aside, and report what was decided."""
    plan, section = own.plan, own.settings.publication
    with publication.connect(
        host=section.host, port=section.port, database=section.database, user=section.user
    ) as connection:
        publication.create_tables(connection, service_url=section.service_url)
        before = publication.served(connection)
        steps.before = steps.before or report.Before.of(before)
        run = plan.runs[0]
        candidates = report.candidates_of(run)
        names = frozenset(row["spectrum_id"] for row in candidates)
        checks = gate.checks(_record(run), names, before, own.settings.gate)
        checks += _added(plan, run)
        is_open = all(check.holds for check in checks)
        if is_open:
            with steps.step("publish"):
                pipeline.publish(own)
            candidates = _now(candidates, publication.served(connection))
        outcome = _outcome(run, steps.before, is_open=is_open)
        made = _report(own, found, checks, outcome, steps)
        entered, left = report.changes(candidates, steps.before)
        verdicts = report.in_order(verified.shares[run.run_id])
        made = replace(made, entered=entered, left=left, verdicts=verdicts)
        with steps.step("report"):
            _keep(connection, made, plan)
    return made, is_open


def _added(plan: Plan, run: Run) -> list[gate.Check]:
    """The question to what was added to a run, published or not."""
    added = additions.all_of(plan.store, run)
    if not added:
        return []
    counts = [(a.scores.manifest["rows"], a.candidates.manifest["rows"]) for a in added]
    n_scored, n_candidates = map(sum, zip(*counts, strict=True))
    return [gate.check_added(n_scored, n_candidates, _record(run), plan.settings.gate)]


def _record(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = run.record.table().to_pylist()[0]
    return row


def _now(
    candidates: list[dict[str, Any]], served: publication.Served | None
) -> list[dict[str, Any]]:
    """The candidates with those that were added to them since, as readers see them."""
    known = {row["spectrum_id"] for row in candidates}
    scores = {} if served is None else served.scores
    best = sorted(scores, key=scores.__getitem__, reverse=True)
    added = ({"spectrum_id": name, "score": scores[name]} for name in best if name not in known)
    return [*candidates, *added]


def _outcome(run: Run, before: report.Before, *, is_open: bool) -> str:
    served = f"{before.run_id} stays served" if before.run_id else "nothing is served"
    if not is_open:
        return f"run {run.run_id} did not pass the gate and is kept aside; {served}"
    if before.run_id == run.run_id:
        return f"run {run.run_id} is served as before, with what was added to it"
    return f"run {run.run_id} is served"


def _report(
    own: Job, found: Increment, checks: list[gate.Check], outcome: str, steps: Steps
) -> Report:
    run = own.plan.runs[0]
    return Report(
        run_id=run.run_id,
        outcome=outcome,
        why=found.why,
        checks=checks,
        records=[_record(one) for one in own.plan.runs],
        quality=report.quality_of(own.plan),
        verdicts={},
        entered=(),
        left=(),
        thresholds=run.thresholds.table().to_pylist(),
        seconds=steps.seconds,
        settings=asdict(own.settings),
    )


def _keep(connection: publication.Connection, made: Report, plan: Plan) -> None:
    """Write the report into the store and into the database, from which the service shows it."""
    page = report.page(made, plan, n_pictures=plan.settings.rescore.n_pictures)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = posixpath.join(plan.store.root, REPORTS, f"{moment}-{made.run_id}")
    for name, text in (
        ("report.json", made.json),
        ("report.html", page),
        ("report.txt", made.text),
    ):
        path = posixpath.join(folder, name)
        with named(path):
            plan.store.filesystem.create_dir(folder, recursive=True)
            with plan.store.filesystem.open_output_stream(path) as stream:
                stream.write(text.encode())
    facts = {"outcome": made.outcome, "page": page, "facts": made.json}
    publication.keep_report(connection, made.run_id, **facts)
    logger.info("report: %s", posixpath.join(folder, "report.html"))


def _sweep(plan: Plan) -> None:
    section = plan.settings.rescore
    gone = retention.sweep(plan, keep_runs=section.keep_runs, keep_days=section.keep_days)
    if gone:
        logger.info("sweep: %d datasets that no kept run needs are deleted", len(gone))
