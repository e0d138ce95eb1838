"""What a batch of the journal writes into the outbox, beside what the triggers do.

Plan: events that no row of the journal stands for are inserted; what the broker has
acknowledged moves one mark; what is old and told is deleted a few hundred rows at a time,
so that no answer waits for it.  All of it in the transaction of the batch it came with.
Limits: the newest row always stays, for its number must not be given again.  Where the
outbox is full, status events go, the oldest first; a transaction never does.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from atm_switch.adapters.outbox_rows import written_body
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import Ask

EVENT_ID_BYTES: Final = 16


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
