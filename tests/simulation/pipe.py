"""The socket between a worker and the process that writes the journal: bytes, in their order.

Plan: both ends are the product's own protocols; what one writes the other hears a moment later.
"""

import asyncio
import random
from collections import deque

LATE_SECONDS = 0.00005, 0.0003


class End(asyncio.WriteTransport):
    """What one side writes to."""

    def __init__(self, pipe: "Pipe", other: asyncio.Protocol) -> None:
        """Write for ``other`` to hear."""
        super().__init__()
        self._pipe, self._other = pipe, other
        self._under_way: deque[bytes] = deque()

    def write(self, data: object) -> None:
        """Send."""
        assert isinstance(data, bytes)
        self._under_way.append(data)
        self._pipe.loop.call_later(self._pipe.dice.uniform(*LATE_SECONDS), self._arrive)

    def _arrive(self) -> None:
        if self._pipe.is_open:
            self._other.data_received(self._under_way.popleft())

    def close(self) -> None:
        """End both."""
        self._pipe.is_open = False

    abort = close


class Pipe:
    """Both directions; what is under way when a side dies is lost."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, dice: random.Random, worker: asyncio.Protocol,
        writer: asyncio.Protocol,
    ) -> None:  # fmt: skip
        """Connect."""
        self.loop, self.dice, self.is_open = loop, dice, True
        self._worker, self._writer = worker, writer
        writer.connection_made(End(self, worker))
        worker.connection_made(End(self, writer))

    def lose_writer(self) -> None:
        """Lose the process that writes: the worker hears of it in its time."""
        if self.is_open:
            self.is_open = False
            self.loop.call_later(self.dice.uniform(0.0, 0.01), self._worker.connection_lost, None)

    def die(self) -> None:
        """Lose the worker: the process that writes hears of it in its time."""
        self.is_open = False
        self.loop.call_later(self.dice.uniform(0.0, 0.01), self._writer.connection_lost, None)
