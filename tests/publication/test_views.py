"""What readers see of runs and of SIMBAD's answers, through the one pointer."""

import urllib.parse

import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from vospec.columns import FOUND, SIMBAD, Verdict
from vospec.publication import Content, create_tables, publish

pytestmark = pytest.mark.service

_CHANGES = (
    "SELECT spectrum_id, change, score, previous_score, rank, previous_rank, verdict,"
    " previous_verdict, otype, previous_otype FROM vospec.score_changes ORDER BY spectrum_id"
)


def _publish(connection: Connection, run_id: str, **contents: Content) -> None:
    publish(connection, run_id=run_id, contents=samples.contents(run_id) | contents)


def _some(run_id: str, first: int, last: int, scale: float = 1.0) -> Content:
    """The candidates of these ranks alone."""
    (rows,) = samples.candidates(run_id, scale=scale)
    return Content([rows.slice(first - 1, last - first + 1)], f"{run_id}-{first}-{last}-{scale}")


def test_candidates_tell_what_simbad_told_last(connection: Connection) -> None:
    _publish(connection, "first")
    found = connection.execute(
        "SELECT verdict, main_id, otype, separation, n_sources FROM vospec.candidates ORDER BY rank"
    ).fetchall()
    assert found[:5] == [
        ("known_emission_star", "V* BT CMi", "Be*", 0.5, 2),
        ("not_in_simbad", None, None, None, 0),
        # What failed later does not take its place.
        ("known_emission_star", "HD 53416", "Be*", 0.5, 2),
        ("service_failed", None, None, None, None),
        ("not_asked", None, None, None, None),
    ]


def test_answers_that_go_leave_no_verdict(connection: Connection) -> None:
    _publish(connection, "first")
    _publish(connection, "first", simbad=Content([], "nothing"))
    found = connection.execute("SELECT DISTINCT verdict, main_id FROM vospec.candidates")
    assert found.fetchall() == [("not_asked", None)]


def test_links_lead_to_the_service(connection: Connection) -> None:
    create_tables(connection, service_url="http://127.0.0.1:1234/")
    _publish(connection, "first")
    query = "SELECT preview, datalink FROM vospec.candidates WHERE rank = 1"
    name = urllib.parse.quote(samples.SURVEY[0])
    assert connection.execute(query).fetchall() == [
        (
            f"http://127.0.0.1:1234/vospec/q/preview/custom/{name}.png",
            f"http://127.0.0.1:1234/vospec/q/dl/dlmeta?ID={name}",
        )
    ]


@pytest.mark.parametrize("name", [samples.ODD, "a+b/ä&?#é'\"<>.~_-", ""])
def test_names_are_escaped(connection: Connection, name: str) -> None:
    row = connection.execute("SELECT vospec.escaped(%s)", (name,)).fetchone()
    assert row == (urllib.parse.quote(name),)


def test_nothing_has_changed_before_a_second_run(connection: Connection) -> None:
    _publish(connection, "first")
    assert connection.execute(_CHANGES).fetchall() == []
    # The same run again is no other run.
    _publish(connection, "first", simbad=Content([], "nothing"))
    assert connection.execute(_CHANGES).fetchall() == []


def test_changes_tell_what_entered_left_and_moved(connection: Connection) -> None:
    _publish(connection, "first", candidates=_some("first", 1, 3))
    halved = Content(samples.scores("second", scale=0.5), "halved")
    _publish(connection, "second", candidates=_some("second", 2, 4, 0.5), scores=halved)
    found = {row[0]: row[1:6] for row in connection.execute(_CHANGES)}
    third = pytest.approx(1 / 3), pytest.approx(1 / 6)
    assert found == {
        samples.SURVEY[0]: ("left", 0.5, 1.0, 1, 1),
        samples.SURVEY[1]: ("moved", 0.25, 0.5, 2, 2),
        samples.SURVEY[2]: ("moved", third[1], third[0], 3, 3),
        samples.SURVEY[3]: ("entered", 0.125, 0.25, 4, 4),
    }


def test_changes_tell_who_became_known_since(connection: Connection) -> None:
    # The record of a run ends at the start of 2024: the known star was none in 2023.
    _publish(connection, "first")
    _publish(connection, "second")
    assert connection.execute(_CHANGES).fetchall() == [
        (
            *(samples.SURVEY[0], "judged", 1.0, 1.0, 1, 1),
            *("known_emission_star", "not_in_simbad", "Be*", None),
        )
    ]


def test_an_answer_is_not_forgotten_for_a_failure(connection: Connection) -> None:
    _publish(connection, "first")
    kept = connection.execute(
        "SELECT state, count(*) FROM vospec.simbad GROUP BY state ORDER BY state"
    )
    assert kept.fetchall() == [("failed", 2), (FOUND, 2), ("nothing", 2)]
    assert SIMBAD.key == ("spectrum_id", "asked_at")
    query = "SELECT verdict FROM vospec.verdicts WHERE spectrum_id = %s"
    row = connection.execute(query, (samples.SURVEY[2],)).fetchone()
    assert row == (Verdict.KNOWN_EMISSION_STAR,)
