"""Files and a store in S3, which a service on loopback plays, through the tasks of Spark."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from tests.bucket import bucket
from tests.conftest import N_SURVEY, N_TRAINING
from vospec import archives, config, listing
from vospec.plan import Plan


@pytest.fixture(scope="module")
def archive(folder: Path) -> Iterator[str]:
    """The simulated survey in a bucket; the environment says where that is."""
    with bucket(folder) as (address, _):
        yield address


def test_the_listing_is_that_of_the_folder(archive: str, folder: Path) -> None:
    found = list(listing.files((f"{archive}/survey",)))
    local = list(listing.files((str(folder / "survey"),)))
    assert [(f.stem, f.size) for f in found] == [(f.stem, f.size) for f in local]
    assert all(file.path.startswith("s3a://archive/a%20sky/survey/") for file in found)


@pytest.mark.spark
def test_spectra_and_features_are_made_in_a_bucket(
    archive: str, folder: Path, tmp_path: Path
) -> None:
    toml = tmp_path / "vospec.toml"
    toml.write_text(f"""
        [store]
        folder = "{archive}/store"
        [survey]
        folders = ["{archive}/survey"]
        [training]
        folders = ["{archive}/training"]
        labels = ["{folder}/training/labels.csv"]
        [spark]
        master = "local[2]"
        driver_memory = "1g"
    """)
    # A session of its own: the workers of Spark have the environment in which it started.
    for stage in ("ingest", "features", "ingest"):
        command = [sys.executable, "-m", "vospec", stage, "--config", str(toml)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)  # noqa: S603 - our own command
        assert done.returncode == 0, done.stdout + done.stderr
    assert "spectra: nothing new" in done.stderr

    plan = Plan(config.load(toml))
    total = N_SURVEY + N_TRAINING + 3
    assert plan.features.manifest["rows"] == plan.spectra.manifest["rows"] == total
    columns = ["path", "release", "n_pixels", "quality", "checksum"]
    for row in plan.spectra.table(columns).slice(0, 20).to_pylist():
        beside = folder / listing.split(row["path"])[2].removeprefix("archive/a sky/")
        if not row["quality"]:
            read = archives.read(beside)
            assert (row["release"], row["n_pixels"]) == (read.release, len(read.flux))
    assert [
        info.path
        for info in listing.locate(archive)[0].get_file_info(fs.FileSelector(plan.spectra.location))
        if "incoming" in info.path
    ] == []
