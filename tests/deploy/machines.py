"""Machines that a test plays: network namespaces, each with an address on one wire.

The wire, a bridge, is in the first namespace; nothing of it is seen outside. Where the tests
may make no namespaces, machines are addresses of loopback and see each other's folders.
"""

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: What names of namespaces begin with; the process of the test follows.
NAME = "vospec"


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes
    ----------
    host : str
        Its address.
    name : str
        Its namespace, or nothing.
    """

    host: str
    name: str = ""

    def command(self, *command: object, hidden: tuple[Path, ...] = (), spark: Path) -> list[str]:
        """A command on this machine, which has Spark and none of some folders.

        Parameters
        ----------
        *command
            The command; an argument ``SPARK`` becomes the folder of Spark there.
        hidden : tuple of Path
            Folders that are empty there.
        spark : Path
            Where Spark stands; in one of the hidden folders, maybe.
        """
        if not self.name:
            return [str(part).replace("SPARK", str(spark)) for part in command]
        # ip gives the command a namespace of mounts, too, which ends with it.
        script = ['mount --bind "$1" /mnt', "shift"]
        # What lies in a folder that is hidden is gone with it.
        outermost = [f for f in hidden if not any(f.is_relative_to(o) for o in hidden if o != f)]
        script += [f"mount -t tmpfs none '{folder}'" for folder in outermost]
        script += ['exec "$@"']
        inside = [str(part).replace("SPARK", "/mnt") for part in command]
        shell = ["sh", "-ec", "\n".join(script), "sh", str(spark)]
        return ["ip", "netns", "exec", self.name, *shell, *inside]


@contextlib.contextmanager
def machines(number: int) -> Iterator[list[Machine]]:
    """Some machines that can call each other."""
    if not _may_divide():
        yield [Machine(f"127.0.0.{n + 1}") for n in range(number)]
        return
    _sweep()
    names = [f"{NAME}{os.getpid()}-{n}" for n in range(number)]
    made = [Machine(f"10.77.0.{n + 1}", name) for n, name in enumerate(names)]
    try:
        _connect(made)
        yield made
    finally:
        for name in names:
            _ip("netns", "del", name, check=False)


def _may_divide() -> bool:
    if os.geteuid():
        return False
    name = f"{NAME}{os.getpid()}-try"
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        _ip("netns", "add", name)
        _ip("netns", "del", name)
        return True
    return False


def _connect(made: list[Machine]) -> None:
    first = made[0]
    for machine in made:
        _ip("netns", "add", machine.name)
        _ip("-n", machine.name, "link", "set", "lo", "up")
    _ip("-n", first.name, "link", "add", "wire", "type", "bridge")
    _ip("-n", first.name, "addr", "add", f"{first.host}/24", "dev", "wire")
    _ip("-n", first.name, "link", "set", "wire", "up")
    for number, machine in enumerate(made[1:]):
        end = f"end{number}"
        peer = ("peer", "name", "wire", "netns", machine.name)
        _ip("-n", first.name, "link", "add", end, "type", "veth", *peer)
        _ip("-n", first.name, "link", "set", end, "master", "wire", "up")
        _ip("-n", machine.name, "addr", "add", f"{machine.host}/24", "dev", "wire")
        _ip("-n", machine.name, "link", "set", "wire", "up")


def _sweep() -> None:
    """Take away the namespaces of tests that were killed."""
    for line in _ip("netns", "list").splitlines():
        name = line.split()[0]
        process = "".join(itertools.takewhile(str.isdigit, name.removeprefix(NAME)))
        if name.startswith(NAME) and process and not Path("/proc", process).exists():
            _ip("netns", "del", name, check=False)


def _ip(*arguments: str, check: bool = True) -> str:
    command = ["ip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=check)  # noqa: S603 - the system's own program
    return done.stdout
