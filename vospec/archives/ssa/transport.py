"""Polite HTTP: one request at a time, a pause between two, bounded answers, patience.

A service that is down or asks to wait (5xx, 429, a broken connection, silence) is
asked again after 1, 2, 4 … 30 seconds and a little more by chance, so that clients which
failed together do not come back together, or after what its Retry-After says (RFC 9110,
section 10.2.3); what it refuses (other 4xx) is not asked again.
"""

import email.utils
import logging
import math
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import requests

from vospec import __version__
from vospec.errors import ServiceError

logger = logging.getLogger(__name__)

_AGAIN = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 16
#: Seconds between two tries, unless the service asks for more.
_LONGEST = 30.0
#: Characters of what a service says of its refusal.
_MOST_REASON = 300
#: A server that sends a byte now and then must end, too.
_PATIENCE = 20


@dataclass(frozen=True)
class Manners:
    """How a service is treated.

    Attributes
    ----------
    pause
        Seconds between two requests.
    timeout
        Seconds without an answer or without the next bytes of it.
    tries, patience
        How often one thing is asked for, and for how many seconds.
    longest_wait
        Seconds of Retry-After that are waited; who asks for more is given up.
    jitter
        Part by which a wait may be longer than 1, 2, 4 … seconds.
    """

    pause: float = 0.5
    timeout: float = 60.0
    tries: int = 4
    patience: float = math.inf
    longest_wait: float = 300.0
    jitter: float = 0.25


@dataclass(frozen=True)
class Answer:
    """The whole body of an answer.

    Attributes
    ----------
    content
        The bytes, of which none is missing where ``measured``.
    content_type
        Media type in lower case, empty where not told.
    measured
        Whether the service told the length, so that the body is known to be whole.
    """

    content: bytes
    content_type: str
    measured: bool


_T = TypeVar("_T")


class RefusedError(ServiceError):
    """The service answers, and does not give this one thing; `code` is that of HTTP, if any."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


class PassingError(Exception):
    """What may be better the next time, and the seconds that the service asks for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Transport:
    """Requests to one service and to the addresses that it gives.

    Parameters
    ----------
    manners : Manners
        How the service is treated.
    sleep, clock : callable
        Waits for seconds; seconds, monotonic.
    """

    def __init__(
        self,
        manners: Manners,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.manners = manners
        self.session = requests.Session()
        self.session.headers["User-Agent"] = f"vospec/{__version__} (IVOA-copy)"
        self._sleep, self.clock = sleep, clock
        self._free = clock()
        #: Requests so far, those in vain among them.
        self.n_requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.close()

    def get(self, url: str, parameters: dict[str, str] | None = None, *, most: int) -> Answer:
        """Ask for an address.

        Parameters
        ----------
        url
            Of http or https.
        parameters
            Of the query.
        most
            Bytes of an answer at most.

        Raises
        ------
        RefusedError
            No address of http(s), refused by the service, or too large.
        ServiceError
            Silent, broken or overloaded at every try.
        """
        return self._patiently(url, lambda: self._ask("GET", url, most, params=parameters))

    def post(
        self,
        url: str,
        fields: Mapping[str, str],
        *,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        most: int,
        read: Callable[[Answer], _T],
    ) -> _T:
        """Send a form and read the answer.

        Parameters
        ----------
        url
            Of http or https.
        fields
            Of the form.
        files
            Name, content and media type of what is sent with it.
        most
            Bytes of an answer at most.
        read
            Makes of an answer what is wanted. Where it raises `PassingError` the answer was
            broken and is asked for again.

        Raises
        ------
        RefusedError, ServiceError
            As :meth:`get`.
        """

        def ask() -> _T:
            return read(self._ask("POST", url, most, data=dict(fields), files=files))

        return self._patiently(url, ask)

    def _patiently(self, url: str, ask: Callable[[], _T]) -> _T:
        if not re.match(r"https?://", url, re.IGNORECASE):
            message = f"{url}: expected an address of http or https"
            raise RefusedError(message)
        until = self.clock() + self.manners.patience
        for number in range(self.manners.tries):
            self._wait(self._free - self.clock())
            try:
                return ask()
            except PassingError as fault:
                reason, last = fault, fault.wait
            finally:
                self._free = self.clock() + self.manners.pause
            if last is not None and last > self.manners.longest_wait:
                message = f"{url}: {reason}; it asks to come again in {last:.0f} s"
                raise ServiceError(message) from reason
            wait = self._backing_off(number) if last is None else last
            if number + 1 == self.manners.tries or self.clock() + wait > until:
                break
            logger.info("%s: %s; asked again in %.0f s", url, reason, wait)
            self._wait(wait)
        times = "once" if number == 0 else f"{number + 1} times"
        message = f"{url}: asked {times}: {reason}"
        raise ServiceError(message) from reason

    def _backing_off(self, number: int) -> float:
        # Jitter needs no secrecy.
        longer = 1 + self.manners.jitter * random.random()  # noqa: S311
        return min(2.0**number, _LONGEST) * longer

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)

    def _ask(self, method: str, url: str, most: int, **what: Any) -> Answer:  # noqa: ANN401 - as requests takes it
        self.n_requests += 1
        try:
            with self.session.request(
                method, url, stream=True, timeout=self.manners.timeout, **what
            ) as response:
                _check_status(response, url)
                content = self._body(response, url, most)
                # What requests has unpacked has another length than the header tells.
                packed = "Content-Encoding" in response.headers
                measured = packed or "Content-Length" in response.headers
                kind = response.headers.get("Content-Type", "").strip().lower()
                return Answer(content, kind, measured)
        except (requests.URLRequired, requests.TooManyRedirects, ValueError) as fault:
            # requests' faults of addresses are ValueErrors.
            message = f"{url}: {fault}"
            raise RefusedError(message) from fault
        except requests.RequestException as fault:
            reason = f"{type(fault).__name__}: {_root(fault)}"
            raise PassingError(reason) from fault

    def _body(self, response: requests.Response, url: str, most: int) -> bytes:
        deadline = self.clock() + _PATIENCE * self.manners.timeout
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > most:
                message = f"{url}: expected at most {most} bytes, found more"
                raise RefusedError(message)
            if self.clock() > deadline:
                message = f"no end of the answer after {len(content)} bytes"
                raise PassingError(message)
        return bytes(content)


def _check_status(response: requests.Response, url: str) -> None:
    code = response.status_code
    if code in _AGAIN:
        reason = f"expected HTTP 200, found {code} {response.reason}"
        raise PassingError(reason, _seconds(response.headers.get("Retry-After")))
    if code != requests.codes.ok:
        told = "; ".join(filter(None, (str(response.reason or ""), _told(response))))
        message = f"{url}: expected HTTP 200, found {code} {told}"
        raise RefusedError(message, code)


def _told(response: requests.Response) -> str:
    """What a service of the Virtual Observatory says of its refusal, which it does in XML."""
    if "xml" not in response.headers.get("Content-Type", ""):
        return ""
    text = next(response.iter_content(_CHUNK), b"").decode("utf-8", "replace")
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())[:_MOST_REASON]


def _root(fault: BaseException) -> BaseException:
    """What the layers between wrap: connection refused, timed out."""
    while fault.__context__ is not None:
        fault = fault.__context__
    return fault


def _seconds(given: str | None) -> float | None:
    """Seconds of Retry-After: a number, or the time of a date."""
    if given is None:
        return None
    if given.strip().isdigit():
        return float(given)
    try:
        date = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((date - datetime.now(UTC)).total_seconds(), 0.0)
