"""What a batch writes into the outbox beside the rows: who is heard, and what else there is."""

from pathlib import Path

from atm_switch.adapters.outbox_page import DropStatus
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.switch.event import SWITCH, Announce, Event, EventKind
from tests.doubles.journal_bench import NOON, JournalBench


def status_of(terminal: str) -> Announce:
    """A terminal that is heard."""
    return Announce(EventKind.STATUS, "009", terminal, {"state": "active"})


def read(bench: JournalBench) -> tuple[Event, ...]:
    """Every event in the outbox."""
    with OutboxReader(bench.path, SWITCH) as reader:
        return reader.since(0, 100).events


def test_announcement_that_is_no_status_stays_and_is_no_terminal(tmp_path: Path) -> None:
    """An overload is told however full the outbox is, and nobody is missed for it."""
    overload = Announce(EventKind.OVERLOAD, "switch", "bank-1", {"state": "began"})
    with JournalBench(tmp_path / "journal.db") as bench:
        for told in (overload, status_of("ATM00001"), overload):
            bench.ask(told)
        assert 1 == bench.ask(DropStatus(100))

    kept = read(bench)

    assert [("switch", "bank-1", {"state": "began"})] * 2 == [
        (one.acquirer, one.terminal, one.body) for one in kept
    ]
    assert {32} == {len(one.event_id) for one in kept}
    assert NOON == kept[0].at
    with OutboxReader(bench.path, SWITCH) as reader:
        assert [("009", "ATM00001")] == reader.active_terminals()
