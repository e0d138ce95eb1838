"""How the processes of a supervisor end: in their time, at once, or killed where they hang."""

import asyncio
import signal
from collections.abc import Collection, Iterable
from math import inf
from typing import Final

from atm_switch.adapters.clock import read_clock
from atm_switch.child import AT_ONCE_SECONDS_MAX, Child
from atm_switch.process_place import WRITER
from atm_switch.seat import LOST
from atm_switch.server.log import Logger

LOOK_SECONDS: Final = 0.05


class Endings:
    """Waits for processes that were told to end."""

    def __init__(self, log: Logger) -> None:
        """Log what is killed."""
        self._log = log
        self._hurried_at = inf
        """When the second SIGTERM came; monotonic seconds."""
        self.code = 0
        """What the switch ends with: 1 where one of them did not finish, for it hung or failed,
        and that of its own where its journal is lost."""

    def hurry(self, children: Collection[Child]) -> None:
        """Tell them to end at once."""
        self._hurried_at = min(self._hurried_at, read_clock().monotonic)
        for child in children:
            if child.number == WRITER:
                child.signal(signal.SIGCONT)
        self._tell(children)

    def _tell(self, children: Iterable[Child]) -> None:
        for child in children:
            if child.number != WRITER:
                child.stop(is_at_once=self._hurried_at < inf)

    async def wait(self, children: list[Child], seconds: float) -> None:
        """Have workers finish and wait until all have ended; kill those that take longer."""
        since = read_clock().monotonic
        waits = {asyncio.ensure_future(child.process.wait()): child for child in children}
        left, now = set(waits), since
        while left and now <= min(since + seconds, self._at_once(since)):
            self._tell(waits[one] for one in left)
            _, left = await asyncio.wait(left, timeout=LOOK_SECONDS)
            now = read_clock().monotonic
        for one in left:
            self.code = self.code or 1
            self._log.error("process killed", process=waits[one].name, why="it hangs")
            waits[one].signal(signal.SIGKILL)
        if left:
            await asyncio.wait(left)
        # One that was not ready had nothing to finish.
        codes = {one.result() for one, child in waits.items() if child.is_ready.is_set()} - {0}
        if codes:
            self.code = LOST if LOST in codes else self.code or 1

    def _at_once(self, since: float) -> float:
        """Until when processes told to end at ``since`` have time where a second SIGTERM came."""
        return max(since, self._hurried_at) + AT_ONCE_SECONDS_MAX
