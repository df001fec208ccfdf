"""Requests are polite, bounded and patient."""

import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.archives.ssa.conftest import Clock
from tests.archives.ssa.services import Reply, Service
from vospec.archives.ssa.transport import (
    Answer,
    Manners,
    PassingError,
    RefusedError,
    Transport,
)
from vospec.errors import ServiceError

WHOLE = bytes(range(256)) * 100


def test_the_body_comes_whole_and_the_program_names_itself(
    service: Service, transport: Transport
) -> None:
    url = service.offer("/a", Reply(WHOLE, headers={"Content-Type": "Image/FITS"}))
    answer = transport.get(url, most=len(WHOLE))
    assert answer.content == WHOLE
    assert answer.content_type == "image/fits"
    assert answer.measured
    (agent,) = service.agents
    assert agent.startswith("vospec/")


def test_passing_faults_are_waited_for(
    service: Service, transport: Transport, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vospec")
    url = service.offer("/a", Reply(code=500), Reply(code=503), Reply(code=429), Reply(WHOLE))
    assert transport.get(url, most=1 << 20).content == WHOLE
    assert clock.slept == [1.0, 2.0, 4.0]
    assert [record.getMessage() for record in caplog.records][1] == (
        f"{url}: expected HTTP 200, found 503 Service Unavailable; asked again in 2 s"
    )


def test_who_fails_at_every_try_is_given_up(
    service: Service, transport: Transport, clock: Clock
) -> None:
    url = service.offer("/a", Reply(code=502))
    with pytest.raises(ServiceError, match=r"asked 4 times: expected HTTP 200, found 502"):
        transport.get(url, most=1)
    assert len(service.asked) == 4
    assert clock.slept == [1.0, 2.0, 4.0]


def test_who_refuses_is_not_asked_again(service: Service, transport: Transport) -> None:
    with pytest.raises(RefusedError, match="found 404"):
        transport.get(f"{service.url}/nowhere", most=1)
    assert len(service.asked) == 1


def test_retry_after_is_honoured(service: Service, transport: Transport, clock: Clock) -> None:
    later = Reply(code=503, headers={"Retry-After": "17"})
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    dated = Reply(code=429, headers={"Retry-After": date})
    odd = Reply(code=503, headers={"Retry-After": "soon"})
    url = service.offer("/a", later, dated, odd, Reply(WHOLE))
    assert transport.get(url, most=1 << 20).content == WHOLE
    assert clock.slept[0] == 17.0
    assert 90.0 < clock.slept[1] <= 100.0
    assert clock.slept[2] == 4.0


def test_who_asks_for_a_long_time_is_given_up(
    service: Service, transport: Transport, clock: Clock
) -> None:
    url = service.offer("/a", Reply(code=503, headers={"Retry-After": "86400"}))
    with pytest.raises(ServiceError, match="come again in 86400 s"):
        transport.get(url, most=1)
    assert not clock.slept


def test_a_body_that_breaks_off_is_asked_for_again(
    service: Service, transport: Transport, clock: Clock
) -> None:
    url = service.offer("/a", Reply(WHOLE[:1000], length=len(WHOLE)), Reply(WHOLE))
    assert transport.get(url, most=1 << 20).content == WHOLE
    assert clock.slept == [1.0]


def test_a_body_without_a_length_is_not_known_to_be_whole(
    service: Service, transport: Transport
) -> None:
    url = service.offer("/a", Reply(WHOLE, length=None))
    assert not transport.get(url, most=1 << 20).measured


def test_a_body_is_bounded(service: Service, transport: Transport) -> None:
    url = service.offer("/a", Reply(WHOLE, length=None))
    with pytest.raises(RefusedError, match=f"at most {len(WHOLE) - 1} bytes"):
        transport.get(url, most=len(WHOLE) - 1)


def test_silence_ends(service: Service, clock: Clock) -> None:
    manners = Manners(pause=0.0, timeout=0.05, tries=2)
    with Transport(manners, sleep=clock.sleep, clock=clock) as transport:
        url = service.offer("/a", Reply(before=_wait), Reply(before=_wait))
        with pytest.raises(ServiceError, match=r"asked 2 times: .*[Tt]imeout"):
            transport.get(url, most=1)


def _wait() -> None:
    time.sleep(0.3)


def test_nobody_there(transport: Transport) -> None:
    with pytest.raises(ServiceError, match=r"asked 4 times: ConnectionError: .*refused$"):
        transport.get("http://127.0.0.1:9/ssa", most=1)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "/etc/passwd", ""])
