"""One batch of the journal: many questions, one transaction, one synced commit.

Plan: BEGIN IMMEDIATE, read the head, answer each question in order, write the head,
COMMIT.  Nothing is remembered between batches, so an interrupted one leaves no trace.
Limits: called from the writer thread only; an error rolls the whole batch back, and which
questions to try again is the writer's decision.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atm_switch.adapters.journal_chain import BEGINNING, Head, JournalChain
from atm_switch.adapters.journal_rows import (
    COLUMN_LIST,
    COLUMNS,
    JournalRow,
    Placed,
    cells_of,
    ending_row,
    reservation_row,
    to_microseconds,
)
from atm_switch.domain.member import CardRef
from atm_switch.security.vault import NONCE_BYTES, Vault
from atm_switch.switch.ports import (
    Ask,
    Commit,
    Ending,
    JournalEntry,
    KeepBusinessDate,
    Reservation,
    Reserve,
)

RESPONSE_PURPOSE: Final = "response"
"""What a stored 0210 is sealed for."""


@dataclass(frozen=True, slots=True)
class Unblock(Ask[int]):
    """Clear a card's PIN tries; the answer is how many there were."""

    ref: CardRef


JournalQuestion = Reserve | Commit | KeepBusinessDate | Unblock
"""What the journal's writer answers."""


@dataclass(frozen=True, slots=True)
class Ink:
    """What every row needs from outside: keys, the clock (UTC), nonces by length."""

    vault: Vault
    chain: JournalChain
    clock: Callable[[], datetime]
    nonce: Callable[[int], bytes]


_PLACES = ", ".join("?" * len(COLUMNS))
_INSERT_ROW = f"INSERT INTO journal_rows ({COLUMN_LIST}) VALUES ({_PLACES})"  # noqa: S608 - constants
_READ_HEAD = "SELECT seq, chain, seal FROM journal_head"
_WRITE_HEAD = (
    "INSERT INTO journal_head (one, seq, chain, seal) VALUES (1, ?, ?, ?)"
    " ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, chain = excluded.chain,"
    " seal = excluded.seal"
)
_READ_TRIES = "SELECT tries FROM pin_tries WHERE pan_digest = ?"
_COUNT_TRY = (
    "INSERT INTO pin_tries (pan_digest, tries) VALUES (?, 1)"
    " ON CONFLICT (pan_digest) DO UPDATE SET tries = tries + 1"
)
_CLEAR_TRIES = "DELETE FROM pin_tries WHERE pan_digest = ?"
_SET_DATE = (
    "INSERT INTO business_dates (acquirer, business_date) VALUES (?, ?)"
    " ON CONFLICT (acquirer) DO UPDATE SET business_date = excluded.business_date"
)


def read_head(connection: sqlite3.Connection) -> tuple[Head, bytes] | None:
    """Read the head and its seal; ``None`` for a journal nothing was written to."""
    found = connection.execute(_READ_HEAD).fetchall()
    return (Head(found[0][0], found[0][1]), found[0][2]) if found else None


def write_batch(
    connection: sqlite3.Connection, ink: Ink, questions: Sequence[JournalQuestion]
) -> list[Any]:
    """Answer the questions, in order, in one transaction that is on disk on return.

    Raises whatever went wrong (``sqlite3.Error``, ``ValueError``) with all rolled back.
    """
    with _transaction(connection):
        stored = read_head(connection)
        page = _Page(connection, ink, stored[0] if stored else BEGINNING)
        answers = [page.answer(question) for question in questions]
        page.close()
    return answers


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # a full disk has SQLite roll back by itself, and then there is nothing left to do
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


class _Page:
    """The rows of one transaction and the head as it moves along."""

    def __init__(self, connection: sqlite3.Connection, ink: Ink, head: Head) -> None:
        self._connection = connection
        self._ink = ink
        self._opened_at = head
        self._head = head
        self._written_at = to_microseconds(ink.clock())

    def answer(self, question: JournalQuestion) -> Any:
        match question:
            case Reserve(entry, tries_max):
                return self._reserve(entry, tries_max)
            case Commit(entry, ending, sequence):
                return self._commit(entry, ending, sequence)
            case Unblock(ref):
                return self._unblock(ref)
            case KeepBusinessDate(acquirer, business_date):
                values = (acquirer.text, business_date.isoformat())
                self._connection.execute(_SET_DATE, values)
                return None

    def close(self) -> None:
        if self._head != self._opened_at:
            seal = self._ink.chain.seal(self._head)
            self._connection.execute(_WRITE_HEAD, (self._head.seq, self._head.chain, seal))

    def _reserve(self, entry: JournalEntry, tries_max: int) -> Reservation:
        card = required_card(entry)
        used = self._tries(card)
        granted = used < tries_max
        if granted:
            self._connection.execute(_COUNT_TRY, (card.digest,))
        reservation = Reservation(self._head.seq + 1, used + granted, granted)
        self._append(reservation_row(entry, reservation, self._written_at))
        return reservation

    def _commit(self, entry: JournalEntry, ending: Ending, ref: int | None) -> None:
        sealed = None
        if ending.payload is not None:
            nonce = self._ink.nonce(NONCE_BYTES)
            sealed = self._ink.vault.seal(RESPONSE_PURPOSE, ending.payload, nonce)
        placed = Placed(self._head.seq + 1, ref, self._written_at)
        self._append(ending_row(entry, ending, placed, sealed))
        if ending.resets_tries:
            self._connection.execute(_CLEAR_TRIES, (required_card(entry).digest,))

    def _unblock(self, card: CardRef) -> int:
        used = self._tries(card)
        self._connection.execute(_CLEAR_TRIES, (card.digest,))
        return used

    def _tries(self, card: CardRef) -> int:
        found = self._connection.execute(_READ_TRIES, (card.digest,)).fetchall()
        return int(found[0][0]) if found else 0

    def _append(self, row: JournalRow) -> None:
        link = self._ink.chain.link(self._head.chain, row)
        # the chain is the last column
        self._connection.execute(_INSERT_ROW, (*cells_of(row)[:-1], link))
        self._head = Head(row.seq, link)


def required_card(entry: JournalEntry) -> CardRef:
    """Return the entry's card.  Raises ``ValueError`` where tries have no card to be of."""
    if entry.card is None:
        raise ValueError("PIN tries are those of a card, and the entry has none")
    return entry.card
