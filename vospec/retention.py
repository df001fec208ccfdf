"""What a store no longer needs: datasets that no run which is kept was made from.

A manifest names the datasets that its own was made from. All that the kept runs lead to
stays, whatever its age; so does what is young, for it may be about to be used. What SIMBAD has
answered is made from no dataset and belongs to no run: its history stays for ever.
"""

import posixpath
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pyarrow import fs

from vospec.plan import Plan
from vospec.store import Dataset, Store, named
from vospec.verification.history import ROOM

_RECORD = "/record"
#: Files of a dataset, and what becomes one, but for its manifest.
_PART = re.compile(r"\.?part-\d+\.parquet(\.\w+\.incoming)?|_manifest\.json\.incoming")


def sweep(plan: Plan, *, keep_runs: int, keep_days: float) -> list[str]:
    """Delete the datasets that nothing needs; returns their paths.

    Parameters
    ----------
    plan : Plan
        What it leads to stays.
    keep_runs : int
        So many of the latest runs of each method stay, with all that they were made from.
    keep_days : float
        Younger datasets stay; so does what was begun since and not finished.

    Raises
    ------
    StoreError
        A dataset cannot be deleted.
    """
    store = plan.store
    datasets = {dataset.path: dataset for dataset in store.find("")}
    needed = _needed(datasets, [*_roots(datasets, keep_runs), *_of(plan)])
    before = datetime.now(UTC) - timedelta(days=keep_days)
    needed |= {path for path in datasets if path.startswith(f"{ROOM}/")}
    old = [path for path, d in datasets.items() if path not in needed and d.completed < before]
    # A run that is half gone must not pass for complete.
    for path in sorted(old, key=lambda path: not path.endswith(_RECORD)):
        datasets[path].remove()
    return old + _sweep_unfinished(store, set(_of(plan)), before)


def _sweep_unfinished(store: Store, wanted: set[str], before: datetime) -> list[str]:
    """Delete what jobs that were killed have left and no job will go on with."""
    selector = fs.FileSelector(store.root, recursive=True, allow_not_found=True)
    files: dict[str, list[fs.FileInfo]] = {}
    with named(store.uri):
        for info in store.filesystem.get_file_info(selector):
            if info.type == fs.FileType.File:
                files.setdefault(posixpath.dirname(info.path), []).append(info)
    gone = []
    for folder, found in sorted(files.items()):
        path = posixpath.relpath(folder, store.root)
        # Answers of SIMBAD may be on their way.
        if path in wanted or path.startswith(f"{ROOM}/") or not _is_unfinished(found, before):
            continue
        with named(folder):
            store.filesystem.delete_dir(folder)
        gone.append(path)
    return gone


def _is_unfinished(files: Sequence[fs.FileInfo], before: datetime) -> bool:
    """Whether files are those of a dataset without a manifest, and none is young."""
    names = [file.base_name for file in files]
    are_parts = all(_PART.fullmatch(name) for name in names)
    return are_parts and all(file.mtime is None or file.mtime < before for file in files)


def free_bytes(store: Store) -> int | None:
    """Bytes that the disk under a store has left; None where it stands on none of this machine."""
    if not isinstance(store.filesystem, fs.LocalFileSystem):
        return None

    with named(store.root):
        store.filesystem.create_dir(store.root, recursive=True)
        return shutil.disk_usage(store.root).free


def _of(plan: Plan) -> Iterator[str]:
    """The datasets of a plan that its runs do not name."""
    names = ("files", "spectra", "labels", "adapted", "features", "grid_table", "nearest", "edges")
    yield plan.pairs.path
    yield from (getattr(plan, name).path for name in names)
    for run in plan.runs:
        yield from (d.path for d in vars(run).values() if isinstance(d, Dataset))


def _roots(datasets: dict[str, Dataset], keep_runs: int) -> Iterator[str]:
    """The records of the latest runs of each method."""
    by_method: dict[str, list[str]] = {}
    for path in datasets:
        if path.startswith("runs/") and path.endswith(_RECORD):
            by_method.setdefault(path.split("/")[1].rpartition("-")[0], []).append(path)
    for paths in by_method.values():
        yield from sorted(paths, key=lambda path: datasets[path].completed)[-keep_runs:]


def _needed(datasets: dict[str, Dataset], roots: Sequence[str]) -> set[str]:
    needed: set[str] = set()
    pending = [path for root in roots for path in _folder_of(datasets, root)]
    while pending:
        path = pending.pop()
        if path in needed or path not in datasets:
            continue
        needed.add(path)
        pending += [other for other in _texts(datasets[path].manifest) if other in datasets]
    return needed


def _folder_of(datasets: dict[str, Dataset], root: str) -> Iterator[str]:
    """A dataset; of a run also all that stands beside its record."""
    yield root
    if root.startswith("runs/"):
        folder = root.rpartition("/")[0] + "/"
        yield from (path for path in datasets if path.startswith(folder))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
