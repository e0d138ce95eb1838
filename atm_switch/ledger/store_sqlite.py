"""The ledger's database as one SQLite file, for the commands that write it."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Final

from atm_switch.adapters.schema import open_writer
from atm_switch.domain.errors import Refused
from atm_switch.ledger.store import LockedByAnother, Row, Store, Value

FAMILY: Final = "ledger"
"""The migrations of the ledger's database, which holds the registry too."""

CACHE_KIBIBYTES: Final = 256 * 1024
"""Page cache of a command that books millions of rows."""

LOOK_UP_KIBIBYTES: Final = 64 * 1024
"""Page cache of who looks members up: the upper levels of ten million's trees stay in memory."""

STEPS_BETWEEN_LOOKS: Final = 200_000
"""Steps between two looks for Ctrl-C."""

ROWS_AT_ONCE: Final = 64
"""What one statement appends: a quarter less work than with a row each."""


class SqliteStore:
    """A ``Store`` on a file, made if need be."""

    is_postgres = False

    def __init__(self, path: Path) -> None:
        """Open for writing.  Raises ``Refused``, also for a file of an older release."""
        self._connection = open_writer(path, FAMILY)
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection itself, for what only SQLite has: attaching a file."""
        return self._connection

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return all it yields."""
        with translated():
            return self._connection.execute(sql, values).fetchall()

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with translated():
            return self._connection.execute(sql, values).rowcount

    def change_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each of ``rows``."""
        with translated():
            self._connection.executemany(sql, rows)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Append rows, many of them with each run of a prepared insert."""
        one = f"({', '.join('?' * len(columns))})"
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - names of ours
        left = len(rows) % ROWS_AT_ONCE
        at_once = range(0, len(rows) - left, ROWS_AT_ONCE)
        self.change_many(
            insert + ", ".join([one] * ROWS_AT_ONCE),
            (tuple(chain.from_iterable(rows[at : at + ROWS_AT_ONCE])) for at in at_once),
        )
        self.change_many(insert + one, rows[len(rows) - left :])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the write lock; commit at the end, roll back on any error."""
        with translated():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with translated():
                self._connection.execute("COMMIT")
        except BaseException:
            self._undo()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read as of one moment."""
        with translated():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._undo()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _undo(self) -> None:
        # A full disk has SQLite roll back by itself, and then there is nothing left to do.
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")


@contextmanager
def translated() -> Iterator[None]:
    """Turn an error of the file into ``Refused`` that quotes no row."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if name == "SQLITE_BUSY":
            raise LockedByAnother from None
        raise Refused(
            f"the ledger cannot be read or written, nothing was changed: {name}"
        ) from None


@contextmanager
def interruptible(store: Store) -> Iterator[None]:
    """Let Ctrl-C end a statement of SQLite that takes minutes, as it ends one of PostgreSQL."""
    if not isinstance(store, SqliteStore):
        yield
        return
    # Python looks for signals when it is called; what it raises there ends the statement.
    store.connection.set_progress_handler(lambda: 0, STEPS_BETWEEN_LOOKS)
    try:
        yield
    except Refused as refused:
        if str(refused).endswith("SQLITE_INTERRUPT"):
            raise KeyboardInterrupt from None
        raise
    finally:
        store.connection.set_progress_handler(None, 0)
