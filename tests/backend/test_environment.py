import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from tests.bucket import bucket
from vospec.backend import environment
from vospec.errors import SparkError

#: What tasks load, and where Python found it.
PROGRAM = """
import importlib, json, pkgutil, sys
import vospec.archives, vospec.backend, vospec.learning, vospec.spectra, vospec.columns
for package in (vospec.archives, vospec.backend, vospec.learning, vospec.spectra):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name not in ("vospec.archives.ssa", "vospec.archives.simulated"):
            importlib.import_module(module.name)
files = {str(getattr(module, "__file__", "")) for module in sys.modules.values()}
places = sorted(file for file in files if "-packages/" in file)
print(json.dumps([sys.prefix, sys.base_prefix, places]))
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    environment.pack(folder)
    return folder


@pytest.fixture(scope="module")
def unpacked(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The archive as Spark unpacks it; nearly a gigabyte, so it does not stay."""
    place = tmp_path_factory.mktemp("a place")
    command = ["/bin/tar", "-xzf", packed / environment.name(), "-C", place]
    subprocess.run(command, check=True)  # noqa: S603 - the system's own program
    yield place
    shutil.rmtree(place)


def test_unpacked_anywhere_it_loads_nothing_from_elsewhere(unpacked: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [unpacked / "bin" / "python", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=unpacked.parent,
        env={},
    )
    prefix, base, places = json.loads(done.stdout)
    assert (prefix, base) == (str(unpacked), sys.base_prefix)
    assert len(places) > 1000
    assert [path for path in places if not path.startswith(f"{unpacked}/lib/")] == []


def test_it_has_neither_java_nor_tests_nor_commands(unpacked: Path) -> None:
    files = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if not path.is_dir()]
    assert not [name for name in files if name.endswith(".jar")]
    unwanted = ("/pandas/tests/", "-packages/pytest/", "-packages/psycopg/", "/matplotlib/")
    assert not [name for name in files if any(part in name for part in unwanted)]
    assert sorted(name for name in files if "/" not in name) == ["pyvenv.cfg"]
    assert sorted(name for name in files if name.startswith("bin/")) == [
        "bin/python",
        "bin/python3",
    ]
    assert len(files) > 5000


def test_what_is_packed_is_left_alone(packed: Path) -> None:
    before = (packed / environment.name()).stat().st_mtime_ns
    assert environment.pack(packed).stat().st_mtime_ns == before
    assert [path.name for path in packed.iterdir()] == [environment.name()]


def test_another_code_has_another_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = environment.name()
    copy = tmp_path / "vospec"
    shutil.copytree(environment._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(environment, "_PACKAGE", copy)
    assert environment.name() == before
    (copy / "errors.py").write_text((copy / "errors.py").read_text() + "\n")
    changed = environment.name()
    assert changed != before
    monkeypatch.setattr(environment, "_LOADED", environment._LOADED[1:])
    assert environment.name() not in {before, changed}


def test_the_archive_of_this_code_is_found(packed: Path) -> None:
    assert environment.find(str(packed)) == (packed / environment.name()).as_uri()
    assert environment.find(packed.as_uri()) == (packed / environment.name()).as_uri()


def test_an_archive_of_another_code_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "vospec-0.0.0-000000000000.tar.gz").touch()
    with pytest.raises(SparkError, match=f"{tmp_path}: expected {environment.name()} of this"):
        environment.find(str(tmp_path))


def test_an_archive_in_a_bucket_is_found(tmp_path: Path) -> None:
    for part in ("survey", "training"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.fits").touch()
    with bucket(tmp_path) as (address, variables):
        with pytest.raises(SparkError, match="s3a://archive/a sky: expected vospec-"):
            environment.find(address)
        client = fs.S3FileSystem(endpoint_override=variables["AWS_ENDPOINT_URL"])
        client.open_output_stream(f"archive/a sky/{environment.name()}").close()
        assert environment.find(address) == f"{address}/{environment.name()}"


def test_where_only_hadoop_can_look_spark_will_tell() -> None:
    wanted = f"hdfs://nowhere.invalid:8020/vospec/{environment.name()}"
    assert environment.find("hdfs://nowhere.invalid:8020/vospec/") == wanted
