"""A service fetches addresses that strangers name: only public ones, and only so much.

Whoever uploads a table to a TAP service may give an address instead (``UPLOAD=t,http://…``),
and DaCHS takes such a parameter at other doors, too. It fetches from where it stands: behind
the firewall, beside the database, near what trusts its machine. The guard looks at every
connection of the process at the moment when it is made, by an audit hook of Python, which
nothing can take out again: the address that is checked is the one that is connected to,
whatever a name resolved to before, however it was spelled, and after each redirect anew.
Answers are read up to a size and for a time.

The database is not concerned: its client library connects without Python.
"""

import contextlib
import errno
import http.client
import ipaddress
import socket
import sys
import threading
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SCHEMES = ("http:", "https:")
#: What DaCHS itself fetches while it holds up everybody else.
_OWN = "http://www.ivoa.net/rdf/"
_CHUNK = 65536

#: Of IPv6 only this part is given out for public use.
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
#: Public by their numbers, but not what they look like.
_NOT_PUBLIC = (
    # Azure tells a machine its secrets here.
    ipaddress.IPv4Network("168.63.129.16/32"),
    # Protocol assignments, relays and documentation.
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv6Network("3fff::/20"),
)


class EgressError(OSError):
    """The guard lets nobody through to this address, or reads no more of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)

    def __str__(self) -> str:
        return str(self.strerror)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public Internet, and not to this machine."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _PUBLIC_IPV6 or address.sixtofour is not None
    ):
        # Nor an IPv4 address in any of its disguises.
        return False
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not _is_within(address, _NOT_PUBLIC) and not _is_own(address)


def _is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_own(address: Address) -> bool:
    """Whether one of this machine's interfaces has the address: only then it can be bound."""
    is_old = isinstance(address, ipaddress.IPv4Address)
    family = socket.AF_INET if is_old else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def networks(text: str) -> tuple[Network, ...]:
    """The networks in a list with commas; ValueError where one is none."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


class Guard:
    """The audit hook: raises :class:`EgressError` where a connection must not be made.

    Parameters
    ----------
    allowed : tuple of networks
        What is reached besides public addresses.
    """

    def __init__(self, allowed: tuple[Network, ...] = ()) -> None:
        self._allowed = allowed

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Look at what is about to happen; called by Python for each event."""
        if event == "urllib.Request":
            self._check_request(str(arguments[0]))
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            self._check_address(arguments[0], arguments[1])

    def _check_request(self, url: str) -> None:
        if not url.lower().startswith(_SCHEMES):
            message = "only http and https are fetched"
            raise EgressError(message)
        if _holds_up_all() and not url.startswith(_OWN):
            message = "nothing is fetched for this parameter here"
            raise EgressError(message)

    def _check_address(self, opened: object, target: object) -> None:
        family = getattr(opened, "family", None)
        # Sockets without a target are connected already, and were looked at then.
        if family == socket.AF_UNIX or target is None:
            return
        host = str(target[0]) if isinstance(target, tuple) and target else ""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            # A name, or no address of the Internet's: what it leads to cannot be told.
            address = None
        if address is None or not (_is_within(address, self._allowed) or is_public(address)):
            # Nothing of what the name resolved to: that would tell strangers of our network.
            message = "only public addresses are fetched from"
            raise EgressError(message)


def _holds_up_all() -> bool:
    """Whether this is the one thread that serves all clients and must not wait for anybody.

    DaCHS fetches there what the parameter UPLOAD of protocols other than TAP names.
    """
    reactor = sys.modules.get("twisted.internet.reactor")
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and bool(getattr(reactor, "running", False))


class BoundedResponse(http.client.HTTPResponse):
    """An answer of HTTP that ends with :class:`EgressError` where it is too long or too slow."""

    most_bytes = 20_000_000
    #: From the request to the last byte.
    most_seconds = 60.0

    def __init__(self, sock: socket.socket, *arguments: object, **options: object) -> None:
        super().__init__(sock, *arguments, **options)  # type: ignore[arg-type]
        self._taken = 0
        self._is_late = False
        # A timeout of the socket's would begin anew with every byte that drips.
        self._timer = threading.Timer(self.most_seconds, self._end, [sock])
        self._timer.daemon = True
        self._timer.start()

    def _end(self, sock: socket.socket) -> None:
        self._is_late = True
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    def _close_conn(self) -> None:
        self._timer.cancel()
        super()._close_conn()  # type: ignore[misc]

    def read(self, amt: int | None = None) -> bytes:
        """Up to `amt` bytes, or all; fewer only at the end."""
        parts: list[bytes] = []
        wanted = self.most_bytes + 1 if amt is None or amt < 0 else amt
        while wanted > 0 and (part := self.read1(min(wanted, _CHUNK))):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def readinto(self, b: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as there are bytes."""
        part = self.read(len(b))
        b[: len(part)] = part
        return len(part)

    def read1(self, n: int = -1) -> bytes:
        """What has come, at most `n` bytes; waits for the first."""
        before = self.length
        if before is not None:
            n = before if n < 0 else min(n, before)
        part = super().read1(n)
        # Not all versions of Python count here.
        if before is not None and self.length == before:
            self.length = before - len(part)
        if self.length == 0 and self.fp is not None:
            self._close_conn()
        self._taken += len(part)
        self._check_bounds()
        return part

    def _check_bounds(self) -> None:
        if self._taken > self.most_bytes:
            message = f"more than {self.most_bytes} bytes"
            raise EgressError(message)
        if self._is_late:
            message = f"not read to its end within {self.most_seconds:.0f} s"
            raise EgressError(message)


def install(*, allowed: tuple[Network, ...], most_bytes: int) -> None:
    """Watch this process to its end.

    Parameters
    ----------
    allowed : tuple of networks
        What is reached besides public addresses.
    most_bytes : int
        The largest answer that is read.
    """
    BoundedResponse.most_bytes = most_bytes
    http.client.HTTPConnection.response_class = BoundedResponse
    sys.addaudithook(Guard(allowed))
