"""Tells the outbox to the broker: in order, at least once, never on the way of a response.

Plan: one task of the switch's loop.  Events are published in order, one a turn of the loop so
that frames are read in between, and slower while requests are under way; half a window of them
while the half before is acknowledged.  Were each waited for before the next, a broker that holds
small packets back (Nagle's algorithm, RFC 896) would wait for this host to confirm some, which
waits for something to send with it (delayed acknowledgement, RFC 1122, 4.2.3.2): 40 ms each.
How far all is acknowledged gets marked about once a second, for each mark is a synced commit.
A lost connection is made again after a wait that grows, with chance in it, and goes on behind
the last event that was acknowledged.
Limits: an event whose PUBACK was lost, or whose mark was not written before a crash, is told
again, with the same id.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol

from atm_switch.adapters.mqtt_broker import (
    Broker,
    BrokerUnavailable,
    Message,
    connected,
)
from atm_switch.adapters.outbox_reader import Stretch
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.event import Event, payload_of, topic_of
from atm_switch.switch.retries import Retries

WAIT_SECONDS_FIRST: Final = 0.25
MARK_SECONDS: Final = 1.0
NOT_ASKED: Final = "not asked: "
"""Begins the reason of a broker that is told nothing because the journal cannot be read."""
STOP_SECONDS_MAX: Final = 2.0
"""How long telling goes on when the switch stops; what is left is told after the next start."""

ONLINE, STOPPED, LOST = "online", "stopped", "lost"
"""What the switch is said to be on its own status topic."""

BUSY_SECONDS: Final = 0.001
"""The pause after each event while requests are under way: some hundred events a second then."""

_HALVES: Final = 2

Tell = Callable[[str, dict[str, str]], None]
"""Event and fields, for the log."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How events are published."""

    switch: str
    """The switch's name: in its topics, its payloads and its client id."""
    prefix: str
    window: int
    """Events that may be under way at once."""
    wait_seconds_max: float
    """The longest wait before the broker is tried again."""


class Link(Protocol):
    """An open connection to a broker."""

    async def publish(self, message: Message) -> None:
        """Publish and wait for the PUBACK.  Raises ``BrokerUnavailable``."""

    async def until_lost(self) -> None:
        """Wait until the connection is lost."""


Connect = Callable[[Broker, str, int, Message], AbstractAsyncContextManager[Link]]
"""Opens a connection for a block: whereto, client id, window, last will."""


