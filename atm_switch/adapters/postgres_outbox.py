"""What a batch of a PostgreSQL journal writes into the outbox, beside what the triggers do.

Plan: as ``outbox_page``; the numbers of events are given by whoever tells them.
"""

from collections.abc import Callable
from typing import Final

from atm_switch.adapters.outbox_page import (
    EVENT_ID_BYTES,
    DropStatus,
    MarkTold,
    OutboxQuestion,
    PurgeTold,
)
from atm_switch.adapters.outbox_rows import written_body
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.switch.event import Announce, EventKind

_INSERT: Final = "INSERT INTO outbox (at, source, node, body) VALUES ($1, $2, $3, $4)"
_REMEMBER: Final = (
    "INSERT INTO terminal_status (acquirer, terminal, state, at) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (acquirer, terminal) DO UPDATE SET state = excluded.state, at = excluded.at"
)
_MARK: Final = "UPDATE outbox_mark SET seq = $1 WHERE seq < $1"
# Written rows are deleted by the order of their ids, which is nearly that of time; what another
# process deletes right now, or numbers, is not waited for.
_PURGE: Final = (
    "WITH gone AS (DELETE FROM outbox WHERE id IN (SELECT id FROM outbox"
    " WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1)"
    " AND at < $2 AND ($3 OR seq <= (SELECT seq FROM outbox_mark))"
    " FOR UPDATE SKIP LOCKED) RETURNING 1)"
    " SELECT count(*) FROM gone"
)
_DROP: Final = (
    "WITH gone AS (DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE source = 'status'"
    " AND seq IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1)"
    " SELECT count(*) FROM gone"
)


def answer_outbox(
    session: PostgresSession,
    question: OutboxQuestion,
    written_at: int,
    nonce: Callable[[int], bytes],
    node: str,
) -> int | None:
    """Carry out one question in the transaction under way; ``written_at`` in microseconds.

    What a terminal is said to be is kept by ``remember_status``.
    """
    match question:
        case Announce():
            _announce(session, question, written_at, nonce(EVENT_ID_BYTES).hex(), node)
            return None
        case MarkTold(through):
            session.rows(_MARK, through)
            return None
        case PurgeTold(before, count_max, is_unheard):
            return int(session.rows(_PURGE, count_max, before, is_unheard)[0][0])
        case DropStatus(count_max):
            return int(session.rows(_DROP, count_max)[0][0])


def remember_status(session: PostgresSession, told: Announce, written_at: int) -> None:
    """Keep what a terminal was last said to be."""
    state = str(told.body.get("state", ""))
    session.rows(_REMEMBER, told.acquirer, told.terminal, state, written_at)


def _announce(
    session: PostgresSession, told: Announce, written_at: int, event_id: str, node: str
) -> None:
    body = written_body(
        {
            "event_id": event_id,
            "kind": told.kind.value,
            "acquirer": told.acquirer,
            "terminal": told.terminal,
            "body": dict(told.body),
        }
    )
    source = "status" if told.kind is EventKind.STATUS else "notice"
    session.rows(_INSERT, written_at, source, node, body)
