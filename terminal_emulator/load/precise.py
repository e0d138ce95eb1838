"""An event loop whose timers ring when they should.

Plan: epoll counts its waiting in whole milliseconds, so a request due in 200 us would leave up
to a millisecond late; select() counts microseconds.  Waiting is left to select() on epoll's own
descriptor, and epoll is then asked without waiting.  uvloop is not taken: its timers count
milliseconds too.
Limits: Linux; elsewhere the loop is asyncio's own.
"""

import asyncio
import select
import selectors
import sys

WATCHED_MAX = 1024
"""select() takes no descriptor from here on."""
PRECISE_SECONDS = 0.05
"""For longer waits a millisecond is little; they stay with epoll."""

if sys.platform == "linux":

    class PreciseSelector(selectors.EpollSelector):
        """Epoll that wakes up within microseconds."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """Return what is ready, as ``selectors`` has it; ``timeout`` in seconds."""
            descriptor = self.fileno()
            if timeout is None or not 0 < timeout <= PRECISE_SECONDS or descriptor >= WATCHED_MAX:
                return super().select(timeout)
            select.select([descriptor], [], [], timeout)
            return super().select(0)

    def precise_loop() -> asyncio.AbstractEventLoop:
        """Make a loop, for ``asyncio.Runner``."""
        return asyncio.SelectorEventLoop(PreciseSelector())

else:

    def precise_loop() -> asyncio.AbstractEventLoop:
        """Make asyncio's own loop."""
        return asyncio.new_event_loop()
