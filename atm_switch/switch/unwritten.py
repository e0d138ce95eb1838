"""Requests given up while a row of theirs waited for the journal, until it has answered.

Why: what is queued is never withdrawn.  A row that was waited for too long is written all the
same, later, with the answer it keeps for repeats.  Until then nobody can know whether the
request was processed, and a repeat that began anew would be a second transaction: two rows,
two PIN tries for one PIN.  So a repeat is declined meanwhile, at once, and not begun.  A row B
that is written then says what nobody was told, which is noted.
Limits: one row of a request at a time; a journal that never answers holds the request until
the next start, which ends what is in doubt.
"""

from typing import Any

from atm_switch.switch.case import Case
from atm_switch.switch.effects import Note, Ticket
from atm_switch.switch.notes import late_row
from atm_switch.switch.ports import Ask, Commit, RepeatKey, Reserve


class Unwritten:
    """By the ticket that the journal still has to answer."""

    def __init__(self) -> None:
        """Begin with none."""
        self._keys: dict[Ticket, RepeatKey] = {}
        self._held: set[RepeatKey] = set()
        self._late: dict[Ticket, Note] = {}
        """What is to be noted of a row B once it is written."""

    def __len__(self) -> int:
        """How many requests are held."""
        return len(self._keys)

    def __contains__(self, key: RepeatKey) -> bool:
        """Tell whether a row of the request is still to be written."""
        return key in self._held

    def given_up(self, ticket: Ticket, question: Ask[Any] | None, case: Case) -> None:
        """Hear that a question of a request is given up; it counts if it was a row of its own."""
        if isinstance(question, Commit):
            self._late[ticket] = late_row(case, question.ending.response_code)
        if case.flight is not None and isinstance(question, Reserve | Commit):
            self._keys[ticket] = case.flight
            self._held.add(case.flight)

    def heard(self, ticket: Ticket, answer: Any) -> list[Note]:
        """Hear an answer nobody waits for: what it stands for is written now, or never will be."""
        key = self._keys.pop(ticket, None)
        if key is not None:
            self._held.discard(key)
        late = self._late.pop(ticket, None)
        return [late] if late is not None and answer is None else []
