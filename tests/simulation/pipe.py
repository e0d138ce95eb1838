"""The socket between a worker and the process that writes the journal: bytes, in their order.

Plan: both ends are the product's own protocols; what one writes the other hears a moment later.
Of what a side that dies has under way the other still hears what the kernel had taken: all of it,
nothing, or up to a byte anywhere in it; then that the side is gone.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable

LATE_SECONDS = 0.00005, 0.0003


class End(asyncio.WriteTransport):
    """What one side writes to."""

    def __init__(self, pipe: "Pipe", other: asyncio.Protocol, on_write: Callable[[], None]) -> None:
        """Write for ``other`` to hear."""
        super().__init__()
        self._pipe, self._other, self._on_write = pipe, other, on_write
        self._under_way: deque[bytes] = deque()

    def write(self, data: object) -> None:
        """Send."""
        assert isinstance(data, bytes)
        self._under_way.append(data)
        self._pipe.loop.call_later(self._pipe.dice.uniform(*LATE_SECONDS), self._arrive)
        self._on_write()

    def _arrive(self) -> None:
        if self._pipe.is_open:
            self._other.data_received(self._under_way.popleft())

    def close(self) -> None:
        """End both."""
        self._pipe.is_open = False

    abort = close

    def dies(self) -> None:
        """Lose whoever writes here: the other hears of it in its time."""
        pipe, left = self._pipe, b""
        if pipe.is_open:
            left = _taken(b"".join(self._under_way), pipe.dice)
        pipe.is_open = False
        pipe.loop.call_later(pipe.dice.uniform(0.0, 0.01), self._bereave, left)

    def _bereave(self, left: bytes) -> None:
        if left:
            self._other.data_received(left)
        self._other.connection_lost(None)


def _taken(sent: bytes, dice: random.Random) -> bytes:
    """Throw dice for how much of what was sent the kernel has."""
    return sent[: dice.choice((0, len(sent), dice.randrange(len(sent) + 1)))]


class Pipe:
    """Both directions."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, dice: random.Random, worker: asyncio.Protocol,
        writer: asyncio.Protocol, on_asked: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Connect; ``on_asked`` is told when the worker has written something."""
        self.loop, self.dice, self.is_open = loop, dice, True
        self._of_writer = End(self, worker, lambda: None)
        self._of_worker = End(self, writer, on_asked)
        writer.connection_made(self._of_writer)
        worker.connection_made(self._of_worker)

    def lose_writer(self) -> None:
        """Lose the process that writes."""
        if self.is_open:
            self._of_writer.dies()

    def die(self) -> None:
        """Lose the worker."""
        self._of_worker.dies()
