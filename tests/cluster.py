"""A standalone Spark cluster on loopback, out of the package that pip installs.

A master and workers of one core each. Their scratch folders stand where the test says, and
they are ended by the numbers of their processes.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pyspark

HOST = "127.0.0.1"
#: Seconds until a master or worker that has started must answer.
PATIENCE = 120.0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


class Cluster:
    """A master and its workers.

    Parameters
    ----------
    folder : Path
        For logs and what executors leave.
    n_workers : int
        Workers, of one core each.
    memory : str
        Memory of a worker.
    """

    def __init__(self, folder: Path, n_workers: int, *, memory: str = "1g") -> None:
        self.folder, self.n_workers, self.memory = folder, n_workers, memory
        self.master = f"spark://{HOST}:{_free_port()}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._master: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            port = self.master.rpartition(":")[2]
            options = "--port", port, "--webui-port", str(_free_port())
            self._master = self._start("master.Master", "master", *options)
            self._await("master", "I have been elected leader")
            for _ in range(self.n_workers):
                self.add_worker()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def add_worker(self) -> None:
        """Start one more worker and wait until the master knows it."""
        name = f"worker-{len(self.workers)}"
        options = (
            *("--cores", "1", "--memory", self.memory, "--webui-port", str(_free_port())),
            *("--work-dir", str(self.folder / name), self.master),
        )
        self.workers.append(self._start("worker.Worker", name, *options))
        self._await(name, "Successfully registered with master")

    def kill(self, number: int) -> None:
        """Kill a worker and its executors as kill -9 does."""
        _kill(self.workers[number])

    def _start(self, role: str, name: str, *options: str) -> "subprocess.Popen[bytes]":
        program = Path(pyspark.__path__[0]) / "bin" / "spark-class"
        scratch = self.folder / f"{name}-scratch"
        scratch.mkdir(parents=True)
        environment = os.environ | {
            "SPARK_HOME": pyspark.__path__[0],
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": str(scratch),
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": f"-XX:-UsePerfData -Djava.io.tmpdir={scratch}",
            "PYSPARK_PYTHON": sys.executable,
        }
        with self._log(name).open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - Spark's own program
                [str(program), f"org.apache.spark.deploy.{role}", "--host", HOST, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Executors are in the group of their worker, and end with it.
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _await(self, name: str, sentence: str) -> None:
        end = time.monotonic() + PATIENCE
        while sentence not in (text := self._log(name).read_text(encoding="utf-8")):
            if time.monotonic() > end:
                message = f"{name} does not answer: {text[-2000:]}"
                raise TimeoutError(message)
            time.sleep(0.1)

    def _end(self) -> None:
        for process in (*self.workers, self._master):
            if process is not None:
                _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
