"""What other processes on a PostgreSQL journal have changed: business dates, keys.

Plan: one connection that listens.  Whoever changes something notifies in the transaction
of the change; a listener that connects, or connects again, is told everything, for it may
have missed something.  It waits without end, so it asks now and then whether the server is
still there: of a connection that is half gone nothing is heard either.  Whoever cannot wait for
news has the version of the keys looked up (``look``), over the same connection.
Limits: news come a moment after the change was committed, some milliseconds as a rule.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from atm_switch.adapters.postgres_link import connected
from atm_switch.adapters.postgres_schema import WHAT
from atm_switch.adapters.postgres_shared import CHANNEL, DATES, KEYS

PAUSE_SECONDS: Final = 0.5
ASK_SECONDS: Final = 10.0
"""How often the server is asked for a sign of life."""
ANSWER_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 1.0
"""What a look for other keys may take, until they are taken up."""
_VERSION: Final = "SELECT version FROM key_file"
ALL: Final = (DATES, KEYS)

Tell = Callable[[str, dict[str, str]], None]
Heard = asyncio.Future[None] | None


class PostgresNews:
    """Listens until it is closed."""

    def __init__(self, url: str, heard: Callable[[str], Heard], tell: Tell) -> None:
        """``heard`` is called in the loop with what was changed, ``tell`` writes the log.

        What ``heard`` returns, if anything, ends once that is taken up.
        """
        self._url, self._heard, self._tell = url, heard, tell
        self._task: asyncio.Task[None] | None = None
        self._connection: Any = None
        """Set while it is listened to."""
        self._asking = asyncio.Lock()
        self._version: int | None = None
        """Of the keys, when somebody last looked."""
        self._taking_up: Heard = None
        """What then began: whoever looks meanwhile waits for it as well."""

    def start(self) -> None:
        """Begin; call in the loop."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    def close(self) -> None:
        """Hear no more."""
        if self._task is not None:
            self._task.cancel()

    async def look(self) -> None:
        """Have the keys told of if they have another version than when somebody last looked.

        Returns once they are taken up, or when that takes too long; at once where nobody listens.
        """
        with suppress(Exception):  # the next connection is told everything
            async with asyncio.timeout(LOOK_SECONDS):
                await self._look()

    async def _look(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            async with self._asking:
                version = await connection.fetchval(_VERSION)
        except BaseException:
            connection.terminate()
            raise
        if version != self._version:
            self._version = version
            self._taking_up = self._heard(KEYS)
        if self._taking_up is not None:
            await asyncio.shield(self._taking_up)

    async def _listen(self) -> None:
        is_told = False
        while True:
            try:
                await self._listen_once()
            except Exception as away:  # noqa: BLE001  away in whatever way: tried again
                if not is_told:
                    self._tell("journal news away", {"reason": type(away).__name__})
                is_told = True
            else:
                is_told = False
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen_once(self) -> None:
        """Listen for as long as the connection lasts."""
        connection = await connected(self._url, 0, WHAT)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._notified)
            for kind in ALL:
                self._heard(kind)
            self._connection = connection
            await self._until_lost(connection, lost)
        finally:
            self._connection = None
            with suppress(Exception):
                connection.terminate()

    def _notified(self, _connection: Any, _process: int, _channel: str, kind: str) -> None:
        if kind in ALL:
            self._heard(kind)

    async def _until_lost(self, connection: Any, lost: asyncio.Event) -> None:
        """Wait for the end of a connection.  Raises what asking meets where it is gone unsaid."""
        while True:
            try:
                await asyncio.wait_for(lost.wait(), ASK_SECONDS)
            except TimeoutError:
                async with self._asking:
                    await connection.execute("SELECT 1", timeout=ANSWER_SECONDS)
            else:
                return
