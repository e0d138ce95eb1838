"""What a count of the events of several machines is worth while status events are dropped."""

from pathlib import Path
from typing import Any

from atm_switch.adapters.outbox_page import DROPPED, PURGED, ROWS_AT_ONCE, DropStatus
from atm_switch.adapters.teller_thread import Count
from atm_switch.publishing import Publishing
from tests.adapters.test_publishing_seats import becomes
from tests.adapters.test_publishing_shared import OUTBOX_MAX, at, of_kind, publishing


class CountingTeller:
    """Stands for the thread that counts what waits, now and then."""

    count, publisher = Count(OUTBOX_MAX + ROWS_AT_ONCE + 20), None

    def stop(self) -> None:
        """There is nothing to stop."""

    def nudge(self) -> None:
        """There is nobody to nudge."""


def drops(asked: list[Any]) -> list[int]:
    """How many status events were to go, turn by turn."""
    return [one.count_max for one in of_kind(asked, DropStatus)]


def counting(switch: Publishing) -> CountingTeller:
    """Have the double count."""
    switch._teller = teller = CountingTeller()  # type: ignore[assignment]
    return teller


async def test_surplus_of_one_count_goes_once(tmp_path: Path) -> None:
    """
    In turns, within a second; what was dropped since the last count is not dropped again for it.
    """
    with publishing(tmp_path, f"outbox_max = {OUTBOX_MAX}") as (switch, asked, _said):
        teller = counting(switch)
        switch.tick(at(1.0))
        switch.nudge([(PURGED, 0), (DROPPED, ROWS_AT_ONCE)])
        await becomes(lambda: bool(switch._turns.asked))
        switch.nudge([(DROPPED, 20)])
        switch.tick(at(2.0))
        once = drops(asked)
        teller.count = Count(OUTBOX_MAX + 3, ROWS_AT_ONCE + 20)
        switch.tick(at(3.0))
        await switch.stop()

    assert [ROWS_AT_ONCE, 20] == once
    assert [ROWS_AT_ONCE, 20, 3] == drops(asked)


async def test_what_went_since_a_count_began_is_taken_off_it(tmp_path: Path) -> None:
    """A count amid turns holds what the next turns drop: it is not dropped for again."""
    with publishing(tmp_path, f"outbox_max = {OUTBOX_MAX}") as (switch, asked, _said):
        teller = counting(switch)
        switch.tick(at(1.0))
        switch.nudge([(PURGED, 0), (DROPPED, ROWS_AT_ONCE)])
        teller.count = Count(OUTBOX_MAX + 25, ROWS_AT_ONCE)
        await becomes(lambda: bool(switch._turns.asked))
        switch.nudge([(DROPPED, 20)])
        switch.tick(at(2.0))
        amid, waiting = drops(asked), switch.status()["waiting"]
        switch.nudge([(PURGED, 0), (DROPPED, 5)])
        teller.count = Count(2, ROWS_AT_ONCE)  # of a thread that hears of the turns late
        switch.tick(at(3.0))
        await switch.stop()

    assert ([ROWS_AT_ONCE, 20, 5], OUTBOX_MAX + 5) == (amid, waiting)
    assert (amid, 0) == (drops(asked), switch.status()["waiting"])
