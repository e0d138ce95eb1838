"""An audit on a bench: records by number, and a whole book of them in memory.

Plan: the book is written by the product's own batches, so that what is tampered with is
what a switch would have written.
"""

import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from atm_switch.adapters.journal_batch import Ink, write_batch
from atm_switch.adapters.journal_chain import AuditChain, Head, JournalChain
from atm_switch.adapters.journal_heads import HeadTable, read_head, settle_heads
from atm_switch.adapters.schema import migrate, migrations_of
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import AUDIT_KINDS, AuditRecord, Commit, KeepRecord
from tests.doubles.journal_bench import NOON, ending_of, entry_of

BATCH = 10


def nonce(length: int) -> bytes:
    """Give bytes; nothing is sealed with them where only records are kept."""
    return bytes(length)


def record_of(number: int) -> AuditRecord:
    """Return a record, another one for each number."""
    return AuditRecord(
        kind=AUDIT_KINDS[number % len(AUDIT_KINDS)],
        actor=f"192.0.2.{number % 250}:40{number % 1000:03d}",
        subject=f"acquirer {number % 7:03d}",
        detail=f"record {number}" if number % 3 else "",
    )


@dataclass(frozen=True, slots=True)
class Book:
    """A journal file in memory, the keys it was written with, and each head it ever had."""

    connection: sqlite3.Connection
    vault: Vault
    heads: tuple[tuple[Head, bytes], ...]

    @property
    def head(self) -> Head:
        """Where its audit ends."""
        return self.heads[-1][0]

    def copy(self) -> sqlite3.Connection:
        """Copy the file, for somebody to work on; the caller closes it."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.backup(connection)
        return connection


def book_of(records: int, vault: Vault, batch: int = BATCH) -> Book:
    """Write a book of so many records and one transaction of the journal."""
    ticks = count()

    def clock() -> datetime:
        return NOON + timedelta(milliseconds=next(ticks))

    chains = JournalChain(vault), AuditChain(vault)
    ink = Ink(vault, *chains, clock, os.urandom)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, migrations_of("journal"), "a book")
    settle_heads(connection, *chains)
    write_batch(connection, ink, [Commit(entry_of(1), ending_of(), None)])
    heads = []
    for first in range(0, records, batch):
        numbers = range(first, min(first + batch, records))
        write_batch(connection, ink, [KeepRecord(record_of(number)) for number in numbers])
        head = read_head(connection, HeadTable.AUDIT)
        assert head is not None
        heads.append(head)
    return Book(connection, vault, tuple(heads))
