"""Parts of datasets: whole or not at all, made once, the same whoever makes them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from vospec.backend import parts
from vospec.backend.session import Engine
from vospec.columns import ADAPTED, Quality
from vospec.progress import Progress
from vospec.store import Dataset, Store, arrow_schema

N_PARTS, ROWS = 5, 3
SCHEMA = arrow_schema(ADAPTED)


def _rows(part: int) -> pa.RecordBatch:
    rows = [
        {
            "spectrum_id": f"s{part}/{i}",
            "flux": np.full(4, part + i / 8, np.float32),
            "mask": np.zeros(4, dtype=bool),
            "quality": int(Quality.NO_SIGNAL if part == i else 0),
        }
        for i in range(ROWS)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def _content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield _rows(part)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Store(str(tmp_path / "store")).dataset("adapted/abc")


def _write(engine: Engine, dataset: Dataset, content: parts.Content) -> parts.Made:
    tasks = engine.session.range(0, N_PARTS, 1, N_PARTS)
    progress = Progress("making", N_PARTS * ROWS)
    made = parts.write(tasks, dataset, content, table=ADAPTED, progress=progress)
    assert progress.done == made.rows
    return made


def _files(dataset: Dataset) -> dict[str, tuple[int, int]]:
    found = sorted(Path(dataset.location).iterdir())
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


@pytest.mark.spark
def test_rows_are_written_and_counted(engine: Engine, dataset: Dataset) -> None:
    made = _write(engine, dataset, _content)
    rows = [row for part in range(N_PARTS) for row in _rows(part).to_pylist()]
    assert dataset.parts().to_table().to_pylist() == rows
    assert (made.parts, made.rows, made.usable) == (N_PARTS, 15, 12)
    assert made.counts == [{"quality": 0, "n": 12}, {"quality": int(Quality.NO_SIGNAL), "n": 3}]


@pytest.mark.spark
def test_finished_parts_survive_and_are_not_made_again(engine: Engine, dataset: Dataset) -> None:
    def until_it_breaks(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield _rows(part)
        if part == 3:
            message = "the power fails"
            raise RuntimeError(message)

    with pytest.raises(Exception, match="the power fails"):
        _write(engine, dataset, until_it_breaks)
    before = _files(dataset)
    assert before
    assert "part-00003.parquet" not in before
    assert not [name for name in before if "incoming" in name]

    made = _write(engine, dataset, _content)
    after = _files(dataset)
    assert {name: after[name] for name in before} == before
    assert len(after) == N_PARTS
    assert made.rows == N_PARTS * ROWS


@pytest.mark.spark
def test_what_a_killed_task_left_is_swept(engine: Engine, dataset: Dataset) -> None:
    dataset.sweep(N_PARTS)
    for name in (".part-00001.parquet.0123.incoming", "part-00007.parquet", "_SUCCESS"):
        Path(dataset.location, name).write_bytes(b"half")
    _write(engine, dataset, _content)
    assert list(_files(dataset)) == [f"part-{part:05d}.parquet" for part in range(N_PARTS)]


@pytest.mark.spark
def test_parts_are_the_same_bytes_whoever_makes_them(engine: Engine, tmp_path: Path) -> None:
    one, other = (Store(str(tmp_path / name)).dataset("x/y") for name in ("one", "other"))
    _write(engine, one, _content)
    other.sweep(N_PARTS)
    for part in reversed(range(N_PARTS)):
        parts._write_part(other, part, _content(part, iter(())), SCHEMA)
    for part in range(N_PARTS):
        assert Path(one.part(part)).read_bytes() == Path(other.part(part)).read_bytes()


def test_a_second_task_at_the_same_part_does_no_harm(dataset: Dataset) -> None:
    dataset.sweep(1)

    def slowly(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield _rows(part)
        # Meanwhile another task starts and ends.
        parts._write_part(dataset, part, _content(part, iter(())), SCHEMA)

    parts._write_part(dataset, 0, slowly(0, iter(())), SCHEMA)
    assert list(_files(dataset)) == ["part-00000.parquet"]
    assert parquet.read_table(dataset.part(0)).to_pylist() == _rows(0).to_pylist()


def test_row_groups_are_read_by_role(tmp_path: Path) -> None:
    dataset = Store(str(tmp_path)).dataset("spectra/x")
    dataset.sweep(1)
    table = pa.table(
        {"role": ["training", "survey", None, "survey", "training", "training"], "x": range(6)}
    )
    with parquet.ParquetWriter(dataset.part(0), table.schema) as writer:
        writer.write_table(table, row_group_size=2)
    found = {
        role: [
            value
            for rows in parts.read_role(dataset, 0, role)
            for value in rows.read("x").column("x").take(pa.array(rows.chosen)).to_pylist()
        ]
        for role in ("survey", "training")
    }
    assert found == {"survey": [1, 2, 3], "training": [0, 4, 5]}
    assert [len(rows) for rows in parts.read(dataset, 0, ("x",))] == [2, 2, 2]
