"""What astronomers ask of millions of scores, as PostgreSQL gets it from DaCHS."""

import re
from pathlib import Path

import psycopg
import pyvo
from psycopg import sql

from tests.conftest import Instance

#: One question a line of the issue's table, by ADQL.
QUESTIONS = {
    "100 best scores of the current run": """
        SELECT TOP 100 spectrum_id, score, probability FROM vospec.scores
        JOIN vospec.runs USING (run_id) WHERE state = 'current' AND score > 0
        ORDER BY score DESC""",
    "the same, those without a score first": """
        SELECT TOP 100 spectrum_id, score, probability FROM vospec.scores
        JOIN vospec.runs USING (run_id) WHERE state = 'current' ORDER BY score DESC""",
    "candidates within 1 degree": """
        SELECT spectrum_id, score, rank FROM vospec.candidates
        WHERE DISTANCE(ra, dec, {ra}, {dec}) < 1""",
    "spectra within 1 degree": """
        SELECT spectrum_id, ra, dec, snr FROM vospec.spectra
        WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, 1))""",
    "spectra of which the region meets a circle": """
        SELECT obs_publisher_did, s_region FROM ivoa.obscore
        WHERE 1 = INTERSECTS(s_region, CIRCLE({ra}, {dec}, 0.1))""",
    "candidates, SIMBAD and spectra": """
        SELECT c.spectrum_id, c.score, s.main_id, s.verdict, p.object, p.mag_r
        FROM vospec.candidates AS c
        JOIN vospec.simbad AS s ON s.spectrum_id = c.spectrum_id
        JOIN vospec.spectra AS p ON p.spectrum_id = c.spectrum_id
        WHERE s.verdict = 'not_in_simbad' ORDER BY c.rank""",
    "scores of one spectrum in all runs": """
        SELECT run_id, score, rank FROM vospec.scores WHERE spectrum_id = '{spectrum_id}'""",
    "what the current run changed": """
        SELECT * FROM vospec.score_changes""",
}

#: Seconds within which the database must answer.
TARGET = 0.3


def ask(instance: Instance, superuser: psycopg.Connection[tuple[str]], **known: object) -> None:
    """Ask each question by TAP, and explain what DaCHS made of it."""
    service = pyvo.dal.TAPService(f"{instance.url}/tap")
    log = instance.folder / "postgres" / "server.log"
    superuser.execute("ALTER ROLE untrusted SET log_statement = 'all'")
    try:
        for what, question in QUESTIONS.items():
            adql = " ".join(question.format(**known).split())
            end = log.stat().st_size
            n_rows = len(service.run_sync(adql, maxrec=1_000_000))
            statement = _sent(log, end)
            print(f"── {what}: {n_rows} rows\n{adql}\nas DaCHS sends it:\n{statement}")
            _explain(superuser, statement)
    finally:
        superuser.execute("ALTER ROLE untrusted RESET log_statement")


def _sent(log: Path, start: int) -> str:
    """The last query of our tables that the log has behind a place."""
    with log.open("rb") as file:
        file.seek(start)
        text = file.read().decode()
    found = re.findall(
        r"(?:statement|execute [^:]*): (.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", text, re.DOTALL
    )
    ours = [each for each in found if re.search(r"\b(vospec|ivoa)\.", each)]
    return " ".join(ours[-1].split())


def _explain(superuser: psycopg.Connection[tuple[str]], statement: str) -> None:
    explained = sql.SQL("EXPLAIN (ANALYZE, BUFFERS) ") + sql.SQL(statement)  # type: ignore[arg-type]
    # Once without looking, so that what it needs is in memory.
    for _ in range(2):
        plan = [row[0] for row in superuser.execute(explained)]
    times = [
        float(line.split()[-2]) for line in plan if re.match("(Planning|Execution) Time", line)
    ]
    verdict = "as wanted" if sum(times) < 1e3 * TARGET else f"MORE than {TARGET} s"
    print("\n".join(f"    {line}" for line in plan))
    print(f"    planning and execution {sum(times):.1f} ms: {verdict}\n", flush=True)
