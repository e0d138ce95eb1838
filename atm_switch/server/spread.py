"""Much to do, in short goes: a tick's look after many links, and a turn's frames of many.

Why: what waits behind a long go is an answer to somebody.  A thousand links in one go made
the slowest hundredth of all answers several times slower than ten in the same time.  Four hundred
links that said all they could had a turn of the loop last so long that nobody heard the others.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from atm_switch.switch.rounds import AT_ONCE

TICK_SECONDS: Final = 0.25
"""How often time passes for idle, overdue and dripping links."""
GOES_MOST: Final = 10
"""A tick has no more; what it does not get round to, the next ticks do."""

FRAMES_MAX: Final = 512
"""So many are taken in a turn of the loop, less than 0.1 s; behind them one of each link."""


class Turn:
    """The frames that one turn of the loop takes, and what is left to the next."""

    __slots__ = ("_asked", "_taken")

    def __init__(self) -> None:
        """Begin with none."""
        self._taken = 0
        self._asked: set[Callable[[], None]] = set()

    @property
    def is_full(self) -> bool:
        """Whether others have waited long enough."""
        return self._taken >= FRAMES_MAX

    def take(self, later: Callable[[Callable[[], None]], None]) -> None:
        """Count one in; ``later`` calls in the next turn."""
        if not self._taken:
            later(self._end)
        self._taken += 1

    def later(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        """Have it called in the next turn, once however often that is asked: a turn has an end."""
        if call not in self._asked:
            self._asked.add(call)
            loop.call_soon(self._make, call)

    def _make(self, call: Callable[[], None]) -> None:
        self._asked.discard(call)
        call()

    def _end(self) -> None:
        self._taken = 0


def spread(loop: asyncio.AbstractEventLoop, look: Callable[[], None], count: int) -> None:
    """Have ``look`` called again, as often as ``count`` links want beyond the first look.

    The calls are spread evenly over the time until the next tick.
    """
    for go in range(1, min(-(-count // AT_ONCE), GOES_MOST)):
        loop.call_later(go * TICK_SECONDS / GOES_MOST, look)
