# noqa: INP001 - DaCHS loads this file by its path
"""Whether the service is well, for load balancers and for those who keep watch.

The question goes through the role and the views that TAP has, over a connection of its
own and in a thread of its own: neither slow queries, which take all threads of the server,
nor full pools hold it up. One question at a time answers all who ask meanwhile. Where the
database neither answers nor refuses, DaCHS itself may wait for it, all clients with it: who
watches takes silence for an illness.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime

import psycopg2
from gavo import base
from twisted.internet import reactor
from twisted.web import resource, server

#: Whoever asks has an answer after this.
_MOST_SECONDS = 5
#: For the connection, and again for the query.
_PATIENCE = 2

_CURRENT = "SELECT run_id FROM vospec.runs WHERE state = 'current'"
_READABLE = "SELECT FROM vospec.candidates LIMIT 1"


class Question:
    """The one question that is on its way, and those who wait for its answer.

    All but the question itself is done in the thread of the server that has the clients,
    and so needs no lock.
    """

    def __init__(self) -> None:
        self._waiting: list[server.Request] = []
        self._is_asked = False

    def wait(self, request: server.Request) -> None:
        """Have a client answered when the answer is there, or when it takes too long."""
        self._waiting.append(request)
        request.notifyFinish().addErrback(lambda _: self._forget(request))
        reactor.callLater(_MOST_SECONDS, self._give_up, request)
        if not self._is_asked:
            self._is_asked = True
            threading.Thread(target=self._ask, name="health", daemon=True).start()

    def _ask(self) -> None:
        told = failure("the question failed")
        try:
            told = ask()
        finally:
            reactor.callFromThread(self._answer_all, *told)

    def _answer_all(self, status: int, content: dict[str, object]) -> None:
        self._is_asked = False
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            answer(request, status, content)

    def _give_up(self, request: server.Request) -> None:
        if request in self._waiting:
            self._forget(request)
            answer(request, *failure("the database does not answer in time"))

    def _forget(self, request: server.Request) -> None:
        if request in self._waiting:
            self._waiting.remove(request)


QUESTION = Question()


def ask() -> tuple[int, dict[str, object]]:
    """Status of HTTP and content, from the database."""
    began = time.monotonic()
    try:
        run = _current_run()
    except psycopg2.OperationalError:
        return failure("the database does not answer")
    except psycopg2.Error:
        return failure("the tables cannot be read")
    return 200, {
        "status": "ok",
        "run": run,
        "guarded": "vospec_guard" in sys.modules,
        "seconds": round(time.monotonic() - began, 3),
        "time": _now(),
    }


def failure(reason: str) -> tuple[int, dict[str, object]]:
    """Status of HTTP and content where the service is not well."""
    return 503, {"status": "failed", "reason": reason, "time": _now()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _current_run() -> str | None:
    profile = base.config.getDBProfile("untrustedquery")
    connection = psycopg2.connect(
        **profile.getArgs(),
        connect_timeout=_PATIENCE,
        options=f"-c statement_timeout={1000 * _PATIENCE}",
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(_READABLE)
            cursor.execute(_CURRENT)
            row = cursor.fetchone()
    finally:
        connection.close()
    return str(row[0]) if row else None


def answer(request: server.Request, status: int, content: dict[str, object]) -> None:
    """Send JSON and be done with a client."""
    request.setResponseCode(status)
    request.setHeader("content-type", "application/json")
    request.setHeader("cache-control", "no-store")
    if request.method != b"HEAD":
        request.write(json.dumps(content).encode() + b"\n")
    request.finish()


class MainPage(resource.Resource):
    """What DaCHS looks for in this file."""

    isLeaf = True  # noqa: N815 - Twisted has it so

    def __init__(self, request: server.Request, service: object) -> None:  # noqa: ARG002 - DaCHS gives them
        super().__init__()

    @classmethod
    def isBrowseable(cls, service: object) -> bool:  # noqa: N802, ARG003 - as above
        """Nothing to look at."""
        return False

    def render(self, request: server.Request) -> int:
        """Answer later."""
        QUESTION.wait(request)
        return int(server.NOT_DONE_YET)
