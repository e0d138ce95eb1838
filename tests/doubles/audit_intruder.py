"""Somebody who has the audit's file and SQLite and patience, but not the keys.

Plan: ``Intruder`` is the hand on one copy of a book; what it can do is in
``audit_tampers``.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from atm_switch.adapters.journal_chain import AuditChain
from tests.doubles.audit_bench import Book
from tests.doubles.journal_bench import fresh_vault

FREE = 10_000_000
"""A sequence no row has."""

_GUARDS = (
    "SELECT name, sql FROM sqlite_schema"
    " WHERE type = 'trigger' AND tbl_name IN ('audit_rows', 'audit_head') ORDER BY name"
)
OWN_KEYS = AuditChain(fresh_vault())
"""What an intruder links and seals with, for want of ours."""


@dataclass(frozen=True, slots=True)
class Intruder:
    """One copy of a book, and the chance that leads the hand."""

    connection: sqlite3.Connection
    chance: random.Random
    book: Book

    def ask(self, sql: str, *values: object) -> Any:
        """Run a statement; return what it finds first."""
        return self.connection.execute(sql, values).fetchone()

    @property
    def rows(self) -> int:
        """How many rows the book has."""
        return self.book.head.seq

    def row(self, last: int = 0) -> int:
        """Choose a row, from the first to the ``last``."""
        return self.chance.randint(1, last or self.rows)

    def guards(self) -> list[tuple[str, str]]:
        """Return the name and the text of every guard."""
        return self.connection.execute(_GUARDS).fetchall()

    def move(self, before: int, after: int) -> None:
        """Give a row another sequence."""
        self.ask("UPDATE audit_rows SET seq = ? WHERE seq = ?", after, before)

    def shift(self, first: int, last: int, by: int) -> None:
        """Move the rows from ``first`` to ``last``, out of the way of each other."""
        self.ask("UPDATE audit_rows SET seq = seq + ? WHERE seq BETWEEN ? AND ?", FREE, first, last)
        self.ask("UPDATE audit_rows SET seq = seq - ? WHERE seq > ?", FREE - by, FREE)

    def set_head(self, **cells: int | bytes) -> None:
        """Write cells of the head."""
        for column, cell in cells.items():
            self.ask(f"UPDATE audit_head SET {column} = ?", cell)  # noqa: S608 - constants

    def head_follows(self) -> None:
        """Let the head name the last row there is; its seal stays what it was."""
        seq, link = self.ask("SELECT seq, chain FROM audit_rows ORDER BY seq DESC LIMIT 1")
        self.set_head(seq=seq, chain=link)

    def flip(self, cell: Any) -> tuple[str, Any]:
        """Change one bit; return how SQLite is to take it, and the cell."""
        if isinstance(cell, int):
            return "?", cell ^ 1 << self.chance.randrange(20)
        taken = "CAST(? AS TEXT)" if isinstance(cell, str) else "?"
        raw = bytearray(cell.encode() if isinstance(cell, str) else cell)
        place = self.chance.randrange(8 * len(raw))
        raw[place // 8] ^= 1 << place % 8
        return taken, bytes(raw)

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Take the guards down, and put them back word for word."""
        guards = self.guards()
        self.ask("PRAGMA ignore_check_constraints = ON")
        for name, _ in guards:
            self.ask(f"DROP TRIGGER {name}")
        yield
        for _, text in guards:
            self.ask(text)
        self.ask("PRAGMA ignore_check_constraints = OFF")
