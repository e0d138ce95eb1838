"""The one thread that writes the journal, and the queue before it.

Plan: ``submit`` puts a question in a bounded queue and returns; the thread takes all that
waits, up to ``batch_max``, and makes it one synced commit (group commit: the more wait,
the fewer syncs each costs).  Only after COMMIT has returned are the answers handed over,
a whole batch in one call of ``on_batch``, in the writer thread.
Failures: a batch that cannot be written (disk full) is rolled back, each of its questions
is answered ``JournalUnavailable``, and the next batch is tried.  Where one question is
itself at fault, the others are written without it.  A sync that failed or a damaged file
ends the thread: what the disk holds is not known then, and trying again would be guessing.
Why a thread: a sync takes milliseconds, and no event loop may stand still that long.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import datetime
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Final, Generic, TypeVar

from atm_switch.adapters.audit_rows import require_known_kind
from atm_switch.adapters.journal_batch import (
    Ink,
    JournalQuestion,
    required_card,
    write_batch,
)
from atm_switch.adapters.journal_chain import AuditChain, JournalChain
from atm_switch.adapters.journal_heads import settle_heads
from atm_switch.adapters.schema import open_writer
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import Commit, KeepRecord, Reserve

FAMILY: Final = "journal"
"""The migrations of the journal's file."""

K = TypeVar("K")
Waiting = tuple[K, JournalQuestion]
OnBatch = Callable[[list[tuple[K, Any]]], None]
"""Told each batch's tokens with their answers, or ``JournalUnavailable`` as a value."""

_FATAL: Final = frozenset(
    {
        "SQLITE_IOERR_FSYNC",
        "SQLITE_IOERR_DIR_FSYNC",
        "SQLITE_CORRUPT",
        "SQLITE_CORRUPT_INDEX",
        "SQLITE_NOTADB",
    }
)

_OF_ONE_ROW: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


def is_fatal(error: Exception) -> bool:
    """Tell whether no further write may be tried after ``error``."""
    return getattr(error, "sqlite_errorname", "") in _FATAL


