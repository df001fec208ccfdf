"""What is kept of SIMBAD's answers, with the verdicts that today's rules give it.

Verdicts are not stored: a better rule, or a type that SIMBAD has put elsewhere in its hierarchy,
holds for all answers, and what changes between two answers is what SIMBAD tells.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vospec.columns import FAILED, FOUND, NOTHING, SIMBAD, VERDICT_RULES, Verdict
from vospec.store import arrow_schema, fingerprint
from vospec.verification import verdicts
from vospec.verification.history import History, last
from vospec.verification.types import ObjectTypes
from vospec.verification.verdicts import Judge

_WITHOUT_SOURCE = {NOTHING: Verdict.NOT_IN_SIMBAD, FAILED: Verdict.SERVICE_FAILED}
_COLUMNS = ("state", "otype", "otypes", "sp_type")


@dataclass(frozen=True)
class Change:
    """What SIMBAD tells of a spectrum now, and what it told before."""

    spectrum_id: str
    main_id: str | None
    verdict: Verdict
    previous_verdict: Verdict
    otype: str | None
    previous_otype: str | None

    @property
    def became_known(self) -> bool:
        """Whether there was no source before."""
        return self.previous_verdict is Verdict.NOT_IN_SIMBAD

    def line(self) -> str:
        """The same in words."""
        what = "became known" if self.became_known else "changed"
        told = ", ".join(filter(None, (self.main_id, self.otype)))
        before = " ".join(filter(None, (self.previous_verdict, self.previous_otype)))
        return f"{what}: {self.spectrum_id}: {before} → {self.verdict} ({told or 'no source'})"


def judge(history: History) -> Judge:
    """The rules with the hierarchy that was taken last."""
    return Judge(ObjectTypes(history.types().to_pylist()))


def judged(history: History) -> pa.Table:
    """All answers and failures, in the columns of :data:`vospec.columns.SIMBAD`."""
    return _with_verdicts(pa.concat_tables([history.answers(), history.failures()]), history)


def contents(history: History) -> dict[str, tuple[pa.Table, str]]:
    """What is published: rows by the name of their table, and a fingerprint of them."""
    rules = list(verdicts.rows())
    found = fingerprint(found=history.fingerprint(), rules=rules)
    rows = pa.Table.from_pylist(rules, schema=arrow_schema(VERDICT_RULES))
    return {
        "simbad": (judged(history), found),
        "object_types": (history.types(), found),
        "verdict_rules": (rows, fingerprint(rules=rules)),
    }


def latest(rows: pa.Table, *, before: datetime | None = None) -> pa.Table:
    """Of judged rows the last about each spectrum; a failure where there is nothing else."""
    failed = pc.equal(rows["state"], FAILED)
    answers, failures = rows.filter(pc.invert(failed)), rows.filter(failed)
    answers, failures = (part.take(last(part, before=before)) for part in (answers, failures))
    known = pc.is_in(failures["spectrum_id"], answers["spectrum_id"].combine_chunks())
    return pa.concat_tables([answers, failures.filter(pc.invert(known))])


def shares(rows: pa.Table, spectra: pa.Array) -> Counter[str]:
    """Numbers of spectra by the verdicts of :func:`latest` rows."""
    found = pc.index_in(spectra, rows["spectrum_id"].combine_chunks())
    words = pc.fill_null(rows["verdict"].take(found), Verdict.NOT_ASKED)
    return Counter(words.to_pylist())


def changes(rows: pa.Table, spectra: pa.Array, *, since: datetime) -> Iterator[Change]:
    """Spectra of which SIMBAD tells another thing than before a time, where it was asked then."""
    answers = rows.filter(pc.not_equal(rows["state"], FAILED))
    now, before = (_of(latest(answers, before=limit), spectra) for limit in (None, since))
    for name in sorted(now.keys() & before.keys()):
        new, old = now[name], before[name]
        if (new["verdict"], new["otype"]) != (old["verdict"], old["otype"]):
            yield Change(
                name,
                new["main_id"],
                Verdict(new["verdict"]),
                Verdict(old["verdict"]),
                new["otype"],
                old["otype"],
            )


def _of(rows: pa.Table, spectra: pa.Array) -> dict[str, dict[str, Any]]:
    told = rows.filter(pc.is_in(rows["spectrum_id"], spectra))
    told = told.select(["spectrum_id", "main_id", "verdict", "otype"])
    return {row["spectrum_id"]: row for row in told.to_pylist()}


def _with_verdicts(rows: pa.Table, history: History) -> pa.Table:
    find, found = judge(history), []
    for state, *told in zip(*(rows[name].to_pylist() for name in _COLUMNS), strict=True):
        found.append(find(*told) if state == FOUND else (_WITHOUT_SOURCE[state], None))
    words = {
        "verdict": pa.array([verdict.value for verdict, _ in found], pa.string()),
        "rule": pa.array([rule for _, rule in found], pa.string()),
    }
    schema = arrow_schema(SIMBAD)
    columns = [words[name] if name in words else rows[name] for name in schema.names]
    return pa.table(columns, names=schema.names).cast(schema)
