"""The publisher by the clock: its waits, its marks and its end.

In a time that costs nothing (``tests/doubles/timed_publisher``): a wait is as long as it says.
"""

import asyncio

import pytest

from atm_switch.adapters.mqtt_broker import Message
from atm_switch.adapters.mqtt_publisher import BUSY_SECONDS, MARK_SECONDS, STOP_SECONDS_MAX
from atm_switch.switch.event import payload_of
from tests.doubles.timed_publisher import (
    BROKER,
    OWN_TOPIC,
    WINDOW,
    Sea,
    Shelf,
    TimedDesk,
    gaps,
    in_no_time,
    own_event,
)

SAME = pytest.approx


@pytest.mark.parametrize(("chance", "share"), [(1.0, 1.0), (0.0, 0.5)])
def test_broker_is_tried_again_after_a_wait_that_grows(chance: float, share: float) -> None:
    """It doubles up to the longest; chance takes up to half, so that no fleet comes at once."""

    async def play() -> Sea:
        desk = TimedDesk(Shelf(), sea := Sea(is_away="away"), chance=chance)
        await asyncio.sleep(8.0)
        await desk.stop()
        return sea

    wanted = [share * wait for wait in (0.25, 0.5, 1.0, 2.0, 2.0)]

    assert SAME(wanted, abs=0.001) == gaps(in_no_time(play).attempts)[:5]


def test_wait_begins_anew_behind_an_event_and_not_behind_a_word() -> None:
    """A broker that takes the connection and nothing else is not asked four times a second."""

    async def play(count: int) -> list[float]:
        desk = TimedDesk(Shelf(count), sea := Sea(away=["away"] * 4), longest=60.0)
        await asyncio.sleep(10.0)
        sea.lost.set()
        await asyncio.sleep(10.0)
        await desk.stop()
        return gaps(sea.attempts)

    told, nothing = in_no_time(lambda: play(1)), in_no_time(lambda: play(0))

    assert SAME([0.25, 0.5, 1.0, 2.0], abs=0.001) == told[:4] == nothing[:4]
    assert SAME(10.0 - 3.75 + 0.25, abs=0.001) == told[4]
    assert SAME(10.0 - 3.75 + 4.0, abs=0.001) == nothing[4]


def test_stop_does_not_sit_a_wait_out() -> None:
    """However long it was to be: a switch that is told to stop is not held up by its broker."""

    async def play() -> tuple[float, int]:
        desk = TimedDesk(Shelf(), sea := Sea(is_away="away"), longest=86_400.0)
        await asyncio.sleep(40_000.0)
        return await desk.stop(), len(sea.attempts)

    seconds, attempts = in_no_time(play)

    assert SAME(0.0, abs=0.001) == seconds
    assert 18 == attempts  # within eleven hours, a quarter of a second doubled each time


def test_mark_moves_once_a_second_to_what_was_told() -> None:
    """Each mark is a synced commit; what is told in between is told again after a crash."""

    async def play() -> TimedDesk:
        desk = TimedDesk(Shelf(400), Sea(puback_seconds=0.1))
        await asyncio.sleep(5.55)
        await desk.stop()
        return desk

    desk = in_no_time(play)
    *moved, (_, last) = desk.marks

    assert SAME([MARK_SECONDS] * 3, abs=0.001) == gaps(at for at, _ in moved[:4])
    assert sorted({through for _, through in desk.marks}) == [one for _, one in desk.marks]
    assert len(desk.sea.sequences) == last == desk.publisher.told_through


def test_stop_tells_for_two_seconds_and_says_so() -> None:
    """What does not get told by then is told after the next start; the last word is a goodbye."""

    async def play() -> tuple[TimedDesk, float]:
        desk = TimedDesk(Shelf(900), Sea(puback_seconds=0.5))
        await asyncio.sleep(3.0)
        return desk, await desk.stop()

    desk, seconds = in_no_time(play)

    assert STOP_SECONDS_MAX <= seconds <= STOP_SECONDS_MAX + 1.01
    assert desk.sea.sequences == list(range(1, desk.publisher.told_through + 1))
    assert desk.publisher.told_through < 900
    assert b'"state":"stopped"' in desk.sea.heard[-1][1].payload


