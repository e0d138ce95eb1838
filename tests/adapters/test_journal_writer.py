"""The writer thread: groups commits, tells only the truth, survives a full disk."""

import sqlite3
import threading
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from atm_switch.adapters.journal_batch import SetBusinessDate, Unblock
from atm_switch.adapters.journal_writer import JournalWriter, is_fatal
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.switch.ports import Commit, FindRepeat, Reserve
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    Batch,
    JournalBench,
    Token,
    card_of,
    ending_of,
    entry_of,
    fresh_vault,
    key_of,
    since,
)


class TracedWriter(JournalWriter[Token]):
    """Keeps every statement that opens or closes a transaction."""

    def _open(self) -> sqlite3.Connection:
        connection = super()._open()
        self.commits = 0
        connection.set_trace_callback(self._trace)
        return connection

    def _trace(self, statement: str) -> None:
        self.commits += statement == "COMMIT"


class CrampedWriter(JournalWriter[Token]):
    """Writes to a disk that is full before long; ``more_room`` cures it."""

    def _open(self) -> sqlite3.Connection:
        self.connection = super()._open()
        self.connection.execute("PRAGMA max_page_count = 20")
        return self.connection

    def more_room(self) -> None:
        """Lift the limit; to be called in the writer thread."""
        self.connection.execute("PRAGMA max_page_count = 100000")


class BrokenDiskConnection:
    """A connection whose COMMIT fails in its sync, as a dying disk has it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Stand before a real connection."""
        self._connection = connection

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """Pass all on but COMMIT."""
        if statement == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return self._connection.execute(statement, values)

    def close(self) -> None:
        """Close the real one."""
        self._connection.close()


class BrokenDiskWriter(JournalWriter[Token]):
    """Writes to a disk that fails to sync."""

    def _open(self) -> sqlite3.Connection:
        return cast("sqlite3.Connection", BrokenDiskConnection(super()._open()))


class Gate:
    """Holds the writer thread in its first delivery until it is opened."""

    def __init__(self) -> None:
        """Start shut."""
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, _batch: Batch) -> None:
        """Wait, in the writer thread."""
        self.reached.set()
        assert self.open.wait(ANSWER_SECONDS_MAX)


def hold_writer(bench: JournalBench) -> Gate:
    """Occupy the writer with one row until the gate is opened."""
    gate = Gate()
    bench.on_delivery = gate
    bench.send(Commit(entry_of(0), ending_of(), None))
    assert gate.reached.wait(ANSWER_SECONDS_MAX)
    return gate


@pytest.mark.parametrize(("batch_max", "sizes"), [(256, [1, 100]), (40, [1, 40, 40, 20])])
def test_waiting_rows_share_one_commit(tmp_path: Path, batch_max: int, sizes: list[int]) -> None:
    """
    What waits while the writer is busy becomes one transaction, up to ``batch_max`` rows.
    """
    path = tmp_path / "journal.db"
    with JournalBench(path, make=TracedWriter, batch_max=batch_max) as bench:
        gate = hold_writer(bench)
        tokens = [bench.send(Commit(entry_of(n), ending_of(), None)) for n in range(1, 101)]

        gate.open.set()
        for token in tokens:
            token.result(ANSWER_SECONDS_MAX)

        assert sizes == [len(batch) for batch in bench.batches]
        assert len(sizes) == cast("TracedWriter", bench.writer).commits


def test_answers_come_only_after_the_commit(tmp_path: Path) -> None:
    """
    At delivery another connection already sees the row.
    """
    seen: list[tuple[int, int]] = []

    def look(batch: Batch) -> None:
        with bench.reader() as reader:
            seen.extend((answer.sequence, reader.last_sequence()) for _, answer in batch)

    with JournalBench(tmp_path / "journal.db") as bench:
        bench.on_delivery = look

        for number in range(1, 21):
            bench.ask(Reserve(entry_of(number), 3))

    assert 20 == len(seen)
    assert all(sequence <= last for sequence, last in seen)


def test_every_commit_is_synced_in_full(tmp_path: Path) -> None:
    """
    The writer's connection runs WAL with synchronous=FULL (2).
    """
    with JournalBench(tmp_path / "journal.db", make=CrampedWriter) as bench:
        settings: list[Any] = []
        connection = cast("CrampedWriter", bench.writer).connection
        bench.on_delivery = lambda _batch: settings.extend(
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        )

        bench.ask(Reserve(entry_of(1), 3))

    assert ["wal", 2] == settings


def test_full_queue_refuses_at_once(tmp_path: Path) -> None:
    """
    Above ``queue_max`` waiting rows ``submit`` raises, and what was queued is written.
    """
    with JournalBench(tmp_path / "journal.db", queue_max=5) as bench:
        gate = hold_writer(bench)
        tokens = [bench.send(Commit(entry_of(n), ending_of(), None)) for n in range(1, 6)]
        assert 5 == bench.writer.waiting

        with pytest.raises(JournalUnavailable):
            bench.send(Commit(entry_of(6), ending_of(), None))

        gate.open.set()
        assert [None] * 5 == [token.result(ANSWER_SECONDS_MAX) for token in tokens]
        assert bench.ask(Commit(entry_of(6), ending_of(), None)) is None


