"""A running DaCHS that publishes a small SIMBAD is asked, well and ill."""

import math
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.units import arcsec

from tests.archives.ssa.conftest import Clock
from tests.conftest import Instance
from tests.service import proxy as fails
from tests.service import simbad
from tests.service.conftest import SERVICE
from tests.service.proxy import Proxy
from tests.verification.conftest import make_plan
from tests.verification.test_verdicts import WITH_E, WITHOUT_E
from vospec import verify
from vospec.archives.ssa import Manners, Transport
from vospec.columns import FOUND, NOTHING, Verdict
from vospec.store import Store
from vospec.verification import judging, sources
from vospec.verification.history import History
from vospec.verification.report import Outcome
from vospec.verification.simbad import Simbad
from vospec.verification.sources import Positions
from vospec.verification.verdicts import RULES

pytestmark = SERVICE

SOURCES = [*simbad.TRUE, *simbad.made(3000)]
#: Candidates at true stars, beside made sources, and where there is nothing.
STARS = {one.main_id: (one.ra, one.dec) for one in simbad.TRUE}
EMPTY = {f"empty {number}": (200.0 + number, -85.0) for number in range(20)}


@pytest.fixture(scope="module")
def tap(instance: Instance) -> Iterator[str]:
    """The address of a TAP service with SIMBAD's tables."""
    simbad.install(instance, simbad.rows_of(SOURCES))
    yield f"{instance.url}/tap"
    simbad.remove(instance)


@pytest.fixture
def proxy(tap: str) -> Iterator[Proxy]:
    with fails.before(tap) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def run(store: Store, proxy: Proxy, clock: Clock) -> Callable[..., Outcome]:
    """Verify candidates at some places; waiting takes no time."""

    def verified(
        places: dict[str, Any],
        *,
        again: bool = False,
        timeout: float = 60.0,
        **section: Any,  # noqa: ANN401 - of the section
    ) -> Outcome:
        given = {"services": (proxy.url,), "block_positions": 10} | section
        manners = Manners(pause=0.0, timeout=timeout, tries=1000, patience=180.0)
        transport = Transport(manners, sleep=clock.sleep, clock=clock)
        return verify.verify(make_plan(store, places, **given), again=again, transport=transport)

    return verified


def _rows(store: Store) -> dict[str, dict[str, Any]]:
    """What is published last of each spectrum."""
    latest = judging.latest(judging.judged(History(store)))
    return {row["spectrum_id"]: row for row in latest.to_pylist()}


def test_true_stars_are_known_by_what_they_are(run: Callable[..., Outcome], store: Store) -> None:
    outcome = run(STARS | EMPTY)
    assert outcome.complete
    assert outcome.asked == len(STARS) + len(EMPTY)
    found = _rows(store)
    for kind, verdict in (
        (simbad.EMISSION, Verdict.KNOWN_EMISSION_STAR),
        (simbad.OTHERS, Verdict.KNOWN_OTHER_STAR),
        (simbad.CONTAMINANTS, Verdict.CONTAMINANT),
        (simbad.UNCLEAR, Verdict.UNCLEAR),
    ):
        assert {found[one.main_id]["verdict"] for one in kind} == {verdict}
    assert {found[name]["verdict"] for name in EMPTY} == {Verdict.NOT_IN_SIMBAD}
    assert {found[name]["state"] for name in EMPTY} == {NOTHING}


