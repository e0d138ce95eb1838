"""One batch of a journal on PostgreSQL: many questions, one transaction, one synced commit.

Plan: what others may change is locked or claimed first (``postgres_shared``); then every
question is answered in order, from memory; rows go out in one statement over arrays; at the
end what has no answer and changes rows of all nodes, and the node's heads, which must still be
those this process wrote last.
Every batch comes to rows that others change in one order: PIN tries, claims, commands, the mark
of the outbox, notes, dates and states; those of one kind in their own.  So none waits for one that
waits for it.
Limits: an error rolls the whole batch back, and the heads are those of before.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Final, get_type_hints

from atm_switch.adapters.audit_rows import AUDIT_COLUMN_LIST, AuditRow, audit_row
from atm_switch.adapters.journal_batch import (
    Ink,
    JournalQuestion,
    Unblock,
    required_card,
)
from atm_switch.adapters.journal_chain import BEGINNING, Head, RowChain
from atm_switch.adapters.journal_doubts import OF_NODE, SettleDoubts, doubtful_ending, settle
from atm_switch.adapters.journal_drafts import drafted, ending_cells, reservation_cells
from atm_switch.adapters.journal_heads import HeadNotOurs
from atm_switch.adapters.journal_memory import RESPONSE_PURPOSE, Remembered
from atm_switch.adapters.journal_rows import (
    COLUMN_LIST,
    Cell,
    JournalRow,
    cells_of,
    to_microseconds,
)
from atm_switch.adapters.journal_tries import CARRIED
from atm_switch.adapters.outbox_page import DropStatus, MarkTold, PurgeTold
from atm_switch.adapters.postgres_claims import claimed
from atm_switch.adapters.postgres_link import PostgresSession, values_in_columns
from atm_switch.adapters.postgres_outbox import answer_outbox
from atm_switch.adapters.postgres_shared import (
    Change,
    change_all,
    forget_commands,
    is_change,
    kept_commands,
    locked_tries,
    set_tries,
    take_numbers,
)
from atm_switch.domain.member import CardRef
from atm_switch.security.vault import NONCE_BYTES
from atm_switch.switch.event import Announce
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    KeepRecord,
    ProveWriting,
    Reservation,
    Reserve,
    TakeNumbers,
)

JOURNAL, AUDIT = "journal", "audit"


def _arrays(row: type[Any]) -> str:
    """Write the columns of a row as arrays for ``unnest``, behind the node in ``$1``."""
    hints = get_type_hints(row)
    kinds = [
        "bytea" if hints[one.name] in (bytes, bytes | None)
        else "bigint" if hints[one.name] in (int, int | None)
        else "text"
        for one in fields(row)
    ]  # fmt: skip
    return ", ".join(f"${at}::{kind}[]" for at, kind in enumerate(kinds, 2))


_INSERT_ROWS: Final = (
    f"INSERT INTO journal_rows (node, {COLUMN_LIST})"  # noqa: S608 - constants
    f" SELECT $1, * FROM unnest({_arrays(JournalRow)})"
)
_INSERT_RECORDS: Final = (
    f"INSERT INTO audit_rows (node, {AUDIT_COLUMN_LIST})"  # noqa: S608 - constants
    f" SELECT $1, * FROM unnest({_arrays(AuditRow)})"
)
_MOVE_HEAD: Final = (
    "INSERT INTO heads AS held (node, book, seq, chain, seal) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (node, book) DO UPDATE SET seq = excluded.seq, chain = excluded.chain,"
    " seal = excluded.seal WHERE held.seq = $6 AND held.chain = $7 RETURNING seq"
)
_SAY_NOTHING: Final = "SELECT 1 FROM pg_logical_emit_message(true, 'atm-switch', ''::text)"
"""Some bytes of the server's log, whose commit is synced; no table has it, nobody reads it."""
_READ_HEAD: Final = "SELECT seq, chain, seal FROM heads WHERE node = $1 AND book = $2"


@dataclass(frozen=True, slots=True)
class Heads:
    """Where a node's two chains end."""

    journal: Head
    audit: Head


def read_heads(session: PostgresSession, node: str, ink: Ink) -> Heads:
    """Read the heads to write behind.  Raises ``HeadNotOurs`` for a wrong seal."""
    return Heads(
        _read_head(session, node, JOURNAL, ink.chain), _read_head(session, node, AUDIT, ink.audit)
    )


def _read_head(session: PostgresSession, node: str, book: str, chain: RowChain) -> Head:
    found = session.rows(_READ_HEAD, node, book)
    if not found:
        return BEGINNING
    seq, link, seal = found[0]
    if not chain.is_sealed(Head(seq, link), seal):
        raise HeadNotOurs("the head was changed by hand")
    return Head(seq, link)


def write_batch(
    session: PostgresSession,
    node: str,
    ink: Ink,
    heads: Heads,
    questions: Sequence[JournalQuestion],
    *,
    keeps: bool = True,
) -> tuple[list[Any], Heads]:
    """Answer the questions, in order, in one transaction that is durable on return.

    Returns the answers and the node's heads after it.  Without ``keeps`` it is a trial, and
    all is undone but the numbers of sequences.  Raises whatever went wrong with all
    rolled back.
    """
    with session.transaction(keeps=keeps):
        page = _Page(session, node, ink, heads, questions)
        answers = [
            page.given[at] if at in page.given else page.answer(question)
            for at, question in enumerate(questions)
        ]
        moved = page.close()
    return answers, moved


_Beside = Remembered | Announce | MarkTold | PurgeTold | DropStatus | ProveWriting
"""Questions about what is no row of a chain."""


