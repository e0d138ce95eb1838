"""Requests given up while a row of theirs waited for the journal, until it has answered.

Why: what is queued is never withdrawn.  A row that was waited for too long is written all the
same, later, with the answer it keeps for repeats.  Until then nobody can know whether the
request was processed, and a repeat that began anew would be a second transaction: two rows,
two PIN tries for one PIN.  So a repeat is declined meanwhile, at once, and not begun.
Limits: one row of a request at a time; a journal that never answers holds the request until
the next start, which ends what is in doubt.
"""

from typing import Any

from atm_switch.switch.effects import Ticket
from atm_switch.switch.ports import Ask, Commit, RepeatKey, Reserve


class Unwritten:
    """By the ticket that the journal still has to answer."""

    def __init__(self) -> None:
        """Begin with none."""
        self._keys: dict[Ticket, RepeatKey] = {}
        self._held: set[RepeatKey] = set()

    def __len__(self) -> int:
        """How many requests are held."""
        return len(self._keys)

    def __contains__(self, key: RepeatKey) -> bool:
        """Tell whether a row of the request is still to be written."""
        return key in self._held

    def given_up(self, ticket: Ticket, question: Ask[Any] | None, key: RepeatKey | None) -> None:
        """Hear that a question of a request is given up; it counts if it was a row of its own."""
        if key is not None and isinstance(question, Reserve | Commit):
            self._keys[ticket] = key
            self._held.add(key)

    def heard(self, ticket: Ticket) -> None:
        """Hear an answer nobody waits for: what it stands for is written now, or never will be."""
        key = self._keys.pop(ticket, None)
        if key is not None:
            self._held.discard(key)
