"""What the commands of a cluster say when they are called wrongly."""

import os
import re
import socket
from pathlib import Path

import pyspark
import pytest

from tests.deploy import processes
from tests.deploy.conftest import Run

SPARK = Path(pyspark.__path__[0])


@pytest.mark.parametrize("command", ["pack", "start", "status", "stop", "worker"])
def test_help_shows_the_call(run: Run, command: str) -> None:
    done = run(f"cluster/{command}", "--help")
    assert done.returncode == 0
    assert f"deploy/cluster/{command} [--" in done.stdout.replace("--master URL ", "")
    assert re.match(r"(Starts|Stops|Asks|Packs) ", done.stdout)
    assert "set -euo" not in done.stdout


def test_a_port_in_use_is_named(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        options = ("--folder", tmp_path / "made", "--spark", SPARK, "--port", port)
        done = run("cluster/start", *options)
    assert done.returncode == 1
    assert f"nothing can listen at 127.0.0.1 port {port}" in done.stderr
    assert not processes.of_cluster(tmp_path / "made")


@pytest.mark.parametrize(
    ("call", "code", "told"),
    [
        ("start --workers 127.0.0.2,10.255.255.1", 1, "nothing can listen at 10.255.255.1"),
        ("start --master-host 0.0.0.0", 1, "0.0.0.0 is no address by which others can call"),
        ("start --memory much", 2, "--memory must be like 512m or 8g, not much"),
        ("start --cores 0", 2, "--cores must be a number from 1 to 4096, not 0"),
        ("start --port 70000", 2, "--port must be a number from 1 to 65535, not 70000"),
        ("start --spark /nowhere", 1, "there is no Spark in /nowhere"),
        ("worker", 2, "--master must be like spark://HOST:7077, not nothing"),
        ("worker --master spark://a:7077", 2, "name this machine's address by --host"),
        ("worker --master spark://127.0.0.1:7077", 1, "copy it from the folder of the cluster"),
        ("status", 1, "there is no cluster in"),
        ("stop", 1, "there is no cluster in"),
        ("stop --all", 2, "unknown argument --all"),
        ("pack --python /nowhere/python", 1, "there is no /nowhere/python"),
    ],
)
def test_a_wrong_call_is_told_and_makes_nothing(
    run: Run, tmp_path: Path, call: str, code: int, told: str
) -> None:
    command, *options = call.split()
    absent = tmp_path / "absent"
    environment = os.environ | {"SPARK_HOME": str(SPARK)}
    where = () if command == "pack" else ("--folder", absent)
    done = run(f"cluster/{command}", *options, *where, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert told in done.stderr
    assert not absent.exists()
