"""From the store into the database: what a publication reads, and the order of its steps."""

import logging
import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from pyarrow import parquet

from vospec import additions, publication, verify
from vospec.columns import SPECTRA
from vospec.config import PublicationSettings, Settings
from vospec.errors import StoreError
from vospec.plan import Plan, Run, run_of
from vospec.progress import Progress
from vospec.store import Dataset, Store

logger = logging.getLogger(__name__)

#: Feature vectors of one batch on their way to the database: 2 MB.
VECTORS = 2048
#: Rows of one batch of narrow tables: some 10 MB.
ROWS = 65_536

#: Few batches are read ahead: what is read waits for the database.
_AHEAD = {"batch_readahead": 2, "fragment_readahead": 1}

#: What the pixels of a spectrum are known by, and the pixels.
_KNOWN_BY = ("spectrum_id", "checksum", "n_pixels")
_ARRAYS = tuple(column.name for column in SPECTRA if column.type.endswith("[]"))
_NARROW = tuple(name for name in SPECTRA.names if name not in _ARRAYS)


def publish(plan: Plan) -> None:
    """Publish the runs of a plan in one step; the first becomes the current one.

    Raises
    ------
    VospecError
        Something is missing in the store, or the database refuses.
    """
    # A database that is not there is told before the store is looked into.
    with _connected(plan.settings) as connection:
        current, *others = plan.runs
        _publish(
            connection,
            current.run_id,
            _shared(plan) | _of_run(current),
            others={run.run_id: _of_run(run) for run in others},
            total=2 * plan.spectra.manifest["rows"]
            + plan.features.manifest["usable"]
            + _total(plan.runs),
        )
        for run in plan.runs:
            _publish_added(connection, plan.store, run)
        _prune(connection, plan.settings.publication, [run.run_id for run in plan.runs])
        logger.info("current run: %s", publication.current_run(connection))


def publish_run(settings: Settings, run_id: str) -> None:
    """Make a run the current one; one that the database does not have is loaded first.

    Raises
    ------
    StoreError
        Neither the database nor the store has such a run.
    DatabaseError
        The database refuses.
    """
    with _connected(settings) as connection:
        known = {run.run_id for run in publication.kept_runs(connection)}
        if run_id not in known:
            store = Store(settings.store.folder)
            _load(connection, store, run_of(store, run_id), known)
        publication.make_current(connection, run_id)
        _prune(connection, settings.publication, [run_id])
    logger.info("current run: %s", run_id)


def _load(connection: publication.Connection, store: Store, run: Run, known: set[str]) -> None:
    if not run.record.is_complete():
        message = (
            f"neither the store {store.uri} nor the database has a run {run.run_id}; "
            f"the database has {', '.join(sorted(known)) or 'none'}"
        )
        raise StoreError(message)
    _publish(connection, run.run_id, _of_run(run), make_current=False, total=_total([run]))
    _publish_added(connection, store, run)


def rollback(settings: Settings, run_id: str | None) -> str:
    """Go back to the run before, or to another one; returns the run.

    Raises
    ------
    DatabaseError
        There is none, or the database refuses.
    """
    with _connected(settings, make_tables=False) as connection:
        return publication.rollback(connection, run_id)


