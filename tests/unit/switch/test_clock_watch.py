"""A wall clock that jumps is told from one that runs, or is slewed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.instant import Instant
from atm_switch.switch.clock_watch import JUMP_SECONDS, ClockWatch

NOON = datetime(2026, 6, 30, 5, 0, tzinfo=UTC)


def watched(*readings: tuple[float, float]) -> list[float]:
    """Look at readings, each seconds of the wall clock and of the monotonic one."""
    watch = ClockWatch()
    return [
        watch.jumped(Instant(NOON + timedelta(seconds=wall), monotonic))
        for wall, monotonic in readings
    ]


@given(st.lists(st.floats(0.0, 1e6), max_size=20))
def test_clock_that_runs_never_jumps(passed: list[float]) -> None:
    """However long it is between two looks, also of a process that was stopped."""
    at = [sum(passed[:count]) for count in range(len(passed) + 1)]

    assert [0.0] * len(at) == watched(*((seconds, seconds) for seconds in at))


@pytest.mark.parametrize("jump", [-3_650 * 86_400.0, -3_600.0, 2.5, 3_600.0, 3_650 * 86_400.0])
def test_jump_is_told_once_with_its_size(jump: float) -> None:
    """Forth or back: by so many seconds, and the clock runs on from there."""
    told = watched((0.0, 0.0), (0.25 + jump, 0.25), (0.5 + jump, 0.5))

    assert [0.0, pytest.approx(jump), 0.0] == told


def test_slewed_clock_is_no_jump() -> None:
    """A time service that corrects a little at a time alarms nobody."""
    assert [0.0, 0.0] == watched((0.0, 0.0), (10.0 + JUMP_SECONDS / 2, 10.0))
