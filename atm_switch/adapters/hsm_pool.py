"""Connections to all HSMs, kept up: whoever asks gets the next one that is free.

Plan: a task per connection dials, waits until the connection is lost, pauses and dials
again.  The pause doubles with every failure in a row and is jittered, so that many
switches do not come back to a restarted HSM all at once.
Limits: a command that was under way when its connection broke is not sent again elsewhere:
its time budget is the requester's.
Why an answer comes at once where nothing is up: the requester declines and lives; a queue
would only make it late as well.
"""

import asyncio
from collections.abc import Callable, Sequence

from atm_switch.adapters.hsm_commands import Command, diagnostics, read_diagnostics
from atm_switch.adapters.hsm_errors import require_done
from atm_switch.adapters.hsm_link import AnswerFuture, HsmDialler, HsmLink
from atm_switch.domain.errors import NeighbourUnavailable, NeverAsked
from atm_switch.switch.retries import Retries

Address = tuple[str, int]
Tell = Callable[[str, dict[str, str]], None]
"""Takes news for the log: an event and its fields, none of them secret."""


class HsmPool:
    """All connections to all addresses."""

    def __init__(
        self, diallers: Sequence[tuple[Address, HsmDialler]], retries: Retries, tell: Tell
    ) -> None:
        """One connection a dialler; ``tell`` hears when one comes and goes."""
        self._diallers = diallers
        self._retries = retries
        self._tell = tell
        self._links: list[HsmLink] = []
        self._turn = 0
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def live(self) -> int:
        """Count the connections that are up."""
        return len(self._links)

    async def start(self) -> None:
        """Dial everywhere; return when each was tried once, whether it is up or not."""
        loop = asyncio.get_running_loop()
        tried = [loop.create_future() for _ in self._diallers]
        self._keepers = [
            loop.create_task(self._keep(dialler, f"{address[0]}:{address[1]}", first))
            for (address, dialler), first in zip(self._diallers, tried, strict=True)
        ]
        if tried:
            await asyncio.wait(tried)

    async def close(self) -> None:
        """End all connections; whoever waits hears it."""
        keepers, self._keepers = self._keepers, []
        for keeper in keepers:
            keeper.cancel()
        for link in list(self._links):
            link.close("the switch stops")
        if keepers:
            await asyncio.wait(keepers)
        self._links.clear()

    def ask(self, command: Command) -> AnswerFuture:
        """Send over the next free connection.

        The future ends in the answer, or in ``NeighbourUnavailable``; at once in
        ``NeverAsked`` where no connection is up or free.
        """
        for _ in self._links:
            self._turn = (self._turn + 1) % len(self._links)
            if self._links[self._turn].is_free:
                return self._links[self._turn].ask(command)
        answer: AnswerFuture = asyncio.get_running_loop().create_future()
        why = "has too much under way" if self._links else "is not connected"
        answer.set_exception(NeverAsked(f"the HSM {why}"))
        return answer

    async def _keep(self, dialler: HsmDialler, where: str, tried: asyncio.Future[None]) -> None:
        failures = 0
        while True:
            link = await self._dialled(dialler, where, is_news=failures == 0)
            if not tried.done():
                tried.set_result(None)
            failures += 1
            if link is not None:
                failures = 0
                self._tell("hsm connection lost", {"hsm": where, "reason": await link.lost})
                self._links.remove(link)
            await asyncio.sleep(self._retries.pause(failures))

    async def _dialled(self, dialler: HsmDialler, where: str, *, is_news: bool) -> HsmLink | None:
        try:
            link, answer = await dialler.dial()
        except NeighbourUnavailable as error:
            if is_news:
                self._tell("hsm away", {"hsm": where, "reason": str(error)})
            return None
        try:
            require_done(diagnostics(), answer)
            master = read_diagnostics(answer)
        except NeighbourUnavailable as error:
            link.close(str(error))
            if is_news:
                self._tell("hsm refused", {"hsm": where, "reason": str(error)})
            return None
        self._links.append(link)
        self._tell("hsm connected", {"hsm": where, "master_key_check": master})
        return link
