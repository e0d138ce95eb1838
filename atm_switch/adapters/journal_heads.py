"""Where the chains of a journal file end: one table for the journal, one for the audit.

Plan: a head is read with its seal, and whoever writes behind it requires the seal to be
right first.  ``settle_heads`` does so when the file is opened, and begins the audit of a
file that never had one: then, and only then, an audit may be without a head.
Limits: a file without any row and without heads has nothing to tell of what it was; see
``journal_chain`` for what no chain can find.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, unique
from typing import Final

from atm_switch.adapters.journal_chain import BEGINNING, AuditChain, Head, JournalChain, RowChain
from atm_switch.domain.errors import Refused

_RESTORE: Final = "then restore the key file or the journal it belongs to"


@unique
class HeadTable(Enum):
    """The tables of heads; the value is a name in SQL."""

    JOURNAL = "journal_head"
    AUDIT = "audit_head"


class HeadNotOurs(ValueError):
    """A head was changed while the file was open, or somebody else wrote it."""


def read_head(connection: sqlite3.Connection, table: HeadTable) -> tuple[Head, bytes] | None:
    """Read a head and its seal; ``None`` where nothing was ever written."""
    query = f"SELECT seq, chain, seal FROM {table.value}"  # noqa: S608 - a constant
    found = connection.execute(query).fetchall()
    return (Head(found[0][0], found[0][1]), found[0][2]) if found else None


def required_head(connection: sqlite3.Connection, table: HeadTable, chain: RowChain) -> Head:
    """Return the head to write behind.

    Raises ``HeadNotOurs`` where its seal is wrong, or the audit has none: a settled file
    has one.
    """
    stored = read_head(connection, table)
    if stored is None and table is HeadTable.JOURNAL:
        return BEGINNING
    if stored is None or not chain.is_sealed(*stored):
        raise HeadNotOurs("the head was changed by hand")
    return stored[0]


def write_head(
    connection: sqlite3.Connection, table: HeadTable, head: Head, chain: RowChain
) -> None:
    """Write a head and its seal in the place of the one before."""
    connection.execute(
        f"INSERT INTO {table.value} (one, seq, chain, seal) VALUES (1, ?, ?, ?)"  # noqa: S608 - a constant
        " ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, chain = excluded.chain,"
        " seal = excluded.seal",
        (head.seq, head.chain, chain.seal(head)),
    )


def settle_heads(connection: sqlite3.Connection, journal: JournalChain, audit: AuditChain) -> None:
    """Require both heads to be ours, and begin the audit of a file that never had one.

    Raises ``Refused`` for other keys, a changed head, or an audit that was taken away.
    """
    if not _lacks_audit(connection, journal, audit):
        return
    with transaction(connection):
        # asked again, for another process may have begun it between the two questions
        if _lacks_audit(connection, journal, audit):
            head = required_head(connection, HeadTable.JOURNAL, journal)
            write_head(connection, HeadTable.JOURNAL, head, journal)
            write_head(connection, HeadTable.AUDIT, BEGINNING, audit)


def _lacks_audit(connection: sqlite3.Connection, journal: JournalChain, audit: AuditChain) -> bool:
    kept = read_head(connection, HeadTable.JOURNAL)
    if kept and not journal.is_sealed(*kept):
        raise Refused(
            "the journal was written with other keys, or its head was changed:"
            f" see journal verify, {_RESTORE}"
        )
    told = read_head(connection, HeadTable.AUDIT)
    if told and audit.is_sealed(*told):
        return False
    had_one = kept and journal.tells_of_audit(*kept)
    if told or had_one or _has_rows(connection, "audit_rows") or _is_beheaded(connection, kept):
        raise Refused(f"the audit's head was changed or taken away: see audit verify, {_RESTORE}")
    return True


def _is_beheaded(connection: sqlite3.Connection, kept: object | None) -> bool:
    return kept is None and _has_rows(connection, "journal_rows")


def _has_rows(connection: sqlite3.Connection, table: str) -> bool:
    return bool(connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()[0])  # noqa: S608 - a constant


@contextmanager
def transaction(connection: sqlite3.Connection, *, keeps: bool = True) -> Iterator[None]:
    """Write within BEGIN IMMEDIATE and COMMIT; whatever is raised rolls it back.

    Without ``keeps`` it is rolled back in any case: a trial.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT" if keeps else "ROLLBACK")
    except BaseException:
        # a full disk has SQLite roll back by itself, and then there is nothing left to do
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
