"""Commands of DaCHS, and Python with DaCHS in it, as the account of the services."""

import json
import subprocess
from typing import Any

from tests.conftest import Instance
from tests.service.server import environment, owner

#: Concepts of the Unified Astronomy Thesaurus, as the IVOA's vocabulary names them.
SUBJECTS = {
    "be-stars": "Be stars",
    "emission-line-stars": "Emission line stars",
    "stellar-spectral-lines": "Stellar spectral lines",
    "surveys": "Surveys",
}

# DaCHS fetches vocabularies from the network, unless they lie in its cache.
_KEEP = """
import json, os, sys
from gavo import base, utils
from gavo.protocols import vocabularies

address = vocabularies.IVOA_VOCABULARY_ROOT + "uat"
path = os.path.join(base.getConfig("cacheDir"), utils.defuseFileName(address))
with open(path, "w", encoding="utf-8") as file:
    json.dump({"uri": address, "flavour": "SKOS", "terms": json.load(sys.stdin)}, file)
"""


def run(
    instance: Instance, *command: str, given: str | bytes = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command in the environment of the services; its output is text."""
    return subprocess.run(  # noqa: S603 - our own commands
        command,
        input=given if isinstance(given, str) else given.decode(),
        # Commands are not watched as the server is: tests ask it over loopback.
        env=environment(instance, instance.folder / "dachs" / "gavo.rc", PYTHONPATH=""),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=300,
        **owner(instance),
    )


def python(instance: Instance, program: str, *arguments: str, given: str = "") -> Any:  # noqa: ANN401 - what the program writes
    """What a program that imports DaCHS writes to its output, as JSON."""
    done = run(instance, "/usr/bin/python3", "-c", program, *arguments, given=given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


def keep_vocabulary(instance: Instance) -> None:
    """Put an excerpt of the thesaurus where DaCHS keeps what it has fetched."""
    nothing: list[str] = []
    terms = {
        name: {"label": label, "description": label, "wider": nothing, "narrower": nothing}
        for name, label in SUBJECTS.items()
    }
    python(instance, _KEEP, given=json.dumps(terms))
