"""Jobs keep their files in a folder each, and what DaCHS notes there is its own.

DaCHS names a table that is uploaded as the user does, and loads a file of that folder as a
pickle: whoever called a table ``__RESULTS__`` had a program run.

A request that makes a job may ask for it to be run (UWS 1.1, PHASE=RUN); DaCHS keeps such a
job waiting for ever, and so does the client.
"""

import io
import pickle
import re
from types import ModuleType
from typing import IO, Any

#: Without an end that tells a type: the file can be fetched from the job.
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_]*")

#: What pickles of version 2 need for bytes and dates; whatever else they name could run.
_HARMLESS = {
    ("_codecs", "encode"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - whatever it is
        if (module, name) not in _HARMLESS:
            message = f"{module}.{name} is nothing that a job keeps"
            raise pickle.UnpicklingError(message)
        return super().find_class(module, name)


class Pickles:
    """The module pickle, which loads data and nothing else."""

    dump = staticmethod(pickle.dump)
    dumps = staticmethod(pickle.dumps)

    @staticmethod
    def load(file: IO[bytes]) -> Any:  # noqa: ANN401 - data
        """The data in a file."""
        return _Unpickler(file).load()

    @staticmethod
    def loads(content: bytes) -> Any:  # noqa: ANN401 - data
        """The data in a text of bytes."""
        return _Unpickler(io.BytesIO(content)).load()


def mend_jobs(module: ModuleType) -> None:
    """Files of users have names of their own, and pickles hold data."""
    module.pickle.loads  # noqa: B018 - it must be there
    module.pickle = Pickles  # type: ignore[attr-defined]
    job = module.UWSJobWithWD
    original = job._saveUpload  # noqa: SLF001 - it is what is mended

    def save(self: Any, localName: str, uploadFile: Any) -> Any:  # noqa: ANN401, N803 - as DaCHS has it
        if not _NAME.fullmatch(localName):
            message = f"a table must be named by letters, digits and _, not {localName!r}"
            raise module.base.ValidationError(message, "UPLOAD")
        return original(self, localName, uploadFile)

    job._saveUpload = save  # noqa: SLF001 - as above
    _mend_creation(module)


#: Seconds for which a job may be locked by somebody else, as where its phase is posted.
_PATIENCE = 10


def _mend_creation(module: ModuleType) -> None:
    """Run a job that was asked for with PHASE=RUN; of TAP, DataLink and all others."""
    system = module.UWS
    original = system.getNewIdFromRequest

    def make(self: Any, request: Any) -> Any:  # noqa: ANN401 - of DaCHS
        phase = request.uwsArgs["phase"]
        if phase not in (None, "RUN"):
            message = f"a new job can be given the phase RUN, or none, not {phase!r}"
            raise module.base.ValidationError(message, "PHASE")
        job = original(self, request)
        if phase is not None:
            try:
                self.changeToPhase(job, module.QUEUED, timeout=_PATIENCE)
            except Exception:
                # Whoever asked is told, and knows of no job.
                self.destroy(job)
                raise
        return job

    system.getNewIdFromRequest = make


MENDS = {"gavo.protocols.uws": mend_jobs}
