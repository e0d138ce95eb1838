"""Answers that no terminal got, so that the journal does not count them as told.

Plan: whatever decides that an answer does not leave asks the journal to note it: a row of its
own, by the request's whole key and its receipt, behind the row B in the same queue.  An answer
that leaves to a repeat, or to who joined, takes the note of its key back.  An answer that leaves
the first time asks nothing.
Failures: what the journal cannot take now is asked again at every tick, some hundred times,
unless it was told to a repeat meanwhile.  What is itself at fault is given up at once.  The log
has by name whatever is given up.
Limits: what waits here when the process is killed is lost, and its answers count as told.  Where
another machine answers a repeat in the very moment between a row B and its note, the note stays.
What is under way as the last word of a key is not asked once more.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final

from atm_switch.domain.errors import JournalRefusesRow, NeighbourUnavailable
from atm_switch.domain.value import value
from atm_switch.switch.effects import Asked, Note, Ticket
from atm_switch.switch.ports import Ask, RepeatKey

LATE: Final = "late"
"""The request had been given up: its terminal was told something else, or nothing."""
NOT_SENT: Final = "not_sent"
"""The link was gone."""

GIVEN_UP: Final = "note given up"
"""What the log says of one, and what it is counted under."""

WAITING_MAX: Final = 4_096
AT_ONCE: Final = 64
TIMES_MAX: Final = 1_200
"""How often one is asked: for some minutes."""


@value
class Untold(Ask[None]):
    """Note that the answer to a request did not leave; nothing where no row B has its key.

    ``received_at`` is that of the request's rows, ``why`` is ``LATE`` or ``NOT_SENT``.
    """

    key: RepeatKey
    received_at: datetime
    why: str


@value
class ToldAgain(Ask[None]):
    """Take back what was noted under a key: its answer has left after all, to a repeat."""

    key: RepeatKey


Telling = Untold | ToldAgain
TELLINGS: Final = (Untold, ToldAgain)
"""Questions that the journal's writer answers and nobody waits for."""


class Tellings:
    """What the journal was asked to note and has not confirmed."""

    def __init__(self, tickets: Iterator[Ticket]) -> None:
        """Begin with none; ``tickets`` are those of the switch."""
        self._tickets = tickets
        self._asked: dict[Ticket, tuple[Telling, int]] = {}
        self._newest: dict[RepeatKey, Ticket] = {}
        """Of each key the last one under way: behind it nothing says otherwise."""
        self._waiting: dict[Telling, int] = {}
        """What failed, the eldest first, and how often it was asked."""
        self._is_over = False

    def __len__(self) -> int:
        """How many there are."""
        return len(self._asked) + len(self._waiting)

    def tell(self, telling: Telling, times: int = 1) -> Asked:
        """Ask the journal; this is the ``times``-th time."""
        ticket = next(self._tickets)
        self._asked[ticket] = telling, times
        self._newest[telling.key] = ticket
        return Asked(ticket, telling)

    def tell_once(self, telling: Telling) -> list[Asked]:
        """Ask the journal, but for what was the last thing asked of its key and is under way.

        However often a terminal repeats while the journal stands still, it is one question.
        """
        newest = self._newest.get(telling.key)
        if newest is not None and self._asked[newest][0] == telling:
            return []
        return [self.tell(telling)]

    def heard(self, ticket: Ticket, answer: Any) -> list[Note]:
        """Hear an answer nobody waits for; a failure is asked again, or noted as given up."""
        telling, times = self._asked.pop(ticket, (None, 0))
        if telling is not None and self._newest.get(telling.key) == ticket:
            del self._newest[telling.key]
        if isinstance(telling, ToldAgain):  # what waits of its key was so before, and is no more
            for old in [one for one in self._waiting if one.key == telling.key]:
                del self._waiting[old]
        if telling is None or not isinstance(answer, Exception):
            return []
        if self._is_over or times >= TIMES_MAX or _is_at_fault(answer):
            return [_given_up(telling, _name_of(answer))]
        self._waiting[telling] = times
        if len(self._waiting) <= WAITING_MAX:
            return []
        eldest = next(iter(self._waiting))
        del self._waiting[eldest]
        return [_given_up(eldest, "too many wait for the journal")]

    def again(self) -> list[Asked]:
        """Ask again for some of what failed, the eldest first."""
        some = list(islice(self._waiting, AT_ONCE))
        return [self.tell(telling, self._waiting.pop(telling) + 1) for telling in some]

    def end(self) -> list[Note]:
        """Give up what failed where the switch stops, from now on also what fails; name the rest.

        What is not confirmed is written behind its row, if whoever writes that lives to do so.
        """
        self._is_over = True
        left, self._waiting = self._waiting, {}
        asked = [telling for telling, _ in self._asked.values()]
        unsure = [_noted("note not confirmed", one, "the switch stops") for one in asked]
        return [*(_given_up(one, "the switch stops") for one in left), *unsure]


def _is_at_fault(answer: Exception) -> bool:
    """Tell whether it is the note that cannot be written, and no journal that is away."""
    return isinstance(answer, JournalRefusesRow) or not isinstance(answer, NeighbourUnavailable)


def _name_of(answer: Exception) -> str:
    """Say what is wrong; the text of an error that is none of ours may quote a value."""
    return str(answer) if isinstance(answer, NeighbourUnavailable) else type(answer).__name__


def _given_up(telling: Telling, reason: str) -> Note:
    return _noted(GIVEN_UP, telling, reason)


def _noted(event: str, telling: Telling, reason: str) -> Note:
    key = telling.key
    said = {
        "acquirer": key.acquirer,
        "terminal": key.terminal,
        "stan": key.stan,
        "rrn": key.rrn,
        "note": telling.why if isinstance(telling, Untold) else "told again",
        "reason": reason,
    }
    return Note(event, said, is_alarm=True)
