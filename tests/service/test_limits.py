"""Nobody's query takes the service away from everybody else."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
import requests
from astropy.table import Table

from tests.conftest import Instance
from tests.publication import samples
from tests.service.conftest import SERVICE
from tests.service.jobs import await_end, finish, phase, start
from tests.service.server import serve
from tests.service.told import ask, rows, votable

pytestmark = SERVICE

#: Works for hours, in PostgreSQL.
RUNAWAY = (
    "SELECT COUNT(*) AS n FROM vospec.features AS a, vospec.features AS b,"
    " vospec.features AS c, generate_series(1, 1000000) AS g"
    " WHERE arr_sum(a.flux * b.flux) > arr_sum(c.flux)"
)
SHORT = {
    "async.defaultExecTimeSync": "2",
    "async.defaultExecTime": "4",
    "async.defaultLifetime": "3600",
    "async.defaultMAXREC": "4",
    "async.hardMAXREC": "7",
    "web.sqlTimeout": "2",
    "ivoa.dalDefaultLimit": "3",
    "ivoa.dalHardLimit": "5",
}


@pytest.fixture(scope="module")
def short(instance: Instance, url: str) -> Iterator[str]:
    """A server with little time and few rows."""
    assert url
    with serve(instance, settings=SHORT, VOSPEC_QUERY_SIGNS="2000") as address:
        yield address


# ---- time ----


def test_a_runaway_query_is_cut_off(short: str, session: requests.Session) -> None:
    told = ask(session, short, RUNAWAY)
    assert told.refused
    assert "Query timed out (took too long)" in told.text


def test_a_runaway_job_is_cut_off(short: str, session: requests.Session) -> None:
    told = finish(session, short, QUERY=RUNAWAY)
    assert told.phase == "ERROR"
    assert "Query timed out (took too long)" in told.error


@pytest.mark.parametrize("asked", ["1000000", "0", "-1", "nan", "inf"])
def test_no_job_gets_more_time_than_there_is(
    short: str, session: requests.Session, asked: str
) -> None:
    address = start(session, short, EXECUTIONDURATION=asked, QUERY=RUNAWAY)
    ended = await_end(session, address)
    assert ended.phase == "ERROR"
    assert "Query timed out (took too long)" in ended.error
    session.delete(address)


def _pending(session: requests.Session, url: str) -> str:
    made = session.post(
        f"{url}/tap/async",
        data={"LANG": "ADQL", "QUERY": "SELECT TOP 1 * FROM vospec.grid"},
        allow_redirects=False,
    )
    return str(made.headers["Location"])


def test_users_are_told_the_time_that_they_get(short: str, session: requests.Session) -> None:
    job = _pending(session, short)
    for asked, given in (("1000", 4), ("0", 4), ("3", 3)):
        session.post(f"{job}/executionduration", data={"EXECUTIONDURATION": asked})
        assert float(session.get(f"{job}/executionduration").text) == given
    session.delete(job)


def test_no_answer_stays_for_ever(short: str, session: requests.Session) -> None:
    job = _pending(session, short)
    before = session.get(f"{job}/destruction").text
    session.post(f"{job}/destruction", data={"DESTRUCTION": "2999-01-01T00:00:00"})
    latest = session.get(f"{job}/destruction").text
    assert before[:10] <= latest[:10] < "2900"
    session.post(f"{job}/destruction", data={"DESTRUCTION": "2020-01-01T00:00:00"})
    assert session.get(f"{job}/destruction").text.startswith("2020-01-01")
    session.delete(job)


def test_no_word_makes_a_query_sleep(url: str, session: requests.Session) -> None:
    told = ask(session, url, "JUST HANG around")
    assert told.refused
    assert "Could not parse your query" in told.text


def test_services_get_no_more_time_either(short: str, session: requests.Session) -> None:
    # The form of ADQL takes the time from a parameter.
    given = {
        "__nevow_form__": "genForm",
        "query": RUNAWAY,
        "_TIMEOUT": "100000",
        "_FORMAT": "HTML",
        "submit": "Go",
    }
    answer = session.get(f"{short}/__system__/adql/query/form", params=given, timeout=60)
    assert "timed out" in answer.text


def test_a_long_query_is_refused(short: str, session: requests.Session) -> None:
    query = "SELECT element FROM vospec.grid WHERE " + " OR ".join(["element = 1"] * 200)  # noqa: S608 - long, no more
    told = ask(session, short, query)
    assert told.refused
    assert f"the query has {len(query)} signs, and may have 2000" in told.text


def test_huge_powers_are_not_worked_out(url: str, session: requests.Session) -> None:
    for call in ("IN_UNIT(wavelength, '10**99999999m')", "gavo_specconv(1, '10**99999999m', 'm')"):
        told = ask(session, url, f"SELECT TOP 1 {call} AS a FROM vospec.grid")  # noqa: S608 - an attack
        assert told.refused
        assert "too large a power" in told.text


# ---- rows ----


def _told_rows(session: requests.Session, url: str, query: str, **given: str) -> tuple[int, bool]:
    """How many rows come, and whether it is told that there are more."""
    answer = session.post(
        f"{url}/tap/sync",
        data={"LANG": "ADQL", "QUERY": query, "FORMAT": "votable/td"} | given,
        timeout=60,
    )
    return answer.text.count("<TR>"), 'name="QUERY_STATUS" value="OVERFLOW"' in answer.text


@pytest.mark.parametrize(
    ("query", "given", "expected"),
    [
        ("SELECT * FROM vospec.grid", {}, (4, True)),
        ("SELECT * FROM vospec.grid", {"MAXREC": "6"}, (6, True)),
        ("SELECT * FROM vospec.grid", {"MAXREC": "1000000"}, (7, True)),
        ("SELECT TOP 3 * FROM vospec.grid", {"MAXREC": "1000000"}, (3, False)),
        ("SELECT * FROM vospec.grid WHERE element <= 3", {}, (3, False)),
    ],
)
def test_rows_are_cut_and_it_is_told(
    short: str,
    session: requests.Session,
    query: str,
    given: dict[str, str],
    expected: tuple[int, bool],
) -> None:
    assert _told_rows(session, short, query, **given) == expected


def test_top_does_not_lift_the_bound(short: str, session: requests.Session) -> None:
    count, more = _told_rows(session, short, "SELECT TOP 1000 * FROM vospec.grid", MAXREC="1000000")
    # One more than the bound tells DaCHS that there are more.
    assert (count, more) == (8, True)


@pytest.mark.parametrize("asked", ["-1", "many", "1e9", "99999999999999999999"])
def test_a_number_of_rows_that_is_none_does_no_harm(
    url: str, session: requests.Session, asked: str
) -> None:
    told = ask(session, url, "SELECT * FROM vospec.grid", MAXREC=asked)
    assert told.refused or told.status in ("OK", "OVERFLOW")
    assert ask(session, url, "SELECT TOP 1 * FROM vospec.grid").status == "OK"


@pytest.mark.parametrize(("asked", "expected"), [("", 3), ("4", 4), ("1000000", 5), ("-7", 0)])
def test_rows_of_other_services_are_cut(
    short: str, session: requests.Session, asked: str, expected: int
) -> None:
    given = {"RA": samples.RA, "DEC": samples.DEC, "SR": 10}
    if asked:
        given["MAXREC"] = asked
    answer = session.get(f"{short}/vospec/q/cone/scs.xml", params=given, timeout=60)
    # The cone search has ten times the default.
    most = min(10 * expected, 5) if not asked else expected
    assert len(Table.read(BytesIO(answer.content), format="votable")) == most
    assert ("OVERFLOW" in answer.text) == (most > 0)


def test_limits_are_told(url: str, session: requests.Session) -> None:
    told = re.sub(r"\s+", "", session.get(f"{url}/tap/capabilities", timeout=60).text)
    assert "<executionDuration><default>3600</default>" in told
    assert '<default unit="row">20000</default>'.replace(" ", "") in told
    assert '<hard unit="row">3000000</hard>'.replace(" ", "") in told


# ---- memory and disk ----


@pytest.fixture(scope="module")
def narrow(instance: Instance, url: str) -> Iterator[str]:
    """A server with little memory and small files."""
    assert url
    given = {"VOSPEC_MEMORY_BYTES": str(1_200_000_000), "VOSPEC_ANSWER_BYTES": str(5_000_000)}
    with serve(instance, **given) as address:
        yield address


def test_an_answer_is_no_larger_than_it_may_be(narrow: str, session: requests.Session) -> None:
    query = "SELECT CAST('x' AS CHAR(1000)) AS a FROM generate_series(1, 20000) AS g"
    told = ask(session, narrow, query, FORMAT="csv")
    assert told.refused
    assert "File too large" in told.text
    told_job = finish(session, narrow, QUERY=query, FORMAT="csv")
    assert told_job.phase == "ERROR"
    assert "File too large" in told_job.error


def test_a_query_that_needs_all_memory_fails_alone(narrow: str, session: requests.Session) -> None:
    query = "SELECT CAST('x' AS CHAR(10000000)) AS a FROM generate_series(1, 300) AS g"
    assert ask(session, narrow, query, FORMAT="csv").refused
    assert ask(session, narrow, "SELECT TOP 1 * FROM vospec.grid").status == "OK"


# ---- many at once ----


def test_others_are_served_meanwhile(short: str) -> None:
    with ThreadPoolExecutor(4) as pool, requests.Session() as other:
        slow = [pool.submit(_slow, short) for _ in range(4)]
        answered = ask(other, short, "SELECT TOP 1 * FROM vospec.grid")
        assert answered.status == "OK"
        assert not all(future.done() for future in slow)
        assert all("timed out" in future.result() for future in slow)


def _slow(url: str) -> str:
    with requests.Session() as own:
        return ask(own, url, RUNAWAY).text


def test_jobs_wait_for_their_turn(url: str, session: requests.Session) -> None:
    jobs = [start(session, url, QUERY=RUNAWAY) for _ in range(4)]
    try:
        phases = [phase(session, job) for job in jobs]
        assert phases.count("EXECUTING") <= 2
        assert phases.count("QUEUED") >= 2
        assert ask(session, url, "SELECT TOP 1 * FROM vospec.grid").status == "OK"
    finally:
        for job in reversed(jobs):
            session.post(f"{job}/phase", data={"PHASE": "ABORT"}, allow_redirects=False)
            session.delete(job)


def test_a_client_that_goes_away_does_no_harm(url: str, session: requests.Session) -> None:
    gone = threading.Event()

    def leave() -> None:
        with requests.Session() as own:
            answer = own.post(
                f"{url}/tap/sync",
                data={"LANG": "ADQL", "QUERY": "SELECT * FROM vospec.features", "FORMAT": "csv"},
                stream=True,
                timeout=60,
            )
            next(answer.iter_content(10))
            answer.close()
            gone.set()

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert gone.is_set()
    assert ask(session, url, "SELECT TOP 1 * FROM vospec.grid").status == "OK"


def test_a_body_that_is_no_form_does_no_harm(url: str, session: requests.Session) -> None:
    for content in ("application/json", "multipart/form-data; boundary=x", "text/xml"):
        answer = session.post(
            f"{url}/tap/sync",
            data=b"\xff\x00--x--",
            headers={"Content-Type": content},
            timeout=60,
        )
        assert answer.status_code < 600
    table = votable('<FIELD name="a" datatype="int"/>', rows((1,)))
    assert ask(session, url, "SELECT * FROM TAP_UPLOAD.t", table=table).status == "OK"
