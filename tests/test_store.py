from pathlib import Path

import pyarrow as pa
import pytest

from vospec.errors import StoreError
from vospec.store import Store, fingerprint


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def test_fingerprints_tell_inputs_apart_but_not_their_order() -> None:
    assert fingerprint(a=1, b=(2, 3)) == fingerprint(b=[2, 3], a=1)
    assert fingerprint(a=1, b=2) != fingerprint(a=1, b=3)
    assert len(fingerprint()) == 12


def test_what_was_written_is_read(store: Store) -> None:
    table = pa.table({"x": [1, 2, 3]})
    store.dataset("spectra/abc").write(table, inputs=["files/def"])
    dataset = store.dataset("spectra/abc")
    assert dataset.table().equals(table)
    assert dataset.manifest["rows"] == 3
    assert dataset.manifest["inputs"] == ["files/def"]


def test_an_incomplete_dataset_is_none(store: Store) -> None:
    dataset = store.dataset("spectra/abc")
    dataset.clear()
    assert not dataset.is_complete()
    with pytest.raises(StoreError, match="spectra/abc: this dataset is missing or incomplete"):
        dataset.read()


def test_what_was_interrupted_is_cleared(store: Store, tmp_path: Path) -> None:
    leftover = tmp_path / "store/spectra/abc/part-7.parquet"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    store.dataset("spectra/abc").write(pa.table({"x": [1]}))
    assert not leftover.exists()


def test_what_is_removed_is_gone(store: Store, tmp_path: Path) -> None:
    store.dataset("spectra/abc").write(pa.table({"x": [1]}))
    store.dataset("spectra/abc").remove()
    assert list((tmp_path / "store/spectra").iterdir()) == []


def test_complete_datasets_are_found_in_order(store: Store) -> None:
    for path in ("runs/b/record", "runs/a/record", "spectra/abc"):
        store.dataset(path).write(pa.table({"x": [1]}))
    store.dataset("runs/c/record").clear()
    assert [found.path for found in store.find("runs")] == ["runs/a/record", "runs/b/record"]
    assert list(store.find("nothing")) == []


def test_a_uri_is_the_same_as_its_folder(tmp_path: Path) -> None:
    Store(str(tmp_path)).dataset("x/y").write(pa.table({"x": [1]}))
    assert Store(tmp_path.as_uri()).dataset("x/y").table().num_rows == 1
