"""Calls beside the process: answered in order, and never waited for at the end."""

import subprocess
import sys
import time
from functools import partial
from threading import Event

import pytest

from atm_switch.adapters.side_thread import SideThread, begun


def test_calls_are_carried_out_in_order() -> None:
    """Each is answered, or raises what it raised."""
    side = SideThread("a test")
    order: list[int] = []

    def noted(at: int) -> int:
        order.append(at)
        return at

    calls = [side.begin(partial(noted, at)) for at in range(5)]
    failing = side.begin(lambda: 1 // 0)

    assert [0, 1, 2, 3, 4] == [call.result(30) for call in calls] == order
    with pytest.raises(ZeroDivisionError):
        failing.result(30)
    side.close(30)


def test_call_that_hangs_is_seen_and_not_waited_for() -> None:
    """``close`` returns in its time; what was cancelled is not begun."""
    side, goes_on = SideThread("a test"), Event()
    began = Event()

    def hang() -> bool:
        began.set()
        return goes_on.wait(30)

    hanging = side.begin(hang)
    given_up = side.begin(lambda: 1)
    assert began.wait(30)
    given_up.cancel()
    side.close(0.01)

    assert side.busy_seconds > 0
    assert not hanging.done()
    goes_on.set()
    hanging.result(30)
    side.close(30)
    assert 0 == side.busy_seconds
    assert given_up.cancelled()


def test_call_of_its_own_is_answered() -> None:
    """In a thread of its own."""
    assert 7 == begun(lambda: 7).result(30)


def test_process_ends_while_a_call_hangs() -> None:
    """The interpreter does not wait for it, as it would for an executor's."""
    lines = (
        "import asyncio, time",
        "from atm_switch.adapters.side_thread import SideThread, begun",
        "async def main():",
        "    SideThread('x').begin(lambda: time.sleep(600))",
        "    begun(lambda: time.sleep(600))",
        "asyncio.run(main())",
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], timeout=60, check=False)

    assert 0 == done.returncode
    assert time.monotonic() - began < 60
