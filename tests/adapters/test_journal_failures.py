"""A full disk, a dying disk, a faulty row: what the journal's writer does about each."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from atm_switch.adapters.journal_writer import JournalWriter, is_fatal
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import Commit, Ending, ProveWriting, Reserve
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    Gate,
    JournalBench,
    Token,
    ending_of,
    entry_of,
    hold_writer,
)


class CrampedWriter(JournalWriter[Token]):
    """Writes to a disk that is full before long; ``more_room`` cures it."""

    def _open(self) -> sqlite3.Connection:
        self.connection = super()._open()
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        self.connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        return self.connection

    def more_room(self) -> None:
        """Lift the limit; to be called in the writer thread."""
        self.connection.execute("PRAGMA max_page_count = 100000")


class BrokenDiskConnection:
    """A connection whose COMMIT waits and fails in its sync, as a dying disk has it."""

    def __init__(self, connection: sqlite3.Connection, gate: Gate, sound_commits: int) -> None:
        """Stand before a real connection; the first so many commits succeed."""
        self._connection = connection
        self._gate = gate
        self._sound_commits = sound_commits

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """Pass all on but COMMIT."""
        if statement == "COMMIT":
            self._sound_commits -= 1
        if statement == "COMMIT" and self._sound_commits < 0:
            self._gate([])
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return self._connection.execute(statement, values)

    def close(self) -> None:
        """Close the real one."""
        self._connection.close()


class BrokenDiskWriter(JournalWriter[Token]):
    """Writes to a disk that fails to sync."""

    sound_commits = 0

    def _open(self) -> sqlite3.Connection:
        self.gate = Gate()
        broken = BrokenDiskConnection(super()._open(), self.gate, self.sound_commits)
        return cast("sqlite3.Connection", broken)


class SoonBrokenDiskWriter(BrokenDiskWriter):
    """Writes to a disk that syncs once."""

    sound_commits = 1


def test_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    """
    With no room every question of the batch is unavailable; with room again rows are
    written, none acknowledged before is lost, and the chain holds.
    """
    with JournalBench(tmp_path / "journal.db", make=CrampedWriter) as bench:
        acknowledged = 0
        while (answer := bench.ask(Commit(entry_of(1), ending_of(bytes(400)), None))) is None:
            acknowledged += 1
        bench.on_delivery = lambda _batch: cast("CrampedWriter", bench.writer).more_room()
        refused = bench.ask(Commit(entry_of(2), ending_of(bytes(40_000)), None))

        after = bench.ask(Commit(entry_of(3), ending_of(b"again"), None))

        assert isinstance(answer, JournalUnavailable)
        assert isinstance(refused, JournalUnavailable)
        assert "SQLITE_FULL" in str(refused)
        assert after is None
        with bench.reader() as reader:
            assert acknowledged + 1 == reader.last_sequence()
            assert reader.verify(bench.vault).is_sound


def test_full_disk_fails_the_whole_batch(tmp_path: Path) -> None:
    """
    Rows of one commit share its fate: none of them is there after it failed.
    """
    with JournalBench(tmp_path / "journal.db", make=CrampedWriter) as bench:
        gate = hold_writer(bench)
        tokens = [
            bench.send(Commit(entry_of(n), ending_of(bytes(1_000)), None)) for n in range(1, 101)
        ]

        gate.open.set()
        answers = [token.result(ANSWER_SECONDS_MAX) for token in tokens]

        assert all(isinstance(answer, JournalUnavailable) for answer in answers)
        with bench.reader() as reader:
            assert 1 == reader.last_sequence()


def test_faulty_row_fails_alone(tmp_path: Path) -> None:
    """
    A text that cannot be stored is refused without its text, and its neighbours in the
    same batch are written.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        gate = hold_writer(bench)
        faulty = ending_of()
        object.__setattr__(faulty, "reason", "secret \ud800")
        first = bench.send(Commit(entry_of(1), ending_of(), None))
        second = bench.send(Commit(entry_of(2), faulty, None))
        third = bench.send(Commit(entry_of(3), ending_of(), None))

        gate.open.set()

        assert first.result(ANSWER_SECONDS_MAX) is None
        assert "the journal could not write: UnicodeEncodeError" == str(
            second.result(ANSWER_SECONDS_MAX)
        )
        assert third.result(ANSWER_SECONDS_MAX) is None
        with bench.reader() as reader:
            assert 3 == reader.last_sequence()
            assert reader.verify(bench.vault).is_sound


