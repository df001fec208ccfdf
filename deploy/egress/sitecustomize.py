# noqa: INP001 - Python loads this file by its name
"""Put the guard before every connection of this process and of its children.

Python imports the first sitecustomize on its path when it starts. With this folder in
PYTHONPATH that is this file, in the server as in the jobs that it starts; the one that
it stands before is run by it.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

try:
    import vospec_egress

    vospec_egress.install()
except Exception as error:
    # Without the guard nothing may run, and lesser errors are swallowed here.
    message = f"the guard of outgoing connections cannot be set up: {error}"
    raise SystemExit(message) from error

_HERE = Path(__file__).resolve().parent
_others = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE]
_next = importlib.machinery.PathFinder.find_spec("sitecustomize", _others)
if _next is not None and _next.loader is not None:
    _next.loader.exec_module(importlib.util.module_from_spec(_next))
