"""What readers see now: the current run and its candidates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import rows

from vospec.columns import Verdict
from vospec.errors import DatabaseError


@dataclass(frozen=True)
class Served:
    """What readers see now.

    Attributes
    ----------
    record : mapping
        The row of :data:`vospec.columns.RUNS` of the current run.
    scores : mapping
        Scores of its candidates by spectrum_id.
    verdicts : mapping
        What SIMBAD makes of them, by spectrum_id.
    """

    record: Mapping[str, Any]
    scores: Mapping[str, float]
    verdicts: Mapping[str, str]

    @property
    def known(self) -> frozenset[str]:
        """Candidates that are known emission-line stars."""
        known = Verdict.KNOWN_EMISSION_STAR
        return frozenset(name for name, verdict in self.verdicts.items() if verdict == known)


def served(connection: psycopg.Connection[tuple[object, ...]]) -> Served | None:
    """Tell what readers see; None where nothing is published.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses, or its connection is lost.
    """
    try:
        # Both questions to the same state: a switch in between must not be seen.
        with connection.transaction(), connection.cursor(row_factory=rows.dict_row) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            record = cursor.execute("SELECT * FROM vospec.runs WHERE state = 'current'").fetchone()
            query = "SELECT spectrum_id, score, verdict FROM vospec.candidates"
            found = cursor.execute(query).fetchall()
    except psycopg.Error as error:
        message = f"what is published cannot be read: {str(error).strip().partition(chr(10))[0]}"
        raise DatabaseError(message) from error
    if record is None:
        return None
    scores, verdicts = (
        {row["spectrum_id"]: row[name] for row in found} for name in ("score", "verdict")
    )
    return Served(record, scores, verdicts)
