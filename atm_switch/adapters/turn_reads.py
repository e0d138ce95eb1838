"""Questions to a read-only SQLite connection, all of one turn of the loop as of one moment.

Plan: the first question of a turn begins a read transaction, and the next turn ends it
before any more is read from a socket; so a batch of frames pays for one transaction, and
what is committed meanwhile is seen whole or not at all.  Without a loop whoever asks says
when the moment is over.
Why that is fresh enough: what the journal's writer committed is told to the loop by a later
call than the one that ends the snapshot, so no snapshot is older than what the loop knows.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Soon = Callable[[Callable[[], None]], object]
"""Calls back at the beginning of the next turn, as ``loop.call_soon`` does."""


class TurnReads:
    """One connection's questions."""

    __slots__ = ("_connection", "_soon")

    def __init__(self, connection: sqlite3.Connection, soon: Soon | None = None) -> None:
        """Ask ``connection``; without ``soon`` a snapshot lasts until ``done``."""
        self._connection = connection
        self._soon = soon

    def rows(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """Return all rows of one question.  Raises ``sqlite3.Error``."""
        connection = self._connection
        if not connection.in_transaction:  # an interrupted question may have ended it, too
            connection.execute("BEGIN")
            if self._soon is not None:
                self._soon(self._end)
        return connection.execute(sql, values).fetchall()

    def done(self) -> None:
        """Let the moment end, where there is no loop to end it."""
        if self._soon is None:
            self._end()

    def _end(self) -> None:
        with suppress(sqlite3.Error):  # closed, or ended by an error, before its turn came
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
