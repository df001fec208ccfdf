"""The Spark session: started when first needed, quiet, on loopback unless told otherwise.

On a cluster each node needs the store under the driver's address, a Python of the driver's
version, and this package: sent along (:mod:`vospec.backend.environment`), or installed under
the driver's path or that of PYSPARK_PYTHON.

Spark is given its settings on the command line of a process, which every account of the
machine can read. Secrets come from a file that only its owner can.
"""

import os
import platform
import re
import shlex
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkContext
from pyspark.sql import SparkSession

from vospec.backend import environment
from vospec.config import SparkSettings
from vospec.errors import ConfigurationError, SparkError

MIN_JAVA = 17

#: A task is one thread: BLAS, OpenMP and numba must not start more.
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


#: Java keeps no file of its performance in the machine's temporary folder.
_NO_FILES = "-XX:-UsePerfData"


#: Properties whose values Spark, too, hides (its ``spark.redaction.regex``).
_SECRET = re.compile(r"^\s*\S*(secret|password|token|access[.]?key)", re.IGNORECASE | re.MULTILINE)


#: Seconds that a cluster may be without executors while there is work for them.
PATIENCE = 120.0


class Engine:
    """A Spark session that starts when it is first asked for.

    Parameters
    ----------
    settings : SparkSettings
        Master, memory, number of tasks.
    scratch : Path
        Local folder for what Spark spills; nothing is written elsewhere.
    """

    def __init__(self, settings: SparkSettings, scratch: Path) -> None:
        self.settings = settings
        self.scratch = scratch
        self._session: SparkSession | None = None
        self._over = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            # Where Spark has ended by itself there is nobody to be told.
            with suppress(Py4JError, OSError):
                self._session.stop()
            self._session = None
            shutil.rmtree(_own(self.scratch), ignore_errors=True)

    @property
    def session(self) -> SparkSession:
        """The running session.

        Raises
        ------
        SparkError
            Java is missing or too old, or the master does not answer; there is no archive of
            this environment.
        ConfigurationError
            The file of properties cannot be read, or others can read its secrets.
        """
        if self._session is None:
            require_java()
            self._session = _start(self.settings, self.scratch)
            if not is_local(self.settings):
                arguments = self._session.sparkContext, self._over
                threading.Thread(target=_watch, args=arguments, daemon=True).start()
        return self._session


