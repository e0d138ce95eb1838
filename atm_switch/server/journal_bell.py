"""The journal as the loop asks it: one ring of the bell for all that one turn brings.

Why: whoever wakes the writer for the first of many rows has it sync that one alone, and
every sync costs more than a row.  Rung at the end of the turn, it finds them all.
What no request waits for - events that no row stands for, records of the audit - is asked until
it is written: some at a time, the next when all of those are answered, and none together with
another of its topic, so that what is told of a terminal stays in order whatever fails.  What the
journal cannot take now is asked again at every tick, first of all; what is itself at fault, or
more than ``WAITING_MAX``, is given up, the eldest first, and the log says so.
Limits: for the loop's own thread; questions of others ring by themselves.  What waits when the
process is killed is lost.  Where nobody knows whether a batch was written, its events come twice.
"""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable, NeighbourUnavailable
from atm_switch.switch.effects import Ticket
from atm_switch.switch.event import Announce
from atm_switch.switch.fleet import TERMINALS_MAX
from atm_switch.switch.ports import KeepRecord

TICKETS_FROM: Final = -16
"""What is pending is asked under these downwards; the core's count up from 1, and the journal
has some below 0 for itself."""
AT_ONCE: Final = 64
WAITING_MAX: Final = TERMINALS_MAX + 4_096
"""All terminals may fall silent while the journal is away."""
NOT_KEPT: Final = "event not kept"
"""What the log says of one that was given up, and what each of them is counted under."""


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


class _Kept(NamedTuple):
    question: Announce | KeepRecord
    lost: Callable[[], None] | None
    """Told of a failure, instead of another attempt."""

    @property
    def topic(self) -> object:
        """What it has in common with those it must not overtake."""
        told = self.question
        return (told.kind, told.acquirer, told.terminal) if isinstance(told, Announce) else None

    @property
    def kind(self) -> str:
        """What the log calls it."""
        told = self.question
        return told.kind.value if isinstance(told, Announce) else told.record.kind


class Pending:
    """What the journal is to write and no request waits for, until it is written."""

    def __init__(
        self,
        ask: Callable[[Any, Ticket], None],
        warn: Callable[..., None],
        counts: Counter[str],
    ) -> None:
        """``ask`` the journal, which raises ``JournalUnavailable``; ``warn`` in the log.

        ``counts`` has all that is given up, also what the log does not say by itself.
        """
        self._ask, self._warn, self._counts = ask, warn, counts
        self._tickets = itertools.count(TICKETS_FROM, -1)
        self._waiting: deque[_Kept] = deque()
        self._asked: dict[Ticket, _Kept] = {}
        self._failed: list[_Kept] = []
        """Of those asked last, in their order."""
        self._is_stalled = False
        """Whether the last attempt failed: the next is made at a tick."""
        self._given_up = 0
        self._is_over = False

    def __len__(self) -> int:
        """How much is not known to be written."""
        return self.unasked + len(self._asked)

    @property
    def unasked(self) -> int:
        """How much of it the journal does not have."""
        return len(self._waiting) + len(self._failed)

    def keep(self, question: Announce | KeepRecord, lost: Callable[[], None] | None = None) -> None:
        """Have it written behind what was kept before.

        Who can find it out anew is told that it is ``lost`` where an attempt fails, and there is
        no other one.
        """
        self._waiting.append(_Kept(question, lost))
        if len(self) > WAITING_MAX:
            self._give_up(self._waiting.popleft(), "too many wait for the journal")
        if not self._is_stalled:
            self.again()

    def heard(self, ticket: Ticket, answer: Any) -> None:
        """Hear what the journal answers."""
        kept = self._asked.pop(ticket, None)
        if kept is None:
            return
        if isinstance(answer, Exception):
            self._fail(kept, answer)
        self._settle()
        if not self._is_stalled:
            self.again()

    def again(self) -> None:
        """Ask for what is due, unless the answers to what was asked last are still to come."""
        if self._asked:
            return
        topics: set[object] = set()
        while self._waiting and len(topics) < AT_ONCE and not self._failed:
            kept = self._waiting[0]
            if kept.topic in topics:
                break
            topics.add(kept.topic)
            ticket = next(self._tickets)
            self._asked[ticket] = self._waiting.popleft()
            try:
                self._ask(kept.question, ticket)
            except (JournalUnavailable, ValueError) as error:
                del self._asked[ticket]
                self._fail(kept, error)
        self._settle()

    def end(self) -> None:
        """Say what is given up where the switch stops; from now on also what fails."""
        self._is_over = True
        if self.unasked:
            self._counts[NOT_KEPT] += self.unasked
            self._warn("events not kept", count=self.unasked, reason="the switch stops")

    def _settle(self) -> None:
        """Once all that was asked is answered: have what failed go first, at the next tick."""
        if not self._asked:
            self._is_stalled = bool(self._failed)
            self._waiting.extendleft(reversed(self._failed))
            self._failed.clear()

    def _fail(self, kept: _Kept, error: Exception) -> None:
        if isinstance(error, JournalRefusesRow) or not isinstance(error, NeighbourUnavailable):
            self._give_up(kept, type(error).__name__)  # it is itself at fault
        elif kept.lost is not None:
            kept.lost()
        elif self._is_over:
            self._give_up(kept, str(error))
        else:
            if not (self._is_stalled or self._failed):
                self._warn("event kept for later", kind=kept.kind, reason=str(error))
            self._failed.append(kept)

    def _give_up(self, kept: _Kept, reason: str) -> None:
        """Say so of the 1st, 2nd, 4th.. of all."""
        self._given_up += 1
        self._counts[NOT_KEPT] += 1
        if self._given_up.bit_count() == 1:
            self._warn(NOT_KEPT, kind=kept.kind, reason=reason, so_far=self._given_up)
