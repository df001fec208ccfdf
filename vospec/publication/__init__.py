"""PostgreSQL under DaCHS: the tables of schema ``vospec``, loading, switching."""

from vospec.publication.adding import add
from vospec.publication.contents import Connection, Content
from vospec.publication.database import connect, create_tables, current_run
from vospec.publication.kept import KeptRun, kept_runs, prune
from vospec.publication.loading import publish
from vospec.publication.pointer import make_current, rollback
from vospec.publication.reports import keep_report
from vospec.publication.serving import Served, served

__all__ = [
    "Connection",
    "Content",
    "KeptRun",
    "Served",
    "add",
    "connect",
    "create_tables",
    "current_run",
    "keep_report",
    "kept_runs",
    "make_current",
    "prune",
    "publish",
    "rollback",
    "served",
]
