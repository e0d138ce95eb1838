"""Batches of two nodes that change the same rows: in one order, and once more after a deadlock."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta

import pytest

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.outbox_page import DropStatus, PurgeTold
from atm_switch.adapters.postgres_journal import DEADLOCKS_MAX
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.domain.errors import JournalRefusesRow
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import Commit, KeepBusinessDate, KeepCommand, Reserve
from atm_switch.switch.untold import LATE, ToldAgain, Untold
from tests.doubles.journal_bench import ANSWER_SECONDS_MAX, NOON, ending_of, entry_of, key_of
from tests.doubles.postgres_journal import PostgresJournalBench

BANKS = tuple(AcquirerId(name) for name in ("008", "009"))


@pytest.fixture
def one(url: str) -> Iterator[PostgresJournalBench]:
    """Start the first node: two answers, their notes, two dates, terminals and commands."""
    with PostgresJournalBench(url) as bench:
        bench.send_all(*(Commit(entry_of(at), ending_of(), None) for at in (1, 2)))
        bench.send_all(*(Untold(key_of(at), NOON, LATE) for at in (1, 2)))
        bench.send_all(*_dates(30), *_statuses("active"), *_commands())
        yield bench


@pytest.fixture
def two(one: PostgresJournalBench, url: str) -> Iterator[PostgresJournalBench]:
    """Start the second node, with the same keys."""
    with PostgresJournalBench(url, "two", one.vault) as bench:
        yield bench


def _dates(day: int) -> list[JournalQuestion]:
    return [KeepBusinessDate(bank, date(2026, 6, day)) for bank in BANKS]


def _statuses(state: str) -> list[JournalQuestion]:
    return [
        Announce(EventKind.STATUS, "009", terminal, {"state": state})
        for terminal in ("ATM00001", "ATM00002")
    ]


def _commands() -> list[JournalQuestion]:
    until = NOON + timedelta(minutes=30)
    return [KeepCommand(BANKS[0], f"|0630050000|00000{at}|162", until) for at in (1, 2)]


@pytest.mark.parametrize(
    ("table", "column", "questions"),
    [
        ("untold", "rrn", [ToldAgain(key_of(1)), ToldAgain(key_of(2))]),
        ("business_dates", "acquirer", _dates(29)),
        ("terminal_status", "terminal", _statuses("silent")),
        ("commands", "identity", _commands()),
    ],
)
def test_rows_changed_in_opposite_order_are_locked_in_one(
    one: PostgresJournalBench, two: PostgresJournalBench, url: str, table: str, column: str,
    questions: list[JournalQuestion], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Both batches wait for a row, let go one by one: neither comes to have what the other wants.

    Each in the order of its questions, the first would have the one row and the second the other.
    """
    monkeypatch.setattr("atm_switch.adapters.postgres_journal.DEADLOCKS_MAX", 0)
    with (
        ThreadPoolExecutor(2) as pool,
        closing(PostgresSession(url, "a test")) as first,
        closing(PostgresSession(url, "a test")) as second,
        closing(PostgresSession(url, "a test")) as watch,
    ):
        rows = watch.rows(f"SELECT {column} FROM {table} ORDER BY 1")  # noqa: S608 - names of ours
        for session, (name,) in zip((first, second), rows, strict=True):
            session.run("BEGIN")
            session.rows(f"SELECT 1 FROM {table} WHERE {column} = $1 FOR UPDATE", name)  # noqa: S608
        there = pool.submit(one.send_all, *questions)
        back = pool.submit(two.send_all, *reversed(questions))
        for session in (first, second):
            _wait_until_two_wait(watch)
            session.run("COMMIT")
        answers = there.result() + back.result()

    assert {None, False} >= set(answers)


@pytest.mark.parametrize(
    "question",
    [PurgeTold(to_microseconds(NOON + timedelta(days=1)), 10, is_unheard=True), DropStatus(10)],
)
def test_events_another_node_deletes_are_not_waited_for(
    one: PostgresJournalBench, url: str, question: JournalQuestion
) -> None:
    """Two nodes purge at once: each takes what the other has not, and neither waits."""
    with closing(PostgresSession(url, "a test")) as session:
        session.run("BEGIN")
        rows = "SELECT id FROM outbox WHERE source = 'status' ORDER BY id"
        theirs = session.rows(f"{rows} LIMIT 1 FOR UPDATE")
        gone = one.ask(question)
        session.run("COMMIT")
        left = session.rows(rows)

    assert gone >= 1
    assert theirs == left


def test_trial_that_a_deadlock_ended_is_made_once_more(one: PostgresJournalBench, url: str) -> None:
    """Where a fault is looked for, too: the rows beside it are written."""
    reserved = one.reserve(Reserve(entry_of(1000), 3))
    one.ask(Commit(entry_of(1000), ending_of(), reserved.sequence))
    with closing(PostgresSession(url, "a test")) as session:
        for statement in (_COUNT, _VICTIM.format(attempts=[2, 3]), _ENDS.format(when="BEFORE")):
            session.run(statement)

    answers = one.send_all(
        *(Commit(entry_of(at), ending_of(), reserved.sequence if at == 5 else None)
          for at in (3, 4, 5))
    )  # fmt: skip

    assert [None, None] == answers[:2]
    assert isinstance(answers[2], JournalRefusesRow)


@pytest.mark.parametrize(("deadlocks", "is_written"), [(DEADLOCKS_MAX, True), (3, False)])
def test_batch_that_a_deadlock_ended_is_written_once_more(
    one: PostgresJournalBench, url: str, deadlocks: int, *, is_written: bool
) -> None:
    """Whole, and nothing twice; one that is ended ever again has failed, and the next is tried."""
    with closing(PostgresSession(url, "a test")) as session:
        attempts = list(range(1, deadlocks + 1))
        victim, ends = _VICTIM.format(attempts=attempts), _ENDS.format(when="AFTER")
        for statement in (_COUNT, victim, ends):
            session.run(statement)
    questions = [Commit(entry_of(at), ending_of(), None) for at in (3, 4)]

    answers = one.send_all(*questions)

    assert [is_written] * 2 == [answer is None for answer in answers]
    assert one.ask(Commit(entry_of(5), ending_of(), None)) is None
    with closing(PostgresSession(url, "a test")) as session:
        rows = session.rows("SELECT seq, stan FROM journal_rows WHERE seq > 2 ORDER BY seq")
    stans = ["000003", "000004", "000005"] if is_written else ["000005"]
    assert list(enumerate(stans, 3)) == rows


_COUNT = "CREATE SEQUENCE attempts"  # which no rollback turns back
_VICTIM = (
    "CREATE FUNCTION victim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF nextval('attempts') = ANY (ARRAY{attempts}) THEN"
    " RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END IF; RETURN NULL; END $$"
)
_ENDS = (
    "CREATE TRIGGER ends {when} INSERT ON journal_rows FOR EACH STATEMENT EXECUTE FUNCTION victim()"
)


def _wait_until_two_wait(watch: PostgresSession) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    waiting = (
        "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )
    while [(2,)] != watch.rows(waiting):
        assert time.monotonic() < deadline
