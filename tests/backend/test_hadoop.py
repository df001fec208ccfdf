"""Folders that only Spark's Hadoop client knows: a table of mounts stands for HDFS."""

import re
import shutil
from pathlib import Path

import pytest

from vospec import archives, config, listing, pipeline
from vospec.backend import hadoop
from vospec.backend.session import Engine
from vospec.errors import FileSystemError, NoSpectraError
from vospec.job import Job

#: Hadoop would take brackets and braces for patterns, and a URI a percent sign for an escape.
NAME = "a [sky]{1}, 5%20?"


@pytest.fixture(scope="module")
def sky(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few files, bad ones and two of one name among them, in a folder of a difficult name."""
    sky = tmp_path_factory.mktemp("sky")
    shutil.copytree(folder / "training", sky / "training")
    shutil.copytree(folder / "survey" / "bad", sky / "survey" / NAME)
    good = sorted(file for file in (folder / "survey").rglob("*.fits*") if "bad" not in str(file))
    for file in good[:20]:
        shutil.copy(file, sky / "survey")
    return sky


@pytest.fixture(scope="module")
def mounted(sky: Path, engine: Engine) -> str:
    configuration = engine.session._jsc.hadoopConfiguration()
    configuration.set("fs.viewfs.mounttable.sky.link./data", sky.as_uri())
    return "viewfs://sky/data"


def _settings(store: Path, survey: str, training: Path) -> config.Settings:
    return config.Settings(
        store=config.StoreSettings(str(store)),
        survey=config.SurveySettings((survey,)),
        training=config.TrainingSettings((str(training),)),
    )


def _rows(job: Job, sky: Path) -> list[dict]:
    """All rows of what was read, without the place of the folder."""
    rows = job.plan.spectra.table().to_pylist()
    for row in rows:
        row["path"] = listing.split(row["path"])[2].removeprefix(str(sky)).removeprefix("/data")
        row["reason"] = row["reason"] and re.sub(r" (/|viewfs:).*", "", row["reason"])
    return sorted(rows, key=lambda row: row["spectrum_id"])


def test_only_hadoop_opens_it(mounted: str) -> None:
    with pytest.raises(FileSystemError, match="viewfs://sky/: this file system cannot be opened"):
        list(listing.files((mounted,)))
    assert listing.unopened((mounted, "/tmp")) == {("viewfs", "sky")}  # noqa: S108 - not used


@pytest.mark.spark
def test_the_listing_is_that_of_the_folder(sky: Path, mounted: str, engine: Engine) -> None:
    found = list(listing.files((f"{mounted}/survey",), hadoop.walk(engine)))
    local = list(listing.files((str(sky / "survey"),)))
    assert {(f.stem, f.size) for f in found} == {(f.stem, f.size) for f in local}
    assert len(found) == len(local)
    places = {listing.split(file.path)[2].removeprefix("/data") for file in found}
    assert places == {file.path.removeprefix(str(sky)) for file in local}


@pytest.mark.spark
def test_a_folder_that_is_not_there_is_named(mounted: str, engine: Engine) -> None:
    with pytest.raises(NoSpectraError, match="viewfs://sky/data/gone: the folder cannot be listed"):
        list(listing.files((f"{mounted}/gone",), hadoop.walk(engine)))


@pytest.mark.spark
def test_rows_are_those_of_local_files(
    sky: Path, mounted: str, engine: Engine, tmp_path: Path
) -> None:
    local, mixed = (
        Job(_settings(tmp_path / name, survey, sky / "training"), engine)
        for name, survey in (("local", str(sky / "survey")), ("mixed", f"{mounted}/survey"))
    )
    for job in (local, mixed):
        pipeline.ingest(job)
    rows, others = _rows(mixed, sky), _rows(local, sky)
    # Spark does not give what is empty: such a file keeps its row, and has no checksum there.
    empty = next(row for row in rows if row["spectrum_id"] == "unread/empty")
    known = next(row for row in others if row["spectrum_id"] == "unread/empty")
    assert empty["quality"] == known["quality"]
    assert "empty" in empty["reason"]
    assert [row for row in rows if row is not empty] == [row for row in others if row is not known]
    assert sum("survey" in row["path"] for row in rows) == 23
    assert mixed.plan.labels.table().num_rows == local.plan.labels.table().num_rows > 0


@pytest.mark.spark
def test_a_file_that_is_too_large_keeps_its_row(
    sky: Path, mounted: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 20_000)
    job = Job(_settings(tmp_path, f"{mounted}/survey", sky / "training"), engine)
    pipeline.ingest(job)
    rows = [row for row in _rows(job, sky) if row["path"].startswith("/survey")]
    assert len(rows) == 23
    reason = "empty, or larger than 20000 bytes, or cannot be opened"
    assert reason in {row["reason"] for row in rows}
    found = {row["path"] for row in rows if row["checksum"] is None}
    files = [file for file in (sky / "survey").rglob("*.fits*") if file.is_file()]
    wanted = [file for file in files if not 0 < file.stat().st_size <= 20_000]
    assert found == {f"/{file.relative_to(sky)}" for file in wanted}
    assert 1 < len(wanted) < len(files)
