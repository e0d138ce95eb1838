"""Lines that the switch opens itself, where the bank listens: dialled, kept up, dialled anew.

Plan: a task per connection dials, waits until the line is lost, pauses and dials again.  The
pause doubles with every failure in a row and is jittered, so that many lines do not come back
to a restarted bank all at once.  A line that was lost soon after it came up counts as one
more failure: a bank that hangs up at once is not hammered.
Limits: what is said on a line is the core's; here it is only kept there.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace

from atm_switch.server.channel import PlainChannel, TlsChannel
from atm_switch.server.entrance import LINKS, Entrance
from atm_switch.server.front_desk import FrontDesk
from atm_switch.server.limits import LineLimits
from atm_switch.server.line import Line
from atm_switch.switch.retries import Retries
from atm_switch.switch.session import Dialect

Context = Callable[[], ssl.SSLContext]
"""Makes the context of each connection.  Raises ``OSError`` or ``ValueError``."""

Tell = Callable[[str, dict[str, str]], None]
"""Takes news for the log: an event and its fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a bank is dialled.  Seconds."""

    retries: Retries
    connect_seconds_max: float
    tls: Context | None = None
    """``None``: bytes as they are."""


class Dialler:
    """One line, kept up from ``start`` to ``close``."""

    def __init__(
        self,
        entrance: Entrance,
        desk: FrontDesk[Line],
        limits: LineLimits,
        manner: Manner,
        tell: Tell,
    ) -> None:
        """Wait for ``start``."""
        self._entrance = entrance
        self._desk = desk
        self._limits = limits
        self._manner = manner
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self.line: Line | None = None
        """The line while it is up."""
        self.away = ""
        """What went wrong last; empty once a line has held."""

    @property
    def address(self) -> str:
        """Where the bank listens, as ``HOST:PORT``."""
        return self._entrance.address

    def adopt(self, dialect: Dialect, limits: LineLimits) -> None:
        """Speak this dialect from the next connection on, within these limits."""
        self._entrance = replace(self._entrance, dialect=dialect)
        self._limits = limits

    def start(self) -> None:
        """Begin to dial; call in the loop."""
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Dial no more; a line that is up stays."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        failures = 0
        while True:
            began = self._desk.clock().monotonic
            why = await self._once()
            held = self._desk.clock().monotonic - began
            failures = 0 if not why and held > self._manner.retries.longest else failures + 1
            await asyncio.sleep(self._manner.retries.pause(failures))

    async def _once(self) -> str:
        """Dial, and wait until the line is lost; say why nobody answered, if so."""
        loop, entrance = asyncio.get_running_loop(), self._entrance
        gone: asyncio.Future[str] = loop.create_future()
        try:
            async with asyncio.timeout(self._manner.connect_seconds_max):
                line = self._line(gone)
                await loop.create_connection(lambda: line, entrance.host, entrance.port)
        except TimeoutError:
            return self._news("bank away", "no answer in time")
        except (OSError, ValueError) as error:
            return self._news("bank away", _plain_words(error))
        self.line, up_at = line, self._desk.clock().monotonic
        try:
            why = await gone
        finally:
            self.line = None
        if self._desk.clock().monotonic - up_at > self._manner.retries.longest:
            self.away = ""  # it has held: its loss is news, whatever the last was
        self._news("line lost", why)
        return ""

    def _news(self, event: str, why: str) -> str:
        """Log what keeps the line away, once until it is something else."""
        if why != self.away:
            self._tell(event, {"bank": self.address, "reason": why})
        self.away = why
        return why

    def _line(self, gone: "asyncio.Future[str]") -> Line:
        manner, entrance = self._manner, self._entrance
        channel = (
            PlainChannel() if manner.tls is None else TlsChannel(manner.tls(), calls=entrance.host)
        )
        line = Line(next(LINKS), entrance, self._desk, self._limits, channel)
        line.on_lost = lambda why: None if gone.done() else gone.set_result(why)
        return line


def _plain_words(error: Exception) -> str:
    """Say in a few words why there is no connection."""
    if isinstance(error, ssl.SSLError):
        return f"the TLS files cannot be used: {error.reason or 'broken'}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
