"""The outbox of several nodes: one tells, in the order of commits, and another takes over."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from atm_switch.adapters.outbox_page import DropStatus, MarkTold, PurgeTold
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.shared_events import SharedEvents
from atm_switch.adapters.shared_outbox import SharedOutbox
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.event import SWITCH, Announce, EventKind
from atm_switch.switch.ports import AuditRecord, Commit, KeepRecord
from tests.doubles.event_kinds import RECORDS
from tests.doubles.journal_bench import ending_of, entry_of
from tests.doubles.postgres_journal import PostgresJournalBench, until_quiet

STATUS = Announce(EventKind.STATUS, "009", "ATM00001", {"state": "active"})
RECORD = KeepRecord(AuditRecord("sign-on", "127.0.0.1:1", "acquirer 009"))


@pytest.fixture
def one(url: str) -> Iterator[PostgresJournalBench]:
    """Start the first node."""
    with PostgresJournalBench(url) as bench:
        yield bench


@pytest.fixture
def two(one: PostgresJournalBench, url: str) -> Iterator[PostgresJournalBench]:
    """Start the second."""
    with PostgresJournalBench(url, "two", one.vault) as bench:
        yield bench


def answered(number: int) -> Commit:
    """An inquiry that was answered."""
    return Commit(entry_of(number), ending_of(), None)


def test_events_of_all_nodes_stand_in_the_order_of_commits(
    one: PostgresJournalBench, two: PostgresJournalBench, url: str
) -> None:
    """Answered here and there in turn, events are told in that order, numbered without a gap."""
    for number in range(1, 21):
        (one, two)[number % 2].ask(answered(number))

    with closing(SharedOutbox(url, "switch")) as outbox:
        until_quiet(url)
        told = outbox.since(0, 100)

    assert [f"{number:06d}" for number in range(1, 21)] == [
        event.body["stan"] for event in told.events
    ]
    assert list(range(1, 21)) == [event.sequence for event in told.events]
    assert 20 == told.through
    assert 20 == len({event.event_id for event in told.events})


def test_event_under_way_holds_back_those_behind_it(one: PostgresJournalBench, url: str) -> None:
    """A transaction that began first and ends last is told first, not skipped."""
    with closing(PostgresSession(url, "a test")) as slow:
        slow.run("BEGIN")
        slow.rows("INSERT INTO outbox (at, source, node, body) VALUES (1, 'notice', 'x', $1)", BODY)
        one.ask(answered(2))
        with closing(SharedOutbox(url, "switch")) as outbox:
            early = outbox.since(0, 10).events
            slow.run("COMMIT")
            until_quiet(url)
            late = outbox.since(0, 10).events

    assert () == early
    assert ["first", "000002"] == [late[0].body["what"], late[1].body["stan"]]


BODY = (
    '{"event_id": "00", "kind": "operation", "acquirer": "switch", "terminal": "",'
    ' "body": {"what": "first"}}'
)


def test_one_tells_and_another_takes_over(one: PostgresJournalBench, url: str) -> None:
    """While one is elected the other is told so; when it is gone the other goes on at the mark."""
    for number in range(1, 4):
        one.ask(answered(number))
    first, second = SharedOutbox(url, "switch"), SharedOutbox(url, "switch")
    with closing(second):
        until_quiet(url)
        assert 3 == first.since(0, 10).through
        one.ask(MarkTold(2))
        with pytest.raises(JournalUnavailable, match="another switch tells"):
            second.mark()
        first.close()

        assert 2 == second.mark()
        until_quiet(url)
        assert [3] == [event.sequence for event in second.since(2, 10).events]
        assert 1 == second.waiting()


def test_kinds_within_a_batch_keep_their_order(one: PostgresJournalBench, url: str) -> None:
    """An audit record, a status and transactions of one batch are told as they were asked."""
    one.send_all(answered(1), RECORD, answered(2), STATUS, answered(3), RECORD)

    with closing(SharedOutbox(url, "switch")) as outbox:
        until_quiet(url)
        kinds = [event.kind for event in outbox.since(0, 10).events]

    transaction, session, status = EventKind.TRANSACTION, EventKind.SESSION, EventKind.STATUS
    assert [transaction, session, transaction, status, transaction, session] == kinds


def test_record_of_a_key_is_told_of_its_bank(one: PostgresJournalBench, url: str) -> None:
    """As out of a file: a bank's by the bank in the key's name, and what is no bank's of none."""
    one.send_all(*map(KeepRecord, RECORDS))

    with closing(SharedOutbox(url, "switch")) as outbox:
        until_quiet(url)
        events = outbox.since(0, 100).events

    told = {str(event.body["subject"]): event.acquirer for event in events}
    assert {
        "mac 009": "009", "pin 009/S1ABC123": "009", "exchange 009": "009", "pin 009": "009",
        "acquirer 009": "009", "pvk 1": "", "card key": "", "connection turned away": "",
        "acquirer 014": SWITCH, "bank": SWITCH, "switch.toml": SWITCH,
    } == told  # fmt: skip


def test_told_events_are_purged_and_waiting_status_dropped(
    one: PostgresJournalBench, url: str
) -> None:
    """Only what was acknowledged goes with time; status events go first where room is wanted."""
    one.send_all(answered(1), answered(2), STATUS, STATUS)
    far = 4_000_000_000_000_000
    with closing(SharedOutbox(url, "switch")) as outbox:
        until_quiet(url)
        assert 1 == outbox.since(0, 1).through
        one.ask(MarkTold(1))
        purged = one.ask(PurgeTold(far, 100))
        one.ask(STATUS)
        dropped = one.ask(DropStatus(10))

        assert (1, 1) == (purged, dropped)
        until_quiet(url)
        assert [2, 3, 4] == [event.sequence for event in outbox.since(0, 10).events]


def test_operator_sees_events_told_or_not(one: PostgresJournalBench, url: str) -> None:
    """The last events in order, the state of the outbox, and whatever comes after."""
    one.send_all(answered(1), answered(2))
    with closing(SharedOutbox(url, "switch")) as outbox:
        until_quiet(url)
        outbox.since(0, 1)
    one.ask(MarkTold(1))
    one.ask(answered(3))

    with SharedEvents(url, "switch") as events:
        until_quiet(url)
        tail, end, state = events.tail(2), events.end(), events.state()
        one.ask(answered(4))
        until_quiet(url)
        new, behind = events.since(end, 10)
        until_quiet(url)
        none, still = events.since(behind, 10)

    assert ["000002", "000003"] == [event.body["stan"] for event in tail]
    assert [2, 0] == [event.sequence for event in tail]
    assert (2, 1, 2) == (state.newest, state.told, state.waiting)
    assert state.oldest_untold is not None
    assert ["000004"] == [event.body["stan"] for event in new]
    assert ((), behind) == (none, still)


def test_nobody_tells_who_was_not_elected(one: PostgresJournalBench, url: str) -> None:
    """
    Nor at the second attempt, where the schema had become one this program does not work with.
    """
    one.ask(answered(1))
    with closing(PostgresSession(url, "a test")) as session:
        session.run("UPDATE journal_version SET version = version + 1, works_from = version + 1")

    with closing(SharedOutbox(url, "bank-1")) as outbox:
        for _ in range(2):
            with pytest.raises(JournalUnavailable, match="the journal has schema"):
                outbox.since(0, 10)

    assert 0 == outbox.term
