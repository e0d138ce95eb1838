"""What a batch of the journal writes into the outbox, beside what the triggers do.

Plan: events that no row of the journal stands for are inserted; what the broker has
acknowledged moves one mark; what is old and told is deleted a few hundred rows at a time,
so that no answer waits for it, and the next a moment later while there are more (``Turns``).  All
of it in the transaction of the batch it came with.
Limits: the newest row always stays, for its number must not be given again.  Where the
outbox is full, status events go, the oldest first; a transaction never does.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from atm_switch.adapters.outbox_rows import written_body
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import Ask

EVENT_ID_BYTES: Final = 16
ROWS_AT_ONCE: Final = 500
"""Rows deleted in one turn, which takes a few milliseconds."""
PAUSE_SECONDS: Final = 0.01
"""Between two turns: what answers wait for is written meanwhile, and events are told."""
PURGED: Final = -4
DROPPED: Final = -5
"""The tickets of the turns; the core's count up from 1."""
LOST_LOOKS: Final = 60
"""After so many seconds an answer that did not come is lost."""


@dataclass(frozen=True, slots=True)
class MarkTold(Ask[None]):
    """The broker has acknowledged every event up to ``through``."""

    through: int


@dataclass(frozen=True, slots=True)
class PurgeTold(Ask[int]):
    """Delete events written before ``before`` (microseconds), at most ``count_max``.

    Only those the broker has acknowledged, unless ``is_unheard``: nobody waits for them.
    The answer is how many there were.
    """

    before: int
    count_max: int
    is_unheard: bool = False


@dataclass(frozen=True, slots=True)
class DropStatus(Ask[int]):
    """Delete the oldest status events that were not told, at most ``count_max``."""

    count_max: int


OutboxQuestion = Announce | MarkTold | PurgeTold | DropStatus
Batch = Iterable[tuple[int, Any]]
"""The journal's answers, each behind the ticket of its question."""
Submit = Callable[[OutboxQuestion, int], None]
"""Put a question under a ticket.  Raises ``JournalUnavailable``."""

_INSERT: Final = "INSERT INTO outbox (at, source, body) VALUES (?, ?, ?)"
_REMEMBER: Final = (
    "INSERT INTO terminal_status (acquirer, terminal, state, at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (acquirer, terminal) DO UPDATE SET state = excluded.state, at = excluded.at"
)
_MARK: Final = "UPDATE outbox_mark SET seq = ? WHERE seq < ?"
_NEWEST: Final = "(SELECT max(seq) FROM outbox)"
_MARKED: Final = "(SELECT seq FROM outbox_mark)"
# Rows come in the order of time, so the first young one ends the search.
_PURGE: Final = (
    "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT ?)"  # noqa: S608 - constants
    f" AND at < ? AND seq < {_NEWEST} AND (? OR seq <= {_MARKED})"
)
_DROP: Final = (
    "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE source = 'status'"  # noqa: S608 - constants
    f" AND seq > {_MARKED} AND seq < {_NEWEST} ORDER BY seq LIMIT ?)"
)


def answer_outbox(
    connection: sqlite3.Connection,
    question: OutboxQuestion,
    written_at: int,
    nonce: Callable[[int], bytes],
) -> int | None:
    """Carry out one question in the transaction under way; ``written_at`` in microseconds."""
    match question:
        case Announce():
            _announce(connection, question, written_at, nonce)
            return None
        case MarkTold(through):
            connection.execute(_MARK, (through, through))
            return None
        case PurgeTold(before, count_max, is_unheard):
            return connection.execute(_PURGE, (count_max, before, is_unheard)).rowcount
        case DropStatus(count_max):  # pragma: no branch - these are all there are
            return connection.execute(_DROP, (count_max,)).rowcount


def _announce(
    connection: sqlite3.Connection,
    told: Announce,
    written_at: int,
    nonce: Callable[[int], bytes],
) -> None:
    is_status = told.kind is EventKind.STATUS
    body = written_body(
        {
            "event_id": nonce(EVENT_ID_BYTES).hex(),
            "kind": told.kind.value,
            "acquirer": told.acquirer,
            "terminal": told.terminal,
            "body": dict(told.body),
        }
    )
    connection.execute(_INSERT, (written_at, "status" if is_status else "notice", body))
    if is_status:
        state = str(told.body.get("state", ""))
        connection.execute(_REMEMBER, (told.acquirer, told.terminal, state, written_at))


class Turns:
    """Keeps the outbox short: behind a turn that took all it may the next comes after a moment.

    For the loop's own thread.
    """

    def __init__(self, submit: Submit, *, is_unheard: bool) -> None:
        """``is_unheard``: there is no broker that old events wait for."""
        self._submit, self._is_unheard = submit, is_unheard
        self._purge: PurgeTold | None = None
        self._surplus = 0
        self._told = self._missing = self._late = 0
        self.dropped = 0
        """How many status events went, in all; any thread may read it."""
        self._next: asyncio.TimerHandle | None = None
        self.asked: set[int] = set()
        """The tickets whose answers are to come."""

    def begin(self, before: int | None, surplus: int | None) -> None:
        """Delete what was written ``before`` and told, and so many status events.

        ``surplus``: ``None`` for what is left of them.  Raises ``JournalUnavailable``.
        """
        self._purge = None
        if before is not None:
            self._purge = PurgeTold(before, ROWS_AT_ONCE, is_unheard=self._is_unheard)
        self._surplus = self._surplus if surplus is None else surplus
        # Whatever a late journal still owes, old events may be asked for once a second: there are
        # no more of them.  Of status events as many again would go.
        self.asked.discard(PURGED)
        self._late = self._late + 1 if DROPPED in self.asked else 0
        if self._late == LOST_LOOKS:
            self._late = 0
            self.asked.discard(DROPPED)
        self._ask()

    def heard(self, batch: Batch) -> None:
        """Hear what the journal answers, and go on where a turn took as many as it may."""
        before = len(self.asked)
        for ticket, answer in batch:
            if ticket == PURGED:
                self._purge = self._purge if answer == ROWS_AT_ONCE else None
            elif ticket == DROPPED:
                count = answer if isinstance(answer, int) else 0
                self._missing += count
                self.dropped += count
                self._late = 0
                self._surplus = max(0, self._surplus - count) if count == ROWS_AT_ONCE else 0
            self.asked.discard(ticket)
        has_more = self._purge is not None or self._surplus > 0
        if has_more and len(self.asked) < before and self._next is None:
            self._next = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._go_on)

    def dropped_since(self, told: int) -> int:
        """Return how many status events are missing behind ``told``, the last sequence told.

        At least: each number told since the last look may be one of theirs.
        """
        self._missing = max(0, self._missing - (told - self._told))
        self._told = told
        return self._missing

    def stop(self) -> None:
        """Ask no more."""
        self._purge, self._surplus = None, 0
        if self._next is not None:
            self._next.cancel()

    def _go_on(self) -> None:
        self._next = None
        with suppress(JournalUnavailable):
            self._ask()

    def _ask(self) -> None:
        turns: dict[int, OutboxQuestion] = {}
        if self._purge is not None:
            turns[PURGED] = self._purge
        if self._surplus:
            turns[DROPPED] = DropStatus(min(self._surplus, ROWS_AT_ONCE))
        for ticket, question in turns.items():
            if ticket not in self.asked:
                self._submit(question, ticket)
                self.asked.add(ticket)
