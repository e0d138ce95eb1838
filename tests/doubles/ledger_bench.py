"""A real ledger file on a bench: CSV texts go in, the adapters read them back.

Plan: a vault of fresh keys, a moment that stands still, and files written as given.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.csv_import import ImportOptions, import_files, link_cards
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.csv_pieces import PIECE_BYTES
from atm_switch.ledger.csv_summary import ImportSummary
from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.registry_sqlite import SqliteRegistry
from atm_switch.ledger.store_postgres import PostgresStore
from atm_switch.security.vault import Vault

AT = datetime(2025, 6, 30, 5, 0, tzinfo=UTC)
TODAY = date(2025, 6, 30)
BUDI = Kpj("12345678901")
BUDIS_NIK = "9901011203850001"
SITIS_NIK = "9901015708900002"
PAN = "9990090000000012"
OTHER_PAN = "9990090000000020"

PARTICIPANTS = "kpj,nik,name,birth_date,segment,status\n"
POSTINGS = "kpj,posted_on,kind,amount\n"
CARDS = "pan,expiry,kpj,pvv,pvki,status\n"

BUDI_ROW = f"12345678901,{BUDIS_NIK},BUDI SANTOSO,1985-03-12,PU,A\n"
SITI_ROW = f"23456789012,{SITIS_NIK},SITI RAHAYU,1990-08-17,PU,A\n"
CARD_ROW = f"{PAN},2812,12345678901,1234,1,active\n"


@dataclass
class LedgerBench:
    """A folder with ``ledger.db`` and the CSV files a test writes."""

    folder: Path
    vault: Vault = field(default_factory=lambda: Vault.fresh(os.urandom))
    at: datetime = AT
    url: str = ""
    """Of a PostgreSQL ledger in place of the file."""

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger.db"

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file as given."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def take(
        self,
        *paths: Path,
        skip_bad: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
        piece_bytes: int = PIECE_BYTES,
        again: bool = False,
        once_more: int = 0,
    ) -> ImportSummary:
        """Import participants and postings."""
        options = ImportOptions(
            skip_bad, progress, piece_bytes=piece_bytes, again=again, once_more=once_more
        )
        with closing(open_store(self.url, self.path)) as store:
            return import_files(store, paths, self.vault, self.at, options)

    def link(self, path: Path, options: ImportOptions | None = None) -> ImportSummary:
        """Link cards."""
        with closing(open_store(self.url, self.path)) as store:
            return link_cards(store, path, self.vault, self.at, options or ImportOptions())

    def participants(self, rows: str = BUDI_ROW) -> ImportSummary:
        """Import these participants."""
        return self.take(self.file("participants.csv", PARTICIPANTS + rows))

    def postings(self, rows: str, *, again: bool = False) -> ImportSummary:
        """Import these postings."""
        return self.take(self.file("postings.csv", POSTINGS + rows), again=again)

    def cards(self, rows: str = CARD_ROW) -> ImportSummary:
        """Link these cards."""
        return self.link(self.file("cards.csv", CARDS + rows))

    def refusal(self, *paths: Path, skip_bad: Path | None = None) -> str:
        """Import what must be refused, and return the text of the refusal."""
        try:
            self.take(*paths, skip_bad=skip_bad)
        except Refused as refused:
            return str(refused)
        message = "the import was not refused"
        raise AssertionError(message)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database itself."""
        if self.url:
            with closing(PostgresStore(self.url)) as store:
                return store.rows(query)
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def counts(self) -> tuple[int, int, int]:
        """Count participants, postings and cards."""
        (found,) = self.rows(
            "SELECT (SELECT count(*) FROM participants), (SELECT count(*) FROM postings),"
            " (SELECT count(*) FROM cards)"
        )
        participants, postings, cards = found
        return participants, postings, cards

    def ledger(self) -> SqliteLedger:
        """Open the ledger; the caller closes it."""
        return SqliteLedger(self.path)

    def registry(self) -> SqliteRegistry:
        """Open the registry; the caller closes it."""
        return SqliteRegistry(self.path)
