"""The views of schema ``vospec``: what readers see of runs, through one pointer.

All of them read `current_run`, so that they switch together. What SIMBAD knows of a star
stands in `verdicts`, a row a spectrum, and follows the answers and not the run.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from vospec.columns import (
    CANDIDATES,
    FEATURES,
    JUDGEMENT,
    NEIGHBOURS,
    PUBLISHED_CANDIDATES,
    RUNS,
    SCORE_CHANGES,
    SCORES,
    Column,
)

#: Where DaCHS serves the descriptor, below the service's address.
RESOURCE = "vospec/q"

#: Percent-encodes what an address does not hold as it is.
FUNCTIONS = (
    sql.SQL(
        "CREATE OR REPLACE FUNCTION vospec.escaped(name text) RETURNS text"
        " LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$"
        " SELECT string_agg(CASE WHEN letter ~ '[A-Za-z0-9/._~-]' THEN letter"
        " ELSE regexp_replace(upper(encode(convert_to(letter, 'UTF8'), 'hex')), '(..)', '%\\1',"
        " 'g') END, '' ORDER BY place)"
        " FROM regexp_split_to_table(name, '') WITH ORDINALITY AS letters (letter, place) $$"
    ),
)


@dataclass(frozen=True)
class View:
    """A view: its name, the names of its columns and the query that gives its rows."""

    name: str
    columns: tuple[str, ...]
    rows: sql.Composed


def views() -> Iterator[View]:
    """All views; each needs the tables alone."""
    yield View("runs", RUNS.names, _runs())
    yield View("scores", SCORES.names, _scores())
    yield View("candidates", PUBLISHED_CANDIDATES.names, _candidates())
    yield View("neighbours", NEIGHBOURS.names, _neighbours())
    narrow = [column for column in FEATURES if not column.type.endswith("[]")]
    query = sql.SQL("SELECT {} FROM vospec.features").format(_of(narrow))
    yield View("feature_summary", tuple(column.name for column in narrow), query)
    yield View("score_changes", SCORE_CHANGES.names, sql.Composed([sql.SQL(_SCORE_CHANGES)]))


def make(connection: psycopg.Connection[tuple[object, ...]], view: View) -> None:
    """Make a view, or make it anew where it is another."""
    name, path = sql.Identifier("vospec", view.name), f"vospec.{view.name}"
    mark = hashlib.sha256(view.rows.as_string(connection).encode()).hexdigest()
    row = connection.execute(
        "SELECT obj_description(to_regclass(%s), 'pg_class')", (path,)
    ).fetchone()
    # Whoever makes a view anew waits for all its readers, and new ones wait for him.
    if row == (mark,):
        return
    found = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
        " ORDER BY attnum",
        (path,),
    )
    # A view can be replaced by one of the same columns only.
    if tuple(str(row[0]) for row in found) not in ((), view.columns):
        connection.execute(sql.SQL("DROP VIEW {}").format(name))
    connection.execute(sql.SQL("CREATE OR REPLACE VIEW {} AS ").format(name) + view.rows)
    connection.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(name, mark))


def _of(columns: Sequence[Column], table: LiteralString | None = None) -> sql.Composed:
    """The names of columns, of a table where it is given."""
    of = [] if table is None else [table]
    return sql.SQL(", ").join(sql.Identifier(*of, column.name) for column in columns)


def _runs() -> sql.Composed:
    stored = [column for column in RUNS if column.name != "state"]
    return sql.SQL(
        "SELECT {}, CASE WHEN run_id = (SELECT run_id FROM vospec.current_run) THEN 'current'"
        " ELSE 'kept' END AS state FROM vospec.run_records"
    ).format(_of(stored))


def _scores() -> sql.Composed:
    # A run that is being loaded has no record yet. An array, and no join, leaves the planner
    # its choice of a way through the partitions.
    return sql.SQL(
        "SELECT {} FROM vospec.score_records"
        " WHERE run_id = ANY (ARRAY(SELECT run_id FROM vospec.run_records))"
    ).format(_of(SCORES.columns))


def _neighbours() -> sql.Composed:
    return sql.SQL(
        "SELECT {} FROM vospec.neighbour_records"
        " WHERE run_id = (SELECT run_id FROM vospec.current_run)"
    ).format(_of(NEIGHBOURS.columns))


def _candidates() -> sql.Composed:
    # Where nobody has asked there is no row of verdicts.
    first, *others = JUDGEMENT
    return sql.SQL(
        "SELECT {stored}, COALESCE(verdicts.{first}, 'not_asked') AS {first}, {others},"
        " {address} || 'preview/custom/' || vospec.escaped(records.spectrum_id) || '.png'"
        " AS preview,"
        " {address} || 'dl/dlmeta?ID=' || vospec.escaped(records.spectrum_id) AS datalink"
        " FROM vospec.candidate_records AS records"
        " LEFT JOIN vospec.verdicts AS verdicts ON verdicts.spectrum_id = records.spectrum_id"
        " WHERE records.run_id = (SELECT run_id FROM vospec.current_run)"
    ).format(
        stored=_of(CANDIDATES.columns, "records"),
        first=sql.Identifier(first.name),
        others=_of(others, "verdicts"),
        address=sql.SQL("(SELECT url FROM vospec.service) || '/{}/'").format(sql.SQL(RESOURCE)),
    )


#: Candidates of either run. What SIMBAD told before is the last answer from before the end of
#: the current run. A score that a candidate tells is not sought among all; that each is one is
#: said, or the planner would seek it and throw it away.
_SCORE_CHANGES: LiteralString = """
WITH pointer AS MATERIALIZED (
  SELECT current_run.run_id, previous_run_id, ended
  FROM vospec.current_run JOIN vospec.run_records USING (run_id)
),
both_runs AS (
  SELECT spectrum_id, now.score AS new_score, before.score AS old_score,
    now.rank AS new_rank, before.rank AS old_rank,
    now.spectrum_id IS NOT NULL AS is_new, before.spectrum_id IS NOT NULL AS is_old
  FROM (SELECT spectrum_id, score, rank FROM vospec.candidate_records
    WHERE run_id = (SELECT run_id FROM pointer)) AS now
  FULL JOIN (SELECT spectrum_id, score, rank FROM vospec.candidate_records
    WHERE run_id = (SELECT previous_run_id FROM pointer)) AS before USING (spectrum_id)
),
judged AS (
  SELECT both_runs.*, pointer.run_id, pointer.previous_run_id,
    COALESCE(verdicts.verdict, 'not_asked') AS verdict, verdicts.otype,
    earlier.verdict AS earlier_verdict, earlier.otype AS earlier_otype
  FROM both_runs CROSS JOIN pointer
  LEFT JOIN vospec.verdicts ON verdicts.spectrum_id = both_runs.spectrum_id
  LEFT JOIN LATERAL (
    SELECT verdict, otype FROM vospec.simbad
    WHERE simbad.spectrum_id = both_runs.spectrum_id AND state <> 'failed'
      AND asked_at < pointer.ended
    ORDER BY asked_at DESC LIMIT 1
  ) AS earlier ON true
  WHERE pointer.previous_run_id IS NOT NULL
)
SELECT judged.spectrum_id,
  CASE WHEN NOT is_old THEN 'entered' WHEN NOT is_new THEN 'left'
    WHEN (new_score, new_rank) IS DISTINCT FROM (old_score, old_rank) THEN 'moved'
    ELSE 'judged' END AS change,
  judged.run_id, judged.previous_run_id,
  COALESCE(new_score, scores.score) AS score,
  COALESCE(old_score, previous.score) AS previous_score,
  COALESCE(new_rank, scores.rank) AS rank, COALESCE(old_rank, previous.rank) AS previous_rank,
  verdict, COALESCE(earlier_verdict, 'not_asked') AS previous_verdict,
  otype, earlier_otype AS previous_otype
FROM judged
LEFT JOIN LATERAL (
  SELECT score, rank FROM vospec.score_records
  WHERE NOT is_new AND score_records.spectrum_id = judged.spectrum_id
    AND score_records.run_id = (SELECT run_id FROM pointer) LIMIT 1
) AS scores ON true
LEFT JOIN LATERAL (
  SELECT score, rank FROM vospec.score_records
  WHERE NOT is_old AND score_records.spectrum_id = judged.spectrum_id
    AND score_records.run_id = (SELECT previous_run_id FROM pointer) LIMIT 1
) AS previous ON true
WHERE NOT is_old OR NOT is_new
  OR (new_score, new_rank) IS DISTINCT FROM (old_score, old_rank)
  OR (earlier_verdict IS NOT NULL
    AND (verdict, otype) IS DISTINCT FROM (earlier_verdict, earlier_otype))
"""
