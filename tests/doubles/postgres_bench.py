"""The ledger's PostgreSQL adapters as a synchronous test sees them, filled from a SQLite file."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef, LinkedCard, Participant
from atm_switch.domain.statement import AccountHistory
from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.postgres_reader import PostgresReader
from atm_switch.ledger.registry_sqlite import SqliteRegistry
from atm_switch.ledger.store_postgres import PostgresStore

TABLES = (
    "participants", "imports", "postings", "year_totals", "cards", "last_posting", "closed_years",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Database:
    """Where a ledger is: ``url`` empty for the SQLite file."""

    path: Path
    url: str


def copy_ledger(path: Path, url: str) -> None:
    """Put all that a SQLite ledger holds into an empty PostgreSQL one."""
    with closing(sqlite3.connect(path)) as source, closing(PostgresStore(url)) as target:
        target.change("DELETE FROM last_posting")
        for table in TABLES:
            cursor = source.execute(f"SELECT * FROM {table}")  # noqa: S608 - names of ours
            columns = [column[0] for column in cursor.description]
            target.load(table, columns, cursor.fetchall())


class WaitingReader:
    """A reader whose futures are waited for."""

    def __init__(self, runner: asyncio.Runner, reader: PostgresReader) -> None:
        """Ask ``reader`` in the loop of ``runner``."""
        self._runner = runner
        self._reader = reader

    def siblings(self, kpj: Kpj) -> tuple[Kpj, ...]:
        """Wait for every KPJ of the holder."""

        async def ask() -> tuple[Kpj, ...]:
            return await self._reader.siblings(kpj)

        return self._runner.run(ask())

    def account(self, kpj: Kpj, as_of: date) -> tuple[Participant, AccountHistory] | None:
        """Wait for an account."""

        async def ask() -> tuple[Participant, AccountHistory] | None:
            return await self._reader.account(kpj, as_of)

        return self._runner.run(ask())

    def card(self, ref: CardRef, former: tuple[CardRef, ...] = ()) -> LinkedCard | None:
        """Wait for a card."""

        async def ask() -> LinkedCard | None:
            return await self._reader.card(ref, former)

        return self._runner.run(ask())


@contextmanager
def waiting_reader(url: str) -> Iterator[WaitingReader]:
    """Lend a reader of a database."""
    with asyncio.Runner() as runner:
        reader = PostgresReader(url, 2, 5.0, lambda _event, _fields: None)
        runner.run(reader.start())
        try:
            yield WaitingReader(runner, reader)
        finally:
            runner.run(reader.close())


Reader = SqliteLedger | WaitingReader
"""What answers inquiries, on either database, as a synchronous test sees it."""
CardReader = SqliteRegistry | WaitingReader
"""What finds cards, the same."""
