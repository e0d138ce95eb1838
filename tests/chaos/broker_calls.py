"""Every call of the publisher fails once: each event is told all the same, in its order.

Plan: a backlog is told over a broker and an outbox in memory, in a time that costs nothing.
In the first run all is well and the calls are counted; then each fails once in each way: the
broker's or the journal's own no, an acknowledgement that is lost, and a mistake of ours.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from atm_switch.adapters.mqtt_broker import BrokerUnavailable, Message
from atm_switch.adapters.outbox_reader import Stretch
from atm_switch.domain.errors import JournalUnavailable
from tests.doubles.timed_publisher import WINDOW, Sea, Shelf, TimedDesk, in_no_time

EVENTS = 50
SECONDS = 60.0
AWAY, LOST, MISTAKE = "away", "acknowledgement lost", "a mistake"
WAYS = (AWAY, LOST, MISTAKE)


@dataclass
class Calls:
    """Counts, and says of one call that it fails."""

    fails_at: int
    way: str
    made: int = 0

    def fails(self) -> bool:
        """Count one call; tell whether it is the one."""
        self.made += 1
        return self.made == self.fails_at + 1

    def broken(self, kind: Callable[[str], Exception]) -> Exception:
        """Return what the call is answered with."""
        return RuntimeError("a bug of an adapter") if self.way == MISTAKE else kind(self.way)


@dataclass
class FrailShelf(Shelf):
    """An outbox of which one call fails."""

    calls: Calls = field(kw_only=True)

    def mark(self) -> int:
        """Return it, or fail."""
        if self.calls.fails():
            raise self.calls.broken(JournalUnavailable)
        return super().mark()

    def since(self, after: int, count_max: int) -> Stretch:
        """Return what is behind, or fail."""
        if self.calls.fails():
            raise self.calls.broken(JournalUnavailable)
        return super().since(after, count_max)


@dataclass
class FrailSea(Sea):
    """A broker of which one call fails."""

    calls: Calls = field(kw_only=True)
    is_broken: bool = False
    """A connection of which one call failed takes no other: it is one stream."""

    @asynccontextmanager
    async def connect(self, *how: Any) -> AsyncIterator[Sea]:
        """Be connected, or not."""
        if self.calls.fails():
            raise self.calls.broken(BrokerUnavailable)
        self.is_broken = False
        async with super().connect(*how):
            yield self

    async def publish(self, message: Message) -> None:
        """Hear it, or fail, and everything behind it; of a lost acknowledgement it was heard."""
        fails = self.calls.fails()
        if not self.is_broken and (not fails or self.calls.way == LOST):
            await super().publish(message)
        self.is_broken = self.is_broken or fails
        if self.is_broken:
            raise self.calls.broken(BrokerUnavailable)


def told(fails_at: int, way: str) -> tuple[int, list[str]]:
    """Tell the backlog with one fault; return how many calls there were, and what was wrong."""
    calls = Calls(fails_at, way)

    async def play() -> TimedDesk:
        desk = TimedDesk(FrailShelf(EVENTS, calls=calls), FrailSea(calls=calls))
        await asyncio.sleep(SECONDS)
        await desk.stop()
        return desk

    desk = in_no_time(play)
    heard, wanted = desk.sea.sequences, list(range(1, EVENTS + 1))
    wrong = {
        "an event is not told": set(heard) != set(wanted),
        "events come first out of order": list(dict.fromkeys(heard)) != wanted,
        "the mark is not where the events end": desk.shelf.marked != EVENTS,
        "more than a window is told again": len(heard) > EVENTS + WINDOW,
    }
    return calls.made, [what for what, is_so in wrong.items() if is_so]


def sweep(stride: int) -> tuple[int, int, list[str]]:
    """Let each call fail in each way; return runs, calls and what was wrong."""
    calls, wrong = told(-1, AWAY)
    runs = 1
    for fails_at in range(0, calls, stride):
        for way in WAYS:
            runs += 1
            wrong += [f"call {fails_at}, {way}: {what}" for what in told(fails_at, way)[1]]
    return runs, calls, wrong
