"""Bounds that users cannot lift: DaCHS takes some of its limits for mere defaults."""

import re
import resource
import shutil
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from vospec_guard.connections import Recorder

#: Powers of ten in units are worked out by Python, whatever their size.
_HUGE_POWER = re.compile(r"[0-9]{4}")


class Bounds:
    """How much a process may take."""

    #: The largest file that a process writes; 0 is no bound.
    most_bytes = 0


def bound_process(*, memory: int, file: int) -> None:
    """Bound the address space of this process and of its children, and their files.

    What needs more fails with an error, in place of the whole machine. A limit that is
    lower already stays; 0 is no bound.
    """
    Bounds.most_bytes = file
    _bound(resource.RLIMIT_AS, memory)
    _bound(resource.RLIMIT_FSIZE, file)


def _bound(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    if wanted:
        resource.setrlimit(kind, (wanted if hard < 0 else min(wanted, hard), hard))


def _leave_space(folder: str) -> None:
    """Let no file be larger than a quarter of what is free."""
    if Bounds.most_bytes:
        free = shutil.disk_usage(folder).free
        _bound(resource.RLIMIT_FSIZE, min(Bounds.most_bytes, free // 4))


def mend_units(module: ModuleType) -> None:
    """Units with huge numbers are none."""
    original = module.parseUnit

    def parse(unitStr: str, *arguments: object) -> Any:  # noqa: N803, ANN401 - as DaCHS has it
        if _HUGE_POWER.search(unitStr.partition("**")[2]):
            message = f"{unitStr[:80]!r} has too large a power"
            raise module.BadUnit(message)
        return original(unitStr, *arguments)

    module.parseUnit = parse  # type: ignore[attr-defined]


def _shortened(seconds: float, longest: float) -> float:
    """A time that is asked for; 0, and what is no number, would be for ever."""
    return seconds if 0 < seconds < longest else longest


def mend_jobs(module: ModuleType) -> None:
    """A job's time can be shortened only, and no query stands for sleep."""
    original = module.runTAPJobNoState
    config = module.base.getConfig
    module.base.getDBConnection  # noqa: B018 - it must be there
    module.base = recorder = Recorder(module.base)  # type: ignore[attr-defined]

    def run(parameters: Any, jobId: Any, queryProfile: Any, timeout: float) -> Any:  # noqa: N803, ANN401 - as above
        _leave_space(config("uwsWD"))
        longest = config("async", "defaultExecTime")
        with recorder.closing():
            return original(parameters, jobId, queryProfile, _shortened(timeout, longest))

    module.runTAPJobNoState = run  # type: ignore[attr-defined]
    module._hangIfMagic  # noqa: B018, SLF001 - it must be there
    module._hangIfMagic = lambda *_: None  # type: ignore[attr-defined]  # noqa: SLF001 - it is mended


def mend_methods(module: ModuleType) -> None:
    """What the guard does not fetch is not offered."""
    del module.UPLOAD_METHODS["upload-ftp"]


def mend_settings(module: ModuleType) -> None:
    """Users are told the time that they get, and their results do not stay for ever."""
    duration, destruction = module.ExecDAction, module.DestructionAction
    config, parse = module.base.getConfig, destruction.deserializeValue

    def read_duration(raw: str) -> float:
        return _shortened(float(raw), config("async", "defaultExecTime"))

    def read_destruction(raw: str) -> datetime:
        lifetime = timedelta(seconds=config("async", "defaultLifetime"))
        # DaCHS counts in UTC without saying so.
        latest = datetime.utcnow() + lifetime  # noqa: DTZ003 - as DaCHS has it
        asked: datetime = parse(raw)
        return min(asked, latest)

    duration.deserializeValue = staticmethod(read_duration)
    destruction.deserializeValue = staticmethod(read_destruction)


def mend_services(module: ModuleType) -> None:
    """Services other than TAP: users lower times and numbers of rows, and do not lift them."""
    query_meta, config = module.QueryMeta, module.base.getConfig
    original = query_meta._fillDbOptions  # noqa: SLF001 - it is what is mended

    def fill(self: Any, args: Any) -> None:  # noqa: ANN401 - as above
        original(self, args)
        self["timeout"] = _shortened(self["timeout"], config("web", "sqlTimeout"))
        if self["dbLimit"] is not None:
            self["dbLimit"] = min(max(self["dbLimit"], 0), config("ivoa", "dalHardLimit"))

    query_meta._fillDbOptions = fill  # noqa: SLF001 - as above


MENDS = {
    "gavo.base.unitconv": mend_units,
    "gavo.protocols.tap": mend_methods,
    "gavo.protocols.taprunner": mend_jobs,
    "gavo.protocols.uwsactions": mend_settings,
    "gavo.svcs.common": mend_services,
}
