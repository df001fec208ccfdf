"""PostgreSQL under DaCHS: the tables of schema ``vospec``, loading, switching."""

from vospec.publication.adding import add
from vospec.publication.database import connect, create_tables, current_run
from vospec.publication.loading import Connection, Content, publish

__all__ = ["Connection", "Content", "add", "connect", "create_tables", "current_run", "publish"]
