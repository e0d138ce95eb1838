"""The publisher without a broker, or at odds with itself: it says so once, and goes on."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from atm_switch.adapters import mqtt_publisher
from atm_switch.adapters.mqtt_broker import Broker
from atm_switch.adapters.mqtt_publisher import EventPublisher, Manner, Surroundings
from atm_switch.adapters.outbox_reader import Stretch
from atm_switch.switch.event import SWITCH, Event, EventKind
from tests.doubles.brokers import HOST, EmbeddedBroker, Subscriber, free_port, running

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


class Desk:
    """A publisher, what it told the log, and how often it paused."""

    def __init__(self, port: int, outbox: Any) -> None:
        """Publish to ``port``; call in the loop."""
        self.told: list[tuple[str, dict[str, str]]] = []
        self.marks: list[int] = []
        self.pauses = 0
        around = Surroundings(
            outbox, self.marks.append, self._own, self._chance,
            lambda event, fields: self.told.append((event, fields)),
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