def test_everything_that_simbad_tells_is_kept(
    run: Callable[..., Outcome], store: Store, proxy: Proxy
) -> None:
    star = simbad.GAMMA_CAS
    run({"mine": (star.ra, star.dec + 1.5 / 3600)})
    (row,) = _rows(store).values()
    expected = {
        "spectrum_id": "mine",
        "state": FOUND,
        "verdict": "known_emission_star",
        "rule": "emission_main",
        "main_id": "* gam Cas",
        "otype": "Be*",
        "otypes": "*|**|Be*|Em*|HXB|V*|X",
        "sp_type": "B0.5IVpe",
        "n_sources": 1,
        "radius": 3.0,
        "radial_velocity": -7.38,
        "n_references": 1320,
        "service": proxy.url,
        "reason": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["separation"] == pytest.approx(1.5, abs=1e-4)
    assert row["updated"].isoformat() == "2024-01-09T00:00:00+00:00"


def test_the_nearest_of_all_sources_is_that_of_astropy(tap: str) -> None:
    random = np.random.default_rng(7)
    near = random.choice(len(SOURCES), 400, replace=False)
    ra = np.array([SOURCES[i].ra for i in near]) + random.normal(0, 1.5 / 3600, 400)
    dec = np.array([SOURCES[i].dec for i in near]) + random.normal(0, 1.5 / 3600, 400)
    ours = SkyCoord(ra, dec, unit="deg")
    theirs = SkyCoord([s.ra for s in SOURCES], [s.dec for s in SOURCES], unit="deg")
    i, j, distance, _ = search_around_sky(ours, theirs, 3 * arcsec)
    counts = np.bincount(i, minlength=400)
    assert set(counts) >= {0, 1, 2}
    best = {int(a): int(b) for a, b in zip(*_by_distance(i, j, distance.arcsec), strict=True)}
    with Transport(Manners(pause=0.0)) as transport:
        found = Simbad(transport, tap, block=500).ask(Positions(ra, dec), 3.0)
    assert found.schema == sources.SCHEMA
    assert found["n_sources"].to_pylist() == counts.tolist()
    names = [SOURCES[best[k]].main_id if k in best else None for k in range(400)]
    assert found["main_id"].to_pylist() == names


def _by_distance(i: Any, j: Any, distance: Any) -> tuple[Any, Any]:  # noqa: ANN401 - arrays
    """Pairs in such an order that the nearest of each comes last."""
    order = np.argsort(-distance)
    return i[order], j[order]


def test_blocks_are_asked_one_after_the_other_by_a_client_with_a_name(
    run: Callable[..., Outcome], proxy: Proxy
) -> None:
    outcome = run(STARS | EMPTY, block_positions=7)
    n_blocks = math.ceil((len(STARS) + len(EMPTY)) / 7)
    # Two questions for a block in which something is found, one for the hierarchy.
    assert n_blocks < outcome.requests == len(proxy.bodies) <= 2 * n_blocks + 1
    assert proxy.most_at_once == 1
    (agent,) = proxy.agents
    assert re.fullmatch(r"vospec/[0-9.]+ .*", agent)


def test_requests_stand_a_pause_apart(store: Store, proxy: Proxy) -> None:
    plan = make_plan(store, STARS, services=(proxy.url,), block_positions=10)
    with Transport(Manners(pause=0.2)) as transport:
        verify.verify(plan, transport=transport)
    assert min(np.diff(proxy.times)) >= 0.2


def test_a_position_is_asked_about_once(
    run: Callable[..., Outcome], store: Store, proxy: Proxy
) -> None:
    star = simbad.BT_CMI
    outcome = run({f"again {number}": (star.ra, star.dec) for number in range(30)})
    assert outcome.asked == 30
    assert outcome.requests == 3
    assert b"again" not in b"".join(proxy.bodies)
    assert {row["main_id"] for row in _rows(store).values()} == {star.main_id}


def test_what_is_known_is_not_asked_again(run: Callable[..., Outcome], proxy: Proxy) -> None:
    run(STARS)
    n_requests = len(proxy.bodies)
    outcome = run(STARS)
    assert (outcome.asked, outcome.requests) == (0, 0)
    assert len(proxy.bodies) == n_requests
    (shares,) = outcome.shares.values()
    assert shares.total() == len(STARS)
    assert run(STARS | EMPTY).asked == len(EMPTY)


@pytest.mark.parametrize("other", [{"radius_arcsec": 5.0}, {"max_age_days": 1e-9}, {"again": True}])
def test_what_is_old_or_of_another_radius_is_asked_again(
    run: Callable[..., Outcome], store: Store, other: dict[str, Any]
) -> None:
    run(STARS)
    assert run(STARS, **other).asked == len(STARS)
    assert len(History(store).answers()) == 2 * len(STARS)


def test_a_star_that_was_elsewhere_is_asked_again(run: Callable[..., Outcome]) -> None:
    run(STARS)
    name, (ra, dec) = next(iter(STARS.items()))
    assert run(STARS | {name: (ra, dec + 0.01 / 3600)}).asked == 0
    assert run(STARS | {name: (ra, dec + 1.0 / 3600)}).asked == 1


def test_candidates_without_a_position_are_told(run: Callable[..., Outcome]) -> None:
    outcome = run(EMPTY | {"nowhere": None})
    assert outcome.asked == len(EMPTY)
    assert outcome.without_position == 1
    (shares,) = outcome.shares.values()
    assert shares == {Verdict.NOT_IN_SIMBAD: len(EMPTY), Verdict.NOT_ASKED: 1}


PASSING = {
    "dropped": [fails.dropped],
    "too many requests": [fails.status(429, Retry_After="7")],
    "overloaded": [fails.status(503), fails.status(502), fails.status(500)],
    "silent": [fails.late(8.0)],
    "garbage": [fails.garbage],
    "broken": [fails.broken],
    "malformed": [fails.malformed, fails.malformed],
    "an empty answer": [lambda _body, _ask: fails.Answer(b"")],
}


#: Faults of the question for positions; two of them of those for the hierarchy and for types.
WHERE = [*((kind, 1) for kind in PASSING), ("dropped", 0), ("malformed", 0), ("malformed", 2)]


@pytest.mark.parametrize(("kind", "first"), WHERE)
def test_passing_faults_lose_nothing(
    run: Callable[..., Outcome], proxy: Proxy, clock: Clock, kind: str, first: int
) -> None:
    proxy.behaviours = [fails.passed] * first + PASSING[kind]
    # Only who is silent must be waited for to the end.
    outcome = run(STARS, timeout=5.0 if kind == "silent" else 60.0)
    assert outcome.complete
    assert len(clock.slept) == len(PASSING[kind])
    (shares,) = outcome.shares.values()
    assert shares.total() == len(STARS)
    assert shares.keys().isdisjoint({Verdict.NOT_ASKED, Verdict.NOT_IN_SIMBAD})


def test_the_wait_that_a_service_asks_for_is_kept(
    run: Callable[..., Outcome], proxy: Proxy, clock: Clock
) -> None:
    proxy.behaviours = [fails.status(429, Retry_After="7"), fails.status(503), fails.dropped]
    run(STARS)
    assert clock.slept[0] == 7.0
    assert 2.0 <= clock.slept[1] <= 2.5
    assert 4.0 <= clock.slept[2] <= 5.0


@pytest.mark.parametrize("silently", [False, True], ids=["overflow", "silent cap"])
def test_a_cut_answer_is_asked_in_halves(
    run: Callable[..., Outcome],
    store: Store,
    proxy: Proxy,
    silently: bool,  # noqa: FBT001 - parametrized
) -> None:
    proxy.usual = fails.cut(200, silently=silently)
    proxy.behaviours = [fails.passed, fails.cut(4, silently=silently)]
    outcome = run(STARS)
    assert outcome.complete
    assert {row["state"] for row in _rows(store).values()} == {FOUND}
    whole = Store(str(Path(store.root).parent / "whole"))
    verify.verify(make_plan(whole, STARS, services=(proxy.url,)), transport=Transport(Manners()))
    for name, row in _rows(whole).items():
        assert row["otypes"] == _rows(store)[name]["otypes"]
        assert row["main_id"] == _rows(store)[name]["main_id"]


def test_a_hierarchy_that_is_cut_is_none(
    run: Callable[..., Outcome], store: Store, proxy: Proxy
) -> None:
    proxy.usual = fails.cut(20)
    outcome = run(STARS)
    assert outcome.failed == len(STARS)
    assert "the answer was cut after 20 rows" in outcome.reasons[0]
    assert History(store).hierarchy is None


def test_a_block_that_is_too_large_is_asked_in_smaller_ones(
    run: Callable[..., Outcome], proxy: Proxy
) -> None:
    def small(body: bytes, ask: Any) -> fails.Answer:  # noqa: ANN401 - as a Behaviour has it
        return fails.Answer(b"", 413) if body.count(b"<TR>") > 6 else ask(body)

    proxy.usual = small
    assert run(STARS).complete


def test_the_mirror_is_asked_second(
    run: Callable[..., Outcome], store: Store, proxy: Proxy, tap: str
) -> None:
    with fails.before(tap) as mirror:
        proxy.behaviours = [fails.passed, fails.passed, fails.passed]
        proxy.usual = fails.status(403)
        outcome = run(STARS | EMPTY, services=(proxy.url, mirror.url))
        assert outcome.complete
        # Who shuts us out is not asked on.
        assert len(proxy.bodies) == 4
        assert len(mirror.bodies) > 1
        services = {row["service"] for row in _rows(store).values()}
        assert services == {proxy.url, mirror.url}


def test_a_service_that_stays_away_is_told(
    run: Callable[..., Outcome], store: Store, proxy: Proxy
) -> None:
    proxy.behaviours = [fails.passed]
    proxy.usual = fails.status(503)
    outcome = run(STARS | EMPTY)
    assert outcome.failed == outcome.asked == len(STARS) + len(EMPTY)
    assert not outcome.complete
    assert any("503" in line for line in outcome.lines())
    (shares,) = outcome.shares.values()
    assert shares == {Verdict.SERVICE_FAILED: outcome.asked}
    assert {row["reason"] is not None for row in _rows(store).values()} == {True}
    # It is there again.
    proxy.usual = fails.passed
    assert run(STARS | EMPTY).asked == outcome.asked
    assert {row["state"] for row in _rows(store).values()} == {FOUND, NOTHING}


def test_old_answers_outlive_a_failure(
    run: Callable[..., Outcome], store: Store, proxy: Proxy
) -> None:
    run(STARS)
    before = _rows(store)
    proxy.usual = fails.dropped
    outcome = run(STARS | EMPTY, again=True)
    assert outcome.failed == len(STARS) + len(EMPTY)
    after = _rows(store)
    assert {name: after[name] for name in STARS} == before
    assert {after[name]["verdict"] for name in EMPTY} == {Verdict.SERVICE_FAILED}
    assert len(History(store).failures()) == outcome.failed


def test_a_call_that_is_killed_goes_on_where_it_was(
    run: Callable[..., Outcome], store: Store, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_body: bytes, _ask: object) -> None:
        raise KeyboardInterrupt

    places = STARS | EMPTY
    proxy.behaviours = [fails.passed] * 5
    proxy.usual = fails.status(503)
    with monkeypatch.context() as patched:
        patched.setattr(Clock, "sleep", killed)
        with pytest.raises(KeyboardInterrupt):
            run(places)
    n_kept = len(History(store).answers())
    assert n_kept == 20
    proxy.usual = fails.passed
    outcome = run(places)
    assert outcome.asked == len(places) - n_kept
    assert _rows(store).keys() == places.keys()
    assert len(History(store).answers()) == len(places)


def test_a_server_that_is_stopped_in_the_middle_loses_nothing(
    run: Callable[..., Outcome],
    store: Store,
    proxy: Proxy,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopping(body: bytes, ask: Any) -> fails.Answer:  # noqa: ANN401 - as a Behaviour has it
        answer = ask(body)
        threading.Thread(target=proxy.stop).start()
        return answer

    slept = clock.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        # A minute later it is there again.
        if sum(clock.slept) > 60 and proxy._server is None:
            proxy.start()

    monkeypatch.setattr(clock, "sleep", sleep)
    proxy.behaviours = [fails.passed, fails.passed, stopping]
    outcome = run(STARS | EMPTY)
    assert outcome.complete
    assert 60 < sum(clock.slept) < 180
    assert _rows(store).keys() == STARS.keys() | EMPTY.keys()


def test_stars_that_became_known_are_told(
    run: Callable[..., Outcome], instance: Instance, proxy: Proxy
) -> None:
    place = {"candidate": (12.0, -60.0)}
    assert run(place).changes == ()
    star = simbad.Source("HD 1", 12.0, -60.0, "Be*", ("*",))
    try:
        simbad.fill(instance.database, simbad.rows_of([*SOURCES, star]))
        outcome = run(place, again=True)
    finally:
        simbad.fill(instance.database, simbad.rows_of(SOURCES))
    assert [change.line() for change in outcome.changes] == [
        "became known: candidate: not_in_simbad → known_emission_star (HD 1, Be*)"
    ]
    assert proxy.most_at_once == 1


def test_types_that_the_hierarchy_lacks_are_told(
    run: Callable[..., Outcome], instance: Instance, store: Store
) -> None:
    star = simbad.Source("HD 1", 12.0, -60.0, "XY*", ("*",))
    run(EMPTY)
    try:
        simbad.fill(instance.database, simbad.rows_of([*SOURCES, star]))
        outcome = run({"candidate": (12.0, -60.0)})
    finally:
        simbad.fill(instance.database, simbad.rows_of(SOURCES))
    assert outcome.unknown == ("XY*",)
    assert any("XY*" in line for line in outcome.lines())
    # The hierarchy was taken anew in the hope to find it there.
    assert len(list(store.find("simbad/types"))) == 2


def test_the_pattern_of_spectral_types_holds_in_the_database(instance: Instance) -> None:
    (pattern,) = (rule.pattern for rule in RULES if rule.rule == "emission_spectrum")
    with simbad.connect(instance.database) as connection:
        for sp_type in (*WITH_E, *WITHOUT_E):
            row = connection.execute("SELECT %s::text ~ %s::text", (sp_type, pattern)).fetchone()
            assert row == (sp_type in WITH_E,), sp_type
