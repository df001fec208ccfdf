# noqa: INP001 - DaCHS loads this file by its path
"""Reports of runs: a page and JSON for each, and a list of them all."""

import html
import urllib.parse

from gavo import api, svcs

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)

HTML, JSON = "text/html", "application/json"

_ONE = "SELECT page, facts FROM vospec.reports WHERE run_id = %(run_id)s"
_ALL = "SELECT run_id, made, outcome FROM vospec.reports ORDER BY made DESC"


def make(name: str) -> tuple[str, bytes]:
    """Media type and content of ``index.html``, ``<run_id>.html`` or ``<run_id>.json``.

    Raises
    ------
    gavo.svcs.UnknownURI
        There is no report of this run; becomes HTTP status 404.
    """
    if name == "index.html":
        return HTML, _index().encode()
    run_id, _, kind = name.rpartition(".")
    row = datasets.one(_ONE, run_id=run_id) if kind in {"html", "json"} else None
    if row is None:
        message = f"No report {name}"
        raise svcs.UnknownURI(message)
    return (HTML, row["page"].encode()) if kind == "html" else (JSON, row["facts"].encode())


def _index() -> str:
    lines = (
        f"<tr><td>{row['made']:%Y-%m-%d %H:%M}</td>"
        f'<td><a href="{urllib.parse.quote(row["run_id"], safe="")}.html">'
        f"{html.escape(row['run_id'])}</a></td><td>{html.escape(row['outcome'])}</td></tr>"
        for row in datasets.rows(_ALL)
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Reports of runs</title>'
        "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem}"
        "td,th{padding:.2rem 1rem .2rem 0;text-align:left;vertical-align:top}</style></head><body>"
        "<h1>Reports of runs</h1>"
        "<p>What each run gave, and whether it passed its gate. Times are UTC.</p>"
        f"<table><tr><th>Made</th><th>Run</th><th>Outcome</th></tr>{''.join(lines)}</table>"
        "</body></html>"
    )
