"""Where the ledger is: a SQLite file of the data folder, or a PostgreSQL database."""

from pathlib import Path

from atm_switch.ledger.store import Store
from atm_switch.ledger.store_postgres import PostgresStore
from atm_switch.ledger.store_sqlite import SqliteStore


def open_store(url: str, path: Path) -> Store:
    """Open the ledger for a command: at ``url``, or in the file ``path`` where it is empty.

    Its schema is made or brought up to date.  Raises ``Refused``.
    """
    return PostgresStore(url) if url else SqliteStore(path)
