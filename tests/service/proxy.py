"""Stands in front of a service and fails the way that a test wants it to.

What it passes on is the service's own: an answer that is cut is cut by the service, which is
asked for fewer rows.
"""

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_MAXREC = re.compile(rb'(name="MAXREC"\r\n\r\n|MAXREC=)\d+')
_HEADERS = ("Content-Type",)


@dataclass
class Answer:
    """What goes back; of the body fewer bytes than `length` may come."""

    body: bytes
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


#: Makes an answer of a request's body, with what passes a body on to the service; None: the
#: connection ends without an answer.
Behaviour = Callable[[bytes, Callable[[bytes], Answer]], Answer | None]


def passed(body: bytes, ask: Callable[[bytes], Answer]) -> Answer:
    """The answer of the service."""
    return ask(body)


def dropped(_body: bytes, _ask: Callable[[bytes], Answer]) -> None:
    """No answer."""
    return


def status(code: int, **headers: str) -> Behaviour:
    """An error instead of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _body, _ask: Answer(b"<html>Not now</html>", code, named)


def late(seconds: float) -> Behaviour:
    """The answer after some time."""

    def answer(body: bytes, ask: Callable[[bytes], Answer]) -> Answer:
        time.sleep(seconds)
        return ask(body)

    return answer


def garbage(_body: bytes, _ask: Callable[[bytes], Answer]) -> Answer:
    """Something else."""
    return Answer(b"\x00\x01 nothing of the kind <VOTABLE>", 200, {"Content-Type": "text/xml"})


def broken(body: bytes, ask: Callable[[bytes], Answer]) -> Answer:
    """Half of the answer; then the connection ends."""
    answer = ask(body)
    answer.length, answer.body = len(answer.body), answer.body[: len(answer.body) // 2]
    return answer


def malformed(body: bytes, ask: Callable[[bytes], Answer]) -> Answer:
    """Half of the answer, as if it were whole."""
    answer = ask(body)
    answer.body = answer.body[: len(answer.body) // 2]
    return answer


def cut(rows: int, *, silently: bool = False) -> Behaviour:
    """At most some rows; the service says so, or nobody does."""

    def answer(body: bytes, ask: Callable[[bytes], Answer]) -> Answer:
        found = ask(_MAXREC.sub(lambda given: given[1] + str(rows).encode(), body))
        if silently:
            found.body = found.body.replace(b'value="OVERFLOW"', b'value="OK"')
        return found

    return answer


class Proxy:
    """A service on loopback that passes requests on; its behaviours are used up one by one."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.behaviours: list[Behaviour] = []
        #: Where no behaviour is left.
        self.usual: Behaviour = passed
        self.bodies: list[bytes] = []
        self.agents: set[str] = set()
        self.times: list[float] = []
        self.at_once = self.most_at_once = 0
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The address to ask."""
        return f"http://127.0.0.1:{self._port}{self.target.path}"

    def start(self) -> None:
        """Begin to listen, at the same address as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, method: str, path: str, body: bytes, kind: str | None) -> Answer | None:
        """What a request is answered."""

        def ask(given: bytes) -> Answer:
            connection = http.client.HTTPConnection(self.target.netloc, timeout=120)
            headers = {"Content-Type": kind} if kind else {}
            try:
                connection.request(method, path, given or None, headers)
                reply = connection.getresponse()
                told = {name: reply.getheader(name, "") for name in _HEADERS}
                return Answer(reply.read(), reply.status, told)
            finally:
                connection.close()

        behaviour = self.behaviours.pop(0) if self.behaviours else self.usual
        return behaviour(body, ask)

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - self is the handler
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                proxy.at_once += 1
                proxy.most_at_once = max(proxy.most_at_once, proxy.at_once)
                proxy.times.append(time.monotonic())
                proxy.agents.add(self.headers["User-Agent"])
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy.bodies.append(body)
                try:
                    kind = self.headers["Content-Type"]
                    self._send(proxy.answer("POST", self.path, body, kind))
                except (BrokenPipeError, ConnectionResetError):
                    pass
                finally:
                    proxy.at_once -= 1

            def _send(self, answer: Answer | None) -> None:
                if answer is None:
                    return
                self.send_response(answer.code)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                length = len(answer.body) if answer.length is None else answer.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def before(target: str) -> Iterator[Proxy]:
    """A running proxy in front of a service."""
    proxy = Proxy(target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
