"""Check a whole journal and name each thing that is not as it was written.

Plan: one read transaction; SQLite's own integrity check, the schema's guards, then every
row in order: its sequence follows, its link is right behind the link stored before it,
its reference names an A; at the end the head.  A wrong row gives findings of its own only,
since each link is recomputed from what is stored before it.
Limits: what the chain cannot find (``journal_chain``); needs the vault.  A long walk holds
back checkpoints, so the WAL grows meanwhile.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Final

from atm_switch.adapters.journal_chain import BEGINNING, GENESIS, Head, JournalChain, RowChain
from atm_switch.adapters.journal_heads import HeadTable, read_head
from atm_switch.adapters.journal_purge import read_floor
from atm_switch.adapters.journal_rows import COLUMN_LIST, JournalRow, cells_of, row_from
from atm_switch.security.vault import Vault

FINDINGS_MAX: Final = 100
"""Beyond this many the walk goes on counting rows but names no more."""

GUARDS: Final = (
    "journal_rows_are_not_changed",
    "journal_rows_are_not_deleted",
    "journal_rows_follow_each_other",
)
"""The triggers by which the schema itself refuses changes."""

HINDRANCES: Final = (
    "SQLITE_INTERRUPT",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
)
"""Errors that say nothing about the content."""


@unique
class Fault(Enum):
    """What can be wrong; the value is the word for it in the report."""

    FILE_DAMAGED = "file damaged"
    GUARD_MISSING = "guard missing"
    SEQUENCE_GAP = "sequence gap"
    WRONG_LINK = "wrong link"
    WRONG_REFERENCE = "wrong reference"
    WRONG_HEAD = "wrong head"
    WRONG_FLOOR = "wrong floor"
    NOTED_HEAD_MISSING = "noted head missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, and the sequence it was met at (0: not at a row)."""

    fault: Fault
    sequence: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found.  Rows in doubt are a state, not a fault."""

    rows: int
    head: Head
    findings: tuple[Finding, ...]
    in_doubt: tuple[int, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


@dataclass(slots=True)
class Walk:
    """Where the check stands."""

    chain: RowChain
    rows: int = 0
    last: Head = BEGINNING
    findings: list[Finding] = field(default_factory=list)
    open_sequences: set[int] = field(default_factory=set)

    def note(self, fault: Fault, sequence: int) -> None:
        """Add a finding, if there is room."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(fault, sequence))

    def step(self, row: JournalRow) -> None:
        """Look at the next row."""
        if row.seq != self.last.seq + 1:
            self.note(Fault.SEQUENCE_GAP, row.seq)
        if self.chain.link_cells(self.last.chain, cells_of(row)) != row.chain:
            self.note(Fault.WRONG_LINK, row.seq)
        if row.is_reservation:
            self.open_sequences.add(row.seq)
        elif row.ref is not None:
            self._end(row.ref, row.seq)
        self.rows += 1
        self.last = Head(row.seq, row.chain)

    def end(self) -> Verification:
        """Say what was found."""
        in_doubt = tuple(sorted(self.open_sequences))
        return Verification(self.rows, self.last, tuple(self.findings), in_doubt)

    def _end(self, ref: int, sequence: int) -> None:
        if ref in self.open_sequences:
            self.open_sequences.remove(ref)
        else:
            self.note(Fault.WRONG_REFERENCE, sequence)


def verify_journal(connection: sqlite3.Connection, vault: Vault) -> Verification:
    """Check every row against the chain; content SQLite cannot read is a finding too.

    Raises ``sqlite3.OperationalError`` where the walk was hindered, which says nothing
    about the content: interrupted, locked, a disk that does not read.
    """
    walk = Walk(JournalChain(vault))
    try:
        connection.execute("BEGIN")
        try:
            _check_file(connection, walk)
            _begin_at_the_floor(connection, walk)
            for row in _rows(connection):
                walk.step(row)
            _check_head(connection, walk)
        finally:
            connection.execute("ROLLBACK")
    except (sqlite3.DatabaseError, TypeError, UnicodeError) as error:
        # a cell of the wrong type can only come from a schema that was taken apart
        if getattr(error, "sqlite_errorname", "").startswith(HINDRANCES):
            raise
        walk.note(Fault.FILE_DAMAGED, walk.last.seq)
    return walk.end()


def _rows(connection: sqlite3.Connection) -> Iterator[JournalRow]:
    query = f"SELECT {COLUMN_LIST} FROM journal_rows ORDER BY seq"  # noqa: S608 - constants
    for cells in connection.execute(query):
        yield row_from(cells)


def _check_file(connection: sqlite3.Connection, walk: Walk) -> None:
    if connection.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        walk.note(Fault.FILE_DAMAGED, 0)
    guards = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    if not set(GUARDS) <= {name for (name,) in guards}:
        walk.note(Fault.GUARD_MISSING, 0)


def _begin_at_the_floor(connection: sqlite3.Connection, walk: Walk) -> None:
    try:
        walk.last = read_floor(connection, walk.chain)
    except ValueError:
        walk.note(Fault.WRONG_FLOOR, 0)


def _check_head(connection: sqlite3.Connection, walk: Walk) -> None:
    stored = read_head(connection, HeadTable.JOURNAL)
    if stored is None:
        is_right = walk.last == Head(0, GENESIS)
    else:
        is_right = walk.chain.is_sealed(*stored) and stored[0] == walk.last
    if not is_right:
        walk.note(Fault.WRONG_HEAD, walk.last.seq)