class Outbox(Protocol):
    """What there is to tell.  Each raises ``JournalUnavailable`` where it cannot be told now."""

    def mark(self) -> int:
        """Return up to which sequence the broker has acknowledged all events."""

    def since(self, after: int, count_max: int) -> Stretch:
        """Return the events behind a sequence, oldest first, at most so many."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the publisher uses of others."""

    outbox: Outbox
    mark: Callable[[int], None]
    """Have the mark moved; it may be lost."""
    own_event: Callable[[dict[str, str]], Event]
    """Make an event of the switch's own status, which no outbox has."""
    chance: Callable[[], float]
    """A number from 0 to 1."""
    tell: Tell
    is_busy: Callable[[], bool] = lambda: False
    """Whether requests are under way: then the loop is theirs first."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """Events that were published, and who waits for the acknowledgement of each."""

    stretch: Stretch
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def through(self) -> int:
        """The last sequence of it."""
        return self.stretch.through

    def pairs(self) -> Iterator[tuple[Event, asyncio.Task[None]]]:
        """Yield each event that was published so far with who waits for it."""
        return zip(self.stretch.events, self.tasks, strict=False)


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection, and a task that ends when it is lost."""

    link: Link
    lost: asyncio.Task[None]

    def require(self) -> None:
        if self.lost.done():
            raise BrokerUnavailable("the connection was lost")

    async def wait_for(self, sent: _Sent) -> None:
        """Wait for the acknowledgements, and no longer than the connection lasts."""
        for task in sent.tasks:
            if not task.done():
                await asyncio.wait({task, self.lost}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self.require()
            await task


class EventPublisher:
    """Publishes until it is stopped."""

    def __init__(
        self,
        broker: Broker,
        manner: Manner,
        around: Surroundings,
        connect: Connect = connected,
    ) -> None:
        """Wait for ``run``."""
        self._broker, self._manner, self._around = broker, manner, around
        self._connect = connect
        self._bell = asyncio.Event()
        self._stopping = asyncio.Event()
        self._deadline = inf
        self._retries = Retries(around.chance, WAIT_SECONDS_FIRST, manner.wait_seconds_max)
        self._failures = 0
        self._marker: asyncio.TimerHandle | None = None
        self.told_through = 0
        """Up to where this process has had all events acknowledged."""
        self.away = "not connected yet"
        """Why the broker cannot be told, or empty."""

    def nudge(self) -> None:
        """Look into the outbox: there may be something new."""
        self._bell.set()

    def stop(self) -> None:
        """Tell what is there, say that the switch has stopped, and end."""
        self._deadline = asyncio.get_running_loop().time() + STOP_SECONDS_MAX
        self._stopping.set()
        self._bell.set()

    async def run(self) -> None:
        """Publish until stopped.  Whatever goes wrong with the broker is waited out."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._connected_once()
                except BrokerUnavailable as away:
                    self._note_away(str(away))
                except JournalUnavailable as silent:  # whatever the broker may be
                    self._note_away(f"{NOT_ASKED}{silent}", "events wait")
                except Exception as mistake:  # noqa: BLE001  one of the library's must not end it
                    self._note_away(f"a mistake: {type(mistake).__name__}")
                await self._pause()
        finally:
            if self._marker is not None:
                self._marker.cancel()
                self._mark_now()

    async def _connected_once(self) -> None:
        # Before the broker hears of us: of several switches on one journal one may tell.
        self.told_through = max(self.told_through, self._around.outbox.mark())
        manner = self._manner
        client = f"atm-switch-{manner.switch}"
        will = self._own(LOST)
        async with self._connect(self._broker, client, manner.window, will) as link:
            line = _Line(link, asyncio.create_task(link.until_lost()))
            line.lost.add_done_callback(lambda _done: self._bell.set())
            try:
                await link.publish(self._own(ONLINE))
                self._note_there()
                await self._tell_all(line)
                await link.publish(self._own(STOPPED))
            finally:
                line.lost.cancel()

    async def _tell_all(self, line: _Line) -> None:
        """Publish until it is time to stop; whatever happens, what is acknowledged counts."""
        ahead = min(self._manner.window, _HALVES) - 1
        sent: deque[_Sent] = deque()
        try:
            while sent or not self._is_over():
                self._bell.clear()
                is_more = not self._is_over() and await self._publish_next(line, sent)
                if sent and (len(sent) > ahead or not is_more):
                    await line.wait_for(sent[0])
                    self._have_told(sent.popleft().through)
                    self._failures = 0
                elif not is_more:
                    if self._stopping.is_set():
                        return
                    await self._bell.wait()
                line.require()
        finally:
            await self._give_up(sent)

    def _is_over(self) -> bool:
        return asyncio.get_running_loop().time() > self._deadline

    async def _publish_next(self, line: _Line, sent: deque[_Sent]) -> bool:
        """Publish half a window behind what was ``sent``; tell whether there was something."""
        begun = sent[-1].through if sent else self.told_through
        size = max(1, self._manner.window // _HALVES)
        stretch = self._around.outbox.since(begun, size)
        if stretch.through == begun:
            return False
        sent.append(half := _Sent(stretch))
        for event in stretch.events:
            half.tasks.append(asyncio.create_task(line.link.publish(self._message(event))))
            # a frame that came in goes before the next event
            await asyncio.sleep(BUSY_SECONDS if self._around.is_busy() else 0)
        return True

    async def _give_up(self, sent: Iterable[_Sent]) -> None:
        """Let go what is not acknowledged, and count what is, up to the first that is not."""
        pairs = [pair for one in sent for pair in one.pairs()]
        for event, task in pairs:
            if not task.done() or task.cancelled() or task.exception() is not None:
                break
            self._have_told(event.sequence)
        for _, task in pairs:
            task.cancel()
        await asyncio.gather(*(task for _, task in pairs), return_exceptions=True)

    def _have_told(self, through: int) -> None:
        self.told_through = through
        if self._marker is None:
            loop = asyncio.get_running_loop()
            self._marker = loop.call_later(MARK_SECONDS, self._mark_now)

    def _mark_now(self) -> None:
        self._marker = None
        self._around.mark(self.told_through)

    def _message(self, event: Event) -> Message:
        payload = payload_of(event, self._manner.switch)
        return Message(topic_of(event, self._manner.prefix), payload, event.is_retained)

    def _own(self, state: str) -> Message:
        return self._message(self._around.own_event({"state": state}))

    async def _pause(self) -> None:
        if self._stopping.is_set():
            return
        seconds = self._retries.pause(self._failures)
        self._failures += 1
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _note_there(self) -> None:
        self.away = ""
        self._around.tell("broker connected", {"at": f"{self._broker.host}:{self._broker.port}"})

    def _note_away(self, reason: str, what: str = "broker away") -> None:
        if reason != self.away:
            self.away = reason
            self._around.tell(what, {"reason": reason.removeprefix(NOT_ASKED)})