def test_stop_writes_what_still_waits(tmp_path: Path) -> None:
    """
    Rows queued before ``stop`` are on disk after it, and later ones are refused.
    """
    with JournalBench(tmp_path / "journal.db", batch_max=7) as bench:
        gate = hold_writer(bench)
        for number in range(1, 51):
            bench.send(Commit(entry_of(number), ending_of(), None))
        gate.open.set()

    with bench.reader() as reader:
        assert 51 == reader.last_sequence()
    with pytest.raises(JournalUnavailable):
        bench.send(Commit(entry_of(52), ending_of(), None))


def test_writer_not_started_takes_nothing(tmp_path: Path) -> None:
    """
    Before ``start`` a question is refused, and ``stop`` is harmless.
    """
    bench = JournalBench(tmp_path / "journal.db")

    with pytest.raises(JournalUnavailable):
        bench.send(Reserve(entry_of(1), 3))

    bench.writer.stop()
    assert bench.writer.is_writing is False


def test_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    """
    With no room every question of the batch is unavailable; with room again rows are
    written, none acknowledged before is lost, and the chain holds.
    """
    with JournalBench(tmp_path / "journal.db", make=CrampedWriter) as bench:
        acknowledged = 0
        while (answer := bench.ask(Commit(entry_of(1), ending_of(bytes(400)), None))) is None:
            acknowledged += 1
        gate = Gate()
        gate.open.set()
        bench.on_delivery = lambda _batch: cast("CrampedWriter", bench.writer).more_room()
        refused = bench.ask(Commit(entry_of(2), ending_of(bytes(4_000)), None))

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


def test_reservation_ends_only_once(tmp_path: Path) -> None:
    """
    A second B for the same A is refused by the schema.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        reserved = bench.reserve(Reserve(entry_of(1), 3))
        bench.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

        answer = bench.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

        assert isinstance(answer, JournalUnavailable)


def test_failed_sync_ends_the_writer(tmp_path: Path) -> None:
    """
    After a sync that failed nothing is tried again: all that waits and all that comes is
    unavailable.
    """
    with JournalBench(tmp_path / "journal.db", make=BrokenDiskWriter) as bench:
        gate = hold_writer(bench)
        waiting = bench.send(Reserve(entry_of(2), 3))
        gate.open.set()

        assert isinstance(waiting.result(ANSWER_SECONDS_MAX), JournalUnavailable)
        assert bench.writer.is_writing is False
        with pytest.raises(JournalUnavailable):
            bench.send(Reserve(entry_of(3), 3))


def test_full_disk_is_not_fatal() -> None:
    """
    Only what leaves the disk's content unknown ends the writer.
    """
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    torn = sqlite3.DatabaseError("malformed")
    torn.sqlite_errorname = "SQLITE_CORRUPT"

    assert (False, True, False) == (is_fatal(full), is_fatal(torn), is_fatal(ValueError()))


def test_tries_need_a_card(tmp_path: Path) -> None:
    """
    A reservation, or a reset, without a card is a fault of the caller and is told at once.
    """
    entry = entry_of(1)
    object.__setattr__(entry, "card", None)
    with JournalBench(tmp_path / "journal.db") as bench:
        with pytest.raises(ValueError, match="card"):
            bench.send(Reserve(entry, 3))
        with pytest.raises(ValueError, match="card"):
            bench.send(Commit(entry, ending_of(resets_tries=True), None))

        assert bench.ask(Commit(entry, ending_of(), None)) is None


def test_unblock_tells_and_clears_tries(tmp_path: Path) -> None:
    """
    ``Unblock`` answers how many tries were used, and the card starts anew.
    """
    card = card_of(1)
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in (1, 2, 3):
            bench.ask(Reserve(entry_of(number, card), 3))

        assert 3 == bench.ask(Unblock(card))
        assert 0 == bench.ask(Unblock(card))
        assert 1 == bench.reserve(Reserve(entry_of(4, card), 3)).tries


def test_business_date_is_kept_and_moved_on(tmp_path: Path) -> None:
    """
    Each acquirer has its own date, the last one set, also after a restart.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for day in (30, 29):
            assert bench.ask(SetBusinessDate("009", date(2026, 6, day))) is None
        bench.reopen()

        with bench.reader() as reader:
            assert date(2026, 6, 29) == reader.business_date("009")
            assert reader.business_date("014") is None


def test_journal_of_other_keys_is_refused(tmp_path: Path) -> None:
    """
    A writer with another vault does not start: its links would not fit.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Reserve(entry_of(1), 3))
    stranger = JournalBench(tmp_path / "journal.db", vault=fresh_vault())

    with pytest.raises(Refused), stranger:
        pass

    assert stranger.writer.is_writing is False


def test_response_of_other_keys_is_unavailable(tmp_path: Path) -> None:
    """
    A stored response that the vault cannot open is no "not found".
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Commit(entry_of(1), ending_of(), None))

        with bench.reader() as reader, pytest.raises(JournalUnavailable):
            reader.find_repeat(FindRepeat(key_of(1), since(1)), fresh_vault())
