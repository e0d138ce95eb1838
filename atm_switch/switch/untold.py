"""Answers that no terminal got, so that the journal does not count them as told.

Plan: whatever decides that an answer does not leave asks the journal to note it: a row of its
own, by the request's whole key and its receipt, behind the row B in the same queue.  An answer
that leaves to a repeat, or to who joined, takes the note of its key back.  An answer that leaves
the first time asks nothing.
Failures: what the journal cannot take now is asked again at every tick, some hundred times.
Limits: what waits here when the process is killed is lost, and its answers count as told.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atm_switch.switch.effects import Asked, Ticket
from atm_switch.switch.ports import Ask, RepeatKey

LATE: Final = "late"
"""The request had been given up: its terminal was told something else, or nothing."""
NOT_SENT: Final = "not_sent"
"""The link was gone."""

WAITING_MAX: Final = 10_000
AT_ONCE: Final = 64
TIMES_MAX: Final = 1_200
"""How often one is asked: for some minutes."""


@dataclass(frozen=True, slots=True)
class Untold(Ask[None]):
    """Note that the answer to a request did not leave; nothing where no row B has its key.

    ``received_at`` is that of the request's rows, ``why`` is ``LATE`` or ``NOT_SENT``.
    """

    key: RepeatKey
    received_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
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
        self._waiting: deque[tuple[Telling, int]] = deque(maxlen=WAITING_MAX)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._asked) + len(self._waiting)

    def tell(self, telling: Telling, times: int = 1) -> Asked:
        """Ask the journal; this is the ``times``-th time."""
        ticket = next(self._tickets)
        self._asked[ticket] = telling, times
        return Asked(ticket, telling)

    def heard(self, ticket: Ticket, answer: Any) -> None:
        """Hear an answer nobody waits for; a failure is asked again."""
        asked = self._asked.pop(ticket, None)
        if asked is not None and isinstance(answer, Exception) and asked[1] < TIMES_MAX:
            self._waiting.append(asked)

    def again(self) -> list[Asked]:
        """Ask again for some of what failed, the eldest first."""
        some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        return [self.tell(telling, times + 1) for telling, times in some]
