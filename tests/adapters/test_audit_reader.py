"""The audit's reader: the last rows, the rows since, and nothing it cannot vouch for."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.audit_rows import AuditRow
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.switch.ports import KeepRecord
from tests.doubles.audit_bench import record_of
from tests.doubles.journal_bench import ANSWER_SECONDS_MAX, JournalBench


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a file of ten records."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(1, 11):
            bench.ask(KeepRecord(record_of(number)))
    return bench.path


def seqs(rows: tuple[AuditRow, ...]) -> list[int]:
    """Return the rows' sequences."""
    return [row.seq for row in rows]


def test_tail_gives_last_rows_in_order(path: Path) -> None:
    """
    The last so many rows, oldest first; all there are where more are asked for.
    """
    with AuditReader(path) as reader:
        assert [8, 9, 10] == seqs(reader.tail(3))
        assert list(range(1, 11)) == seqs(reader.tail(100))
        assert [] == seqs(reader.tail(0))


def test_lists_are_not_hurried(tmp_path: Path) -> None:
    """A reader with no time at all lists to the end: somebody waits for it at a command."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for kept in [bench.send(KeepRecord(record_of(number))) for number in range(2_500)]:
            kept.result(ANSWER_SECONDS_MAX)

    with AuditReader(bench.path, seconds_max=-1.0) as hasty:
        assert 2_500 == len(hasty.tail(2_500)) == len(hasty.since(0, 2_500))


def test_since_gives_rows_behind_a_sequence(path: Path) -> None:
    """
    What came after a sequence, oldest first, at most as many as asked for.
    """
    with AuditReader(path) as reader:
        assert [9, 10] == seqs(reader.since(8))
        assert [1, 2, 3, 4] == seqs(reader.since(0, 4))
        assert [] == seqs(reader.since(10))


def test_last_sequence_counts_the_rows(path: Path, tmp_path: Path) -> None:
    """
    The last sequence is that of the last row, and 0 in an audit without rows.
    """
    with JournalBench(tmp_path / "empty.db"):
        pass

    with AuditReader(path) as reader, AuditReader(tmp_path / "empty.db") as empty:
        assert (10, 0) == (reader.last_sequence(), empty.last_sequence())


def test_reader_sees_rows_as_they_come(path: Path) -> None:
    """
    An open reader sees what is committed after it was opened.
    """
    with JournalBench(path.with_name("other.db")) as bench, AuditReader(bench.path) as reader:
        before = reader.last_sequence()

        bench.ask(KeepRecord(record_of(1)))

        assert (0, [1]) == (before, seqs(reader.since(0)))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """
    A folder without a journal has no audit to read.
    """
    with pytest.raises(Refused):
        AuditReader(tmp_path / "none.db")


def test_file_that_does_not_answer_is_closed_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A file whose version cannot be read is unavailable, and is not held open.
    """
    held: list[AuditReader] = []

    def silent(reader: AuditReader, _sql: str) -> None:
        held.append(reader)
        raise JournalUnavailable("the disk does not answer")

    monkeypatch.setattr(AuditReader, "_select", silent)

    with pytest.raises(JournalUnavailable, match="does not answer"):
        AuditReader(path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held[0]._connection.execute("SELECT 1")


def test_foreign_types_are_unavailable(path: Path) -> None:
    """
    A table remade without types is told to be unreadable, not shown and not a crash.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE audit_rows RENAME TO gone")
        connection.execute("CREATE TABLE audit_rows AS SELECT * FROM gone")
        connection.execute("UPDATE audit_rows SET at = 'noon' WHERE seq = 3")
        connection.commit()

    with (
        AuditReader(path) as reader,
        pytest.raises(JournalUnavailable, match=r"^the audit cannot be read: see audit verify$"),
    ):
        reader.since(0)


def test_time_of_no_calendar_is_none() -> None:
    """
    A row whose time was tampered with can still be shown.
    """
    row = AuditRow(1, 2**62, "stop", "switch", "bank", "")

    assert row.time is None
