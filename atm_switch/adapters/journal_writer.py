"""The one thread that writes the journal's file.

Plan: a batch of ``batch_writer`` becomes one synced commit of SQLite.
Failures: a full disk rolls the batch back, and the next one is tried.  A sync that failed
or a damaged file ends the thread: what the disk holds is not known then, and trying again
would be guessing.  So what was committed before is copied out of the WAL when the file is
opened: pages a failed sync left in memory only are written once more, and the WAL begins
anew, before the next row stands behind them.
Where nothing but a proof that it can write is asked for, the transaction takes the file's lock
and leaves no page, and the WAL is synced all the same: that dirties nothing, and finds a disk
that hangs.  A disk that is full is found by the next row only.
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from atm_switch.adapters.audit_rows import require_known_kind
from atm_switch.adapters.batch_writer import BatchWriter, K, OnBatch
from atm_switch.adapters.journal_batch import (
    Ink,
    JournalQuestion,
    required_card,
    write_batch,
)
from atm_switch.adapters.journal_chain import AuditChain, JournalChain
from atm_switch.adapters.journal_drafts import Draft, check_draft
from atm_switch.adapters.journal_heads import HeadNotOurs, settle_heads
from atm_switch.adapters.journal_judgement import Judgement
from atm_switch.adapters.schema import open_writer
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import Commit, KeepRecord, ProveWriting, Reserve

FAMILY: Final = "journal"
"""The migrations of the journal's file."""

__all__ = ["JournalWriter", "OnBatch", "check_question", "is_fatal"]

SYNC_FAILED: Final = "SQLITE_IOERR_FSYNC"
_FATAL: Final = frozenset(
    {
        SYNC_FAILED,
        "SQLITE_IOERR_DIR_FSYNC",
        "SQLITE_CORRUPT",
        "SQLITE_CORRUPT_INDEX",
        "SQLITE_NOTADB",
    }
)

_FULL: Final = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})
"""The second: no room for the index beside the WAL."""

_OF_ONE_ROW: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


def is_fatal(error: Exception) -> bool:
    """Tell whether no further write may be tried after ``error``."""
    return getattr(error, "sqlite_errorname", "") in _FATAL


class JournalWriter(BatchWriter[K, Any, sqlite3.Connection]):
    """Appends to the journal's file; answers each ``JournalQuestion``, and each ``Draft``.

    ``clock`` gives the time in UTC, ``nonce`` so many fresh random bytes.  One switch
    for a file; other processes may read it at any time, and a command may append to it.
    ``start`` makes the file if need be; it raises ``Refused`` for a journal of other keys or a
    tampered head, its own or the audit's, and what ``open_writer`` raises.
    """

    def __init__(
        self,
        path: Path,
        vault: Vault,
        clock: Callable[[], datetime],
        nonce: Callable[[int], bytes],
        queue_max: int = 4096,
        batch_max: int = 256,
        *,
        is_shared: bool = False,
    ) -> None:
        """``is_shared``: several processes have it write, and the first answer counts."""
        super().__init__(queue_max, batch_max, "journal-writer")
        self._path = path
        self._chains = JournalChain(vault), AuditChain(vault)
        self._ink = Ink(vault, *self._chains, clock, nonce, is_shared=is_shared)

    def _open(self) -> sqlite3.Connection:
        connection = open_writer(self._path, FAMILY)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # waits for no reader
            settle_heads(connection, *self._chains)
        except BaseException:
            connection.close()
            raise
        return connection

    def _commit(self, medium: sqlite3.Connection, questions: Sequence[Any]) -> list[Any]:
        answers = write_batch(medium, self._ink, questions)
        if all(isinstance(one, ProveWriting) for one in questions):
            self._sync()
        return answers

    def _sync(self) -> None:
        """Sync the WAL, on whose descriptors SQLite holds no lock that a close would lose.

        Raises ``sqlite3.OperationalError`` as a failed sync of SQLite's.
        """
        try:
            wal = os.open(f"{self._path}-wal", os.O_RDONLY)
        except FileNotFoundError:  # nothing was written since the file was opened
            return
        try:
            os.fdatasync(wal)
        except OSError:
            failed = sqlite3.OperationalError()
            failed.sqlite_errorname = SYNC_FAILED
            raise failed from None
        finally:
            os.close(wal)

    def _try(self, medium: sqlite3.Connection, questions: Sequence[Any]) -> None:
        write_batch(medium, self._ink, questions, keeps=False)

    def _sound(self, kind: type[Any]) -> Any | None:
        # Loaded where a row was refused: a start waits for every module.
        from atm_switch.adapters.journal_sample import sound_question  # noqa: PLC0415

        return sound_question(kind, self._ink.clock())

    def check(self, question: JournalQuestion | Draft) -> None:
        """Raise ``ValueError`` for a question that makes no sense."""
        check_question(question)

    def _judge(self, error: Exception) -> Judgement:
        # the name only: the text of a UnicodeEncodeError quotes what it could not encode
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        of_the_medium = isinstance(error, (sqlite3.Error, HeadNotOurs))
        blames = isinstance(error, _OF_ONE_ROW) or not of_the_medium
        return Judgement(name, is_fatal(error), name in _FULL, blames)


def check_question(question: JournalQuestion | Draft) -> None:
    """Raise ``ValueError`` for tries without a card, or a record of no known kind."""
    if isinstance(question, tuple):
        check_draft(question)
    elif isinstance(question, KeepRecord):
        require_known_kind(question.record)
    elif isinstance(question, Reserve):
        required_card(question.entry)
    elif isinstance(question, Commit):
        ending = question.ending
        if ending.resets_tries or ending.returned_try is not None:
            required_card(question.entry)
