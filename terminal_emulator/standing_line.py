"""A line to the host that is there when it is needed: a lost one is opened anew.

For those who stay on the line for hours: the ATM screens.  Limits: one question at a time,
as an ATM has one customer; it calls again with the next question, not by itself.
"""

import asyncio

from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import InquiryData
from terminal_emulator.address import Address
from terminal_emulator.answers import InquiryResult
from terminal_emulator.flow import Line, Manner, open_line
from terminal_emulator.kit import Kit


class StandingLine:
    """Whom to call and, once called, the ``Line``."""

    def __init__(self, address: Address, kit: Kit, manner: Manner) -> None:
        """Keep whom to call; nothing is called yet."""
        self._call = (address, kit, manner)
        self._line: Line | None = None
        self._turn = asyncio.Lock()

    @property
    def is_up(self) -> bool:
        """Tell whether anything can be asked without calling first."""
        return self._line is not None and self._line.link.is_up

    async def ready(self) -> Line:
        """Return a line that is up and signed on.

        Raises ``LinkError`` and ``Refused``.
        """
        async with self._turn:
            if self._line is not None and not self._line.link.is_up:
                lost, self._line = self._line, None
                await lost.close()
            if self._line is None:
                self._line = await open_line(*self._call)
            return self._line

    async def inquire(self, pan: str, pin: Pin | None, wish: InquiryData) -> InquiryResult:
        """Ask for a balance.  Raises ``LinkError``, and ``ValueError`` for what cannot be sent."""
        return await (await self.ready()).inquire(pan, pin, wish)

    async def close(self) -> None:
        """Sign off and hang up, where there is a line."""
        if self._line is not None:
            await self._line.close()
