"""Batches of many rows: whole, in order, chained, and their events in the same order."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.adapters.schema import open_reader
from atm_switch.switch.event import EventKind
from atm_switch.switch.ports import AuditRecord, Commit, KeepRecord, Reserve
from tests.doubles.event_kinds import SWITCH
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    JournalBench,
    ending_of,
    entry_of,
    hold_writer,
)

if TYPE_CHECKING:
    from atm_switch.adapters.journal_batch import JournalQuestion

RECORD = KeepRecord(AuditRecord("sign-on", "127.0.0.1:1", "acquirer 009"))


@pytest.mark.parametrize("count", [1, 3, 4, 5, 16, 21, 64, 85, 150])
def test_batch_of_any_size_is_whole(tmp_path: Path, count: int) -> None:
    """Every row is there, behind the one before, and the chain holds."""
    with JournalBench(tmp_path / "journal.db") as bench:
        gate = hold_writer(bench)
        asked = [bench.send(Commit(entry_of(at), ending_of(), None)) for at in range(1, count + 1)]
        gate.open.set()
        answers = [token.result(ANSWER_SECONDS_MAX) for token in asked]
        with bench.reader() as reader:
            rows, verification = reader.tail(1_000), reader.verify(bench.vault)

    assert [None] * count == answers
    assert [1, count] == [len(batch) for batch in bench.batches]
    assert [f"{at:06d}" for at in range(count + 1)] == [row.stan for row in rows]
    assert [] == list(verification.findings)


def test_events_stand_in_the_order_of_the_questions(tmp_path: Path) -> None:
    """An audit record between transactions of one batch is told between them."""
    asked: list[JournalQuestion] = [
        Commit(entry_of(1), ending_of(), None), RECORD, Reserve(entry_of(2), 3),
        Commit(entry_of(3), ending_of(), None), Commit(entry_of(4), ending_of(), None), RECORD,
    ]  # fmt: skip
    with JournalBench(tmp_path / "journal.db") as bench:
        gate = hold_writer(bench)
        tokens = [bench.send(question) for question in asked]
        gate.open.set()
        for token in tokens:
            token.result(ANSWER_SECONDS_MAX)
        with OutboxReader(bench.path, SWITCH) as reader:
            kinds = [event.kind for event in reader.since(0, 100).events]

    transaction, session = EventKind.TRANSACTION, EventKind.SESSION
    assert [transaction, transaction, session, transaction, transaction, session] == kinds


def test_row_at_fault_does_not_take_its_batch_along(tmp_path: Path) -> None:
    """An A that ended before is refused by the schema; the rows around it are written."""
    with JournalBench(tmp_path / "journal.db") as bench:
        reserved = bench.reserve(Reserve(entry_of(1), 3))
        bench.ask(Commit(entry_of(1), ending_of(), reserved.sequence))
        gate = hold_writer(bench)
        asked = [
            bench.send(Commit(entry_of(at), ending_of(), reserved.sequence if at == 5 else None))
            for at in range(2, 10)
        ]
        gate.open.set()
        answers = [token.result(ANSWER_SECONDS_MAX) for token in asked]
    with closing(open_reader(bench.path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM journal_rows").fetchone()

    assert [at != 3 for at in range(8)] == [answer is None for answer in answers]
    assert 2 + 1 + 7 == count
