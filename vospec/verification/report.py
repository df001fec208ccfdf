"""What a call of ``vospec verify`` has done and found, in words."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from vospec.verification.judging import Change

#: Changes that are told one by one; the table score_changes has all of them.
MOST_TOLD = 20


@dataclass(frozen=True)
class Outcome:
    """What a call has done and what is known now.

    Attributes
    ----------
    asked, failed, requests : int
        Spectra that were asked about, those without an answer, requests for it.
    without_position : int
        Candidates that cannot be asked about.
    reasons : tuple of str
        Why there was no answer, each reason once.
    shares : dict
        For each run the number of candidates by verdict.
    changes : tuple of Change
        What SIMBAD tells otherwise than before this call.
    unknown : tuple of str
        Object types that the hierarchy does not have.
    """

    asked: int = 0
    failed: int = 0
    requests: int = 0
    without_position: int = 0
    reasons: tuple[str, ...] = ()
    shares: dict[str, Counter[str]] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything that was asked has been answered."""
        return not self.failed

    def lines(self) -> Iterator[str]:
        """The same in words."""
        answered = self.asked - self.failed
        yield (
            f"asked about {self.asked} spectra in {self.requests} requests: "
            f"{answered} answered, {self.failed} failed"
        )
        yield from (f"failed: {reason}" for reason in self.reasons)
        if self.failed:
            yield "what failed keeps its earlier answer; the same command asks again"
        if self.without_position:
            yield f"{self.without_position} candidates have no position to ask about"
        if self.unknown:
            told = ", ".join(self.unknown)
            yield f"object types that SIMBAD's hierarchy does not have, which no rule reads: {told}"
        for run_id, shares in self.shares.items():
            yield f"{run_id}: {told_shares(shares)}"
        yield from told_changes(self.changes)


def told_shares(shares: Counter[str]) -> str:
    """Numbers of candidates by verdict in one line, the most frequent first."""
    total = max(shares.total(), 1)
    told = (f"{n} {verdict} ({100 * n / total:.0f} %)" for verdict, n in shares.most_common())
    return f"{shares.total()} candidates: " + (", ".join(told) or "none")


def told_changes(changes: tuple[Change, ...]) -> Iterator[str]:
    """Changes in lines, who became known first."""
    in_order = sorted(changes, key=lambda change: not change.became_known)
    yield from (change.line() for change in in_order[:MOST_TOLD])
    if len(changes) > MOST_TOLD:
        yield f"and {len(changes) - MOST_TOLD} more changes: see the table score_changes"
