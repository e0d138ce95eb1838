"""How the processes of a supervisor end: in their time, at once, or killed where they hang."""

import asyncio
import signal
from collections.abc import Iterable
from typing import Final

from atm_switch.adapters.clock import read_clock
from atm_switch.child import AT_ONCE_SECONDS_MAX, Child
from atm_switch.server.log import Logger

LOOK_SECONDS: Final = 0.05
REPEAT_SECONDS: Final = 1.0
"""From a second SIGTERM until workers are told again: of two that come while one of them is not
looking the kernel keeps one."""


class Endings:
    """Waits for processes that were told to end."""

    def __init__(self, log: Logger) -> None:
        """Log what is killed."""
        self._log = log
        self._hurried_at = float("inf")
        """When the second SIGTERM came; monotonic seconds."""
        self.has_killed = False
        """Whether one of them hung."""

    def hurry(self, children: Iterable[Child]) -> None:
        """Tell them to end at once."""
        self._hurried_at = min(self._hurried_at, read_clock().monotonic)
        self._tell(children)

    @staticmethod
    def _tell(children: Iterable[Child]) -> None:
        for child in children:
            child.signal(signal.SIGTERM if child.number else signal.SIGCONT)

    async def wait(self, children: list[Child], seconds: float) -> None:
        """Wait until they have ended; kill those that take longer."""
        since = read_clock().monotonic
        waits = {asyncio.ensure_future(child.process.wait()): child for child in children}
        left, now, is_repeated = set(waits), since, False
        while left and now <= min(since + seconds, self._at_once(since)):
            _, left = await asyncio.wait(left, timeout=LOOK_SECONDS)
            now = read_clock().monotonic
            if not is_repeated and now > self._hurried_at + REPEAT_SECONDS:
                is_repeated = True
                self._tell(waits[one] for one in left)
        for one in left:
            self.has_killed = True
            self._log.error("process killed", process=waits[one].name, why="it hangs")
            waits[one].signal(signal.SIGKILL)
        if left:
            await asyncio.wait(left)

    def _at_once(self, since: float) -> float:
        """Until when processes told to end at ``since`` have time where a second SIGTERM came."""
        return max(since, self._hurried_at) + AT_ONCE_SECONDS_MAX
