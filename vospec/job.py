"""A job: a plan, its settings, and the engine that carries it out."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlparse

from vospec.backend import faults, hadoop, parts
from vospec.backend.session import Engine
from vospec.columns import Table
from vospec.config import Settings
from vospec.lock import locked
from vospec.plan import Plan
from vospec.progress import Progress
from vospec.store import Dataset, Store

_T = TypeVar("_T")


class Job:
    """A plan and the engine that carries it out.

    Parameters
    ----------
    settings : Settings
        The job's settings.
    engine : Engine
        The engine.
    plan : Plan, optional
        That of the settings, where it is not of all files in their folders.
    """

    def __init__(self, settings: Settings, engine: Engine, plan: Plan | None = None) -> None:
        self.settings = settings
        self.plan = plan or Plan(settings, hadoop.walk(engine))
        self.engine = engine
        self.n_jobs = len(os.sched_getaffinity(0))

    def on_spark(self, total: int) -> bool:
        """Whether so many spectra are worth what Spark costs at the start."""
        return total >= self.settings.spark.min_spectra

    def make(  # noqa: PLR0913 - named parameters of one method
        self,
        what: str,
        dataset: Dataset,
        table: Table,
        content: parts.Content,
        *,
        n_parts: int,
        total: int,
        processes: bool = False,
    ) -> parts.Made:
        """Make the missing parts of a dataset, through Spark or here, with progress."""
        progress = Progress(what, total)
        if self.on_spark(total):
            tasks = self.engine.session.range(0, n_parts, 1, n_parts)
            return parts.write(tasks, dataset, content, table=table, progress=progress)
        return parts.write_here(
            n_parts, dataset, content, table=table, progress=progress, processes=processes
        )

    def of_files(
        self, what: str, dataset: Dataset, table: Table, content: parts.Content
    ) -> parts.Made:
        """Make the missing parts of a dataset, as many as there are of the files."""
        n_parts, total = self.plan.n_parts, self.plan.inventory[1]
        return self.make(
            what, dataset, table, content, n_parts=n_parts, total=total, processes=True
        )

    def shared(self, value: _T, total: int) -> Callable[[], _T]:
        """What all tasks need, as they get at it."""
        if not self.on_spark(total):
            return lambda: value
        broadcast = self.engine.session.sparkContext.broadcast(value)
        return lambda: broadcast.value


@contextmanager
def open_job(settings: Settings, what: str) -> Iterator[Job]:
    """Open a job; its Spark session, if one was needed, and its lock end with it.

    Parameters
    ----------
    settings : Settings
        The job's settings.
    what : str
        The command, for those who find the store locked.

    Raises
    ------
    LockedError
        Another job works on the store.
    VospecError
        What a task of Spark has raised; a `WorkerError` where one was lost.
    """
    with locked(Store(settings.store.folder), what), _engine(settings) as engine, faults.told():
        yield Job(settings, engine)


def _engine(settings: Settings) -> Engine:
    return Engine(settings.spark, _scratch(settings.store.folder))


def _scratch(store: str) -> Path:
    """Spark spills into a local store, or into the temporary folder where the store is remote."""
    scheme = urlparse(store).scheme
    if scheme not in ("", "file"):
        return Path(tempfile.gettempdir(), "vospec-scratch")
    return Path(unquote(urlparse(store).path)).resolve() / "scratch"
