"""The outbox as it is read: from its end, and from a file that does not answer."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from atm_switch.adapters import outbox_reader
from atm_switch.adapters.outbox_page import MarkTold
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.adapters.outbox_rows import event_from, written_body
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import Commit
from tests.doubles import journal_bench
from tests.doubles.event_kinds import SWITCH
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    NOON,
    JournalBench,
    ending_of,
    entry_of,
)

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


@pytest.mark.parametrize("cells", [3, 100])
def test_row_of_another_select_is_no_event(cells: int) -> None:
    """Columns too few or too many are a mistake that is seen, never an event with wrong names."""
    with pytest.raises(ValueError, match="argument"):
        event_from((1, 0, "audit", None, b"link", *range(cells)), SWITCH)


def test_event_whose_row_is_gone_is_passed_over() -> None:
    """It cannot be told any more; what stands behind it is."""
    cells = (None,) * 22

    for source in ("transaction", "refusal", "audit"):
        assert event_from((1, 0, source, None, None, *cells), SWITCH) is None


def test_empty_outbox_has_nothing_to_say(tmp_path: Path) -> None:
    """No first, no last, nothing that waits, and nobody heard: not an error."""
    with JournalBench(tmp_path / "journal.db") as bench:
        pass

    with OutboxReader(bench.path, SWITCH) as reader:
        assert (0, 0, 0, 0) == (
            reader.mark(), reader.last_sequence(), reader.backlog(), reader.last_row(),
        )  # fmt: skip
        assert (None, None) == (reader.oldest(), reader.oldest_untold())
        assert ((), 7) == (reader.since(7, ALL).events, reader.since(7, ALL).through)
        assert not reader.has_droppable()
        assert ([], 0) == reader.heard_since(0)
        assert [] == reader.active_terminals()


def test_all_told_nothing_is_the_oldest_untold(tmp_path: Path) -> None:
    """The backlog is empty then, whatever is still kept."""
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Commit(entry_of(1), ending_of(), None))
        with OutboxReader(bench.path, SWITCH) as reader:
            waiting = reader.backlog(), reader.oldest_untold() == reader.oldest()
            bench.ask(MarkTold(1))

            assert (1, True) == waiting
            assert (0, None) == (reader.backlog(), reader.oldest_untold())
            assert reader.oldest() is not None


def test_only_status_that_waits_and_is_not_the_newest_makes_room(tmp_path: Path) -> None:
    """What was told is purged by its age, and the newest number must not come again."""
    with JournalBench(tmp_path / "journal.db") as bench:
        found = []
        with OutboxReader(bench.path, SWITCH) as reader:
            for question in (
                Announce(EventKind.STATUS, "009", "ATM00001", {"state": "active"}),
                Commit(entry_of(1), ending_of(), None),
                MarkTold(1),
            ):
                bench.ask(question)
                found.append(reader.has_droppable())

    assert [False, True, False] == found


def test_who_was_heard_is_told_once_and_from_where_to_go_on(tmp_path: Path) -> None:
    """Each terminal with a proper request behind the row; then nobody until there is more."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(3):
            bench.ask(Commit(entry_of(number), ending_of(), None))
        bench.ask(Commit(entry_of(4), ending_of(outcome=Outcome.MAC_WRONG), None))
        with OutboxReader(bench.path, SWITCH) as reader:
            first, through = reader.heard_since(0)
            last, _ = reader.heard_since(through - 2)
            again = reader.heard_since(through)
            refused, _ = reader.heard_since(through - 1)

            assert reader.last_row() == through

    assert first == last != []
    assert 1 == len(first)
    assert ([], through) == again
    assert [] == refused


def test_many_rows_are_looked_through_a_stretch_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was away does not stop the loop with all it missed."""
    monkeypatch.setattr(outbox_reader, "ROWS_AT_ONCE", 2)
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(3):
            bench.ask(Commit(entry_of(number), ending_of(), None))
        with OutboxReader(bench.path, SWITCH) as reader:
            ways = [0]
            while ways[-1] < reader.last_row():
                ways.append(reader.heard_since(ways[-1])[1])

    assert [0, 2, 3] == ways


def test_terminals_heard_last_are_remembered_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as the watch has room for, whoever was heard longest ago first."""
    seconds = iter(range(100))
    monkeypatch.setattr(journal_bench, "clock", lambda: NOON + timedelta(seconds=next(seconds)))
    monkeypatch.setattr(outbox_reader, "TERMINALS_MAX", 2)
    with JournalBench(tmp_path / "journal.db") as bench:
        for name in ("ATM00001", "ATM00002", "ATM00003", "ATM00001"):
            bench.ask(Announce(EventKind.STATUS, "009", name, {"state": "active"}))

    with OutboxReader(bench.path, SWITCH) as reader:
        assert [("009", "ATM00003"), ("009", "ATM00001")] == reader.active_terminals()


def test_question_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """Nobody waits longer for what is told next than they said; a command's list is not hurried."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for token in [bench.send(Commit(entry_of(at), ending_of(), None)) for at in range(500)]:
            token.result(ANSWER_SECONDS_MAX)

    with OutboxReader(bench.path, SWITCH, seconds_max=-1.0) as hasty:
        assert 500 == len(hasty.tail(ALL))
        with pytest.raises(JournalUnavailable, match="SQLITE_INTERRUPT"):
            hasty.since(0, ALL)
    with OutboxReader(bench.path, SWITCH) as reader:
        assert 500 == len(reader.tail(ALL))


def test_body_is_kept_without_a_blank() -> None:
    """A row of the outbox is written beside every request: no byte in it says nothing."""
    assert '{"kind":"status","body":{"state":"active"}}' == written_body(
        {"kind": "status", "body": {"state": "active"}}
    )
