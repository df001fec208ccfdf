"""A cluster of three machines, and one of one machine: what it computes, and what it keeps shut."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyspark
import pytest
from pyarrow import parquet

from tests.bucket import bucket
from tests.conftest import ALONE, N_SURVEY, N_TRAINING
from tests.deploy import processes
from tests.deploy.conftest import CHECKOUT, Run
from tests.deploy.machines import Machine, machines
from tests.deploy.stages import STAGES
from vospec import config, pipeline
from vospec.archives.simulated import simulate
from vospec.backend.session import Engine
from vospec.job import Job
from vospec.plan import Plan
from vospec.store import Store

pytestmark = pytest.mark.spark

SPARK = Path(pyspark.__path__[0])
#: Parts in which the survey of the tests is read.
PARTS = 16
#: Tables that tell when they were made.
TIMES = {"labels": ["labelled_at"], "record": ["started", "ended"]}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that all machines see; gigabytes, so it does not stay."""
    made = Path(tempfile.mkdtemp(prefix="vospec-cluster."))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def survey(place: Path) -> Path:
    """Simulated spectra, and a file that is none."""
    made = place / "sky"
    simulate(made, n_survey=N_SURVEY, n_training=N_TRAINING, seed=3)
    (made / "survey" / "empty.fits").touch()
    return made


