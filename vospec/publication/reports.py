"""Reports of runs, which the service shows: `reports` has a row a run, the last that was told."""

import psycopg

from vospec.errors import DatabaseError


def keep_report(
    connection: psycopg.Connection[tuple[object, ...]],
    run_id: str,
    *,
    outcome: str,
    page: str,
    facts: str,
) -> None:
    """Keep the report of a run, in place of an earlier one of the same run.

    Parameters
    ----------
    connection : psycopg.Connection
        As :func:`~vospec.publication.connect` gives it.
    run_id : str
        The run, whether it is published or not.
    outcome : str
        What became of it, in one sentence.
    page, facts : str
        The report as HTML and as JSON.

    Raises
    ------
    DatabaseError
        PostgreSQL refuses.
    """
    try:
        connection.execute(
            "INSERT INTO vospec.reports (run_id, outcome, page, facts, made)"
            # It comes after all others, also where the clock was set back.
            " SELECT %s, %s, %s, %s, GREATEST(now() AT TIME ZONE 'UTC',"
            " max(made) + interval '1 microsecond') FROM vospec.reports"
            " ON CONFLICT (run_id) DO UPDATE SET outcome = excluded.outcome,"
            " page = excluded.page, facts = excluded.facts, made = excluded.made",
            (run_id, outcome, page, facts),
        )
    except psycopg.Error as error:
        message = f"the report of run {run_id}: {str(error).strip().partition(chr(10))[0]}"
        raise DatabaseError(message) from error
