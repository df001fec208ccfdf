"""What holds for every Python process in which Spark runs tasks."""

import gc
from functools import cache

import pyarrow as pa


@cache
def settle() -> None:
    """Fit this process to tasks of one thread each; what has been done once stays done.

    Arrow keeps to the one core that Spark gives a task. Between two tasks Spark's daemon
    looks through all objects of the process for what can be thrown away; those of imported
    packages cannot, and a look at them takes longer than a short task.
    """
    pa.set_cpu_count(1)
    gc.freeze()
