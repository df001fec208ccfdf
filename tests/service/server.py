"""A second server of the instance, with settings and an environment of its own."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import Instance

_PATH = "/usr/lib/postgresql/15/bin:/usr/bin:/bin"


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def owner(instance: Instance) -> dict[str, Any]:
    """Options of subprocess that make a program run as the account of the services."""
    account = (instance.folder / "postgres").stat()
    if os.geteuid() != 0:
        return {}
    return {"user": account.st_uid, "group": account.st_gid, "extra_groups": []}


def environment(instance: Instance, settings: Path, **given: str) -> dict[str, str]:
    """What deploy/up gives to its server."""
    dachs = instance.folder / "dachs"
    return {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "HOME": str(dachs),
        "GAVOSETTINGS": str(settings),
        "PYTHONPATH": str(dachs / "guard"),
    } | given


@contextmanager
def serve(
    instance: Instance, *, settings: Mapping[str, str] | None = None, **given: str
) -> Iterator[str]:
    """The address of a server on the same database.

    Settings are named with their section (``async.defaultExecTimeSync``); more words are
    variables of its environment.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    wanted = {"web.serverPort": str(port), "web.serverURL": url} | dict(settings or {})
    with tempfile.TemporaryDirectory(prefix="vospec-server.") as folder:
        Path(folder).chmod(0o755)
        written = _write_settings(instance, Path(folder), wanted)
        process = subprocess.Popen(
            ["/usr/bin/dachs", "serve", "start", "--foreground"],
            env=environment(instance, written, **given),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **owner(instance),
        )
        try:
            _await(url, process)
            yield url
        finally:
            process.kill()
            process.wait()


def _write_settings(instance: Instance, folder: Path, wanted: Mapping[str, str]) -> Path:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(instance.folder / "dachs" / "gavo.rc", encoding="utf-8")
    for name, value in wanted.items():
        section, _, key = name.partition(".")
        parser.set(section, key, value)
    path = folder / "gavo.rc"
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
    path.chmod(0o644)
    return path


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/clientcount", timeout=5):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    message = f"the server at {url} does not answer"
    raise AssertionError(message)
