# noqa: INP001 - Python loads this file by its name
"""Guard this process, and through its environment all those that it starts.

Python imports the first sitecustomize on its path when it starts. With this folder in
PYTHONPATH that is this file, in the server as in the jobs that it starts; the one that
it stands before is run by it.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

try:
    import vospec_guard

    vospec_guard.install()
except Exception as error:
    # Without the guard nothing may run, and lesser errors are swallowed here.
    message = f"the guard of the service cannot be set up: {error}"
    raise SystemExit(message) from error

_HERE = Path(__file__).resolve().parent
_others = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE]
_next = importlib.machinery.PathFinder.find_spec("sitecustomize", _others)
if _next is not None and _next.loader is not None:
    _next.loader.exec_module(importlib.util.module_from_spec(_next))
