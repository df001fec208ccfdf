"""What took long to make is kept, within bounds, and never given out when it is spoilt."""

import importlib.util
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# DaCHS loads it by its path, too.
_PATH = Path(__file__).parents[2] / "resdir" / "res" / "cache.py"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cache", _PATH)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def cache(module: ModuleType, folder: Path) -> Any:  # noqa: ANN401 - of that module
    return module.Cache(folder, 1000)


def _counted(content: bytes) -> tuple[Callable[[], bytes], list[bytes]]:
    made: list[bytes] = []

    def make() -> bytes:
        made.append(content)
        return content

    return make, made


def test_what_is_made_is_kept(cache: Any, module: ModuleType, folder: Path) -> None:  # noqa: ANN401
    make, made = _counted(b"picture")
    assert [cache.get("key", make) for _ in range(3)] == [b"picture"] * 3
    assert module.Cache(folder, 1000).get("key", make) == b"picture"
    assert made == [b"picture"]


def test_another_key_is_another_thing(cache: Any) -> None:  # noqa: ANN401
    assert cache.get("old", lambda: b"before") == b"before"
    assert cache.get("new", lambda: b"after") == b"after"
    assert cache.get("old", lambda: b"never") == b"before"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b"P" + path.read_bytes()[1:]),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    ],
    ids=["empty", "cut", "changed", "longer"],
)
def test_what_is_spoilt_is_made_anew(
    cache: Any,  # noqa: ANN401
    folder: Path,
    spoil: Callable[[Path], object],
) -> None:
    make, made = _counted(b"picture")
    cache.get("key", make)
    spoil(folder / "key")
    assert cache.get("key", make) == b"picture"
    assert cache.get("key", make) == b"picture"
    assert made == [b"picture"] * 2


def test_longest_unused_go_first(cache: Any, folder: Path) -> None:  # noqa: ANN401
    for number, key in enumerate("abcd"):
        cache.get(key, lambda: bytes(200))
        os.utime(folder / key, (number, number))
    # It is used again, and so b is the oldest.
    cache.get("a", lambda: b"never")
    cache.get("e", lambda: bytes(200))
    assert {path.name for path in folder.iterdir()} == {"a", "c", "d", "e"}
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1000


def test_what_is_too_large_is_given_and_not_kept(cache: Any, folder: Path) -> None:  # noqa: ANN401
    assert cache.get("key", lambda: bytes(2000)) == bytes(2000)
    assert list(folder.iterdir()) == []


def test_what_was_left_unfinished_goes(cache: Any, folder: Path) -> None:  # noqa: ANN401
    folder.mkdir()
    old, new = folder / "old.unfinished", folder / "new.unfinished"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    cache.get("key", lambda: b"picture")
    assert {path.name for path in folder.iterdir()} == {"key", new.name}


def test_where_nothing_can_be_kept_it_is_made_each_time(module: ModuleType, folder: Path) -> None:
    folder.write_bytes(b"no folder")
    cache, (make, made) = module.Cache(folder, 1000), _counted(b"picture")
    assert [cache.get("key", make) for _ in range(2)] == [b"picture"] * 2
    assert made == [b"picture"] * 2


def test_a_failure_is_not_kept(cache: Any) -> None:  # noqa: ANN401
    def fail() -> bytes:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the one above
        cache.get("key", fail)
    assert cache.get("key", lambda: b"picture") == b"picture"


def test_many_at_once_make_one(cache: Any) -> None:  # noqa: ANN401
    together, made = threading.Barrier(8), []

    def make() -> bytes:
        made.append(None)
        # Long enough for the others to come.
        time.sleep(0.05)
        return b"picture"

    def get(_: int) -> bytes:
        together.wait()
        content: bytes = cache.get("key", make)
        return content

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, range(8))) == {b"picture"}
    assert len(made) == 1


def test_processes_may_share_a_folder(module: ModuleType, folder: Path) -> None:
    caches = [module.Cache(folder, 600) for _ in range(4)]

    def work(number: int) -> bool:
        key = str(number % 5)
        content: bytes = caches[number % 4].get(key, lambda: key.encode() * 150)
        return content == key.encode() * 150

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    assert not [path for path in folder.iterdir() if path.suffix == ".unfinished"]
