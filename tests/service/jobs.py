"""Asynchronous jobs of TAP, by hand: what a client library would hide is looked at."""

import time
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import requests

_ENDED = {"COMPLETED", "ERROR", "ABORTED"}


@dataclass(frozen=True)
class Ended:
    """How a job ended: its address, phase and, where it failed, what it says."""

    address: str
    phase: str
    error: str


def start(session: requests.Session, url: str, *, files: Any = None, **given: str) -> str:  # noqa: ANN401 - of requests
    """The address of a job that runs, or that waits for its turn."""
    made = session.post(
        f"{url}/tap/async", data={"LANG": "ADQL"} | given, files=files, allow_redirects=False
    )
    assert made.status_code == 303, made.text
    address = made.headers["Location"]
    session.post(f"{address}/phase", data={"PHASE": "RUN"}, allow_redirects=False)
    return address


def phase(session: requests.Session, address: str) -> str:
    """The phase of a job."""
    return session.get(f"{address}/phase", timeout=60).text.strip()


def await_end(session: requests.Session, address: str, *, seconds: float = 120) -> Ended:
    """Wait until a job has ended."""
    deadline = time.monotonic() + seconds
    while (reached := phase(session, address)) not in _ENDED:
        assert time.monotonic() < deadline, f"{address} is still {reached}"
        time.sleep(0.2)
    told = ""
    if reached == "ERROR":
        root = ET.fromstring(session.get(f"{address}/error", timeout=60).text)  # noqa: S314 - our own
        told = " ".join(info.text or "" for info in root.iter() if info.tag.endswith("}INFO"))
    return Ended(address, reached, told)


def finish(session: requests.Session, url: str, *, files: Any = None, **given: str) -> Ended:  # noqa: ANN401 - of requests
    """Run a job to its end and remove it."""
    ended = await_end(session, start(session, url, files=files, **given))
    session.delete(ended.address)
    return ended
