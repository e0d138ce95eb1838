"""Heads are settled once, floors are read as they are, and tries follow a card to its new key."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.journal_batch import Unblock
from atm_switch.adapters.journal_chain import BEGINNING, AuditChain, JournalChain
from atm_switch.adapters.journal_heads import HeadTable, read_head, settle_heads
from atm_switch.adapters.journal_purge import read_floor
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.schema import migrate, migrations_of
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.switch.ports import Commit, Reserve, StoredResponse, TakeNumbers
from tests.doubles.journal_bench import (
    NOON,
    JournalBench,
    Token,
    card_of,
    ending_of,
    entry_of,
    fresh_vault,
    hold_writer,
)


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal's file, of the newest schema."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, migrations_of("journal"), path.name)
        yield connection


class Overtaken:
    """A connection before whose first transaction another process does the same work."""

    def __init__(self, connection: sqlite3.Connection, other: Any) -> None:
        """``other`` is called once."""
        self._connection, self._other = connection, other

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """Pass all on; let the other one go first."""
        if statement.startswith("BEGIN") and self._other is not None:
            other, self._other = self._other, None
            other()
        return self._connection.execute(statement, values)


def test_two_processes_begin_an_audit_once(tmp_path: Path) -> None:
    """Whoever comes second finds it begun, and writes no second beginning over the first."""
    path, vault = tmp_path / "journal.db", fresh_vault()
    journal, audit = JournalChain(vault), AuditChain(vault)
    begun: list[Any] = []
    with database(path) as first, database(path) as second:

        def go_before() -> None:
            settle_heads(second, journal, audit)
            begun.append(read_head(second, HeadTable.AUDIT))

        settle_heads(Overtaken(first, go_before), journal, audit)  # type: ignore[arg-type]

        assert [read_head(first, HeadTable.AUDIT)] == begun
        assert begun[0][0] == BEGINNING


def test_journal_whose_floor_was_taken_out_begins_at_its_beginning(tmp_path: Path) -> None:
    """Then the first row's sequence tells; so does a schema that had no floor."""
    chain = JournalChain(fresh_vault())
    with database(tmp_path / "journal.db") as connection:
        connection.execute("DELETE FROM journal_floor")
        taken_out = read_floor(connection, chain)
    with closing(sqlite3.connect(":memory:")) as connection:
        older = read_floor(connection, chain)

    assert BEGINNING == taken_out == older


def test_tries_follow_a_card_to_its_new_key(tmp_path: Path) -> None:
    """Counted once, whichever request comes first; a card without tries has nothing to carry."""
    old, other, new = card_of(1), card_of(2), card_of(3)
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.reserve(Reserve(entry_of(1, old), 3))
        first = bench.reserve(Reserve(entry_of(2, new), 3, (other, old)))
        again = bench.reserve(Reserve(entry_of(3, new), 3, (other, old)))
        none_left = bench.reserve(Reserve(entry_of(4, new), 3, (other, old)))
        under_the_old = bench.reserve(Reserve(entry_of(5, old), 3))

    assert [(2, True), (3, True), (3, False)] == [
        (one.tries, one.granted) for one in (first, again, none_left)
    ]
    assert not under_the_old.granted


def test_unblocking_clears_what_a_card_used_under_its_old_key(tmp_path: Path) -> None:
    """And says how many there were."""
    old, new = card_of(1), card_of(3)
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in (1, 2):
            bench.reserve(Reserve(entry_of(number, old), 3))
        cleared = bench.ask(Unblock(new, "root", "999009******0012", (old, new)))
        after = bench.reserve(Reserve(entry_of(3, new), 3, (old,)))

    assert 2 == cleared
    assert (1, True) == (after.tries, after.granted)


class SharedWriter(JournalWriter[Token]):
    """A writer for several workers."""

    def __init__(self, *options: Any) -> None:
        """As any, shared."""
        super().__init__(*options, is_shared=True)


def test_second_answer_to_one_request_is_the_first(tmp_path: Path) -> None:
    """Two workers that answered the same request: both send what was written first."""
    since = NOON - timedelta(hours=1)
    with JournalBench(tmp_path / "journal.db", make=SharedWriter) as bench:
        first = bench.ask(Commit(entry_of(1), ending_of(b"0210 the first"), None, since))
        second = bench.ask(Commit(entry_of(1), ending_of(b"0210 the second"), None, since))
        other = bench.ask(Commit(entry_of(2), ending_of(b"0210 another"), None, since))
        with bench.reader() as reader:
            rows = reader.tail(10)

    assert first is other is None
    assert isinstance(second, StoredResponse)
    assert b"0210 the first" == second.payload
    assert ["000001", "000002"] == [row.stan for row in rows]


def test_blocks_of_numbers_are_given_once(tmp_path: Path) -> None:
    """Also across a restart."""
    with JournalBench(tmp_path / "journal.db") as bench:
        taken = [bench.ask(TakeNumbers()) for _ in range(2)]
        bench.reopen()
        taken.append(bench.ask(TakeNumbers()))

    assert sorted(set(taken)) == taken


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_writer_that_breaks_says_so_and_takes_nothing_more(tmp_path: Path) -> None:
    """Whoever delivers must not raise; where it does, nobody waits for a dead thread."""

    def broken(_batch: object) -> None:
        raise LookupError("a mistake of ours")

    with JournalBench(tmp_path / "journal.db") as bench:
        bench.on_delivery = broken
        bench.send(Commit(entry_of(1), ending_of(), None))
        assert bench.writer._thread is not None
        bench.writer._thread.join(30)

        assert bench.writer.has_failed
        with pytest.raises(JournalUnavailable, match="not running"):
            bench.writer.submit(Commit(entry_of(2), ending_of(), None), replace)  # type: ignore[arg-type]


def test_writer_that_cannot_take_more_says_why(tmp_path: Path) -> None:
    """Full, or not running: the words of the log and of ``status``."""
    with JournalBench(tmp_path / "journal.db", queue_max=1) as bench:
        gate = hold_writer(bench)
        bench.send(TakeNumbers())
        with pytest.raises(JournalUnavailable) as full:
            bench.send(TakeNumbers())
        gate.open.set()
        assert bench.writer.has_failed is False
        assert bench.writer._thread is not None
        name = bench.writer._thread.name
    with pytest.raises(JournalUnavailable) as ended:
        bench.send(TakeNumbers())

    assert "too many rows wait for the journal" == str(full.value)
    assert "the journal's writer is not running" == str(ended.value)
    assert "journal-writer" == name


def test_journal_of_other_keys_says_what_to_do(tmp_path: Path) -> None:
    """A writer behind a head that is not its own would make the chain worthless."""
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Commit(entry_of(1), ending_of(), None))

    with (
        pytest.raises(Refused, match=r"^the journal was written with other keys, or its head was"),
        JournalBench(tmp_path / "journal.db"),
    ):
        pass


def test_journal_without_a_row_is_sound(tmp_path: Path) -> None:
    """It begins at its beginning, also where no writer has opened it yet."""
    path, vault = tmp_path / "journal.db", fresh_vault()
    with database(path), JournalReader(path) as reader:
        verified = reader.verify(vault)

    assert (0, BEGINNING, ()) == (verified.rows, verified.head, verified.findings)
