"""An event loop without a clock, a socket or a thread: time is what the next event says.

Plan: asyncio's own loop on a selector that waits for nothing.  Where asyncio would sleep, the
time moves on by as much, at once.  What is due at the same moment comes in the order the
dice say: every timer is moved by less than a microsecond of them.
Why: the desk, the lines and the publisher run as they are, and the same dice give the same run.
Limits: nothing real may be waited for in it; a run in which nothing is due any more is at an end,
and says so instead of standing still.
"""

import asyncio
import random
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVarTuple

Ts = TypeVarTuple("Ts")

BOOT_SECONDS = 1_000.0
"""What the monotonic clock shows when a run begins."""


class NothingDue(RuntimeError):
    """Everybody waits and nothing will come: a deadlock of the simulated world."""


class _NoSelector:
    """Has no files; waiting passes the time."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NothingDue("nothing is due and nothing is under way")
        self._loop.passed(timeout)
        return []


class VirtualLoop(BaseEventLoop):
    """A loop whose seconds cost nothing."""

    def __init__(self, dice: random.Random) -> None:
        """Begin at ``BOOT_SECONDS``; ``dice`` order what happens at the same moment."""
        super().__init__()
        self._dice = dice
        self._at = BOOT_SECONDS
        self._selector = _NoSelector(self)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._at

    def passed(self, seconds: float) -> None:
        """Let time pass."""
        self._at += max(seconds, 0.0)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at a time, moved by less than a microsecond of chance."""
        moved = when + self._dice.random() * 1e-6
        return super().call_at(moved, callback, *args, context=context)

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list
