"""The outbox: an event beside every row, in its commit; read, marked, purged and bounded."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.outbox_page import DropStatus, MarkTold, PurgeTold
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.adapters.schema import migrate, migrations_of, open_writer
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.profile.shipped import spec_text
from atm_switch.switch.event import Announce, Event, EventKind, payload_of
from atm_switch.switch.ports import AUDIT_KINDS, AuditRecord, Commit, KeepRecord, Reserve
from tests.doubles.event_kinds import RECORDS, REFUSED_ROWS, SWITCH, announcements, questions
from tests.doubles.journal_bench import NOON, JournalBench, Token, ending_of, entry_of

SCHEMA = json.loads(spec_text("events/event-v1.schema.json"))
ALL = 10_000


def events_of(bench: JournalBench) -> list[Event]:
    """Every event in the outbox of a bench."""
    with OutboxReader(bench.path, SWITCH) as reader:
        return list(reader.since(0, ALL).events)


def status_of(terminal: str) -> Announce:
    """A terminal that is heard."""
    return Announce(EventKind.STATUS, "009", terminal, {"state": "active"})


class NeverCommitted:
    """A connection whose COMMIT fails as on a full disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Stand before a real connection."""
        self._connection = connection

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """Pass all on but COMMIT."""
        if statement == "COMMIT":
            error = sqlite3.OperationalError("disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error
        return self._connection.execute(statement, values)

    def close(self) -> None:
        """Close the real one."""
        self._connection.close()


class UncommittedWriter(JournalWriter[Token]):
    """Does all the work of a batch and cannot commit it."""

    def _open(self) -> Any:
        return NeverCommitted(super()._open())


def test_every_ending_and_record_is_an_event(tmp_path: Path) -> None:
    """
    A row that says how an inquiry ended and a record of the audit each have their event, in
    the order in which they were written; a request not answered yet has none.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        reserved = bench.reserve(Reserve(entry_of(1), 3))
        bench.ask(KeepRecord(AuditRecord("sign-on", "10.0.0.1:4001", "acquirer 009")))
        bench.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

    session, transaction = events_of(bench)

    assert (1, EventKind.SESSION, "009", "") == (
        session.sequence, session.kind, session.acquirer, session.terminal,
    )  # fmt: skip
    assert (2, EventKind.TRANSACTION, "009", "ATM00001") == (
        transaction.sequence, transaction.kind, transaction.acquirer, transaction.terminal,
    )  # fmt: skip
    assert "00" == transaction.body["de39"]
    assert NOON == transaction.at


def test_refused_rows_are_security_events_too(tmp_path: Path) -> None:
    """A replay, a wrong MAC and their like are told to those who listen for refusals."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for at, outcome in enumerate(REFUSED_ROWS):
            bench.ask(Commit(entry_of(at), ending_of(outcome=outcome), None))

    told = events_of(bench)

    security = [one.body["outcome"] for one in told if one.kind is EventKind.SECURITY]
    assert [one.value for one in REFUSED_ROWS] == security
    assert 2 * len(REFUSED_ROWS) == len({one.event_id for one in told})


def test_commit_that_fails_leaves_neither_row_nor_event(tmp_path: Path) -> None:
    """All of a batch is there or nothing of it: row, event and announcement."""
    with JournalBench(tmp_path / "journal.db") as bench:
        pass
    with JournalBench(bench.path, vault=bench.vault, make=UncommittedWriter) as broken:
        answers = [
            broken.ask(Commit(entry_of(1), ending_of(), None)),
            broken.ask(status_of("ATM00001")),
        ]

    with closing(sqlite3.connect(bench.path)) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - constants
            for table in ("journal_rows", "outbox", "terminal_status")
        ]
    assert all(isinstance(one, JournalUnavailable) for one in answers)
    assert [0, 0, 0] == counts


def test_every_kind_of_event_keeps_to_the_schema(tmp_path: Path) -> None:
    """Each kind and form there is, as it is published, is valid; and all kinds occur."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for question in questions():
            assert not isinstance(bench.ask(question), Exception)
    validator = jsonschema.Draft202012Validator(
        SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )

    payloads = [json.loads(payload_of(event, SWITCH)) for event in events_of(bench)]

    assert [] == [error.message for told in payloads for error in validator.iter_errors(told)]
    assert {kind.value for kind in EventKind} == {told["kind"] for told in payloads}
    assert set(AUDIT_KINDS) == {one.kind for one in RECORDS}


def test_schema_refuses_what_nobody_said(tmp_path: Path) -> None:
    """A field more, a whole card or another kind's body is not valid."""
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Commit(entry_of(1), ending_of(), None))
    validator = jsonschema.Draft202012Validator(SCHEMA)
    (event,) = events_of(bench)
    told = json.loads(payload_of(event, SWITCH))

    spoilt = [
        {**told, "balance": 1},
        {**told, "session": {"what": "", "peer": "", "subject": "", "reason": ""}},
        {**told, "transaction": {**told["transaction"], "name": "BUDI"}},
        {**told, "transaction": {**told["transaction"], "card": "9990090000000012"}},
        {**told, "transaction": {**told["transaction"], "kpj": "12345678901"}},
        {**told, "kind": "session"},
        {key: value for key, value in told.items() if key != "event_id"},
    ]

    assert validator.is_valid(told)
    assert [] == [one for one in spoilt if validator.is_valid(one)]


