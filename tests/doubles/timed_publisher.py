"""A publisher between an outbox and a broker that stand in memory, in a time that costs nothing.

The loop is the simulation's: hours pass at once, and a wait is as long as it says.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

from atm_switch.adapters.mqtt_broker import Broker, BrokerUnavailable, Message
from atm_switch.adapters.mqtt_publisher import EventPublisher, Manner, Surroundings
from atm_switch.adapters.outbox_reader import Stretch
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.event import SWITCH, Event, EventKind
from tests.simulation.loop import VirtualLoop

NOON = datetime(2026, 6, 30, 5, tzinfo=UTC)
BROKER = Broker("broker.example", 1883)
WINDOW, LONGEST = 6, 2.0
OWN_TOPIC = "atm/switch/bank-1/status"

T = TypeVar("T")


def event_of(sequence: int) -> Event:
    """An event of the outbox."""
    name = f"{sequence:032x}"
    return Event(sequence, name, NOON, EventKind.SESSION, "009", "", {"what": "sign-on"})


def own_event(body: dict[str, str]) -> Event:
    """An event of the switch itself."""
    return Event(0, "0" * 32, NOON, EventKind.STATUS, SWITCH, "bank-1", body)


@dataclass
class Shelf:
    """An outbox of so many events, in which a mark is kept."""

    count: int = 0
    marked: int = 0
    silent: str = ""
    """Why it cannot be read, if so."""
    asked: list[tuple[int, int]] = field(default_factory=list)

    def mark(self) -> int:
        """Return it."""
        if self.silent:
            raise JournalUnavailable(self.silent)
        return self.marked

    def since(self, after: int, count_max: int) -> Stretch:
        """Return what is behind."""
        self.asked.append((after, count_max))
        through = min(after + count_max, self.count)
        events = tuple(event_of(number) for number in range(after + 1, through + 1))
        return Stretch(events, max(after, through))


@dataclass
class Sea:
    """The broker's side: away for reasons, slow, losing what it is told to lose."""

    away: list[str] = field(default_factory=list)
    """Reasons, one for each attempt; behind the last of them the broker is there."""
    is_away: str = ""
    """A reason for all attempts."""
    puback_seconds: float = 0.0
    unacknowledged: set[int] = field(default_factory=set)
    """Sequences whose first PUBACK is lost, and the connection with it."""
    attempts: list[float] = field(default_factory=list)
    opened: list[tuple[Any, ...]] = field(default_factory=list)
    heard: list[tuple[float, Message]] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    most_under_way: int = 0
    _under_way: int = 0

    @asynccontextmanager
    async def connect(self, *how: Any) -> AsyncIterator["Sea"]:
        """Be connected for a block."""
        self.attempts.append(asyncio.get_running_loop().time())
        if reason := self.is_away or (self.away.pop(0) if self.away else ""):
            raise BrokerUnavailable(reason)
        self.opened.append(how)
        self.lost.clear()
        yield self

    async def publish(self, message: Message) -> None:
        """Hear it, and acknowledge it in its time or never."""
        self.heard.append((asyncio.get_running_loop().time(), message))
        if (number := _number(self.heard[-1])) in self.unacknowledged:
            self.unacknowledged.remove(number)
            asyncio.get_running_loop().call_later(1.0, self.lost.set)
            await asyncio.Event().wait()
        self._under_way += 1
        self.most_under_way = max(self.most_under_way, self._under_way)
        await asyncio.sleep(self.puback_seconds)
        self._under_way -= 1

    async def until_lost(self) -> None:
        """Wait for the end."""
        await self.lost.wait()

    @property
    def states(self) -> list[bytes]:
        """What was said of the switch."""
        return [message.payload for _, message in self.heard if message.topic == OWN_TOPIC]

    @property
    def sequences(self) -> list[int]:
        """The events that were heard, in order."""
        return [number for number in map(_number, self.heard) if number]


def _number(heard: tuple[float, Message]) -> int:
    return int(json.loads(heard[1].payload)["sequence"])


@dataclass
class TimedDesk:
    """A publisher between a shelf and a sea."""

    shelf: Shelf
    sea: Sea
    longest: float = LONGEST
    chance: float = 1.0
    is_busy: bool = False
    window: int = WINDOW
    told: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    marks: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to publish; call in the loop."""
        around = Surroundings(
            self.shelf, self._mark, own_event, lambda: self.chance,
            lambda event, fields: self.told.append((event, fields)), lambda: self.is_busy,
        )  # fmt: skip
        self.publisher = EventPublisher(
            BROKER, Manner("bank-1", "atm", self.window, self.longest), around, self.sea.connect
        )
        self.task = asyncio.create_task(self.publisher.run())

    def _mark(self, through: int) -> None:
        self.marks.append((asyncio.get_running_loop().time(), through))
        self.shelf.marked = through

    async def stop(self) -> float:
        """End in order; return the seconds that took."""
        began = asyncio.get_running_loop().time()
        self.publisher.stop()
        await self.task
        return asyncio.get_running_loop().time() - began


def in_no_time(play: Callable[[], Awaitable[T]]) -> T:
    """Play it on a loop whose seconds cost nothing."""

    async def played() -> T:
        return await play()

    loop = VirtualLoop(random.Random(1))  # noqa: S311 - the order of one moment
    try:
        return loop.run_until_complete(played())
    finally:
        loop.close()


def gaps(times: Iterable[float]) -> list[float]:
    """The spans between moments."""
    return [after - before for before, after in pairwise(times)]
