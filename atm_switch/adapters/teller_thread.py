"""A publisher of events, and who tells of terminals, in a thread of its own with its own loop.

Why: what it tells is read from a database it waits for, and the switch's loop waits for
nobody.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

from atm_switch.adapters.fleet_teller import FleetTeller
from atm_switch.adapters.mqtt_publisher import STOP_SECONDS_MAX, EventPublisher
from atm_switch.adapters.shared_outbox import SharedOutbox
from atm_switch.domain.errors import JournalUnavailable

LOOK_SECONDS = 0.25
"""How often it looks for what other processes wrote."""
LOOKS_PER_FLEET = 4
"""Of so many looks one is for who is heard and who is silent."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many events were still to be told when they were counted."""

    waiting: int = 0
    dropped: int = 0
    """How many status events had been dropped when it began."""


class TellerThread:
    """Runs one publisher until it is stopped."""

    def __init__(
        self,
        make: Callable[[], EventPublisher],
        outbox: SharedOutbox,
        fleet: FleetTeller,
        dropped: Callable[[], int],
    ) -> None:
        """``make`` the publisher, in the thread; ``outbox`` is what it and ``fleet`` read from.

        ``dropped`` tells, to the thread, how many status events were, so far.
        """
        self._make, self._outbox, self._fleet, self._dropped = make, outbox, fleet, dropped
        self._looks = 0
        self.count = Count()
        """The last one, another object each time; 0 where this process is not elected to tell."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_there = Event()
        self.publisher: EventPublisher | None = None
        self._thread = Thread(target=self._run, name="event-teller", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._is_there.wait()

    def nudge(self) -> None:
        """Look into the outbox: there may be something new."""
        self._call(lambda publisher: publisher.nudge())

    def stop(self) -> None:
        """Tell what is there, if broker and database hear it soon, and end."""
        self._call(lambda publisher: publisher.stop())
        deadline = time.monotonic() + 2 * STOP_SECONDS_MAX
        while self._thread.is_alive() and time.monotonic() < deadline and not self._outbox.hangs:
            self._thread.join(LOOK_SECONDS)

    def _call(self, what: Callable[[EventPublisher], None]) -> None:
        loop, publisher = self._loop, self.publisher
        if loop is not None and publisher is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(what, publisher)

    def _run(self) -> None:
        try:
            asyncio.run(self._tell())
        finally:
            self._is_there.set()
            self._outbox.close()

    async def _tell(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.publisher = self._make()
        self._is_there.set()
        looking = self._loop.create_task(self._look(self.publisher))
        try:
            await self.publisher.run()
        finally:
            looking.cancel()

    async def _look(self, publisher: EventPublisher) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            publisher.nudge()
            self._looks += 1
            if self._looks % LOOKS_PER_FLEET == 0:
                self._fleet.look()
                self.count = self._counted()

    def _counted(self) -> Count:
        # Whatever the broker may be: while it is away they grow.
        dropped = self._dropped()
        with suppress(JournalUnavailable):
            return Count(self._outbox.waiting(), dropped)
        return Count()