def lines(settings: Settings) -> Iterator[str]:
    """Tell the runs that the database has, in lines of a table.

    Raises
    ------
    DatabaseError
        The database cannot be reached, or refuses.
    """
    with _connected(settings, make_tables=False) as connection:
        runs = publication.kept_runs(connection)
    rows = [("run", "method", "state", "candidates", "loaded (UTC)", "size"), *map(_words, runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        words = zip(row, widths, "<<<><>", strict=True)
        yield "  ".join(f"{word:{side}{width}}" for word, width, side in words).rstrip()


def _words(run: publication.KeptRun) -> tuple[str, ...]:
    loaded = "" if run.loaded is None else f"{run.loaded:%Y-%m-%d %H:%M}"
    size = f"{run.size / 1e6:.1f} MB"
    return run.run_id, run.method, run.state, str(run.n_candidates), loaded, size


@contextmanager
def _connected(settings: Settings, *, make_tables: bool = True) -> Iterator[publication.Connection]:
    section = settings.publication
    with publication.connect(
        host=section.host, port=section.port, database=section.database, user=section.user
    ) as connection:
        if make_tables:
            publication.create_tables(connection, service_url=section.service_url)
        yield connection


def _prune(
    connection: publication.Connection, section: PublicationSettings, spare: Sequence[str]
) -> None:
    for run_id in publication.prune(connection, keep=section.keep_runs, spare=spare):
        logger.info("run %s has gone from the database ([publication] keep_runs)", run_id)


def _publish(  # noqa: PLR0913 - named parameters of one publication
    connection: publication.Connection,
    run_id: str,
    contents: dict[str, publication.Content],
    *,
    total: int,
    others: dict[str, dict[str, publication.Content]] | None = None,
    make_current: bool = True,
) -> None:
    with Progress(f"publishing {run_id}", total) as progress:
        loaded = publication.publish(
            connection,
            run_id=run_id,
            contents=contents,
            others=others,
            make_current=make_current,
            progress=_shown(progress),
        )
        progress.done = sum(loaded.values())


def _publish_added(connection: publication.Connection, store: Store, run: Run) -> None:
    for added in additions.all_of(store, run):
        total = 2 * added.spectra.manifest["rows"] + added.scores.manifest["rows"]
        with Progress(f"publishing additions to {run.run_id}", total) as progress:
            loaded = publication.add(
                connection,
                run_id=run.run_id,
                contents=_added(added),
                progress=_shown(progress),
            )
            progress.done = sum(loaded.values())


def _shown(progress: Progress) -> Callable[[str, int], None]:
    """What a publication tells its progress: rows of one content after the other."""
    done: dict[str, int] = {}

    def update(name: str, rows: int) -> None:
        # Contents of one name may come twice, of two runs.
        before = done.get(name, 0)
        done[name] = rows if rows >= before else before + rows
        progress.update(sum(done.values()))

    return update


def _total(runs: Sequence[Run]) -> int:
    return sum(run.scores.manifest["rows"] for run in runs)


def _shared(plan: Plan) -> dict[str, publication.Content]:
    """What all runs share, read from the store when the database asks for it."""
    usable = pc.field("flux").is_valid()
    vectors = plan.features.read().to_batches(filter=usable, batch_size=VECTORS, **_AHEAD)
    # Nobody must have looked for pairs.
    pairs = {"pairs": _content(plan.pairs)} if plan.pairs.is_complete() else {}
    return (
        pairs
        | _verdicts(plan)
        | {
            "spectra": publication.Content(
                _judged(plan.spectra, plan.features), plan.features.path
            ),
            "pixels": _pixels(plan.spectra),
            "features": publication.Content(vectors, plan.features.path),
            "grid": _content(plan.grid_table),
            "labels": _content(plan.labels),
        }
    )


def _verdicts(plan: Plan) -> dict[str, publication.Content]:
    """What SIMBAD has answered so far, and what is made of it."""
    return {
        name: publication.Content(rows.to_batches(max_chunksize=ROWS), mark)
        for name, (rows, mark) in verify.contents(plan).items()
    }


def _of_run(run: Run) -> dict[str, publication.Content]:
    datasets = {
        "runs": run.record,
        "reliability": run.reliability,
        "thresholds": run.thresholds,
        "scores": run.scores,
        "candidates": run.candidates,
        "neighbours": run.neighbours,
    }
    return {name: _content(dataset) for name, dataset in datasets.items()}


def _content(dataset: Dataset) -> publication.Content:
    return publication.Content(dataset.read().to_batches(batch_size=ROWS, **_AHEAD), dataset.path)


def _added(added: additions.Additions) -> dict[str, publication.Content]:
    """What came after a run, without the spectra that the run has itself."""
    scored = added.scores.table(["spectrum_id"]).column("spectrum_id").combine_chunks()
    is_usable, is_new = pc.field("flux").is_valid(), pc.field("spectrum_id").isin(scored)
    in_run = added.features.table(["spectrum_id"], where=is_usable & ~is_new).column("spectrum_id")
    but = in_run.combine_chunks()
    vectors = added.features.read().to_batches(filter=is_new, batch_size=VECTORS, **_AHEAD)
    judged = _judged(added.spectra, added.features, but=but)
    return {
        "spectra": publication.Content(judged, added.features.path),
        "pixels": _pixels(added.spectra, but=but),
        "features": publication.Content(vectors, added.features.path),
        "scores": _content(added.scores),
        "candidates": _content(added.candidates),
        "neighbours": _content(added.neighbours),
    }


def _judged(
    spectra: Dataset, features: Dataset, *, but: pa.Array | None = None
) -> Iterator[pa.RecordBatch]:
    """The spectra, but some, with the quality that they have after rectification."""
    place = _NARROW.index("quality")
    # A part of the features is of the spectra of the same part.
    for part in spectra.read().get_fragments():
        judged = parquet.read_table(
            posixpath.join(features.location, posixpath.basename(part.path)),
            columns=["spectrum_id", "quality"],
            filesystem=features.store.filesystem,
        )
        rows = _without(part.to_table(columns=list(_NARROW)), but)
        found = pc.index_in(rows.column("spectrum_id"), judged.column("spectrum_id"))
        quality = judged.column("quality").take(found)
        yield from rows.set_column(place, "quality", quality).combine_chunks().to_batches()


def _without(rows: pa.Table, but: pa.Array | None) -> pa.Table:
    return (
        rows if but is None else rows.filter(pc.invert(pc.is_in(rows.column("spectrum_id"), but)))
    )


def _pixels(spectra: Dataset, *, but: pa.Array | None = None) -> publication.Content:
    """The pixels of all spectra but some; arrays are read where the database lacks them."""
    groups = _Groups(spectra, but)
    return publication.Content(iter(groups), spectra.path, groups.arrays)


class _Groups:
    """The row groups of a dataset of spectra, one after the other."""

    def __init__(self, spectra: Dataset, but: pa.Array | None) -> None:
        self._spectra = spectra
        self._but = but
        self._group: pyarrow.dataset.Fragment

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for part in self._spectra.read().get_fragments():
            for group in part.split_by_row_group():
                self._group = group
                rows = _without(group.to_table(columns=list(_KNOWN_BY)), self._but)
                yield from rows.combine_chunks().to_batches()

    def arrays(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Some rows of the group that came last, with their arrays."""
        table = self._group.to_table(columns=["spectrum_id", *_ARRAYS])
        found = pc.index_in(rows.column("spectrum_id"), table.column("spectrum_id"))
        (batch,) = table.take(found).combine_chunks().to_batches()
        return batch
