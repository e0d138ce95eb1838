"""The outbox as it is read: from its end, and from a file that does not answer."""

import sqlite3
from pathlib import Path

import pytest

from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import Commit
from tests.doubles.event_kinds import SWITCH
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of

ALL = 10_000


def test_last_events_come_oldest_first(tmp_path: Path) -> None:
    """As many as asked for from the end, and no more than there are."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(4):
            bench.ask(Commit(entry_of(number), ending_of(), None))

    with OutboxReader(bench.path, SWITCH) as reader:
        assert [3, 4] == [one.sequence for one in reader.tail(2)]
        assert reader.since(0, ALL).events == reader.tail(ALL)


def test_file_that_does_not_answer_is_closed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose version cannot be read is unavailable, and is not held open."""
    held: list[OutboxReader] = []

    def silent(reader: OutboxReader, _sql: str) -> None:
        held.append(reader)
        raise JournalUnavailable("the disk does not answer")

    with JournalBench(tmp_path / "journal.db") as bench:
        pass
    monkeypatch.setattr(OutboxReader, "_select", silent)

    with pytest.raises(JournalUnavailable, match="does not answer"):
        OutboxReader(bench.path, SWITCH)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held[0]._connection.execute("SELECT 1")
