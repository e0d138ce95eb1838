"""What a switch's neighbours tell of themselves, on its way into the log."""

import asyncio
from typing import TYPE_CHECKING, Any

from atm_switch.server.log import Logger
from atm_switch.switch.balance_inquiry import place_of

if TYPE_CHECKING:
    from collections.abc import Callable


class Tidings:
    """Hears HSM, ledger and journal, and the event loop."""

    def __init__(self, log: Logger) -> None:
        """Write to ``log``."""
        self._log = log
        self.ledger_away = ""
        """Why the ledger cannot be asked, if so."""
        self.on_hsm_back: Callable[[], None] = lambda: None
        """Called when an HSM is connected."""

    def of_hsm(self, event: str, fields: dict[str, str]) -> None:
        """Hear of a connection to the HSM."""
        is_good = event == "hsm connected"
        write = self._log.info if is_good else self._log.warning
        write(event, **fields)
        if is_good:
            self.on_hsm_back()

    def of_ledger(self, event: str, fields: dict[str, str]) -> None:
        """Hear of the ledger's database."""
        is_good = event == "ledger connected"
        self.ledger_away = "" if is_good else fields.get("reason", event)
        write = self._log.info if is_good else self._log.warning
        write(event, **fields)

    def of_journal(self, event: str, fields: dict[str, str]) -> None:
        """Hear of the journal's database."""
        self._log.warning(event, **fields)

    def of_mistake(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Hear what nobody caught: the default handler would print what it failed on."""
        error = context.get("exception")
        where = place_of(error) if isinstance(error, BaseException) else ""
        self._log.error("mistake", what=context.get("message", ""), where=where)
