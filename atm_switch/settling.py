"""When requests in doubt are given their ending: what a run before left, at the start.

Plan: at the start everything an earlier run left behind is looked through, a page of rows at
a time; what a long journal has beyond ``PAGES_AT_START`` goes on beside the requests.  While
the switch runs, so is what was written ``SURE_SECONDS`` ago and longer - a journal that could
not write leaves doubts, too - and the next start has little to look at.
Where other processes may still end what was there at the start, that waits as long as well.
Of machines on one PostgreSQL that never start again any other ends the doubts, after an hour.
Limits: a journal that does not answer is asked again at the next look.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.adapters.side_thread import begun
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.server.log import Logger

PAGES_AT_START: Final = 20
"""Some 40,000 rows, some tenths of a second."""
PAUSE_SECONDS: Final = 0.05
"""Between two pages: requests come first."""
LOOK_SECONDS: Final = 60.0
SURE_SECONDS: Final = 600.0
"""After so long nothing is under way any more, whatever was waited for."""
GONE_LOOK_SECONDS: Final = 300.0
GONE_SECONDS: Final = 3_600.0
"""So old must be what is ended for a machine that is gone: six times what is sure here."""

AskJournal = Callable[[SettleDoubts], Awaitable[Settled]]
"""Raises ``JournalUnavailable``."""
Ended = Counter[str]
"""How many requests in doubt were given their ending, by acquirer."""


class Settling:
    """Ends what is in doubt in one journal; made by whoever writes it."""

    def __init__(
        self, ask: AskJournal, tell: Callable[[Ended], None], clock: Callable[[], float]
    ) -> None:
        """``tell`` hears what was ended; ``clock`` is monotonic seconds."""
        self._ask, self._tell, self._clock = ask, tell, clock
        self._through = 0
        """Nothing up to this row is under way any more."""
        self._young: deque[tuple[float, int]] = deque()
        """When the journal had how many rows."""
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, is_alone: bool) -> None:
        """Settle what is there, or begin to; call in the loop before the first request.

        ``is_alone``: whoever wrote what is there is gone.
        """
        with suppress(JournalUnavailable):
            found = await self._ask(SettleDoubts(0))
            if is_alone:
                self._through = found.last
            else:
                self._young.append((self._clock(), found.last))
            await self._settle(PAGES_AT_START)
        self._task = asyncio.get_running_loop().create_task(self._keep())

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def look(self) -> None:
        """Take up what has become old enough, and settle all there is."""
        found = await self._ask(SettleDoubts(0))
        now = self._clock()
        self._young.append((now, found.last))
        while self._young and self._young[0][0] <= now - SURE_SECONDS:
            self._through = max(self._through, self._young.popleft()[1])
        await self._settle(found.last + 1, PAUSE_SECONDS)

    async def _keep(self) -> None:
        while True:
            with suppress(JournalUnavailable):
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _settle(self, pages_max: int, pause: float = 0.0) -> None:
        ended: Ended = Counter()
        try:
            for _ in range(pages_max):
                found = await self._ask(SettleDoubts(self._through))
                ended.update(found.ended)
                if found.mark >= self._through:
                    return
                await asyncio.sleep(pause)
        finally:
            if ended:
                self._tell(ended)


def tell_of_doubts(log: Logger, ended: Ended) -> None:
    """Say how many requests in doubt were ended, in all and of each bank."""
    log.warning("requests in doubt ended", count=ended.total(), by_acquirer=dict(ended))


class SettlingOfOthers:
    """Ends what machines that are gone left in doubt; one for each machine."""

    def __init__(self, settle: Callable[[], Ended], tell: Callable[[Ended], None]) -> None:
        """``settle`` looks for them, and may wait for the database; ``tell`` hears what it ended.

        It raises ``JournalUnavailable`` and ``Refused``: then it is tried at the next look.
        """
        self._settle, self._tell = settle, tell
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look now and then; call in the loop."""
        self._task = asyncio.get_running_loop().create_task(self._keep())

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def look(self) -> None:
        """Look once."""
        with suppress(JournalUnavailable, Refused):
            ended = await asyncio.wrap_future(begun(self._settle))
            if ended:
                self._tell(ended)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(GONE_LOOK_SECONDS)
            await self.look()
