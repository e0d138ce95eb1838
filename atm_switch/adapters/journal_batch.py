"""One batch of the journal: many questions, one transaction, one synced commit.

Plan: BEGIN IMMEDIATE, read the head, answer each question in order, write the head,
COMMIT.  Rows are gathered and added some at a time.  The schema's triggers put an event
into the outbox beside every ending and every record of the audit.  Nothing is remembered
between batches, so an interrupted one leaves no trace; and a head with a wrong seal is not
written on, for that would make the tampering ours.
The audit's head is read and written by batches that have something for the audit.
Limits: called from the writer thread only; an error rolls the whole batch back, and which
questions to try again is the writer's decision.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Final

from atm_switch.adapters import journal_tries as tries
from atm_switch.adapters.audit_rows import AUDIT_COLUMN_LIST, AUDIT_COLUMNS, audit_row
from atm_switch.adapters.journal_chain import Head, RowChain
from atm_switch.adapters.journal_doubts import OF_FILE, SettleDoubts, doubtful_ending, settle
from atm_switch.adapters.journal_drafts import (
    FINGERPRINT,
    KEY,
    PAYLOAD,
    SINCE,
    Draft,
    drafted,
    ending_cells,
    reservation_cells,
    reset_card,
    returned_try,
)
from atm_switch.adapters.journal_heads import (
    HeadTable,
    required_head,
    transaction,
    write_head,
)
from atm_switch.adapters.journal_memory import (
    Remembered,
    is_any_answered,
    remember,
    sealed_answer,
    stored_answer,
)
from atm_switch.adapters.journal_rows import (
    COLUMN_LIST,
    COLUMNS,
    Cell,
    JournalRow,
    cells_of,
    to_microseconds,
)
from atm_switch.adapters.outbox_page import (
    DropStatus,
    MarkTold,
    OutboxQuestion,
    PurgeTold,
    answer_outbox,
)
from atm_switch.domain.member import CardRef
from atm_switch.security.vault import NONCE_BYTES, Vault
from atm_switch.switch.event import Announce
from atm_switch.switch.ports import (
    Ask,
    AuditRecord,
    Commit,
    JournalEntry,
    KeepRecord,
    ProveWriting,
    Reservation,
    Reserve,
    StoredResponse,
)


@dataclass(frozen=True, slots=True)
class Unblock(Ask[int]):
    """Clear a card's PIN tries, with its audit record; the answer is how many there were.

    ``actor`` is who asks for it, ``pan_masked`` what the audit may show of the card.
    """

    ref: CardRef
    actor: str
    pan_masked: str
    former: tuple[CardRef, ...] = ()


_Beside = Remembered | Unblock | KeepRecord | SettleDoubts | OutboxQuestion | ProveWriting
JournalQuestion = Reserve | Commit | _Beside
"""What the journal's writer answers."""


_OnceOnly = tuple[tuple[str, ...], int]
"""A request's key, and since when (microseconds) another's answer to it counts instead."""


@dataclass(frozen=True, slots=True)
class Ink:
    """What every row needs from outside: keys, the clock (UTC), nonces by length."""

    vault: Vault
    chain: RowChain
    audit: RowChain
    clock: Callable[[], datetime]
    nonce: Callable[[int], bytes]
    is_shared: bool = False
    """Whether several processes answer from this journal: then the first answer counts."""


_ROW = f"({', '.join('?' * len(COLUMNS))})"
_ROWS_AT_ONCE: Final = (64, 16, 4, 1)
"""Rows one statement adds: few statements, for each lets go of the interpreter's lock."""
_INSERT_ROWS: Final = {
    count: f"INSERT INTO journal_rows ({COLUMN_LIST}) VALUES {', '.join([_ROW] * count)}"  # noqa: S608 - constants
    for count in _ROWS_AT_ONCE
}
_AUDIT_PLACES = ", ".join("?" * len(AUDIT_COLUMNS))
_INSERT_RECORD = f"INSERT INTO audit_rows ({AUDIT_COLUMN_LIST}) VALUES ({_AUDIT_PLACES})"  # noqa: S608 - the same


def write_batch(
    connection: sqlite3.Connection, ink: Ink, questions: Sequence[JournalQuestion | Draft],
    *, keeps: bool = True,
) -> list[Any]:  # fmt: skip
    """Answer the questions, in order, in one transaction that is on disk on return.

    Without ``keeps`` it is a trial: all is undone.  Raises whatever went wrong
    (``sqlite3.Error``, ``ValueError``) with all rolled back.
    """
    with transaction(connection, keeps=keeps):
        page = _Page(connection, ink)
        page.look_up(questions)
        answers = [page.answer(question) for question in questions]
        page.close()
    return answers


