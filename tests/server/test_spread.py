"""However many links there are, no look after them takes long, and everybody has a turn."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from atm_switch.server.spread import GOES_MOST, TICK_SECONDS, spread
from atm_switch.switch.rounds import AT_ONCE
from tests.doubles.bench import Bench
from tests.doubles.open_house import GENEROUS, OpenHouse

if TYPE_CHECKING:
    import asyncio

    from atm_switch.server.line import Line


class Later:
    """A loop that keeps what is to be called later."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Keep a call."""
        self.calls.append((seconds, call))


class Counted:
    """A line that counts how often it is looked at."""

    looks = 0

    def check(self, _now: float) -> None:
        """Count."""
        self.looks += 1


@pytest.mark.parametrize(
    ("count", "goes"), [(0, 0), (AT_ONCE, 0), (AT_ONCE + 1, 1), (10_000, GOES_MOST - 1)]
)
def test_goes_are_as_many_as_the_links_want(count: int, goes: int) -> None:
    """None beyond the first where few are there; all of them before the next tick."""
    loop = Later()

    spread(cast("asyncio.AbstractEventLoop", loop), lambda: None, count)

    assert goes == len(loop.calls)
    assert all(0 < seconds < TICK_SECONDS for seconds, _ in loop.calls)


async def test_ten_thousand_links_are_looked_at_a_hundred_at_a_time() -> None:
    """Each look takes so many at most; after some ticks everybody has had one turn."""
    house, loop = OpenHouse(Bench(), GENEROUS), Later()
    lines = [Counted() for _ in range(10_000)]
    house.desk._lines.update(enumerate(cast("list[Line]", lines)))
    house.desk.loop = cast("asyncio.AbstractEventLoop", loop)
    most = 0

    for _ in range(10_000 // (AT_ONCE * GOES_MOST)):
        loop.calls.clear()
        house.desk.tick()
        for seconds, look in loop.calls:
            before = sum(line.looks for line in lines)
            look()
            most = max(most, sum(line.looks for line in lines) - before)
            assert seconds < TICK_SECONDS

    assert AT_ONCE == most
    assert {1} == {line.looks for line in lines}
