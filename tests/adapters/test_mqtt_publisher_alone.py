"""The publisher without a broker, or at odds with itself: it says so once, and goes on."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from atm_switch.adapters import mqtt_publisher
from atm_switch.adapters.mqtt_broker import Broker
from atm_switch.adapters.mqtt_publisher import EventPublisher, Manner, Surroundings
from atm_switch.adapters.outbox_reader import Stretch
from atm_switch.switch.event import SWITCH, Event, EventKind
from tests.doubles.brokers import HOST, EmbeddedBroker, Subscriber, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 6, 30, 5, tzinfo=UTC)
TRIES = 4
SECONDS_MAX = 30.0


def event_of(sequence: int) -> Event:
    """An event of the outbox."""
    name = f"{sequence:032x}"
    return Event(sequence, name, NOON, EventKind.SESSION, "009", "", {"what": "sign-on"})


class Endless:
    """An outbox in which there is always one event more; broken ``faults`` times before."""

    def __init__(self, faults: int = 0) -> None:
        """Begin with nothing told."""
        self.faults, self.asked = faults, 0

    def mark(self) -> int:
        """Nothing was acknowledged."""
        return 0

    def since(self, after: int, count_max: int) -> Stretch:
        """Give a full window, always."""
        self.asked += 1
        if self.asked <= self.faults:
            raise LookupError("9990090000000012")
        return Stretch(tuple(event_of(after + at) for at in range(1, count_max + 1)),
                       after + count_max)  # fmt: skip


class Nothing(Endless):
    """An outbox in which nothing waits."""

    def since(self, after: int, count_max: int) -> Stretch:  # noqa: ARG002 - the port's own
        """Give nothing."""
        return Stretch((), after)


class Desk:
    """A publisher, what it told the log, and how often it paused."""

    def __init__(self, port: int, outbox: Any, *, is_busy: bool = False) -> None:
        """Publish to ``port``; call in the loop."""
        self.told: list[tuple[str, dict[str, str]]] = []
        self.marks: list[int] = []
        self.pauses = 0
        around = Surroundings(
            outbox, self.marks.append, self._own, self._chance,
            lambda event, fields: self.told.append((event, fields)), lambda: is_busy,
        )  # fmt: skip
        self.publisher = EventPublisher(
            Broker(HOST, port), Manner("bank-1", "atm", 5, 0.02), around
        )
        self.task = asyncio.create_task(self.publisher.run())

    async def until_told(self, words: str, pauses: int = 0) -> None:
        """Wait until the log was told so and the publisher has paused so often."""
        async with asyncio.timeout(SECONDS_MAX):
            while self.pauses < pauses or not any(words in repr(one) for one in self.told):
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """End in order."""
        self.publisher.stop()
        async with asyncio.timeout(SECONDS_MAX):
            await self.task

    def _chance(self) -> float:
        self.pauses += 1
        return 0.0

    @staticmethod
    def _own(body: dict[str, str]) -> Event:
        return Event(0, "0" * 32, NOON, EventKind.STATUS, SWITCH, "bank-1", body)


async def test_absence_of_the_broker_is_told_once() -> None:
    """However often it is tried: a log of an hour's absence is one line, with the reason."""
    desk = Desk(free_port(), Endless())

    await desk.until_told("broker away", pauses=TRIES)
    await desk.stop()

    ((event, fields),) = desk.told
    assert "broker away" == event
    assert desk.publisher.away == fields["reason"] != ""
    assert desk.pauses >= TRIES
    assert [] == desk.marks


async def test_mistake_is_waited_out_and_quoted_by_its_kind() -> None:
    """Whatever breaks under the publisher does not end it, and its text is nobody's."""
    port = free_port()
    with running(EmbeddedBroker, port), Subscriber(port) as subscriber:
        desk = Desk(port, Endless(faults=1))
        await desk.until_told("a mistake: LookupError")
        await asyncio.to_thread(subscriber.wait, lambda heard: any(one.sequence for one in heard))
        await desk.stop()

    assert "9990090000000012" not in repr(desk.told)
    assert desk.marks[-1] == desk.publisher.told_through > 0


