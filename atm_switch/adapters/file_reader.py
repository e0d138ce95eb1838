"""A read-only connection to the journal's file, and what all its readers do alike.

Plan: one connection, used in the thread that made it; every question is read to its end
at once, so that no read holds back a checkpoint.
Limits: sees committed rows only.  In a folder that may not be written, a file nobody writes is
read as it lies there, until somebody begins to write it.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from atm_switch.adapters.schema import QUERY_SECONDS_MAX, Stopwatch, open_reader
from atm_switch.adapters.turn_reads import Soon, TurnReads
from atm_switch.domain.errors import JournalUnavailable


class FileReader:
    """Reads a journal's file.  Every method raises ``JournalUnavailable`` where it cannot."""

    def __init__(
        self, path: Path, seconds_max: float = QUERY_SECONDS_MAX, soon: Soon | None = None
    ) -> None:
        """Open ``path`` read-only; raises what ``open_reader`` raises.

        ``seconds_max`` bounds every query but walks and lists of rows, for which somebody waits
        at a command; ``soon`` is the loop's, where one asks.
        """
        self._path = path
        state = _state_of(path)
        self._lay_still = state if state and state[0] else None
        self._connection = open_reader(path, seconds_max, is_still=self._lay_still is not None)
        self._reads = TurnReads(self._connection, soon)
        self._seconds_max = seconds_max

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Read within a ``with``."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close at its end."""
        self.close()

    @contextmanager
    def _no_hurry(self) -> Iterator[None]:
        try:
            self._connection.set_progress_handler(None, 0)
            try:
                yield
            finally:
                Stopwatch(self._connection, self._seconds_max)
                self._require_still()
        except sqlite3.Error as error:
            raise _unreadable(error) from error

    def _looked_up(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Ask for what a turn of the loop asks for often, as of one moment."""
        try:
            return self._reads.rows(sql, tuple(values))
        except sqlite3.Error as error:
            raise _unreadable(error) from error
        finally:
            self._reads.done()

    def _select(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            found = self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _unreadable(error) from error
        finally:
            self._require_still()
        return found

    def _require_still(self) -> None:
        """See that a file read as it lay there lies there so yet; no row of it is believed else."""
        if self._lay_still is not None and self._lay_still != _state_of(self._path):
            message = "somebody has begun to write the journal; ask once more"
            raise JournalUnavailable(message)


def _lies_still(path: Path) -> bool:
    """Tell whether a file is whole by itself, in a folder where we could not write beside it."""
    path = path.resolve()
    wal, shared = (path.with_name(f"{path.name}-{kind}") for kind in ("wal", "shm"))
    is_whole = path.is_file() and not (shared.exists() or (wal.exists() and wal.stat().st_size))
    return is_whole and not os.access(path.parent, os.W_OK)


def _state_of(path: Path) -> tuple[bool, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _lies_still(path), found.st_mtime_ns, found.st_size


def _unreadable(error: sqlite3.Error) -> JournalUnavailable:
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    return JournalUnavailable(f"the journal cannot be read: {name}")