@dataclass(frozen=True)
class Cluster:
    """A master on the first machine, a worker on each other one, of a folder each."""

    machines: list[Machine]
    folders: list[Path]

    port: int

    @property
    def master(self) -> str:
        """Its address."""
        return f"spark://{self.machines[0].host}:{self.port}"

    @property
    def properties(self) -> Path:
        """Holds the secret."""
        return self.folders[0] / "cluster.properties"

    def call(self, number: int, *command: object) -> "subprocess.Popen[str]":
        """Start a command on a machine; but for the first, they have no checkout."""
        hidden = (CHECKOUT, Path(sys.prefix)) if number else ()
        deploy = self.folders[0].parent / "deploy" / "cluster"
        return subprocess.Popen(  # noqa: S603 - our own commands
            self.machines[number].command(
                deploy / str(command[0]), *command[1:], hidden=hidden, spark=SPARK
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def work(self, number: int) -> "subprocess.Popen[str]":
        """Start the worker of a machine."""
        options = ("--cores", 1, "--memory", "1g", "--spark", "SPARK")
        where = ("--master", self.master, "--host", self.machines[number].host)
        return self.call(number, "worker", *where, *options, "--folder", self.folders[number])

    def status(self, number: int) -> tuple[int, str]:
        """What the command says on a machine."""
        return _said(self.call(number, "status", "--folder", self.folders[number]))


def _said(process: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = process.communicate(timeout=processes.HANGS)
    return process.returncode, said


def _must(process: "subprocess.Popen[str]") -> str:
    code, said = _said(process)
    assert code == 0, said
    return said


@pytest.fixture(scope="module")
def cluster(place: Path) -> Iterator[Cluster]:
    shutil.copytree(CHECKOUT / "deploy", place / "deploy")
    with machines(3) as made:
        folders = [place / f"cluster-{number}" for number in range(3)]
        cluster = Cluster(made, folders, _free_port())
        try:
            start = ("start", "--master-host", made[0].host, "--workers", 0, "--spark", "SPARK")
            _must(cluster.call(0, *start, "--port", cluster.port, "--folder", folders[0]))
            for folder in cluster.folders[1:]:
                folder.mkdir()
                shutil.copy(cluster.properties, folder)
            for worker in [cluster.work(1), cluster.work(2)]:
                _must(worker)
            yield cluster
        finally:
            for folder in cluster.folders:
                processes.send(signal.SIGKILL, folder)


@pytest.fixture(scope="module")
def environment(place: Path, run: Run) -> Path:
    made = place / "environment"
    done = run("cluster/pack", "--output", made, "--python", sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'environment = "{made}"' in done.stdout
    return made


def _settings(path: Path, store: str, survey: str, *spark: str) -> Path:
    lines = ['driver_memory = "1g"', 'executor_memory = "768m"', "min_spectra = 0", *spark]
    path.write_text(
        f"""
        [store]
        folder = "{store}"
        [survey]
        folders = ["{survey}/survey"]
        [training]
        folders = ["{survey}/training"]
        [learning]
        n_components = 16
        [spark]
        """
        + "\n".join(lines)
    )
    return path


@pytest.fixture(scope="module")
def alone(place: Path, survey: Path) -> Job:
    """What the stages make of the survey without Spark."""
    store = place / "alone"
    settings = config.load(_settings(place / "alone.toml", str(store), str(survey)))
    job = Job(replace(settings, spark=ALONE), Engine(ALONE, place / "scratch"))
    for stage in STAGES:
        getattr(pipeline, stage)(job)
    return job


def _tables(store: Path) -> dict[str, bytes | pa.Table]:
    """All that is in a store: bytes, or rows where these tell times."""
    made: dict[str, bytes | pa.Table] = {}
    for path in store.rglob("*.parquet"):
        name = str(path.relative_to(store))
        times = next((TIMES[part] for part in name.split("/") if part in TIMES), [])
        made[name] = parquet.read_table(path).drop(times) if times else path.read_bytes()
    return made


def test_the_master_and_the_workers_tell_how_they_are(cluster: Cluster) -> None:
    code, said = cluster.status(0)
    assert code == 0
    assert f"ALIVE, {cluster.master}, 2 workers, 0 of 2 cores at work" in said
    for number in (1, 2):
        code, said = cluster.status(number)
        assert code == 0
        assert f"worker-{cluster.machines[number].host}-1 " in said
        assert f"{cluster.master}, 0 of 1 cores and 0 of 1024 MiB at work" in said


def test_nothing_listens_but_where_it_was_told(cluster: Cluster) -> None:
    for machine, folder in zip(cluster.machines, cluster.folders, strict=True):
        command = machine.command("ss", "-Hltnp", spark=SPARK)
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - the system's own
        ours = [
            line.split()[3].replace("[::ffff:", "").replace("]", "").rpartition(":")[0]
            for line in lines.splitlines()
            if any(f"pid={pid}," in line for pid in processes.of_cluster(folder))
        ]
        # Daemon and page.
        assert sorted(ours) == sorted([machine.host, "127.0.0.1"])


def test_the_secret_is_its_owners_and_on_no_command_line(cluster: Cluster) -> None:
    secret = cluster.properties.read_text().partition("authenticate.secret ")[2].split()[0]
    assert len(secret) == 64
    assert cluster.properties.stat().st_mode & 0o777 == 0o600
    for folder in cluster.folders:
        lines = processes.of_cluster(folder).values()
        assert len(lines) == 1
        assert all("cluster.properties" in line and secret not in line for line in lines)


def test_a_secret_that_others_can_read_is_refused(cluster: Cluster) -> None:
    secret = cluster.folders[1] / "cluster.properties"
    secret.chmod(0o640)
    code, said = _said(cluster.work(1))
    secret.chmod(0o600)
    assert code == 1
    assert f"others than its owner can read the secret in {secret}: chmod 600" in said


def test_a_worker_with_another_secret_is_refused(cluster: Cluster, place: Path) -> None:
    stranger = place / "stranger"
    stranger.mkdir()
    text = cluster.properties.read_text()
    (stranger / "cluster.properties").write_text(text.replace("secret ", "secret 0"))
    (stranger / "cluster.properties").chmod(0o600)
    where = ("--master", cluster.master, "--host", cluster.machines[1].host)
    code, said = _said(cluster.call(1, "worker", *where, "--spark", "SPARK", "--folder", stranger))
    assert code == 1
    assert f"the master at {cluster.master} refuses worker-{cluster.machines[1].host}-1" in said
    assert not processes.of_cluster(stranger)
    assert "2 workers" in cluster.status(0)[1]


def test_a_worker_that_is_killed_in_the_middle_changes_no_byte(
    cluster: Cluster, environment: Path, survey: Path, alone: Job, place: Path
) -> None:
    store, lost = place / "store", cluster.folders[2]
    toml = _settings(
        *(place / "vospec.toml", str(store), str(survey), f'master = "{cluster.master}"'),
        f'driver_host = "{cluster.machines[0].host}"',
        f'properties = "{cluster.properties}"',
        f'environment = "{environment}"',
    )
    program = [sys.executable, "-m", "tests.deploy.stages", toml]
    driver = subprocess.Popen(  # noqa: S603 - our own program
        cluster.machines[0].command(*program, spark=SPARK),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def parts() -> int:
        assert driver.poll() is None, driver.communicate()[0]
        return len(list(store.glob("spectra/*/part-*.parquet")))

    # A task is with the worker when all that it runs stops; the other one does the rest.
    processes.wait("a task", lambda: parts() == 0 and processes.python_of(lost))
    processes.send(signal.SIGSTOP, lost)
    seen = Path(f"/proc/{processes.python_of(lost)[0]}/root")
    packed = Path(f"/proc/{processes.python_of(lost)[0]}/cwd/environment/lib")
    apart = bool(cluster.machines[2].name)
    assert next(packed.glob("python3*/site-packages/vospec")).is_dir()
    assert not (apart and (seen / sys.executable.lstrip("/")).exists())
    processes.wait("all parts but one", lambda: parts() == PARTS - 1)
    processes.send(signal.SIGKILL, lost)
    code, said = _said(driver)
    assert code == 0, said
    assert said.count("rows in") > 0
    found, expected = _tables(store), _tables(Path(alone.plan.store.root))
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert len(alone.plan.runs[0].candidates.table()) > 0
    assert "1 workers" in cluster.status(0)[1]
    _must(cluster.work(2))
    assert "2 workers" in cluster.status(0)[1]


def test_a_master_that_is_gone_is_told(cluster: Cluster) -> None:
    processes.send(signal.SIGKILL, cluster.folders[0])
    code, said = cluster.status(0)
    assert code == 3
    assert "master                  down" in said
    assert cluster.status(1)[0] == 3
    code, said = _said(cluster.work(1))
    assert code == 1
    assert f"nobody listens at {cluster.master}" in said
    for number in (1, 2):
        _must(cluster.call(number, "stop", "--folder", cluster.folders[number]))
        assert not processes.of_cluster(cluster.folders[number])


@dataclass(frozen=True)
class Single:
    """A cluster on one machine."""

    folder: Path
    port: int

    @property
    def master(self) -> str:
        """Its address."""
        return f"spark://127.0.0.1:{self.port}"

    @property
    def options(self) -> tuple[object, ...]:
        """How it is started."""
        shares = ("--workers", ",".join(HOSTS), "--cores", 1, "--memory", "1g")
        return ("--folder", self.folder, "--spark", SPARK, "--port", self.port, *shares)


HOSTS = ("127.0.0.2", "127.0.0.3")


@pytest.fixture(scope="module")
def single(place: Path, run: Run) -> Iterator[Single]:
    made = Single(place / "single", _free_port())
    environment = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
    done = run("cluster/start", *made.options, env=environment)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield made
    finally:
        processes.send(signal.SIGKILL, made.folder)


def test_started_again_it_is_left_alone_and_the_killed_come_back(single: Single, run: Run) -> None:
    before = processes.of_cluster(single.folder)
    killed = next(pid for pid, line in before.items() if HOSTS[1] in line)
    os.kill(killed, signal.SIGKILL)
    done = run("cluster/status", "--folder", single.folder)
    assert done.returncode == 3
    assert f"worker-{HOSTS[1]}-2      down" in done.stdout
    done = run("cluster/start", *single.options)
    assert done.returncode == 0, done.stdout + done.stderr
    after = processes.of_cluster(single.folder)
    assert len(after) == 3
    assert before.keys() - after.keys() == {killed}
    done = run("cluster/status", "--folder", single.folder)
    assert done.returncode == 0
    assert done.stdout.count("ALIVE, heard of") == 2


def test_files_and_store_in_s3_with_credentials_in_the_properties(
    single: Single, survey: Path, alone: Job, place: Path
) -> None:
    with bucket(survey) as (address, variables):
        secret = place / "s3.properties"
        lines = [f"spark.executorEnv.{name} {value}" for name, value in variables.items()]
        text = (single.folder / "cluster.properties").read_text() + "\n".join(lines)
        secret.touch(0o600)
        secret.write_text(text)
        toml = _settings(
            *(place / "s3.toml", f"{address}/store", address, f'master = "{single.master}"'),
            f'properties = "{secret}"',
        )
        toml.write_text(
            toml.read_text().replace(
                "[learning]", f'labels = ["{survey}/training/labels.csv"]\n[learning]'
            )
        )
        program = [sys.executable, "-m", "tests.deploy.stages", str(toml)]
        done = subprocess.run(program, cwd=CHECKOUT, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
        assert done.returncode == 0, done.stdout + done.stderr
        plan = Plan(config.load(toml))
        assert plan.features.table().equals(alone.plan.features.table())
        for run, other in zip(plan.runs, alone.plan.runs, strict=True):
            for name in ("scores", "candidates"):
                found, expected = (getattr(of, name).table() for of in (run, other))
                assert found.drop(["run_id"]).equals(expected.drop(["run_id"]))
        assert len(list(Store(f"{address}/store").find("runs"))) > 10
        assert plan.spectra.table(["path"])["path"][0].as_py().startswith("s3a://archive/")
    said = " ".join((single.folder / "log").joinpath(f).read_text() for f in ("master.log",))
    assert "anything" not in said


def test_stop_leaves_no_process_and_touches_no_other(single: Single, run: Run) -> None:
    with subprocess.Popen(["/usr/bin/sleep", "600"]) as stranger:
        (single.folder / "run" / "worker-stranger-1.pid").write_text(f"{stranger.pid}\n")
        done = run("cluster/stop", "--folder", single.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert processes.of_cluster(single.folder) == {}
        assert stranger.poll() is None
        stranger.kill()
    assert list((single.folder / "run").iterdir()) == []
    done = run("cluster/status", "--folder", single.folder)
    assert (done.returncode, "nothing was started" in done.stdout) == (3, True)
