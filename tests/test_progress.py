import logging

import pytest

from vospec.progress import LOG_INTERVAL, Progress, duration


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_line_tells_rows_rate_and_time_left() -> None:
    clock = Clock()
    progress = Progress("reading", 200, clock=clock)
    clock.now += 10
    progress.update(50)
    assert progress.line() == "reading: 50 of 200 rows (25 %), 5 rows/s, 30.0 s left"


def test_nothing_done_yet_is_no_division_by_zero() -> None:
    assert "unknown time left" in Progress("reading", 10).line()


def test_a_log_gets_a_line_now_and_then_and_one_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    with caplog.at_level(logging.INFO), Progress("reading", 100, clock=clock) as progress:
        for done in range(0, 101, 10):
            clock.now += LOG_INTERVAL / 2
            progress.update(done)
    assert len(caplog.messages) == 6
    assert caplog.messages[-1] == "reading: 100 rows in 1 min 22 s"


def test_work_without_rows_is_nothing_new(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), Progress("reading", 100):
        pass
    assert caplog.messages == ["reading: nothing new"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(4.21, "4.2 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said
