"""A line to the host that stays open while the customer thinks.

The dialogue blocks on the keyboard; the host wants its echo answered all the same.  So
the line lives on a thread of its own, and the dialogue hands it questions and waits.
What the line itself does is ``StandingLine``.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from contextlib import suppress
from typing import Any, Self, TypeVar

from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import InquiryData
from terminal_emulator.address import Address
from terminal_emulator.answers import InquiryResult
from terminal_emulator.flow import Manner
from terminal_emulator.kit import Kit
from terminal_emulator.standing_line import StandingLine

T = TypeVar("T")

TICK_SECONDS = 1.0
CLOSE_SECONDS = 5.0


class Hotline:
    """A ``Line`` for those who cannot await.  Use it in a ``with`` block."""

    def __init__(self, address: Address, kit: Kit, manner: Manner) -> None:
        """Keep whom to call; nothing is called yet."""
        self._line = StandingLine(address, kit, manner)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="line to the host", daemon=True
        )

    def __enter__(self) -> Self:
        """Connect and sign on.  Raises ``LinkError`` and ``Refused``."""
        self._thread.start()
        try:
            self._wait(self._line.ready(), lambda: None)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        """Sign off and hang up, whatever happened; a host that is slow at it is left."""
        self._stop()

    def inquire(
        self, pan: str, pin: Pin | None, wish: InquiryData, tick: Callable[[], None]
    ) -> InquiryResult:
        """Ask for a balance, calling ``tick`` each second.

        Raises ``LinkError``, and ``ValueError`` for what cannot be sent.
        """
        return self._wait(self._line.inquire(pan, pin, wish), tick)

    def _wait(self, work: Coroutine[Any, Any, T], tick: Callable[[], None]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while not wait([future], TICK_SECONDS).done:
                tick()
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def _stop(self) -> None:
        with suppress(Exception):  # the customer is gone; there is nobody to tell
            asyncio.run_coroutine_threadsafe(self._line.close(), self._loop).result(CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()
