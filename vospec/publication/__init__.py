"""PostgreSQL under DaCHS: the tables of schema ``vospec``, loading, switching."""

from vospec.publication.database import connect, create_tables, current_run
from vospec.publication.loading import Content, publish

__all__ = ["Content", "connect", "create_tables", "current_run", "publish"]