def test_other_addresses_are_refused(transport: Transport, url: str) -> None:
    with pytest.raises(RefusedError, match="expected an address of http or https"):
        transport.get(url, most=1 << 20)


@pytest.mark.parametrize("url", ["http://", "http://[", "http://exa mple:x/"])
def test_broken_addresses_are_refused(transport: Transport, url: str) -> None:
    with pytest.raises(ServiceError):
        transport.get(url, most=1 << 20)


def test_no_redirection_leads_to_files(service: Service, transport: Transport) -> None:
    away = Reply(code=302, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(RefusedError, match="file:///etc/passwd"):
        transport.get(service.offer("/a", away), most=1 << 20)


def test_requests_stand_a_pause_apart(service: Service, clock: Clock) -> None:
    url = service.offer("/a", WHOLE)
    with Transport(Manners(pause=2.5), sleep=clock.sleep, clock=clock) as transport:
        for _ in range(3):
            transport.get(url, most=1 << 20)
    assert clock.slept == [2.5, 2.5]


def test_a_form_with_files_is_sent(service: Service, transport: Transport) -> None:
    url = service.offer("/a", WHOLE)
    files = {"table": ("table.vot", b"<VOTABLE/>", "application/x-votable+xml")}
    form = {"QUERY": "SELECT 1"}
    length = transport.post(url, form, files=files, most=1 << 20, read=lambda a: len(a.content))
    assert length == len(WHOLE)
    (body,) = service.forms
    assert b'name="QUERY"\r\n\r\nSELECT 1' in body
    assert b'name="table"; filename="table.vot"' in body
    assert b"<VOTABLE/>" in body


def test_what_cannot_be_read_is_asked_for_again(
    service: Service, transport: Transport, clock: Clock
) -> None:
    def read(answer: Answer) -> bytes:
        if answer.content != WHOLE:
            message = "broken"
            raise PassingError(message)
        return answer.content

    url = service.offer("/a", b"something", WHOLE)
    assert transport.post(url, {}, most=1 << 20, read=read) == WHOLE
    assert clock.slept == [1.0]
    with pytest.raises(ServiceError, match="asked 4 times: broken"):
        transport.post(service.offer("/a", b"something"), {}, most=1 << 20, read=read)


def test_a_refusal_tells_its_code_and_what_the_service_says(
    service: Service, transport: Transport
) -> None:
    words = b'<VOTABLE><INFO name="QUERY_STATUS" value="ERROR">Unknown\n table</INFO></VOTABLE>'
    reply = Reply(words, 400, {"Content-Type": "application/x-votable+xml"})
    with pytest.raises(RefusedError, match=r"found 400 Bad Request; Unknown table$") as refused:
        transport.get(service.offer("/a", reply), most=1 << 20)
    assert refused.value.code == 400
    page = Reply(b"<html>Go away</html>", 403, {"Content-Type": "text/html"})
    with pytest.raises(RefusedError, match=r"found 403 Forbidden$"):
        transport.get(service.offer("/a", page), most=1 << 20)


def test_patience_ends_before_the_tries(service: Service, clock: Clock) -> None:
    manners = Manners(pause=0.0, tries=100, patience=100.0, jitter=0.0)
    with (
        Transport(manners, sleep=clock.sleep, clock=clock) as transport,
        pytest.raises(ServiceError, match="asked 8 times"),
    ):
        transport.get(service.offer("/a", Reply(code=503)), most=1)
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_who_has_no_patience_asks_once(service: Service, clock: Clock) -> None:
    manners = Manners(pause=0.0, patience=0.0)
    with (
        Transport(manners, sleep=clock.sleep, clock=clock) as transport,
        pytest.raises(ServiceError, match="asked once: expected HTTP 200"),
    ):
        transport.get(service.offer("/a", Reply(code=503)), most=1)


def test_waits_are_longer_by_chance(service: Service, clock: Clock) -> None:
    url = service.offer("/a", Reply(code=503))
    manners = Manners(pause=0.0, tries=6, jitter=0.5)
    with (
        Transport(manners, sleep=clock.sleep, clock=clock) as transport,
        pytest.raises(ServiceError),
    ):
        transport.get(url, most=1)
    shares = [slept / 2.0**number for number, slept in enumerate(clock.slept)]
    assert len(set(shares)) == 5
    assert all(1.0 <= share <= 1.5 for share in shares)
