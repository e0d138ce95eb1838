"""The queue before a writer: what is rung for is written, and nothing before."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Condition, Event
from typing import Any, cast

import pytest

from atm_switch.adapters.batch_writer import FAULTS_MAX, BatchWriter
from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_writer import JournalWriter, OnBatch
from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.switch.ports import Commit, ProveWriting
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    JournalBench,
    Token,
    ending_of,
    entry_of,
    hold_writer,
)


class WatchedBell(Condition):
    """Tells when the writer goes to sleep."""

    def __init__(self) -> None:
        """Begin awake."""
        super().__init__()
        self.sleeps = Event()

    def wait(self, timeout: float | None = None) -> bool:
        """Tell, then sleep."""
        self.sleeps.set()
        return super().wait(timeout)


def submitted(bench: JournalBench, number: int, *, rings: bool = False) -> Token:
    """Queue one row."""
    token = Token()
    bench.writer.submit(Commit(entry_of(number), ending_of(), None), token, rings=rings)
    return token


class WatchedWriter(JournalWriter[Token]):
    """A writer whose bell is watched."""

    def start(self, on_batch: OnBatch[Token]) -> None:
        """Begin to write, watched."""
        self._bell = self.bell = WatchedBell()
        super().start(on_batch)


def test_a_busy_writer_takes_no_row_that_nobody_rang_for(tmp_path: Path) -> None:
    """
    Rows put while it wrote wait for the end of the loop's turn, and are one commit then.
    """
    with JournalBench(tmp_path / "journal.db", make=WatchedWriter) as bench:
        assert isinstance(bench.writer, WatchedWriter)
        bell = bench.writer.bell
        gate = hold_writer(bench)
        tokens = [submitted(bench, number) for number in (1, 2)]

        bell.sleeps.clear()
        gate.open.set()
        assert bell.sleeps.wait(ANSWER_SECONDS_MAX)
        assert 2 == bench.writer.waiting

        tokens.append(submitted(bench, 3, rings=True))
        for token in tokens:
            token.result(ANSWER_SECONDS_MAX)

    assert [1, 3] == [len(batch) for batch in bench.batches]


def test_stop_writes_what_nobody_rang_for(tmp_path: Path) -> None:
    """
    Whatever waits is written before the writer ends, rung for or not.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        tokens = [submitted(bench, number) for number in (1, 2)]

    assert [None, None] == [token.result(ANSWER_SECONDS_MAX) for token in tokens]


class CountingWriter(JournalWriter[Token]):
    """Counts the commits of its file, and the trials that are undone."""

    commits = 0
    trials = 0

    def _open(self) -> sqlite3.Connection:
        connection = super()._open()
        connection.set_trace_callback(self._count)
        return connection

    def _count(self, statement: str) -> None:
        self.commits += statement == "COMMIT"

    def _try(self, medium: sqlite3.Connection, questions: Sequence[JournalQuestion]) -> None:
        self.trials += 1
        super()._try(medium, questions)


def one_batch(bench: JournalBench, faulty: set[int], count: int) -> list[Any]:
    """Have so many rows written as one batch, some of which no file can hold."""
    questions = []
    for at in range(count):
        ending = ending_of()
        if at in faulty:
            object.__setattr__(ending, "reason", "\ud800")
        questions.append(Commit(entry_of(at), ending, None))
    return bench.send_all(*questions)


@pytest.mark.parametrize("at", [0, 1, 63, 126, 199])
def test_one_question_at_fault_costs_the_others_no_commit(tmp_path: Path, at: int) -> None:
    """
    Two hundred rows with a bad one among them are one commit, as they are without it.
    """
    with JournalBench(tmp_path / "journal.db", make=CountingWriter) as bench:
        writer = cast("CountingWriter", bench.writer)
        answers = one_batch(bench, {at}, 200)
        commits = writer.commits

        assert 1 == commits
        assert writer.trials <= 8
        assert [at] == [place for place, answer in enumerate(answers) if answer is not None]
        assert "the journal could not write: UnicodeEncodeError" == str(answers[at])
        with bench.reader() as reader:
            assert 199 == reader.last_sequence()
            assert reader.verify(bench.vault).is_sound