def test_failed_sync_ends_the_writer(tmp_path: Path) -> None:
    """
    After a sync that failed nothing is tried again: all that waits and all that comes is
    unavailable.
    """
    with JournalBench(tmp_path / "journal.db", make=BrokenDiskWriter) as bench:
        gate = cast("BrokenDiskWriter", bench.writer).gate
        failing = bench.send(Reserve(entry_of(1), 3))
        assert gate.reached.wait(ANSWER_SECONDS_MAX)
        waiting = bench.send(Reserve(entry_of(2), 3))
        gate.open.set()

        assert isinstance(failing.result(ANSWER_SECONDS_MAX), JournalUnavailable)
        assert isinstance(waiting.result(ANSWER_SECONDS_MAX), JournalUnavailable)
        assert bench.writer.is_writing is False
        with pytest.raises(JournalUnavailable):
            bench.send(Reserve(entry_of(3), 3))


def test_failed_sync_ends_a_batch_taken_apart(tmp_path: Path) -> None:
    """
    Where a batch is written without a faulty row, a failed sync still ends the writer: the
    others are unavailable, tried once.
    """
    with JournalBench(tmp_path / "journal.db", make=SoonBrokenDiskWriter) as bench:
        held = hold_writer(bench)
        faulty = ending_of()
        object.__setattr__(faulty, "reason", "\ud800")
        tokens = [bench.send(Commit(entry_of(1), end, None)) for end in _around(faulty)]

        cast("SoonBrokenDiskWriter", bench.writer).gate.open.set()
        held.open.set()
        told = [str(token.result(ANSWER_SECONDS_MAX)) for token in tokens]

    assert [
        "the journal could not write: SQLITE_IOERR_FSYNC",
        "the journal could not write: UnicodeEncodeError",
        "the journal could not write: SQLITE_IOERR_FSYNC",
    ] == told


def _around(faulty: Ending) -> tuple[Ending, ...]:
    return ending_of(), faulty, ending_of()


def test_full_disk_is_not_fatal() -> None:
    """
    Only what leaves the disk's content unknown ends the writer.
    """
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    torn = sqlite3.DatabaseError("malformed")
    torn.sqlite_errorname = "SQLITE_CORRUPT"

    assert (False, True, False) == (is_fatal(full), is_fatal(torn), is_fatal(ValueError()))


@pytest.fixture
def proven(tmp_path: Path) -> Iterator[JournalBench]:
    """A journal in a file."""
    with JournalBench(tmp_path / "journal.db") as bench:
        yield bench


def test_proof_that_it_can_write_syncs_and_writes_nothing(
    proven: JournalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof alone syncs the WAL, which is as long as before; beside a row its commit does."""
    synced: list[str] = []

    def fdatasync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    proven.ask(Reserve(entry_of(1), 3))
    wal = proven.path.with_name(f"{proven.path.name}-wal")
    before = wal.stat().st_size, proven.path.stat().st_size
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    proven.ask(ProveWriting())
    alone, after = list(synced), (wal.stat().st_size, proven.path.stat().st_size)
    proven.send_all(ProveWriting(), Reserve(entry_of(2), 3))

    assert [str(wal)] == alone == synced
    assert before == after


def test_proof_whose_sync_fails_ends_the_writer(
    proven: JournalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a commit's does: what the disk holds is not known then."""

    def fdatasync(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    proven.ask(Reserve(entry_of(1), 3))
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    answer = proven.ask(ProveWriting())

    assert isinstance(answer, JournalUnavailable)
    assert proven.writer.has_failed


def test_proof_is_refused_where_another_holds_the_lock(
    proven: JournalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that cannot begin proves that none could write."""
    monkeypatch.setattr("atm_switch.adapters.schema.BUSY_SECONDS", 0.05)
    proven.reopen()
    with closing(sqlite3.connect(proven.path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        answer = proven.ask(ProveWriting())
        lock.execute("ROLLBACK")

    assert isinstance(answer, JournalUnavailable)
    assert proven.ask(ProveWriting()) is None