async def test_stop_does_not_tell_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more is written than is told, the switch ends all the same, and says so."""
    monkeypatch.setattr(mqtt_publisher, "STOP_SECONDS_MAX", 0.0)
    port = free_port()
    with running(EmbeddedBroker, port), Subscriber(port) as subscriber:
        desk = Desk(port, Endless())
        await asyncio.to_thread(subscriber.wait, lambda heard: any(one.sequence for one in heard))
        await desk.stop()
        told = await asyncio.to_thread(
            subscriber.wait,
            lambda heard: any(one.told.get("status") == {"state": "stopped"} for one in heard),
        )

    numbers = [one.sequence for one in told if one.sequence]
    assert list(range(1, len(numbers) + 1)) == numbers
    assert desk.publisher.told_through == desk.marks[-1] == len(numbers)


@pytest.mark.parametrize("is_busy", [True, False])
async def test_only_requests_under_way_slow_the_telling(
    monkeypatch: pytest.MonkeyPatch, *, is_busy: bool
) -> None:
    """Beside them every event waits a millisecond for the loop; without, none waits at all."""
    loop, port = asyncio.get_running_loop(), free_port()
    waits: list[float] = []
    call_later = loop.call_later

    def counted(delay: float, *rest: Any, **more: Any) -> asyncio.TimerHandle:
        waits.append(delay)
        return call_later(delay, *rest, **more)

    monkeypatch.setattr(loop, "call_later", counted)
    with running(EmbeddedBroker, port):
        desk = Desk(port, Endless(), is_busy=is_busy)
        await desk.until_told("broker connected")
        while desk.publisher.told_through < 20:
            await asyncio.sleep(0.005)
        await desk.stop()

    paused = waits.count(mqtt_publisher.BUSY_SECONDS)
    assert (desk.publisher.told_through <= paused) if is_busy else 0 == paused


class Ending:
    """An outbox of three windows, whose switch is told to stop while the first is read."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self.stop: Callable[[], None] = lambda: None

    def mark(self) -> int:
        """Nothing was acknowledged."""
        return 0

    def since(self, after: int, count_max: int) -> Stretch:
        """Give what is left of fifteen events."""
        self.stop()
        through = min(after + count_max, 15)
        return Stretch(tuple(event_of(at) for at in range(after + 1, through + 1)), through)


async def test_what_is_there_at_the_stop_is_told_before_the_end() -> None:
    """A switch that stops in order leaves nothing to the next start that it could tell now."""
    port, outbox = free_port(), Ending()
    with running(EmbeddedBroker, port):
        desk = Desk(port, outbox)
        assert "not connected yet" == desk.publisher.away
        outbox.stop = desk.publisher.stop
        async with asyncio.timeout(SECONDS_MAX):
            await desk.task

    assert 15 == desk.publisher.told_through == desk.marks[-1]


async def test_loss_of_the_connection_is_told_in_words() -> None:
    """Also where nothing is under way: whoever reads the log learns that nobody is told."""
    port = free_port()
    with running(EmbeddedBroker, port):
        desk = Desk(port, Nothing())
        await desk.until_told("broker connected")
    await desk.until_told("broker away")
    await desk.stop()

    assert ("broker away", {"reason": "the connection was lost"}) == desk.told[1]


async def test_end_in_the_middle_of_a_window_is_no_mistake() -> None:
    """Cancelled while events are on their way it ends as cancelled, with what was told marked."""
    port = free_port()
    with running(EmbeddedBroker, port):
        desk = Desk(port, Endless(), is_busy=True)
        await desk.until_told("broker connected")
        desk.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await desk.task

    assert desk.marks[-1:] in ([], [desk.publisher.told_through])