@pytest.mark.parametrize("count", [FAULTS_MAX, FAULTS_MAX + 3])
def test_several_at_fault_fail_and_no_other(tmp_path: Path, count: int) -> None:
    """
    Some cost no commit; where there are more, what is left is written one by one.
    """
    faulty = {3 * at for at in range(count)}
    with JournalBench(tmp_path / "journal.db", make=CountingWriter) as bench:
        writer = cast("CountingWriter", bench.writer)
        answers = one_batch(bench, faulty, 40)

        assert faulty == {place for place, answer in enumerate(answers) if answer is not None}
        assert (1 == writer.commits) == (count == FAULTS_MAX)
        with bench.reader() as reader:
            assert 40 - count == reader.last_sequence()
            assert reader.verify(bench.vault).is_sound


def test_all_at_fault_fail(tmp_path: Path) -> None:
    """
    A batch of nothing but bad rows is answered, and nothing is written.
    """
    with JournalBench(tmp_path / "journal.db", make=CountingWriter) as bench:
        answers = one_batch(bench, {0, 1}, 2)

        assert [JournalRefusesRow] * 2 == [type(answer) for answer in answers]
        assert 0 == cast("CountingWriter", bench.writer).commits


class UntriedWriter(CountingWriter):
    """Has nothing of which it is known that its medium takes it."""

    _sound = BatchWriter._sound


def test_medium_with_nothing_to_be_tried_with_blames_whom_it_refuses(tmp_path: Path) -> None:
    """
    Where no sound question is known, nothing tells a row at fault from a medium that takes none.
    """
    with JournalBench(tmp_path / "journal.db", make=UntriedWriter) as bench:
        answers = one_batch(bench, {0, 1}, 2)

        assert [JournalRefusesRow] * 2 == [type(answer) for answer in answers]
        assert 1 == cast("CountingWriter", bench.writer).trials


def test_head_of_others_is_nobodys_fault(tmp_path: Path) -> None:
    """
    A head that was changed by hand fails the batch at once, and nobody is looked for.
    """
    with JournalBench(tmp_path / "journal.db", make=CountingWriter) as bench:
        one_batch(bench, set(), 1)
        with closing(sqlite3.connect(bench.path, isolation_level=None)) as connection:
            connection.execute("UPDATE journal_head SET seal = zeroblob(32)")

        answers = one_batch(bench, set(), 5)

        assert {"the journal could not write: HeadNotOurs"} == {str(one) for one in answers}
        assert {JournalUnavailable} == {type(one) for one in answers}
        assert 0 == cast("CountingWriter", bench.writer).trials


class FallingWriter(CountingWriter):
    """Its file has no room any more once a fault is looked for."""

    def _try(self, medium: sqlite3.Connection, questions: Sequence[JournalQuestion]) -> None:
        medium.execute("PRAGMA max_page_count = 1").fetchone()
        super()._try(medium, questions)


def test_medium_that_fails_amid_the_search_fails_the_batch(tmp_path: Path) -> None:
    """
    No question is blamed for a disk that is full by then.
    """
    with JournalBench(tmp_path / "journal.db", make=FallingWriter) as bench:
        answers = one_batch(bench, {239}, 240)

        assert {"the journal could not write: SQLITE_FULL"} == {str(one) for one in answers}
        with bench.reader() as reader:
            assert 0 == reader.last_sequence()


class DyingWriter(CountingWriter):
    """Its disk fails once rows are written one by one."""

    def _commit(
        self, medium: sqlite3.Connection, questions: Sequence[JournalQuestion]
    ) -> list[Any]:
        if len(questions) == 1:
            raise self.failure()
        return super()._commit(medium, questions)

    @staticmethod
    def failure() -> sqlite3.Error:
        """What SQLite says of a sync that failed."""
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        return error


def test_medium_that_dies_amid_single_rows_is_asked_no_more(tmp_path: Path) -> None:
    """
    Whoever comes behind the row at which it died is answered too, and the writer has ended.
    """
    faulty = {3 * at for at in range(FAULTS_MAX + 1)}
    with JournalBench(tmp_path / "journal.db", make=DyingWriter) as bench:
        answers = one_batch(bench, faulty, 40)
        told = [str(one) for place, one in enumerate(answers) if place not in faulty]

        assert bench.writer.has_failed
        assert "the journal could not write: SQLITE_IOERR_FSYNC" == told[0]
        assert {"the journal's writer has ended"} == set(told[1:])


def test_file_to_which_nothing_was_written_yet_can_be_proved(tmp_path: Path) -> None:
    """
    Without a WAL there is nothing to sync, and so nothing that failed.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.writer._path = tmp_path / "untouched.db"

        assert [None] == bench.send_all(ProveWriting())
        assert not bench.writer.has_failed
