# ruff: noqa: INP001 - a program that bash calls, in no package
"""Asks the master and the workers of a cluster how they are.

Each argument is ``NAME=PORT=PROCESS``: a daemon, the port on loopback at which it tells its
state as JSON, and its process; both are empty where there is none. Prints a line a daemon.
Exit code: 0 where all are well, 3 where one is not.
"""

import json
import socket
import sys
import time
import urllib.request
from typing import Any

#: Seconds within which a daemon must answer.
PATIENCE = 10.0


def state(port: str) -> dict[str, Any] | None:
    """What a daemon tells, or None where nobody answers."""
    if not port:
        return None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/json/", timeout=PATIENCE) as answer:
            told: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return None
    return told


def listens(master: str) -> bool:
    """Whether somebody listens at the address of a master on another machine."""
    host, _, port = master.removeprefix("spark://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError):
        return False
    return True


def of_master(told: dict[str, Any]) -> tuple[bool, str]:
    """Whether a master is well, and what it does."""
    jobs = ", ".join(f"{app['name']} ({app['cores']} cores)" for app in told["activeapps"])
    alive = [worker for worker in told["workers"] if worker["state"] == "ALIVE"]
    sentence = (
        f"{told['status']}, {told['url']}, {len(alive)} workers, {told['coresused']} of "
        f"{told['cores']} cores at work{': ' + jobs if jobs else ''}"
    )
    return told["status"] == "ALIVE", sentence


def of_worker(told: dict[str, Any], master: dict[str, Any] | None) -> tuple[bool, str]:
    """Whether a worker is well, by its own account and by that of a master on this machine."""
    sentence = (
        f"{told['masterurl'] or 'has no master'}, {told['coresused']} of {told['cores']} cores "
        f"and {told['memoryused']} of {told['memory']} MiB at work"
    )
    if master is None:
        return listens(told["masterurl"]), sentence
    known = [worker for worker in master["workers"] if worker["id"] == told["id"]]
    if not known:
        return False, f"unknown to the master, {sentence}"
    heard = max(0.0, time.time() - known[0]["lastheartbeat"] / 1000)
    return (
        known[0]["state"] == "ALIVE",
        f"{known[0]['state']}, heard of {heard:.0f} s ago, {sentence}",
    )


def main(arguments: list[str]) -> int:
    """Ask all, tell of all, and judge."""
    daemons = [argument.split("=") for argument in arguments]
    told = {name: state(port) for name, port, _ in daemons}
    well = True
    for name, port, process in daemons:
        found = told[name]
        if found is None:
            fine, sentence = False, "does not answer" if process else "down"
        elif name == "master":
            fine, sentence = of_master(found)
        else:
            fine, sentence = of_worker(found, told.get("master"))
        where = f"\n{'':24}process {process}, http://127.0.0.1:{port}" if process else ""
        sys.stdout.write(f"{name:22}  {sentence}{where}\n")
        well = well and fine
    return 0 if well and daemons else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