def test_event_says_the_same_whenever_it_is_read(tmp_path: Path) -> None:
    """The same id and the same bytes after a reopening: whoever has seen it can drop it."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for question in questions():
            bench.ask(question)
        before = [payload_of(one, SWITCH) for one in events_of(bench)]
        bench.reopen()

    after = [payload_of(one, SWITCH) for one in events_of(bench)]

    assert before == after
    assert len(before) == len({one.event_id for one in events_of(bench)})


def test_purge_takes_old_events_that_were_told(tmp_path: Path) -> None:
    """So many at once; none that waits, and never the newest, whose number would come again."""
    later = to_microseconds(NOON) + 1
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(10):
            bench.ask(Commit(entry_of(number), ending_of(), None))
        assert 0 == bench.ask(PurgeTold(later, 100))
        bench.ask(MarkTold(6))
        assert 0 == bench.ask(PurgeTold(later - 1, 100))
        assert 4 == bench.ask(PurgeTold(later, 4))
        assert 2 == bench.ask(PurgeTold(later, 100))
        bench.ask(MarkTold(10))
        assert 3 == bench.ask(PurgeTold(later, 100))
        bench.ask(Commit(entry_of(11), ending_of(), None))

    assert [10, 11] == [one.sequence for one in events_of(bench)]


def test_without_broker_old_events_go_untold(tmp_path: Path) -> None:
    """Nobody waits for them, and the file must not grow for ever."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(5):
            bench.ask(Commit(entry_of(number), ending_of(), None))

        assert 4 == bench.ask(PurgeTold(to_microseconds(NOON) + 1, 100, is_unheard=True))

    with OutboxReader(bench.path, SWITCH) as reader:
        assert 1 == reader.backlog()


def test_mark_never_goes_back(tmp_path: Path) -> None:
    """A mark that comes late does not have events told again."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(3):
            bench.ask(Commit(entry_of(number), ending_of(), None))
        bench.ask(MarkTold(2))
        bench.ask(MarkTold(1))

    with OutboxReader(bench.path, SWITCH) as reader:
        assert (2, 1, NOON) == (reader.mark(), reader.backlog(), reader.oldest_untold())


def test_full_outbox_drops_status_and_nothing_else(tmp_path: Path) -> None:
    """The oldest status events go, as many as asked; transactions stay whatever happens."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(4):
            bench.ask(status_of(f"ATM{number:05d}"))
            bench.ask(Commit(entry_of(number), ending_of(), None))
        assert 2 == bench.ask(DropStatus(2))
        left = [one.terminal for one in events_of(bench) if one.kind is EventKind.STATUS]
        assert 2 == bench.ask(DropStatus(100))
        assert 0 == bench.ask(DropStatus(100))

    assert ["ATM00002", "ATM00003"] == left
    assert [EventKind.TRANSACTION] * 4 == [one.kind for one in events_of(bench)]


def test_active_terminals_survive_a_restart(tmp_path: Path) -> None:
    """Who was last said to be active is known to the next start; who was silent is not."""
    silent = Announce(EventKind.STATUS, "009", "ATM00002", {"state": "silent"})
    with JournalBench(tmp_path / "journal.db") as bench:
        for told in (status_of("ATM00001"), status_of("ATM00002"), silent):
            bench.ask(told)
        bench.reopen()

    with OutboxReader(bench.path, SWITCH) as reader:
        assert [("009", "ATM00001")] == reader.active_terminals()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE outbox SET at = 1", "DELETE FROM outbox WHERE seq = 2"],
    ids=["change", "delete the newest"],
)
def test_schema_refuses_to_change_events(tmp_path: Path, statement: str) -> None:
    """Plain SQL can neither change an event nor have its number given again."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in (1, 2):
            bench.ask(Commit(entry_of(number), ending_of(), None))

    with (
        closing(sqlite3.connect(bench.path)) as connection,
        pytest.raises(sqlite3.IntegrityError),
    ):
        connection.execute(statement)


def test_file_of_a_release_without_outbox_opens(tmp_path: Path) -> None:
    """
    It gets one when it is brought up to date; rows from before are no events, those after are.  A
    reader says so until then.
    """
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, migrations_of("journal")[:2], path.name)
    with pytest.raises(Refused, match="no events"):
        OutboxReader(path, SWITCH)
    open_writer(path, "journal", migrates=True).close()

    with JournalBench(path) as bench:
        bench.ask(Commit(entry_of(1), ending_of(), None))

    assert [1] == [one.sequence for one in events_of(bench)]


def test_announcements_come_in_all_their_forms() -> None:
    """What the schema is tested with holds each form the fleet's watch has."""
    forms = [(one.kind.value, str(one.body.get("state", ""))) for one in announcements()]

    assert [
        ("status", "active"), ("overload", "began"), ("security", ""), ("security", ""),
        ("session", ""), ("overload", "ended"), ("status", "silent"),
    ] == forms  # fmt: skip
