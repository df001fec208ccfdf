"""The templates of deploy/cluster: settings that vospec takes, every key with its meaning."""

import re
from pathlib import Path

import pyspark
import pytest

from tests.deploy.conftest import CHECKOUT
from vospec import config
from vospec.backend.session import _variables
from vospec.config import SparkSettings

FOLDER = CHECKOUT / "deploy" / "cluster"
SETTINGS = sorted(FOLDER.glob("*.toml"))
PROPERTIES = sorted(FOLDER.glob("*.properties"))
#: The version of Hadoop's client that pyspark brings.
HADOOP = next((Path(pyspark.__path__[0]) / "jars").glob("hadoop-client-api-*.jar")).stem[18:]


def _commented(lines: list[str]) -> bool:
    """Whether every line that sets something has a comment above, its own or of a group."""
    kept = ["" if re.match(r"\[|\s*$", line) else line for line in lines]
    return all(above for above, line in zip(["", *kept], kept, strict=False) if _sets(line))


def _sets(line: str) -> bool:
    return bool(line) and not line.startswith("#")


def test_there_is_one_for_every_kind_of_cluster() -> None:
    masters = [config.load(path).spark.master.partition(":")[0] for path in SETTINGS]
    assert masters == ["k8s", "spark", "yarn"]


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.name)
def test_settings_are_sound_and_told(path: Path) -> None:
    settings = config.load(path)
    assert settings.store.folder != config.StoreSettings().folder
    assert settings.survey.folders
    assert settings.training.folders
    assert settings.spark.driver_host != SparkSettings().driver_host
    assert settings.spark.environment
    assert _commented(path.read_text().splitlines())


@pytest.mark.parametrize("path", PROPERTIES, ids=lambda path: path.name)
def test_properties_hold_no_secret_and_are_told(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert _commented(lines)
    names = [line.split(" ", 1) for line in lines if _sets(line)]
    assert all(len(name) == 2 and name[0].startswith("spark.") for name in names)
    # The template itself, which all can read, is taken.
    assert path.stat().st_mode & 0o004
    assert str(path) in _variables(SparkSettings(properties=str(path)))["PYSPARK_SUBMIT_ARGS"]


def test_settings_name_properties_that_are_there() -> None:
    named = [config.load(path).spark.properties for path in SETTINGS]
    assert [name for name in named if "/" not in name and not (FOLDER / name).is_file()] == []


def test_connectors_are_of_the_hadoop_that_pyspark_brings() -> None:
    text = (FOLDER / "connectors.properties").read_text()
    found = set(re.findall(r"org\.apache\.hadoop:hadoop-\w+:([\d.]+)", text))
    assert found == {HADOOP}
    assert f"hadoop-aws-{HADOOP}.jar" in text
