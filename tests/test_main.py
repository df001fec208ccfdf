"""The command line as a person meets it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vospec import __version__, config, lock
from vospec.__main__ import main

COMMANDS = (
    "simulate",
    "fetch",
    "ingest",
    "features",
    "score",
    "evaluate",
    "publish",
    "runs",
    "rollback",
    "run",
    "status",
    "config",
)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "vospec.toml"
    path.write_text(f'[store]\nfolder = "store"\n[survey]\nfolders = ["{tmp_path}/survey"]\n')
    (tmp_path / "survey").mkdir()
    return path


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(command in told for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"vospec {command}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"vospec {__version__}\n"


def test_config_prints_what_config_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    assert config.parse(tomllib.loads(capsys.readouterr().out), "printed") == config.Settings()


@pytest.mark.parametrize("command", ["ingest", "run", "status"])
def test_a_missing_configuration_is_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--config", str(tmp_path / "none.toml")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("vospec: ")
    assert told.count("\n") == 1
    assert "none.toml: the configuration cannot be read" in told


def test_a_wrong_key_is_named(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_text("[learning]\nneighbors = 5\n")
    assert main(["status"]) == 1
    assert "unknown key neighbors; did you mean n_neighbors?" in capsys.readouterr().err


def test_a_folder_without_spectra_is_named(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest"]) == 1
    assert f"{written.parent}/survey: no FITS file" in capsys.readouterr().err


def test_no_folders_at_all_is_told(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_text("")
    assert main(["run"]) == 1
    assert "no folders to read" in capsys.readouterr().err


def test_no_label_list_is_told_before_anything_is_read(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (written.parent / "survey/x.fits").write_bytes(b"anything")
    assert main(["ingest"]) == 1
    # The lock alone.
    assert [path.name for path in (written.parent / "store").iterdir()] == [lock.NAME]
    assert "no label list" in capsys.readouterr().err


def test_missing_java_is_one_line(written: Path) -> None:
    (written.parent / "survey/x.fits").write_bytes(b"anything")
    (written.parent / "labels.csv").write_text("id,label\n")
    with written.open("a") as stream:
        stream.write('[training]\nlabels = ["labels.csv"]\n[spark]\nmin_spectra = 0\n')
    environment = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"}
    done = subprocess.run(
        [sys.executable, "-m", "vospec", "ingest"],
        env=environment | {"PATH": str(written.parent)},
        cwd=written.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("vospec: Java is missing")


@pytest.mark.parametrize(
    ("command", "host"),
    [
        ("publish", "{folder}/run"),
        ("publish", "run/of/this/folder"),
        ("runs", "var/run"),
        ("rollback", "var/run"),
    ],
)
def test_missing_postgresql_is_one_line(
    written: Path, command: str, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host = host.format(folder=written.parent)
    with written.open("a") as stream:
        stream.write(f'[publication]\nhost = "{host}"\n')
    assert main([command]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"vospec: PostgreSQL at {written.parent / host}, port 5433")
    assert "Is the server running locally" in told or "No such file" in told
    assert told.count("\n") == 1
