"""The journal as the loop asks it: one ring of the bell for all that one turn brings.

Why: whoever wakes the writer for the first of many rows has it sync that one alone, and
every sync costs more than a row.  Rung at the end of the turn, it finds them all.
Limits: for the loop's own thread; questions of others ring by themselves.
"""

import asyncio
from typing import Any, Protocol

from atm_switch.switch.effects import Ticket


class Journal(Protocol):
    """The writer: takes a question, answers later through the batch callback."""

    def submit(self, question: Any, token: Ticket) -> None:
        """Queue one question.  Raises ``JournalUnavailable`` at once where it cannot."""


class Queue(Protocol):
    """The writer: takes a question, and writes once it is rung."""

    def submit(self, question: Any, token: Ticket, *, rings: bool = True) -> None:
        """Queue one question.  Raises ``JournalUnavailable`` at once where it cannot."""

    def ring(self) -> None:
        """Wake the writer."""


class JournalBell:
    """Passes questions on at once, and wakes the writer once a turn of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: Queue) -> None:
        """Ring in ``loop``."""
        self._loop = loop
        self._journal = journal
        self._is_due = False

    def submit(self, question: Any, token: Ticket) -> None:
        """Queue one question.  Raises ``JournalUnavailable`` at once where it cannot."""
        self._journal.submit(question, token, rings=False)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._ring)

    def _ring(self) -> None:
        self._is_due = False
        self._journal.ring()