class _Page:
    """The rows of one transaction and the heads as they move along."""

    def __init__(
        self, session: PostgresSession, node: str, ink: Ink, heads: Heads,
        questions: Sequence[JournalQuestion],
    ) -> None:  # fmt: skip
        self._session, self._node, self._ink, self._opened_at = session, node, ink, heads
        self._head, self._audit_head = heads.journal, heads.audit
        self._written_at = to_microseconds(ink.clock())
        self._counted = locked_tries(session, questions)
        self._tries = dict(self._counted)
        claims = claimed(session, node, questions, ink.vault)
        self._commands = kept_commands(session, questions, self._written_at)
        self.given: dict[int, Any] = {**claims, **self._commands}
        """By the place of a question: what another process has made of it, or this one by now."""
        self._rows: list[tuple[Cell, ...]] = []
        self._records: list[tuple[Cell, ...]] = []
        self._changes: list[Change] = []

    def answer(self, question: JournalQuestion) -> Any:
        """Carry one question out."""
        match question:
            case Reserve():
                return self._reserve(question)
            case Commit():
                return self._commit(question)
            case Unblock():
                return self._unblock(question)
            case KeepRecord(record):
                return self._keep(record)
            case SettleDoubts():
                self._add_rows()
                return settle(question, self._head.seq, OF_NODE, self._run, self._end_doubtful)
            case _:
                return self._beside(question)

    def _beside(self, question: _Beside) -> bool | int | None:
        if is_change(question):
            self._changes.append(question)
        match question:
            case TakeNumbers():
                return take_numbers(self._session)
            case ProveWriting():
                self._session.rows(_SAY_NOTHING)
                return None
            case Announce() | MarkTold() | PurgeTold() | DropStatus():
                self._add_rows()  # events stand in the order of the questions
                nonce = self._ink.nonce
                return answer_outbox(self._session, question, self._written_at, nonce, self._node)
            case _:
                return None

    def close(self) -> Heads:
        """Write what was gathered; return the heads as they are once it is committed."""
        self._add_rows()
        change_all(self._session, self._changes, self._written_at)
        if self._commands:
            forget_commands(self._session, self._written_at)
        set_tries(self._session, self._counted, self._tries)
        self._move(JOURNAL, self._ink.chain, self._opened_at.journal, self._head)
        self._move(AUDIT, self._ink.audit, self._opened_at.audit, self._audit_head)
        return Heads(self._head, self._audit_head)

    def _reserve(self, question: Reserve) -> Reservation:
        card = required_card(question.entry).digest
        self._carry_over(question.former, card)
        used = self._tries[card]
        granted = used < question.tries_max
        self._tries[card] = used + granted
        tries = used + granted if used < CARRIED else question.tries_max
        reservation = Reservation(self._head.seq + 1, tries, granted)
        self._append(reservation_cells(question.entry, reservation, self._written_at))
        return reservation

    def _carry_over(self, former: Sequence[CardRef], card: bytes) -> None:
        """Count under the newest card key what was tried under an older one."""
        for ref in former:
            if ref.digest != card and self._tries[ref.digest] != CARRIED:
                self._tries[card] += self._tries[ref.digest]
                self._tries[ref.digest] = CARRIED

    def _commit(self, question: Commit) -> None:
        entry, ending, ink = question.entry, question.ending, self._ink
        sealed = None
        if ending.payload is not None:
            sealed = ink.vault.seal(RESPONSE_PURPOSE, ending.payload, ink.nonce(NONCE_BYTES))
        seq, draft = self._head.seq + 1, drafted(question)
        self._append(ending_cells(draft, seq, self._written_at, sealed))
        card = entry.card.digest if entry.card else b""
        if self._tries.get(card, CARRIED) != CARRIED:
            if ending.resets_tries:
                self._tries[card] = 0
            elif ending.returned_try:
                # Fewer by now: they were cleared meanwhile, and this try with them.
                self._tries[card] -= self._tries[card] >= ending.returned_try

    def _unblock(self, question: Unblock) -> int:
        card = question.ref.digest
        self._carry_over(question.former, card)
        used, self._tries[card] = self._tries[card], 0
        detail = f"unblocked, {used} used PIN tries cleared"
        self._keep(AuditRecord("command", question.actor, f"card {question.pan_masked}", detail))
        return used

    def _run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._session.rows(sql, self._node, *values)

    def _end_doubtful(self, reserved: JournalRow) -> None:
        row = doubtful_ending(reserved, self._head.seq + 1, self._written_at)
        self._append(cells_of(row)[:-1])  # the chain is the last column

    def _append(self, cells: tuple[Cell, ...]) -> None:
        """Take the next row, all but its link."""
        if self._records:
            self._add_rows()
        link = self._ink.chain.link_cells(self._head.chain, cells)
        self._rows.append((*cells, link))
        self._head = Head(self._head.seq + 1, link)

    def _keep(self, record: AuditRecord) -> None:
        if self._rows:
            self._add_rows()
        cells = astuple(audit_row(self._audit_head.seq + 1, self._written_at, record))[:-1]
        link = self._ink.audit.link_cells(self._audit_head.chain, cells)
        self._records.append((*cells, link))
        self._audit_head = Head(cells[0], link)

    def _add_rows(self) -> None:
        for insert, row, gathered in (
            (_INSERT_ROWS, JournalRow, self._rows),
            (_INSERT_RECORDS, AuditRow, self._records),
        ):
            if gathered:
                columns = values_in_columns(gathered, len(fields(row)))
                self._session.rows(insert, self._node, *columns)
                gathered.clear()

    def _move(self, book: str, chain: RowChain, before: Head, now: Head) -> None:
        if now == before:
            return
        seal = chain.seal(now)
        moved = self._session.rows(
            _MOVE_HEAD, self._node, book, now.seq, now.chain, seal, before.seq, before.chain
        )
        if not moved:
            raise HeadNotOurs("the head was changed by another process, or by hand")
