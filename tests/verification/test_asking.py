"""Who is asked, in what order, and when nobody is asked any more."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from vospec.archives.ssa.transport import RefusedError
from vospec.errors import ServiceError
from vospec.verification import sources
from vospec.verification.asking import STRIKES, Asking
from vospec.verification.sources import Positions
from vospec.verification.tap import CutError


class Fake:
    """A service that knows a source at every position of an even number."""

    def __init__(self, url: str, block: int, before: Callable[[Positions], None]) -> None:
        self.url, self.block, self.before = url, block, before
        self.asked: list[int] = []

    def ask(self, positions: Positions, radius_arcsec: float) -> pa.Table:
        assert radius_arcsec == 3.0
        self.asked.append(len(positions))
        self.before(positions)
        rows = np.where(positions.ra % 2 == 0, np.arange(len(positions)), -1)
        names = [f"star {number:.0f}" for number in positions.ra]
        nothing = np.zeros(len(positions))
        return sources.answered(rows, (rows >= 0).astype(int), nothing, {"main_id": names})


def _well(_: Positions) -> None:
    """Answer."""


def _down(_: Positions) -> None:
    message = "down"
    raise ServiceError(message)


def _positions(n: int) -> Positions:
    return Positions(np.arange(float(n)), np.zeros(n))


def _all(asking: Asking, n: int) -> tuple[list[str | None], list[tuple[int, int, str]]]:
    """Names of what was found in order, and what failed."""
    names: list[str | None] = []
    failed = []
    for rows, result in asking.all(_positions(n)):
        if isinstance(result, str):
            failed.append((rows.start, rows.stop, result))
        else:
            assert len(result) == rows.stop - rows.start
            names += result["main_id"].to_pylist()
    return names, failed


def _expected(n: int) -> list[str | None]:
    return [f"star {number}" if number % 2 == 0 else None for number in range(n)]


def test_blocks_come_in_order() -> None:
    service = Fake("one", 4, _well)
    assert _all(Asking([service], 3.0), 10) == (_expected(10), [])
    assert service.asked == [4, 4, 2]


def test_the_mirror_is_asked_second_and_stays_the_first() -> None:
    first, mirror = Fake("one", 4, _down), Fake("two", 4, _well)
    assert _all(Asking([first, mirror], 3.0), 12) == (_expected(12), [])
    assert first.asked == [4]
    assert mirror.asked == [4, 4, 4]


def test_a_mirror_of_smaller_blocks_answers_the_same() -> None:
    first, mirror = Fake("one", 10, _down), Fake("two", 4, _well)
    assert _all(Asking([first, mirror], 3.0), 20) == (_expected(20), [])
    assert mirror.asked == [4, 4, 2, 4, 4, 2]


def test_answers_tell_who_gave_them() -> None:
    asking = Asking([Fake("one", 2, _down), Fake("two", 2, _well)], 3.0)
    ((_, result),) = asking.all(_positions(2))
    assert isinstance(result, pa.Table)
    assert result["service"].to_pylist() == ["two", "two"]


def test_what_is_cut_is_asked_in_halves() -> None:
    def cut(positions: Positions) -> None:
        if len(positions) > 3:
            message = "cut"
            raise CutError(message)

    service = Fake("one", 10, cut)
    assert _all(Asking([service], 3.0), 20) == (_expected(20), [])
    assert service.asked == [10, 5, 3, 2, 5, 3, 2] * 2


def test_what_is_cut_for_one_position_has_failed() -> None:
    def cut(positions: Positions) -> None:
        if 2.0 in positions.ra:
            message = "cut"
            raise CutError(message)

    names, failed = _all(Asking([Fake("one", 1, cut)], 3.0), 4)
    assert names == ["star 0", None, None]
    assert failed == [(2, 3, "cut")]


def test_a_service_that_takes_less_is_asked_for_less() -> None:
    def small(positions: Positions) -> None:
        if len(positions) > 3:
            message = "too large"
            raise RefusedError(message, 413)

    service = Fake("one", 10, small)
    assert _all(Asking([service], 3.0), 20) == (_expected(20), [])
    # 10 was too large, so was 5; later blocks begin with 3.
    assert service.asked == [10, 5, 3, 2, 3, 2, 3, 3, 3, 1]


def test_one_failure_loses_its_block_alone() -> None:
    def odd(positions: Positions) -> None:
        if 5.0 in positions.ra:
            _down(positions)

    names, failed = _all(Asking([Fake("one", 4, odd)], 3.0), 12)
    assert names == _expected(4) + _expected(12)[8:]
    assert failed == [(4, 8, "down")]


def test_who_fails_again_and_again_is_left_alone() -> None:
    first, mirror = Fake("one", 4, _down), Fake("two", 4, _down)
    names, failed = _all(Asking([first, mirror], 3.0), 40)
    assert names == []
    assert len(first.asked) == len(mirror.asked) == STRIKES
    assert failed[0] == (0, 4, "down; down")
    assert failed[-1][:2] == (4 * STRIKES, 40)
    assert "not asked after 2 failures in a row, the last: down; down" in failed[-1][2]
    assert sum(stop - start for start, stop, _ in failed) == 40


def test_nobody_is_asked_about_nothing() -> None:
    service = Fake("one", 4, _well)
    assert _all(Asking([service], 3.0), 0) == ([], [])
    assert service.asked == []
