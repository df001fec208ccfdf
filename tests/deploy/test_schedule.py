"""Timers, a line for cron and the rotation of logs, as the programs that read them judge them."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import CHECKOUT, Run


@pytest.fixture
def instance(folder: Path) -> Path:
    """A folder that looks like an instance's; nothing in it is started."""
    for name in ("postgres", "log", "nginx", "venv/bin"):
        (folder / name).mkdir(parents=True)
    program = folder / "venv" / "bin" / "vospec"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (folder / "log" / "service.log").write_text("a line\n")
    (folder / "postgres" / "server.log").write_text("a line\n")
    (folder / "nginx" / "access.log").write_text("a line\n")
    return folder


def _unit(folder: Path) -> str:
    return "vospec-" + "".join(c if c.isalnum() else "-" for c in str(folder)).lstrip("-")


def _judged(*command: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - of this file
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_units_are_sound(run: Run, instance: Path, tmp_path: Path) -> None:
    done = run("schedule", "--folder", instance, "--by", "systemd", "--into", tmp_path)
    assert done.returncode == 0, done.stderr
    units, name = tmp_path / "etc" / "systemd" / "system", _unit(instance)
    written = [f"{name}.service", f"{name}-rescore.service", f"{name}-rescore.timer"]
    written += [f"{name}-adopt.service", f"{name}-watch.service", f"{name}-watch.timer"]
    assert sorted(path.name for path in units.iterdir()) == sorted(written)
    told = _judged("systemd-analyze", "verify", *(str(units / unit) for unit in written))
    assert [line for line in told.splitlines() if name in line] == []
    rescore = (units / written[1]).read_text()
    program = instance / "venv" / "bin" / "vospec"
    assert f"ExecStart={program} rescore --config {instance}/vospec.toml\n" in rescore
    assert f"OnSuccess={name}-adopt.service\n" in rescore
    assert "OnCalendar=*-*-* 02:00\n" in (units / written[2]).read_text()
    for command in ("adopt", "watch"):
        unit = (units / f"{name}-{command}.service").read_text()
        assert f"ExecStart={CHECKOUT}/deploy/{command} --folder {instance}\n" in unit
        # Servers that it has started are not taken down with it.
        assert "KillMode=process\n" in unit


def test_another_time_is_taken(run: Run, instance: Path, tmp_path: Path) -> None:
    given = "--into", tmp_path, "--at", "Mon *-*-* 03:30"
    run("schedule", "--folder", instance, "--by", "systemd", *given)
    (timer,) = (tmp_path / "etc" / "systemd" / "system").glob("*-rescore.timer")
    assert "OnCalendar=Mon *-*-* 03:30\n" in timer.read_text()
    assert "Next elapse" in _judged("systemd-analyze", "calendar", "Mon *-*-* 03:30")


def test_a_line_for_cron_has_time_account_and_command(
    run: Run, instance: Path, tmp_path: Path
) -> None:
    done = run("schedule", "--folder", instance, "--by", "cron", "--into", tmp_path)
    assert done.returncode == 0, done.stderr
    (table,) = (tmp_path / "etc" / "cron.d").iterdir()
    # Cron reads no file with a dot in its name.
    assert "." not in table.name
    *_, watched, _, line = table.read_text().splitlines()
    assert watched.startswith("* * * * * ")
    assert f"{CHECKOUT}/deploy/watch --folder {instance} " in watched
    fields = line.split()
    assert fields[:5] == ["0", "2", "*", "*", "*"]
    assert fields[5] == pwd.getpwuid(os.geteuid()).pw_name
    assert fields[6] == str(instance / "venv" / "bin" / "vospec")
    # Cron takes it for the end of a line.
    assert "%" not in line


def test_logs_are_rotated(run: Run, instance: Path, tmp_path: Path) -> None:
    run("schedule", "--folder", instance, "--by", "cron", "--into", tmp_path)
    (rules,) = (tmp_path / "etc" / "logrotate.d").iterdir()
    told = _judged("logrotate", "--debug", "--state", str(tmp_path / "state"), str(rules))
    assert "error" not in told
    for log in ("log/service.log", "postgres/server.log", "nginx/access.log"):
        assert f"considering log {instance / log}" in told


def test_nobody_takes_away_what_was_written(run: Run, instance: Path, tmp_path: Path) -> None:
    for by in ("systemd", "cron", "nobody"):
        assert run("schedule", "--folder", instance, "--by", by, "--into", tmp_path).returncode == 0
    assert [path for path in (tmp_path / "etc").rglob("*") if path.is_file()] == []


def test_who_else_might_schedule_is_told(run: Run, instance: Path, tmp_path: Path) -> None:
    done = run("schedule", "--folder", instance, "--by", "at", "--into", tmp_path)
    assert done.returncode == 2
    assert "--by takes systemd, cron or nobody, not at" in done.stderr
