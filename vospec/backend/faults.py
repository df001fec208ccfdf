"""What went wrong in other processes, told as vospec tells its own faults.

What a task of Spark raises arrives as a traceback in a text; a task that was killed, or a
disk that was full, as a stack of Java's.
"""

import re
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JNetworkError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from vospec import errors

#: The last line of a traceback that ends in one of vospec's errors.
_OURS = re.compile(r"^(?:Caused by: )?vospec\.errors\.(\w+): (.*)$", re.MULTILINE)
#: What Java says to have been the reason, without the advice that Spark appends.
_REASON = re.compile(r"^Caused by: [\w.$]+: (.*?)(?:\. Consider .*)?$", re.MULTILINE)


@contextmanager
def told() -> Iterator[None]:
    """Raise a fault of another process as the error that it is.

    Raises
    ------
    VospecError
        A task of Spark has raised it.
    WorkerError
        A process has ended too early, or Spark itself.
    """
    try:
        yield
    except BrokenExecutor as fault:
        message = "a worker process has ended in the middle of its work: was it killed?"
        raise errors.WorkerError(message) from fault
    except (Py4JError, PySparkException, ConnectionRefusedError) as fault:
        text = str(fault)
        if found := _OURS.findall(text):
            name, message = found[-1]
            raise getattr(errors, name)(message) from fault
        # What else a task or the driver raised is a mistake in the program.
        if isinstance(fault, PySparkException):
            raise
        raise errors.WorkerError(_reason(fault, text)) from fault


def _reason(fault: Exception, text: str) -> str:
    """Java's own reason, or that nobody answers any more."""
    if isinstance(fault, Py4JNetworkError | ConnectionRefusedError):
        return f"Spark has ended in the middle of its work: {text.splitlines()[0]}"
    reasons = _REASON.findall(text) or text.splitlines()[:1]
    return f"Spark has lost a task: {reasons[0]}"