class JournalWriter(Generic[K]):
    """Appends to the journal; ``K`` is the caller's token for a question.

    ``clock`` gives the time in UTC, ``nonce`` so many fresh random bytes.  One switch
    for a file; other processes may read it at any time, and a command may append to it.
    """

    def __init__(
        self,
        path: Path,
        vault: Vault,
        clock: Callable[[], datetime],
        nonce: Callable[[int], bytes],
        queue_max: int = 4096,
        batch_max: int = 256,
    ) -> None:
        self._path = path
        self._ink = Ink(vault, JournalChain(vault), AuditChain(vault), clock, nonce)
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._waiting: deque[Waiting[K]] = deque()
        self._bell = Condition()
        self._is_open = False
        self._thread: Thread | None = None

    def start(self, on_batch: OnBatch[K]) -> None:
        """Open the file (made and migrated if need be) and begin to write.

        ``on_batch`` is called in the writer thread and must not raise.  Raises ``Refused``
        for a journal of other keys or a tampered head, its own or the audit's, and what
        ``open_writer`` raises.
        """
        opened: Future[None] = Future()
        self._thread = Thread(
            target=self._run, args=(opened, on_batch), name="journal-writer", daemon=True
        )
        self._thread.start()
        opened.result()

    @property
    def is_writing(self) -> bool:
        """Whether ``submit`` takes questions."""
        return self._is_open

    @property
    def waiting(self) -> int:
        """How many questions wait to be written."""
        return len(self._waiting)

    def submit(self, question: JournalQuestion, token: K, *, rings: bool = True) -> None:
        """Queue a question; its answer comes to ``on_batch`` with ``token``.

        Any thread may call; it never blocks.  Once queued a question is never withdrawn.
        Who does not have it ``rings`` says ``ring`` after the last of many.
        Raises ``JournalUnavailable`` where the queue is full or the writer has ended, and
        ``ValueError`` for tries without a card or a record of no known kind.
        """
        _check(question)
        with self._bell:
            if not self._is_open:
                raise JournalUnavailable("the journal's writer is not running")
            if len(self._waiting) >= self._queue_max:
                raise JournalUnavailable("too many rows wait for the journal")
            self._waiting.append((token, question))
            if rings:
                self._bell.notify()

    def ring(self) -> None:
        """Have the writer look at what waits."""
        with self._bell:
            self._bell.notify()

    def stop(self) -> None:
        """Take no more, write what waits, close the file.  Returns when that is done."""
        with self._bell:
            self._is_open = False
            self._bell.notify()
        if self._thread is not None:
            self._thread.join()

    def _open(self) -> sqlite3.Connection:
        connection = open_writer(self._path, FAMILY)
        try:
            settle_heads(connection, self._ink.chain, self._ink.audit)
        except BaseException:
            connection.close()
            raise
        return connection

    def _run(self, opened: Future[None], on_batch: OnBatch[K]) -> None:
        try:
            connection = self._open()
        except Exception as error:  # noqa: BLE001 - raised again, by start, in its own thread
            opened.set_exception(error)
            return
        with closing(connection):
            self._is_open = True
            opened.set_result(None)
            try:
                self._write_all(connection, on_batch)
            finally:
                self._give_up(on_batch)

    def _write_all(self, connection: sqlite3.Connection, on_batch: OnBatch[K]) -> None:
        while batch := self._take():
            answers, go_on = self._write(connection, [question for _, question in batch])
            if not go_on:
                self._close_queue()
            on_batch([(token, answer) for (token, _), answer in zip(batch, answers, strict=True)])
            if not go_on:
                return

    def _take(self) -> list[Waiting[K]]:
        """Wait for questions and take a batch; an empty one means the end."""
        with self._bell:
            while self._is_open and not self._waiting:
                self._bell.wait()
            count = min(len(self._waiting), self._batch_max)
            return [self._waiting.popleft() for _ in range(count)]

    def _write(
        self, connection: sqlite3.Connection, questions: Sequence[JournalQuestion]
    ) -> tuple[list[Any], bool]:
        """Write a batch: its answers, and whether the writer may go on."""
        try:
            return write_batch(connection, self._ink, questions), True
        except Exception as error:  # noqa: BLE001 - every failure is an answer, none ends unsaid
            if not is_fatal(error) and _blames_a_question(error) and len(questions) > 1:
                return self._write_singly(connection, questions)
            return [_unavailable(error) for _ in questions], not is_fatal(error)

    def _write_singly(
        self, connection: sqlite3.Connection, questions: Sequence[JournalQuestion]
    ) -> tuple[list[Any], bool]:
        answers: list[Any] = []
        go_on = True
        for question in questions:
            if go_on:
                answered, go_on = self._write(connection, [question])
                answers += answered
            else:
                answers.append(JournalUnavailable("the journal's writer has ended"))
        return answers, go_on

    def _close_queue(self) -> None:
        with self._bell:
            self._is_open = False

    def _give_up(self, on_batch: OnBatch[K]) -> None:
        """Answer whatever the writer leaves behind; nothing, where it ended in order."""
        self._close_queue()
        left = [token for token, _ in self._waiting]
        self._waiting.clear()
        if left:
            ended = JournalUnavailable("the journal's writer has ended")
            on_batch([(token, ended) for token in left])


def _check(question: JournalQuestion) -> None:
    if isinstance(question, KeepRecord):
        require_known_kind(question.record)
    needs_card = isinstance(question, Reserve) or (
        isinstance(question, Commit)
        and (question.ending.resets_tries or question.ending.returned_try is not None)
    )
    if needs_card and isinstance(question, Reserve | Commit):
        required_card(question.entry)


def _blames_a_question(error: Exception) -> bool:
    """Tell a row the schema or the codec refuses from a disk that cannot take any."""
    return isinstance(error, _OF_ONE_ROW) or not isinstance(error, sqlite3.Error)


def _unavailable(error: Exception) -> JournalUnavailable:
    # the name only: the text of a UnicodeEncodeError quotes what it could not encode
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    return JournalUnavailable(f"the journal could not write: {name}")
