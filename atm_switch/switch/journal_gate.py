"""The way to the journal: shut for new requests while a row waits too long.

Why: what waits for a journal that stands still is answered 96 at the end of its time, and what
comes meanwhile would queue behind it: on links with as much under way as they may have, for as
long again.  So whoever comes then is told at once.  The rows that wait are the question whether
it moves again: with the first that is answered, or given up, the next ones are let in.
Limits: the rows of this process; a row that is asked for before the way is shut goes on.
"""

import itertools
from typing import TypeVar

from atm_switch.switch.case import Case
from atm_switch.switch.ports import Ask, Steps, ask

T = TypeVar("T")

PATIENCE = 0.5
"""As much of the time a request may take, a row may take before the journal counts as standing."""


class JournalGate:
    """Since when each row under way is waited for; monotonic seconds."""

    def __init__(self) -> None:
        """Begin with none."""
        self._numbers = itertools.count()
        self._since: dict[int, float] = {}

    def stands_still(self, case: Case) -> bool:
        """Tell whether the eldest row has waited too long to ask for one of ``case``."""
        for since in self._since.values():
            patience = PATIENCE * case.profile.inquiry.request_seconds_max
            return case.now.monotonic - since > patience
        return False

    def asked(self, row: Ask[T], case: Case) -> Steps[T]:
        """Ask for a row, and count it as waited for until it is answered or given up."""
        number = next(self._numbers)
        self._since[number] = case.now.monotonic
        try:
            return (yield from ask(row))
        finally:
            del self._since[number]
