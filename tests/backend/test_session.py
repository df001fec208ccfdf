import os
import platform
import shlex
from pathlib import Path

import pytest

from vospec.backend.session import Engine, _options, _own, _set, _sweep, _variables, require_java
from vospec.config import SparkSettings
from vospec.errors import ConfigurationError, SparkError


def test_missing_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SparkError, match="Java is missing: no java on the PATH; Spark needs"):
        require_java()


def test_old_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(SparkError, match="version 11; Spark needs 17 or later"):
        require_java()


def test_no_session_is_started_before_it_is_needed(tmp_path: Path) -> None:
    with Engine(SparkSettings(master="none"), tmp_path / "scratch"):
        assert not (tmp_path / "scratch").exists()


def test_what_killed_drivers_left_is_taken_away(tmp_path: Path) -> None:
    own, others = _own(tmp_path), _own(tmp_path).with_name("driver-elsewhere-999999999")
    killed = _own(tmp_path).with_name(f"driver-{platform.node()}-999999999")
    for folder in (own, others, killed):
        (folder / "spark-1").mkdir(parents=True)
    _sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {own, others}


def test_properties_that_are_not_there_are_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent.properties"
    with pytest.raises(ConfigurationError, match=f"{absent}: the properties of Spark cannot be"):
        _variables(SparkSettings(properties=str(absent)))


@pytest.mark.parametrize("name", ["spark.authenticate.secret", "a.password", "spark.access.key"])
def test_secrets_that_others_can_read_are_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "my spark.properties"
    file.write_text(f"# mine\n {name} value\n")
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="others than its owner can read the secrets"):
        _variables(SparkSettings(properties=str(file)))
    file.chmod(0o600)
    given = _variables(SparkSettings(properties=str(file)))["PYSPARK_SUBMIT_ARGS"]
    assert shlex.split(given)[1:] == ["--properties-file", str(file), "pyspark-shell"]


def test_properties_without_secrets_may_be_read_by_all(tmp_path: Path) -> None:
    file = tmp_path / "spark.properties"
    file.write_text("# no secret here\nspark.executor.instances 4\n")
    file.chmod(0o644)
    assert "PYSPARK_SUBMIT_ARGS" in _variables(SparkSettings(properties=str(file)))


def test_variables_hold_while_spark_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOSPEC_ONE", "mine")
    monkeypatch.delenv("VOSPEC_TWO", raising=False)
    with _set({"VOSPEC_ONE": "1", "VOSPEC_TWO": "2"}):
        assert (os.environ["VOSPEC_ONE"], os.environ["VOSPEC_TWO"]) == ("1", "2")
    assert os.environ["VOSPEC_ONE"] == "mine"
    assert "VOSPEC_TWO" not in os.environ


def test_no_environment_is_sent_where_there_is_no_cluster(tmp_path: Path) -> None:
    settings = SparkSettings(master="local[2]", environment=str(tmp_path / "nowhere"))
    assert _variables(settings) == {}
    assert "spark.archives" not in _options(settings, tmp_path)


def test_a_cluster_without_the_archive_of_this_code_is_told(tmp_path: Path) -> None:
    settings = SparkSettings(master="spark://127.0.0.1:1", environment=str(tmp_path))
    with Engine(settings, tmp_path) as engine, pytest.raises(SparkError, match="expected vospec-"):
        assert engine.session
