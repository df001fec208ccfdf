"""A DaCHS that strangers talk to: what they write is checked before it is acted upon.

`egress`
    Connections go to public addresses only, and answers are bounded.
`tables`
    Of tables that are uploaded DaCHS makes Python and SQL: what could be taken for more
    than names and numbers is refused, and rows are counted.
`queries`
    Strings in ADQL end where PostgreSQL has them end, and queries have a length.
`limits`
    Times and numbers of rows are users' to lower only; memory and files of a process.
`jobs`
    Files that users name, and notes that DaCHS keeps beside them, are data.
`pages`
    What comes from data and queries is text in pages, and links run no programs.
`connections`
    A query that fails leaves no connection behind; the others' serve the next ones.
`mends`
    How these reach into DaCHS without a changed file in it.

These variables of the environment set what is not DaCHS' own configuration:

VOSPEC_EGRESS_ALLOW
    Networks that are reached besides public addresses, with commas between: ``10.1.0.0/16``.
VOSPEC_EGRESS_BYTES
    The largest answer that is read from elsewhere (20 000 000).
VOSPEC_UPLOAD_ROWS
    The most rows of a table that is uploaded (1 000 000).
VOSPEC_QUERY_SIGNS
    The longest query in ADQL (50 000).
VOSPEC_MEMORY_BYTES
    Address space of the server and of each of its jobs (4 GiB); 0 for no bound.
VOSPEC_ANSWER_BYTES
    The largest file that either writes, an answer to a query for instance (2 GiB, and
    never more than a quarter of the space that is left); 0 for no bound.
"""

import os
import sys

from vospec_guard import connections, egress, jobs, limits, pages, queries, tables
from vospec_guard.mends import Mends


def install() -> None:
    """Guard this process to its end.

    Raises
    ------
    ValueError
        The settings in the environment cannot be read.
    """
    egress.install(
        allowed=egress.networks(os.environ.get("VOSPEC_EGRESS_ALLOW", "")),
        most_bytes=_number("VOSPEC_EGRESS_BYTES", 20_000_000),
    )
    tables.Bounds.most_rows = _number("VOSPEC_UPLOAD_ROWS", 1_000_000)
    queries.Bounds.most_signs = _number("VOSPEC_QUERY_SIGNS", 50_000)
    limits.bound_process(
        memory=_number("VOSPEC_MEMORY_BYTES", 4 * 1024**3),
        file=_number("VOSPEC_ANSWER_BYTES", 2 * 1024**3),
    )
    parts = (tables, queries, jobs, limits, pages, connections)
    mends = {name: mend for part in parts for name, mend in part.MENDS.items()}
    sys.meta_path.insert(0, Mends(mends))


def _number(name: str, default: int) -> int:
    """A number that is set in the environment."""
    text = os.environ.get(name, "")
    if text and not (text.isascii() and text.isdigit()):
        message = f"{name} must be a number of digits alone, not {text!r}"
        raise ValueError(message)
    return int(text) if text else default
