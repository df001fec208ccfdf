"""What the commands say when they are called wrongly or the machine lacks something."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import CHECKOUT, Library, Run, as_nobody
from vospec import config

COMMANDS = ("adopt", "demo", "down", "install", "restart", "status", "up", "watch")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_call_and_every_option(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"deploy/{command} [--folder DIR]" in done.stdout
    assert "set -euo" not in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_argument_is_named(run: Run, command: str) -> None:
    done = run(command, "--fodler", "x")
    assert done.returncode == 2
    assert "unknown argument --fodler" in done.stderr


def test_an_option_without_value_is_named(run: Run) -> None:
    done = run("up", "--folder")
    assert done.returncode == 2
    assert "--folder needs a value" in done.stderr


@pytest.mark.parametrize("command", ["adopt", "down", "restart", "status", "watch"])
def test_a_folder_without_instance_is_named_and_not_made(
    run: Run, folder: Path, command: str
) -> None:
    absent = folder / "absent"
    done = run(command, "--folder", absent)
    assert done.returncode == 1
    assert f"there is no instance in {absent}" in done.stderr
    assert not absent.exists()


def test_a_folder_that_dachs_cannot_hold_is_refused(run: Run, folder: Path) -> None:
    done = run("up", "--folder", folder / "my instance")
    assert done.returncode == 1
    assert "my instance has signs in its name that DaCHS cannot hold" in done.stderr


def test_a_folder_too_long_for_a_socket_is_refused(run: Run, folder: Path) -> None:
    done = run("up", "--folder", folder / ("x" * 100))
    assert done.returncode == 1
    assert "longer name than a socket can have" in done.stderr


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(run: Run, folder: Path, port: str) -> None:
    done = run("up", "--folder", folder, "--port", port)
    assert done.returncode == 1
    assert f"a number from 1 to 65535, not {port}" in done.stderr


def test_a_port_in_use_is_named_and_nothing_is_started(run: Run, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = run("up", "--folder", folder, "--port", port)
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use" in done.stderr
    assert "--port" in done.stderr
    assert not (folder / "postgres").exists()


def test_survey_and_training_belong_together(run: Run, folder: Path) -> None:
    done = run("demo", "--survey", folder)
    assert done.returncode == 2
    assert "--survey and --training belong together" in done.stderr


def test_an_absent_survey_is_named(run: Run, folder: Path) -> None:
    absent = folder / "absent"
    done = run("demo", "--survey", absent, "--training", folder)
    assert done.returncode == 1
    assert f"there is no folder {absent}" in done.stderr


def _stub(folder: Path, name: str, line: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def _install_as_nobody(
    folder: Path, *, installed: str, java: str
) -> subprocess.CompletedProcess[str]:
    """Install from a copy that nobody can read, on a machine that stubs pretend."""
    checkout, stubs, target = folder / "checkout", folder / "stubs", folder / "instance"
    shutil.copytree(CHECKOUT / "deploy", checkout / "deploy")
    for made in (stubs, target):
        made.mkdir()
    target.chmod(0o777)
    _stub(stubs, "dpkg-query", installed)
    _stub(stubs, "java", java)
    _stub(stubs, "sudo", "exit 1")
    command = [str(checkout / "deploy" / "install"), "--folder", str(target)]
    environment = {"PATH": f"{stubs}:/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(  # noqa: S603 - our own command
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **as_nobody(),
    )


JAVA_17 = """echo 'openjdk version "17.0.15" 2025-04-15' >&2"""
JAVA_11 = """echo 'openjdk version "11.0.2" 2019-01-15' >&2"""


def test_missing_packages_are_named_without_root_and_sudo(folder: Path) -> None:
    done = _install_as_nobody(folder, installed="exit 1", java=JAVA_17)
    assert done.returncode == 1
    assert "neither root nor sudo" in done.stderr
    for package in ("python3-gavo", "postgresql-15", "postgresql-15-pgsphere", "python3-venv"):
        assert package in done.stderr
    assert "openjdk" not in done.stderr


@pytest.mark.parametrize("java", [JAVA_11, "exit 127"])
def test_a_missing_or_old_java_is_named(folder: Path, java: str) -> None:
    done = _install_as_nobody(folder, installed="printf installed", java=java)
    assert done.returncode == 1
    assert "openjdk-17-jre-headless" in done.stderr
    assert "python3-gavo" not in done.stderr


def test_a_checkout_unfit_for_the_services_gets_a_folder_outside(folder: Path) -> None:
    checkout = folder / "my checkout"
    shutil.copytree(CHECKOUT / "deploy", checkout / "deploy")
    environment = {"PATH": "/usr/sbin:/usr/bin:/bin", "XDG_DATA_HOME": str(folder / "data")}
    command = [str(checkout / "deploy" / "status")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    outside, told = done.stderr.splitlines()
    assert f"{checkout}/var has signs" in outside
    assert "/vospec/mycheckout-" in outside
    assert outside.rsplit(" ", 1)[1] in told


def test_settings_are_read_back_as_given(library: Library, folder: Path) -> None:
    quoted = folder / 'a "survey"'
    quoted.mkdir()
    lines = (
        f"folder={folder}; port=8123; write_settings; "
        f"cp {folder}/vospec.toml {folder}/simulated.toml; "
        f"option[survey]='{quoted}'$'\\n''{folder}'; option[training]='{folder}'; write_settings"
    )
    done = library(lines)
    assert done.returncode == 0, done.stderr
    simulated = config.load(folder / "simulated.toml")
    assert simulated.survey.folders == (f"{folder}/simulated/survey",)
    assert simulated.survey.truth == f"{folder}/simulated/truth.csv"
    assert simulated.publication.host == f"{folder}/run"
    assert simulated.publication.service_url == "http://127.0.0.1:8123"
    given = config.load(folder / "vospec.toml")
    assert given.survey.folders == (str(quoted), str(folder))
    assert given.survey.truth == ""
    assert given.training.folders == (str(folder),)


def test_own_changes_to_the_settings_stay(library: Library, folder: Path) -> None:
    written = f"folder={folder}; port=8123; mkdir -p {folder}/simulated/{{survey,training}}; "
    assert library(written + "write_settings").returncode == 0
    settings = folder / "vospec.toml"
    changed = settings.read_text() + "\n[learning]\nalpha = 0.8\n"
    settings.write_text(changed)
    assert library(written + "write_settings").returncode == 0
    assert settings.read_text() == changed
    assert library(written.replace("8123", "8124") + "write_settings").returncode == 0
    assert config.load(settings).publication.service_url == "http://127.0.0.1:8124"