@pytest.mark.parametrize(
    ("missing", "sent"),
    [({1}, WINDOW), ({3}, WINDOW), ({2, 5}, WINDOW), ({4}, WINDOW + 2), ({6}, WINDOW + 2)],
)
def test_what_is_acknowledged_from_the_start_counts(missing: set[int], sent: int) -> None:
    """
    What stands behind a lost acknowledgement is told again, for the order's sake; half a window
    is told once the half before the last is acknowledged, and no more.
    """
    kept = min(missing) - 1

    async def play() -> TimedDesk:
        desk = TimedDesk(Shelf(WINDOW + 2), Sea(unacknowledged=set(missing)))
        await asyncio.sleep(20.0)
        await desk.stop()
        return desk

    desk = in_no_time(play)

    first, again = desk.sea.sequences[:sent], desk.sea.sequences[sent]
    assert list(range(1, sent + 1)) == first
    assert kept + 1 == again
    assert list(range(kept + 1, WINDOW + 3)) == desk.sea.sequences[-(WINDOW + 2 - kept) :]
    assert WINDOW + 2 == desk.marks[-1][1]


@pytest.mark.parametrize(("window", "under_way"), [(1, 1), (2, 2), (3, 2), (6, 6)])
def test_never_more_is_under_way_than_the_window(window: int, under_way: int) -> None:
    """Half of it follows while the half before is acknowledged; a window of one has no halves."""

    async def play() -> Sea:
        sea = Sea(puback_seconds=0.1)
        desk = TimedDesk(Shelf(20), sea, window=window)
        await asyncio.sleep(10.0)
        await desk.stop()
        return sea

    sea = in_no_time(play)

    assert under_way == sea.most_under_way
    assert list(range(1, 21)) == sea.sequences


def test_broker_knows_the_switch_by_its_name_and_its_will() -> None:
    """Where, as whom, how much at once, and what is to be said if the switch vanishes."""

    async def play() -> Sea:
        desk = TimedDesk(Shelf(1), sea := Sea())
        await asyncio.sleep(1.0)
        await desk.stop()
        return sea

    sea = in_no_time(play)

    ((broker, client, window, will),) = sea.opened
    assert (BROKER, "atm-switch-bank-1", WINDOW) == (broker, client, window)
    assert Message(OWN_TOPIC, payload_of(own_event({"state": "lost"}), "bank-1"), True) == will  # noqa: FBT003 - retained
    assert [
        payload_of(own_event({"state": state}), "bank-1") for state in ("online", "stopped")
    ] == sea.states
    assert [1] == sea.sequences


def test_who_may_not_tell_leaves_the_broker_alone() -> None:
    """Its client id would throw the switch out that does tell; the reason is a line of the log."""

    async def play() -> tuple[TimedDesk, str]:
        desk = TimedDesk(Shelf(3, silent="another switch tells"), Sea())
        await asyncio.sleep(60.0)
        away = desk.publisher.away
        desk.shelf.silent = ""
        await asyncio.sleep(3.0)
        await desk.stop()
        return desk, away

    desk, away = in_no_time(play)

    assert "not asked: another switch tells" == away
    assert ("events wait", {"reason": "another switch tells"}) == desk.told[0]
    assert ("broker connected", {"at": "broker.example:1883"}) == desk.told[1]
    assert 1 == len(desk.sea.attempts)
    assert [1, 2, 3] == desk.sea.sequences


def test_each_reason_is_told_when_it_is_new() -> None:
    """A wait of hours is a line, and a broker that refuses now where it was silent is another."""

    async def play() -> TimedDesk:
        desk = TimedDesk(Shelf(), Sea(away=["silent", "silent", "refused", "silent"]))
        await asyncio.sleep(10.0)
        await desk.stop()
        return desk

    told = in_no_time(play).told

    assert ["silent", "refused", "silent"] == [
        fields["reason"] for event, fields in told if event == "broker away"
    ]
    assert "broker connected" == told[-1][0]


def test_what_another_process_told_is_not_told_again() -> None:
    """The mark of the file counts where it is further; one behind has nothing told twice."""

    async def play() -> tuple[list[tuple[int, int]], list[int]]:
        desk = TimedDesk(shelf := Shelf(10, marked=7), sea := Sea())
        await asyncio.sleep(0.5)
        shelf.marked, shelf.count = 0, 11
        sea.lost.set()
        await asyncio.sleep(5.0)
        await desk.stop()
        return shelf.asked, sea.sequences

    asked, heard = in_no_time(play)

    assert (7, WINDOW // 2) == asked[0]
    assert [8, 9, 10, 11] == heard


def test_requests_under_way_come_first() -> None:
    """A millisecond between two events then, so that a frame is read; nothing without them."""

    async def play(*, is_busy: bool) -> list[float]:
        desk = TimedDesk(Shelf(WINDOW), sea := Sea(), is_busy=is_busy)
        await asyncio.sleep(1.0)
        await desk.stop()
        return gaps(at for at, message in sea.heard if message.topic != OWN_TOPIC)

    assert SAME([BUSY_SECONDS] * (WINDOW - 1), abs=1e-5) == in_no_time(lambda: play(is_busy=True))
    assert SAME([0.0] * (WINDOW - 1), abs=1e-5) == in_no_time(lambda: play(is_busy=False))