class _Page:
    """The rows of one transaction and the heads as they move along."""

    def __init__(self, connection: sqlite3.Connection, ink: Ink) -> None:
        self._connection = connection
        self._ink = ink
        self._opened_at = required_head(connection, HeadTable.JOURNAL, ink.chain)
        self._audit_head: Head | None = None
        self._seq, self._link = self._opened_at.seq, self._opened_at.chain
        self._written_at = to_microseconds(ink.clock())
        self._rows: list[Cell] = []
        """The cells of the rows to be added, one row behind the other."""
        self._kept: dict[tuple[str, ...], StoredResponse] = {}
        """Of a shared journal: what this batch answered, by the request's key."""
        self._may_be_given = ink.is_shared
        """Whether another process may have answered one of the batch's requests before it."""

    def look_up(self, questions: Sequence[JournalQuestion | Draft]) -> None:
        """Ask once for all questions whether any may be answered by another's row.

        Nearly none ever is, and rows of this very batch are remembered by themselves.
        """
        if self._may_be_given:
            asked = [one for question in questions if (one := _once_only(question)) is not None]
            self._may_be_given = is_any_answered(self._select, asked)

    def answer(self, question: JournalQuestion | Draft) -> Any:
        if isinstance(question, tuple):
            return self._commit(question)
        if isinstance(question, Commit):
            return self._commit(drafted(question))
        if isinstance(question, Reserve):
            given = self._given(_once_only(question))
            return given or self._reserve(question)
        self._add_rows()  # events stand in the order of the questions
        return self._beside(question)

    def _beside(self, question: _Beside) -> Any:
        match question:
            case Unblock():
                return self._unblock(question)
            case KeepRecord(record):
                return self._keep(record)
            case ProveWriting():
                return None
            case SettleDoubts():
                run = self._run
                return settle(question, self._seq, OF_FILE, run, self._end_doubtful)
            case Announce() | MarkTold() | PurgeTold() | DropStatus():
                nonce = self._ink.nonce
                return answer_outbox(self._connection, question, self._written_at, nonce)
            case _:
                return remember(self._connection, question, self._written_at)

    def close(self) -> None:
        self._add_rows()
        if self._seq != self._opened_at.seq:
            head = Head(self._seq, self._link)
            write_head(self._connection, HeadTable.JOURNAL, head, self._ink.chain)
        if self._audit_head is not None:
            write_head(self._connection, HeadTable.AUDIT, self._audit_head, self._ink.audit)

    def _reserve(self, question: Reserve) -> Reservation:
        entry, card = question.entry, required_card(question.entry)
        for ref in question.former:
            tries.carry_over(self._run, ref, card)
        count, granted = tries.count_try(self._run, card.digest, question.tries_max)
        reservation = Reservation(self._seq + 1, count, granted)
        self._append(reservation_cells(entry, reservation, self._written_at))
        return reservation

    def _commit(self, draft: Draft) -> StoredResponse | None:
        key, payload, sealed = draft[KEY], draft[PAYLOAD], None
        if given := self._given(_once_only(draft)):
            return given
        if payload is not None:
            nonce = self._ink.nonce(NONCE_BYTES)
            sealed = sealed_answer(payload, self._ink.vault, nonce)
            if self._ink.is_shared:
                self._kept[key] = StoredResponse(draft[FINGERPRINT], payload)
        self._append(ending_cells(draft, self._seq + 1, self._written_at, sealed))
        if digest := reset_card(draft):
            tries.reset(self._run, digest)
        if returned := returned_try(draft):
            tries.give_back(self._run, *returned)
        return None

    def _given(self, asked: _OnceOnly | None) -> StoredResponse | None:
        """Return what another process has answered meanwhile, in this very batch or before."""
        if asked is None or not self._ink.is_shared:
            return None
        found = self._kept.get(asked[0])
        if found is None and self._may_be_given:
            found = stored_answer(self._select, *asked, self._ink.vault)
        return found

    def _select(self, sql: str, values: Sequence[Any]) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def _unblock(self, question: Unblock) -> int:
        for ref in question.former:
            tries.carry_over(self._run, ref, question.ref)
        used = tries.tries_of(self._run, question.ref.digest)
        tries.clear(self._run, question.ref.digest)
        detail = f"unblocked, {used} used PIN tries cleared"
        self._keep(AuditRecord("command", question.actor, f"card {question.pan_masked}", detail))
        return used

    def _keep(self, record: AuditRecord) -> None:
        chain = self._ink.audit
        if self._audit_head is None:
            self._audit_head = required_head(self._connection, HeadTable.AUDIT, chain)
        # the chain is the last column
        cells = astuple(audit_row(self._audit_head.seq + 1, self._written_at, record))[:-1]
        link = chain.link_cells(self._audit_head.chain, cells)
        self._connection.execute(_INSERT_RECORD, (*cells, link))
        self._audit_head = Head(cells[0], link)

    def _end_doubtful(self, reserved: JournalRow) -> None:
        row = doubtful_ending(reserved, self._seq + 1, self._written_at)
        self._append(cells_of(row)[:-1])  # the chain is the last column

    def _run(self, sql: str, *values: Cell) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def _append(self, cells: tuple[Cell, ...]) -> None:
        """Take the next row, all but its link."""
        self._link = self._ink.chain.link_cells(self._link, cells)
        self._seq += 1
        self._rows += cells
        self._rows.append(self._link)

    def _add_rows(self) -> None:
        at, width = 0, len(COLUMNS)
        for count in _ROWS_AT_ONCE:
            while len(self._rows) - at >= count * width:
                cells = self._rows[at : at + count * width]
                self._connection.execute(_INSERT_ROWS[count], cells)
                at += count * width
        self._rows.clear()


def _once_only(question: JournalQuestion | Draft) -> _OnceOnly | None:
    """Return of which request a question is, where another process may have answered that."""
    if isinstance(question, Commit):
        question = drafted(question)
    if isinstance(question, tuple):
        return None if question[SINCE] is None else (question[KEY], question[SINCE])
    if isinstance(question, Reserve) and question.unless_since is not None:
        return question.entry.key, to_microseconds(question.unless_since)
    return None


def required_card(entry: JournalEntry) -> CardRef:
    """Return the entry's card.  Raises ``ValueError`` where tries have no card to be of."""
    if entry.card is None:
        raise ValueError("PIN tries are those of a card, and the entry has none")
    return entry.card
