"""What the processes on one PostgreSQL journal must agree on, in one batch's transaction.

Plan: PIN tries are counted on rows that are locked first, all of a batch in one statement
and in one order, so that two processes wait for each other and never dead-lock.  Whose a
request is, is settled behind them in the same way (``postgres_claims``), then which signed
commands are new.  What changes a row of both and has no answer of its own is done last, again in
one order: notes of answers that were not told, business dates, what terminals are.  What is
merely deleted for its age is left to whoever has it locked.
Limits: a lock lasts one batch, some milliseconds.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeGuard

from atm_switch.adapters.journal_batch import JournalQuestion, Unblock, required_card
from atm_switch.adapters.journal_memory import opened_answer
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_outbox import remember_status
from atm_switch.adapters.sql_dialect import numbered
from atm_switch.adapters.untold_rows import note
from atm_switch.security.vault import Vault
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import (
    Commit,
    FindRepeat,
    KeepBusinessDate,
    KeepCommand,
    RepeatKey,
    Reserve,
    StoredResponse,
)
from atm_switch.switch.untold import Telling, ToldAgain, Untold

CHANNEL: Final = "atm_switch"
"""On which processes tell each other that dates or keys were changed."""
DATES, KEYS = "dates", "keys"

_LOCK_TRIES: Final = (
    "INSERT INTO pin_tries AS held (pan_digest, tries)"
    " SELECT digest, 0 FROM unnest($1::bytea[]) AS digest ORDER BY digest"
    " ON CONFLICT (pan_digest) DO UPDATE SET tries = held.tries RETURNING pan_digest, tries"
)
_SET_TRIES: Final = (
    "UPDATE pin_tries SET tries = counted.tries"
    " FROM unnest($1::bytea[], $2::bigint[]) AS counted (digest, tries)"
    " WHERE pan_digest = counted.digest"
)
_NEWEST_ANSWERS: Final = """
    SELECT asked.at, found.fingerprint, found.response
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                $7::bigint[]) AS asked (at, acquirer, terminal, stamp, stan, rrn, since)
    CROSS JOIN LATERAL (
        SELECT fingerprint, response FROM journal_rows AS kept
        WHERE kept.acquirer = asked.acquirer AND kept.terminal = asked.terminal
        AND kept.stamp = asked.stamp AND kept.stan = asked.stan AND kept.rrn = asked.rrn
        AND kept.response IS NOT NULL AND kept.received_at >= asked.since
        ORDER BY kept.written_at DESC, kept.seq DESC LIMIT 1) AS found"""
_SET_DATE: Final = (
    "INSERT INTO business_dates (acquirer, business_date) VALUES ($1, $2)"
    " ON CONFLICT (acquirer) DO UPDATE SET business_date = excluded.business_date"
)
_TELL: Final = "SELECT pg_notify($1, $2)"
_FORGET_COMMAND: Final = (
    "DELETE FROM commands WHERE acquirer = $1 AND identity = $2 AND until <= $3"
)
# What another process forgets right now is not waited for.
_FORGET_COMMANDS: Final = (
    "DELETE FROM commands WHERE (acquirer, identity) IN"
    " (SELECT acquirer, identity FROM commands WHERE until <= $1 FOR UPDATE SKIP LOCKED)"
)
_KEEP_COMMAND: Final = (
    "INSERT INTO commands AS held (acquirer, identity, until) VALUES ($1, $2, $3)"
    " ON CONFLICT (acquirer, identity) DO UPDATE SET until = greatest(held.until, excluded.until)"
    " RETURNING xmax = 0"
)
_TAKE_BLOCK: Final = "SELECT nextval('host_blocks')"


def locked_tries(
    session: PostgresSession, questions: Iterable[JournalQuestion]
) -> dict[bytes, int]:
    """Lock the PIN tries of every card the questions are about; return how many there are."""
    digests = {digest for question in questions for digest in _digests(question)}
    return dict(session.rows(_LOCK_TRIES, sorted(digests))) if digests else {}


def _digests(question: JournalQuestion) -> Iterable[bytes]:
    match question:
        case Reserve():
            refs = (required_card(question.entry), *question.former)
        case Unblock():
            refs = (question.ref, *question.former)
        case Commit(entry, ending) if ending.resets_tries or ending.returned_try:
            refs = (required_card(entry),)
        case _:
            return ()
    return [ref.digest for ref in refs]


def set_tries(session: PostgresSession, before: dict[bytes, int], now: dict[bytes, int]) -> None:
    """Write what changed."""
    changed = [digest for digest, tries in now.items() if before[digest] != tries]
    if changed:
        session.rows(_SET_TRIES, changed, [now[digest] for digest in changed])


def find_answers(
    session: PostgresSession, questions: Sequence[FindRepeat], vault: Vault
) -> list[StoredResponse | None]:
    """Find the newest stored 0210 under each key, in one round trip.

    Raises ``JournalRowWrong`` for one that does not open.
    """
    keys = keys_in_columns([one.key for one in questions])
    since = [to_microseconds(one.since) for one in questions]
    answers: list[StoredResponse | None] = [None] * len(questions)
    for at, fingerprint, sealed in session.rows(
        _NEWEST_ANSWERS, list(range(len(questions))), *keys, since
    ):
        answers[at] = opened_answer(fingerprint, sealed, vault)
    return answers


def keys_in_columns(keys: Sequence[RepeatKey]) -> list[list[str]]:
    """Turn keys into one array for each column, as ``unnest`` takes them."""
    return [
        [getattr(key, name) for key in keys]
        for name in ("acquirer", "terminal", "stamp", "stan", "rrn")
    ]


def take_numbers(session: PostgresSession) -> int:
    """Take the next block of numbers."""
    return int(session.rows(_TAKE_BLOCK)[0][0])


def kept_commands(
    session: PostgresSession, questions: Sequence[JournalQuestion], now: int
) -> dict[int, bool]:
    """Keep the signed commands of a batch, ``now`` in microseconds, row by row in one order.

    Returns, by the place of each question, whether it is the first.
    """
    asked = [(at, one) for at, one in enumerate(questions) if isinstance(one, KeepCommand)]
    are_new: dict[int, bool] = {}
    for at, one in sorted(asked, key=lambda its: (its[1].acquirer.text, its[1].identity)):
        bank, until = one.acquirer.text, to_microseconds(one.until)
        session.rows(_FORGET_COMMAND, bank, one.identity, now)
        are_new[at] = bool(session.rows(_KEEP_COMMAND, bank, one.identity, until)[0][0])
    return are_new


def forget_commands(session: PostgresSession, now: int) -> None:
    """Delete commands of which no recording is fresh any more."""
    session.rows(_FORGET_COMMANDS, now)


Change = Telling | KeepBusinessDate | Announce
"""Questions that change a row another node may be changing, and are answered with nothing."""


def is_change(question: JournalQuestion) -> TypeGuard[Change]:
    """Tell whether a question is one, or has one besides: an announced status is kept."""
    return isinstance(question, Telling | KeepBusinessDate) or (
        isinstance(question, Announce) and question.kind is EventKind.STATUS
    )


def change_all(session: PostgresSession, questions: Sequence[Change], now: int) -> None:
    """Carry out the changes of a batch, ``now`` in microseconds: row by row in one order.

    Those of one row in the order of the questions, behind the rows of the journal.
    """
    for question in sorted(questions, key=_row_of):
        match question:
            case KeepBusinessDate(acquirer, business_date):
                session.rows(_SET_DATE, acquirer.text, business_date.isoformat())
                session.rows(_TELL, CHANNEL, DATES)
            case Untold() | ToldAgain():
                note(lambda sql, values: session.rows(numbered(sql), *values), question, now)
            case Announce():  # pragma: no branch - these are all there are
                remember_status(session, question, now)


def _row_of(question: Change) -> tuple[str, ...]:
    match question:
        case KeepBusinessDate(acquirer):
            return "business_dates", acquirer.text
        case Announce():
            return "terminal_status", question.acquirer, question.terminal
        case _:
            return "untold", *question.key
