"""The way to the journal: shut for new requests while it stands still.

Why: what waits for a journal that stands still is answered 96 at the end of its time, and what
comes meanwhile would queue behind it: on links with as much under way as they may have, for as
long again.  So whoever comes then is told at once.  It stands still while the eldest row waits
too long; and once a row was given up, until one is answered: meanwhile one row at a time is let
in, to find out.
Limits: the rows of this process; a row that is asked for before the way is shut goes on.
"""

import itertools
from typing import TypeVar

from atm_switch.domain.errors import JournalSilent
from atm_switch.switch.case import Case
from atm_switch.switch.ports import Ask, Steps

T = TypeVar("T")

PATIENCE = 0.5
"""As much of the time a request may take, a row may take before the journal counts as standing."""


class JournalGate:
    """Since when each row under way is waited for (monotonic seconds), and how the last ended."""

    def __init__(self) -> None:
        """Begin with none."""
        self._numbers = itertools.count()
        self._since: dict[int, float] = {}
        self._is_silent = False

    def stands_still(self, case: Case) -> bool:
        """Tell whether no row of ``case`` may be asked for now."""
        for since in self._since.values():
            patience = PATIENCE * case.profile.inquiry.request_seconds_max
            return self._is_silent or case.now.monotonic - since > patience
        return False

    def asked(self, row: Ask[T], case: Case) -> Steps[T]:
        """Ask for a row, and count it as waited for until it is answered or given up."""
        number = next(self._numbers)
        self._since[number] = case.now.monotonic
        is_silent = False
        try:
            answer: T = yield row  # as ``ask`` does, without another generator
        except JournalSilent:
            is_silent = True
            raise
        finally:
            del self._since[number]
            self._is_silent = is_silent
        return answer
