"""A service on loopback that fails the way a test wants it to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import quoteattr

FIELDS = (
    ("did", "ssa:Curation.PublisherDID", "char"),
    ("url", "ssa:Access.Reference", "char"),
    ("mime", "ssa:Access.Format", "char"),
    ("start", "ssa:Char.SpectralAxis.Coverage.Bounds.Start", "double"),
    ("stop", "ssa:Char.SpectralAxis.Coverage.Bounds.Stop", "double"),
)
AROUND = (6.28e-7, 6.73e-7)


@dataclass
class Reply:
    """One answer; ``length`` and ``body`` may disagree."""

    body: bytes = b""
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = -1
    before: Callable[[], None] = lambda: None


@dataclass
class Service:
    """Replies by path: a list is used up one by one, its last one stays."""

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    forms: list[bytes] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0

    def offer(self, path: str, *replies: Reply | bytes) -> str:
        """Set what a path answers; give its address."""
        self.replies[path] = [Reply(r) if isinstance(r, bytes) else r for r in replies]
        return self.url + path

    def list_(self, *rows: tuple[object, ...], status: str = "OK") -> None:
        """Let the service find these rows whatever it is asked."""
        self.offer("/ssa", votable(rows, status))

    def reply(self, path: str) -> Reply:
        known = self.replies.get(path)
        if known is None:
            return Reply(b"nothing of this name", 404)
        return known.pop(0) if len(known) > 1 else known[0]


def votable(rows: tuple[tuple[object, ...], ...], status: str = "OK", text: str = "") -> bytes:
    """An SSA answer of rows of publisher DID, URL, media type, start and stop."""
    fields = "".join(
        f'<FIELD name="{name}" utype="{utype}" datatype="{kind}"'
        + (' arraysize="*"/>' if kind == "char" else ' unit="m"/>')
        for name, utype, kind in FIELDS
    )
    cells = "".join(
        "<TR>" + "".join(f"<TD>{_escaped(value)}</TD>" for value in row) + "</TR>" for row in rows
    )
    return (
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="{status}">{text}</INFO>'
        f"<TABLE>{fields}<DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE>"
        "</RESOURCE></VOTABLE>"
    ).encode()


def _escaped(value: object) -> str:
    return quoteattr(str(value))[1:-1]


@contextmanager
def serving() -> Iterator[Service]:
    """A running service."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_POST(self) -> None:
            service.forms.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def do_GET(self) -> None:
            service.at_once += 1
            service.most_at_once = max(service.most_at_once, service.at_once)
            try:
                self._answer()
            except (BrokenPipeError, ConnectionResetError):
                pass
            finally:
                service.at_once -= 1

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            service.asked.append(parts.path)
            service.agents.add(self.headers["User-Agent"])
            if parts.path == "/ssa":
                service.queries.append(parse_qs(parts.query))
            reply = service.reply(parts.path)
            reply.before()
            self.send_response(reply.code)
            length = len(reply.body) if reply.length == -1 else reply.length
            if length is not None:
                self.send_header("Content-Length", str(length))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