def require_java() -> None:
    """Raise SparkError unless a Java runtime of version 17 or later is there."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home, "bin", "java"))) if home else shutil.which("java")
    if java is None:
        where = f"under JAVA_HOME={home}" if home else "on the PATH"
        message = f"Java is missing: no java {where}; Spark needs version {MIN_JAVA} or later"
        raise SparkError(message)
    command = [java, _NO_FILES, "-version"]
    words = subprocess.run(command, capture_output=True, text=True, check=False).stderr  # noqa: S603 - the program found above, no input
    version = words.partition('"')[2].partition(".")[0].partition('"')[0]
    if not version.isdigit() or int(version) < MIN_JAVA:
        message = f"{java} is version {version or 'unknown'}; Spark needs {MIN_JAVA} or later"
        raise SparkError(message)


def _start(settings: SparkSettings, scratch: Path) -> SparkSession:
    _sweep(scratch)
    own = _own(scratch)
    own.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LAUNCHER_OPTS", _NO_FILES)
    if is_local(settings) or settings.driver_host == "127.0.0.1":
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    variables = _variables(settings)
    builder = SparkSession.builder.master(settings.master).appName("vospec")
    for key, value in _options(settings, own).items():
        builder = builder.config(key, value)
    log = scratch / "spark.log"
    told = log.stat().st_size if log.exists() else 0
    try:
        with _errors_to(log), _set(variables):
            session: SparkSession = builder.getOrCreate()
    except Exception as fault:  # py4j and Spark raise what they like when a gateway fails
        reason = _refused(log, told) or _first_line(fault)
        message = f"Spark cannot start with master {settings.master}: {reason} ({log})"
        raise SparkError(message) from fault
    return session


def _own(scratch: Path) -> Path:
    """Where the Spark of this process spills, and unpacks what it sends to a cluster."""
    return scratch / f"driver-{platform.node()}-{os.getpid()}"


def _sweep(scratch: Path) -> None:
    """Take away what drivers of this machine left that were killed."""
    mark = f"driver-{platform.node()}-"
    for left in scratch.glob(f"{mark}*"):
        if not Path("/proc", left.name.removeprefix(mark)).exists():
            shutil.rmtree(left, ignore_errors=True)


def is_local(settings: SparkSettings) -> bool:
    """Whether tasks run in processes of this machine alone, without a cluster."""
    return settings.master.startswith("local")


def _variables(settings: SparkSettings) -> dict[str, str]:
    """What Spark takes from the environment when it starts."""
    variables = {}
    if settings.environment and not is_local(settings):
        variables["PYSPARK_PYTHON"] = environment.PYTHON
    if settings.properties:
        file = shlex.quote(str(_properties(settings.properties)))
        given = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
        variables["PYSPARK_SUBMIT_ARGS"] = f"--load-spark-defaults --properties-file {file} {given}"
    return variables


def _properties(given: str) -> Path:
    path = Path(given).resolve()
    try:
        text, mode = path.read_text(encoding="utf-8"), path.stat().st_mode
    except (OSError, UnicodeDecodeError) as fault:
        message = f"{path}: the properties of Spark cannot be read ({fault})"
        raise ConfigurationError(message) from fault
    if _SECRET.search(text) and mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = f"{path}: others than its owner can read the secrets in it; chmod 600 {path}"
        raise ConfigurationError(message)
    return path


@contextmanager
def _set(variables: dict[str, str]) -> Iterator[None]:
    """Give a process that starts meanwhile, and pyspark, variables of the environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _watch(spark: SparkContext, over: threading.Event) -> None:
    """End the work that no executor is left for; Spark itself would wait for ever."""
    alone = 0.0
    step = PATIENCE / 10
    while not over.wait(step):
        try:
            scala = spark._jsc.sc()  # noqa: SLF001 - the only way to Spark's own account
            jobs = list(spark.statusTracker().getActiveJobsIds())
            # The driver counts as one.
            alone = alone + step if jobs and scala.getExecutorMemoryStatus().size() == 1 else 0.0
            if alone < PATIENCE:
                continue
            for job in jobs:
                scala.cancelJob(job, f"\nvospec.errors.WorkerError: {_nobody(spark.master)}\n")
        except (Py4JError, OSError):
            # Java has ended; whoever waits for the work is told.
            return


def _nobody(master: str | None) -> str:
    return f"no executor of {master} has been there for {PATIENCE:g} s: does a worker still run?"


@contextmanager
def _errors_to(log: Path) -> Iterator[None]:
    """Let a process that starts meanwhile write its standard error to a file.

    Java and Spark greet with a dozen lines that say nothing of the work; what
    does go wrong reaches Python as an exception.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _options(settings: SparkSettings, scratch: Path) -> dict[str, str]:
    options = {
        "spark.driver.memory": settings.driver_memory,
        # What the driver asks for, it can hold.
        "spark.driver.maxResultSize": "0",
        "spark.executor.memory": settings.executor_memory,
        "spark.executor.extraJavaOptions": _NO_FILES,
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "WARN",
        # Nothing of Java's own in the machine's temporary folder.
        "spark.driver.extraJavaOptions": f'{_NO_FILES} "-Djava.io.tmpdir={scratch}"',
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.adaptive.enabled": "false",
        # Partitions that are put together stay apart (Spark 4.1 may merge those of one each).
        "spark.sql.unionOutputPartitioning": "false",
        **{f"spark.executorEnv.{name}": "1" for name in ONE_THREAD},
    }
    if settings.environment and not is_local(settings):
        archive = environment.find(settings.environment)
        options["spark.archives"] = f"{archive}#{environment.FOLDER}"
    host = "127.0.0.1" if is_local(settings) else settings.driver_host
    return options | {"spark.driver.bindAddress": host, "spark.driver.host": host}


def _refused(log: Path, start: int) -> str:
    """A master that cannot be reached, as Spark tells it only in its log, from a place on."""
    with log.open("rb") as stream:
        stream.seek(start)
        if b"Failed to connect to master" not in stream.read():
            return ""
    return "it does not answer, or refuses: does it run, with the secret of [spark] properties?"


def _first_line(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0]
