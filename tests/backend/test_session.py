from pathlib import Path

import pytest

from vospec.backend.session import Engine, require_java
from vospec.config import SparkSettings
from vospec.errors import SparkError


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
