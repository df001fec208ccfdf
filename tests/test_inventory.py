from itertools import pairwise
from pathlib import Path

import pytest

from vospec import inventory
from vospec.listing import File
from vospec.store import Dataset, Store


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Store(str(tmp_path)).dataset("files/abc")


def _files(n: int) -> list[File]:
    # Every tenth name stands in two folders.
    names = [("a", i) for i in range(n)] + [("b", i) for i in range(0, n, 10)]
    return [File(f"/{folder}/s{i:04d}.fits", f"s{i:04d}", 1, 1) for folder, i in names]


@pytest.mark.parametrize("n_parts", [1, 7, 100])
def test_every_file_is_in_one_part(
    dataset: Dataset, n_parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "HELD", 64)
    assert inventory.write(dataset, _files(500), n_parts) == 550
    parts = [list(inventory.paths_of(dataset, part, n_parts)) for part in range(n_parts)]
    assert sorted(path for part in parts for path in part) == sorted(f.path for f in _files(500))


def test_files_of_one_name_are_in_one_part_after_each_other(dataset: Dataset) -> None:
    inventory.write(dataset, _files(200), 16)
    together = 0
    for part in range(16):
        names = [path.rpartition("/")[2] for path in inventory.paths_of(dataset, part, 16)]
        together += sum(one == other for one, other in pairwise(names))
    assert together == 20


def test_parts_do_not_depend_on_the_order_of_the_listing(dataset: Dataset) -> None:
    inventory.write(dataset, _files(200), 16)
    before = [list(inventory.paths_of(dataset, part, 16)) for part in range(16)]
    inventory.write(dataset, reversed(_files(200)), 16)
    assert [list(inventory.paths_of(dataset, part, 16)) for part in range(16)] == before


@pytest.mark.parametrize(
    ("n_files", "n_parts"), [(1, 1), (7, 7), (7000, 16), (131_072, 16), (131_073, 17)]
)
def test_parts_are_many_enough_and_large_enough(n_files: int, n_parts: int) -> None:
    assert inventory.parts_of(n_files) == n_parts
