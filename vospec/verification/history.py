"""All answers that SIMBAD has ever given, in the store.

Each block of answers is a dataset of its own under the time at which it came, complete once
its manifest is there: answers are added and never changed, and a call that is cut off loses
the block that it was asking for. What stayed without an answer stands apart, the last failure
of each spectrum alone: an hour without the service would otherwise outgrow years of answers.
The hierarchies of object types stand there under the time at which each was taken.
"""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import fs

from vospec.columns import ANSWERS, OBJECT_TYPES, Table
from vospec.lock import locked
from vospec.store import Dataset, Store, arrow_schema, fingerprint, named

#: The folder of a store that holds all of it.
ROOM = "simbad"


class History:
    """What is kept of questions to SIMBAD.

    Parameters
    ----------
    store : Store
        Where it stands.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def blocks(self) -> list[Dataset]:
        """All blocks of answers, the oldest first."""
        return list(self.store.find(f"{ROOM}/answers"))

    @property
    def hierarchy(self) -> Dataset | None:
        """The hierarchy of object types that was taken last."""
        taken = list(self.store.find(f"{ROOM}/types"))
        # One from the future was taken before the clock was set back.
        past = [dataset for dataset in taken if posixpath.basename(dataset.path) <= _now()]
        return next(reversed(past or taken), None)

    def fingerprint(self) -> str:
        """What changes with anything that is kept here."""
        return fingerprint(found=[dataset.path for dataset in self.store.find(ROOM)])

    def answers(self) -> pa.Table:
        """All answers in the columns of :data:`vospec.columns.ANSWERS`, the oldest first."""
        return _read(self.blocks, ANSWERS)

    def failures(self) -> pa.Table:
        """The last failure of each spectrum."""
        rows = _read(list(self.store.find(f"{ROOM}/failures")), ANSWERS)
        return rows.take(last(rows))

    def types(self) -> pa.Table:
        """The hierarchy that was taken last; no rows where none was."""
        taken = self.hierarchy
        return _read([] if taken is None else [taken], OBJECT_TYPES)

    def keep_answers(self, rows: pa.Table, **facts: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Add a block of answers."""
        self._write("answers", ANSWERS, rows, **facts)

    def keep_failures(self, rows: pa.Table) -> None:
        """Let failures take the place of earlier ones of the same spectra."""
        earlier = list(self.store.find(f"{ROOM}/failures"))
        known = _read(earlier, ANSWERS)
        others = pc.invert(pc.is_in(known["spectrum_id"], rows["spectrum_id"].combine_chunks()))
        rows = _conformed(rows, ANSWERS)
        self._write("failures", ANSWERS, pa.concat_tables([known.filter(others), rows]))
        # The new ones are there: none is lost whenever this ends.
        for dataset in earlier:
            dataset.remove()

    def keep_types(self, rows: pa.Table, **facts: Any) -> None:  # noqa: ANN401 - as above
        """Keep a hierarchy with its date."""
        self._write("types", OBJECT_TYPES, rows, **facts)

    def _write(self, name: str, table: Table, rows: pa.Table, **facts: Any) -> None:  # noqa: ANN401 - as above
        dataset = self.store.dataset(f"{ROOM}/{name}/{_now()}", table)
        dataset.write(_conformed(rows, table), **facts)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other calls out, which would ask the same at the same time.

        Raises
        ------
        LockedError
            Another call is at work.
        """
        room = Store(f"{self.store.uri.rstrip('/')}/{ROOM}")
        with locked(room, "vospec verify"):
            self._forget_unfinished()
            yield

    def _forget_unfinished(self) -> None:
        """Take away blocks that were being written when a call was killed."""
        kept = {dataset.location for dataset in self.store.find(ROOM)}
        filesystem = self.store.filesystem
        for name in ("answers", "failures", "types"):
            folder = posixpath.join(self.store.root, ROOM, name)
            selector = fs.FileSelector(folder, allow_not_found=True)
            with named(folder):
                for info in filesystem.get_file_info(selector):
                    if info.path not in kept:
                        filesystem.delete_dir(info.path)


def _now() -> str:
    """The time, as datasets are named."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"


def last(rows: pa.Table, *, before: datetime | None = None) -> NDArray[np.int_]:
    """Rows of the last answer about each spectrum.

    Answers from the future came before the clock was set back, and count as older than all
    others.

    Parameters
    ----------
    rows : Table
        With spectrum_id and asked_at.
    before : datetime, optional
        Answers of this time and later are not looked at.
    """
    names = rows["spectrum_id"].combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    at = rows["asked_at"].to_numpy()
    is_past = at <= _at(datetime.now(UTC))
    order = np.lexsort((at, is_past, codes))
    if before is not None:
        order = order[~is_past[order] | (at[order] < _at(before))]
    is_last = np.append(codes[order][1:] != codes[order][:-1], True)[: len(order)]
    return np.asarray(order[is_last])


def _at(time: datetime) -> np.datetime64:
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")


def _read(datasets: list[Dataset], table: Table) -> pa.Table:
    empty = arrow_schema(table).empty_table()
    return pa.concat_tables([empty, *(_conformed(d.table(), table) for d in datasets)])


def _conformed(rows: pa.Table, table: Table) -> pa.Table:
    """Rows in the columns of a table; those that an earlier version did not keep are null."""
    schema = arrow_schema(table)
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(columns, names=schema.names).cast(schema)
