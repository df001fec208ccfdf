"""Servers on loopback that a service must not visit, or that lead it astray."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_TABLE = (
    b'<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD name="a" datatype="int"/>'
    b"<DATA><TABLEDATA><TR><TD>42</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
)


class Visited:
    """A server that counts who comes; paths beginning with /to/ redirect to the rest of them."""

    def __init__(self, address: str) -> None:
        self.paths: list[str] = []
        self.document = _TABLE
        visited = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                visited.paths.append(self.path)
                target = self.path.partition("/to/")[2]
                self.send_response(302 if target else 200)
                if target:
                    self.send_header("Location", target)
                self.send_header("Content-Length", str(len(visited.document)))
                self.end_headers()
                self.wfile.write(visited.document)

            def log_message(self, *_: object) -> None:
                """Not into the output of the tests."""

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self._server = Server((address, 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def visited(address: str = "127.0.0.1") -> Iterator[Visited]:
    """A server on an address of this machine."""
    server = Visited(address)
    try:
        yield server
    finally:
        server.close()
