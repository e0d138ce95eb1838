"""Check a whole audit and name each thing that is not as it was written.

Plan: one read transaction; SQLite's integrity check of the two tables, their schema
against the one this program ships (so a guard that was taken down or hollowed out shows),
then every row in order: its sequence follows, its link is right behind the link stored
before it; at the end the head, which an audit always has.
A head noted elsewhere is looked for on the way: a file that was replaced by an older copy
of itself is right in itself, and only does not reach, or differs at, what was noted.
Limits: without a noted head the replaced file passes; needs the vault.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Self

from atm_switch.adapters.audit_rows import AUDIT_COLUMN_LIST
from atm_switch.adapters.journal_chain import BEGINNING, GENESIS, AuditChain, Head
from atm_switch.adapters.journal_heads import HeadTable, read_head
from atm_switch.adapters.journal_verify import FINDINGS_MAX, HINDRANCES, Fault, Finding
from atm_switch.adapters.schema import migrate, migrations_of
from atm_switch.security.vault import Vault

FIRST_SCHEMA: Final = 2
"""The schema that brought the audit."""

NOTED_DIGITS: Final = 16
"""How many hex digits of a link are shown for an operator to note."""

_OBJECTS: Final = (
    "SELECT type, name, sql FROM sqlite_schema"
    " WHERE lower(tbl_name) IN ('audit_rows', 'audit_head')"
)
_ROWS: Final = f"SELECT {AUDIT_COLUMN_LIST} FROM audit_rows ORDER BY seq"  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class NotedHead:
    """A head as it was noted: a sequence and the first hex digits of its link."""

    seq: int
    digits: str

    @classmethod
    def of(cls, head: Head) -> Self:
        """Shorten a head to what is noted of it."""
        return cls(head.seq, head.chain.hex()[:NOTED_DIGITS])

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``SEQ:HASH``, 8 to 64 hex digits.  Raises ``ValueError`` for anything else."""
        found = re.fullmatch(r"([0-9]{1,18}):([0-9a-fA-F]{8,64})", text, re.ASCII)
        if found is None:
            raise ValueError("a noted head is SEQ:HASH as audit verify printed it")
        return cls(int(found[1]), found[2].lower())

    def is_of(self, head: Head) -> bool:
        """Tell whether this was noted of ``head``."""
        return self.seq == head.seq and head.chain.hex().startswith(self.digits)

    def __str__(self) -> str:
        """``SEQ:HASH``."""
        return f"{self.seq}:{self.digits}"


@dataclass(frozen=True, slots=True)
class AuditVerification:
    """What a check found."""

    rows: int
    head: Head
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


@dataclass(slots=True)
class _Walk:
    """Where the check stands."""

    rows: int = 0
    last: Head = BEGINNING
    findings: list[Finding] = field(default_factory=list)

    def note(self, fault: Fault, sequence: int) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(fault, sequence))


def verify_audit(
    connection: sqlite3.Connection, vault: Vault, noted: NotedHead | None = None
) -> AuditVerification:
    """Check every row against the chain; content SQLite cannot read is a finding too.

    Raises ``sqlite3.OperationalError`` where the walk was hindered, which says nothing
    about the content: interrupted, locked, a disk that does not read.
    """
    walk, chain = _Walk(), AuditChain(vault)
    try:
        with _snapshot(connection):
            _check_tables(connection, walk)
            is_met = _walk_rows(connection, walk, chain, noted)
            _check_head(connection, walk, chain)
            if not is_met and noted is not None:
                walk.note(Fault.NOTED_HEAD_MISSING, noted.seq)
    except (sqlite3.DatabaseError, TypeError, UnicodeError) as error:
        # a cell of the wrong type can only come from a schema that was taken apart
        if getattr(error, "sqlite_errorname", "").startswith(HINDRANCES):
            raise
        walk.note(Fault.FILE_DAMAGED, walk.last.seq)
    return AuditVerification(walk.rows, walk.last, tuple(walk.findings))


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _check_tables(connection: sqlite3.Connection, walk: _Walk) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if _objects(connection) != _shipped_objects(version):
        walk.note(Fault.GUARD_MISSING, 0)
    for table in ("audit_rows", "audit_head"):
        if connection.execute(f"PRAGMA integrity_check({table})").fetchall() != [("ok",)]:
            walk.note(Fault.FILE_DAMAGED, 0)


def _walk_rows(
    connection: sqlite3.Connection, walk: _Walk, chain: AuditChain, noted: NotedHead | None
) -> bool:
    """Step over all rows; tell whether the noted head is among them."""
    link_of, (seq, link), is_met = chain.link_cells, (0, GENESIS), False
    if noted is not None:
        is_met = noted.is_of(BEGINNING)
    try:
        for cells in connection.execute(_ROWS):
            if cells[0] != seq + 1:
                walk.note(Fault.SEQUENCE_GAP, cells[0])
            if link_of(link, cells) != cells[-1]:
                walk.note(Fault.WRONG_LINK, cells[0])
            seq, link = cells[0], cells[-1]
            if noted is not None and seq == noted.seq:
                is_met = noted.is_of(Head(seq, link))
            walk.rows += 1
    finally:
        walk.last = Head(seq, link)
    return is_met


def _check_head(connection: sqlite3.Connection, walk: _Walk, chain: AuditChain) -> None:
    stored = read_head(connection, HeadTable.AUDIT)
    if stored is None or not chain.is_sealed(*stored) or stored[0] != walk.last:
        walk.note(Fault.WRONG_HEAD, walk.last.seq)


def _objects(connection: sqlite3.Connection) -> frozenset[tuple[Any, ...]]:
    return frozenset(connection.execute(_OBJECTS).fetchall())


@cache
def _shipped_objects(version: int) -> frozenset[tuple[Any, ...]]:
    """Make the schema of a version afresh and return what belongs to the audit."""
    wanted = [one for one in migrations_of("journal") if one[0] <= version]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, wanted, "a fresh journal")
        return _objects(fresh)
