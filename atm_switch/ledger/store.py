"""One connection to the ledger's database, as the commands that write it see it.

Plan: SQL is written once, in what SQLite and PostgreSQL share, with ``?`` for values;
``store_sqlite.py`` and ``store_postgres.py`` run it.  The contract tests run every
operation against both.
Limits: one thread, one transaction at a time.  Values are ``int``, ``str``, ``bytes`` and
``None``; a sum is written ``CAST(sum(x) AS BIGINT)``, for PostgreSQL makes sums numeric.
Whoever answers inquiries reads through ``opening.open_reading`` instead.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from atm_switch.domain.errors import Refused

Value = int | str | bytes | None
Row = tuple[Any, ...]


class LockedByAnother(Refused):
    """Another writer has what this one waited for, for as long as a lock is waited for."""

    def __init__(self) -> None:
        """Say so, and what to do."""
        super().__init__("another command is writing the ledger; try again when it is done")


class Store(Protocol):
    """What a command may ask of the database.

    Every method raises ``Refused``, in words for the person at the terminal, where the
    database is away, full, locked by another writer (``LockedByAnother``) or of another schema.
    """

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL, for the few statements that differ."""

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return all it yields."""

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement and return how many rows it changed."""

    def change_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each of ``rows``."""

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Append rows the fastest way there is: COPY, or one prepared insert."""

    def transaction(self) -> AbstractContextManager[None]:
        """Hold what is changed together: all of it durable at the end, or none of it.

        On SQLite it takes the write lock at once.
        """

    def snapshot(self) -> AbstractContextManager[None]:
        """Read as of one moment, whatever others commit meanwhile."""

    def close(self) -> None:
        """End the connection; what is not committed is gone."""
