"""The writer thread: groups commits, tells only the truth, ends in order."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from atm_switch.adapters.journal_batch import Unblock
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.ports import Commit, FindRepeat, KeepBusinessDate, KeepCommand, Reserve
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    NOON,
    Batch,
    JournalBench,
    Token,
    card_of,
    ending_of,
    entry_of,
    fresh_vault,
    hold_writer,
    key_of,
    since,
)

NO_CARD = r"^PIN tries are those of a card, and the entry has none$"


class TracedWriter(JournalWriter[Token]):
    """Counts its commits and shows its connection."""

    def _open(self) -> sqlite3.Connection:
        self.connection = super()._open()
        self.commits = 0
        self.connection.set_trace_callback(self._trace)
        return self.connection

    def _trace(self, statement: str) -> None:
        self.commits += statement == "COMMIT"


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
    with JournalBench(tmp_path / "journal.db", make=TracedWriter) as bench:
        settings: list[Any] = []
        connection = cast("TracedWriter", bench.writer).connection
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


def test_reservation_ends_only_once(tmp_path: Path) -> None:
    """
    A second B for the same A is refused by the schema.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        reserved = bench.reserve(Reserve(entry_of(1), 3))
        bench.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

        answer = bench.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

        assert isinstance(answer, JournalUnavailable)


def test_tries_need_a_card(tmp_path: Path) -> None:
    """
    A reservation, or a reset, without a card is a fault of the caller and is told at once.
    """
    entry = entry_of(1)
    object.__setattr__(entry, "card", None)
    with JournalBench(tmp_path / "journal.db") as bench:
        with pytest.raises(ValueError, match=NO_CARD):
            bench.send(Reserve(entry, 3))
        with pytest.raises(ValueError, match=NO_CARD):
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

        assert 3 == bench.ask(Unblock(card, "user teller (uid 7)", "999009******0012"))
        assert 0 == bench.ask(Unblock(card, "user teller (uid 7)", "999009******0012"))
        assert 1 == bench.reserve(Reserve(entry_of(4, card), 3)).tries


def test_business_date_is_kept_and_moved_on(tmp_path: Path) -> None:
    """
    An acquirer's date is the last one kept, also after a restart; others have none.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for day in (30, 29):
            assert bench.ask(KeepBusinessDate(AcquirerId("009"), date(2026, 6, day))) is None
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


def test_commands_are_kept_as_long_as_they_matter(tmp_path: Path) -> None:
    """
    A restart finds those whose recordings are fresh, the eldest first; the others go.
    """
    bank = AcquirerId("009")
    with JournalBench(tmp_path / "journal.db") as bench:
        past, soon, later = (
            KeepCommand(bank, f"|0630050000|00000{at}|162", NOON + timedelta(minutes=minutes))
            for at, minutes in enumerate((0, 10, 30))
        )
        kept = (past, later, soon, replace(soon, until=NOON))
        assert [True, True, True, False] == [bench.ask(command) for command in kept]
        bench.reopen()

        with bench.reader() as reader:
            assert (soon, later) == reader.commands(NOON)
            assert (later,) == reader.commands(NOON + timedelta(minutes=10))
        with closing(sqlite3.connect(bench.path)) as connection:
            kept = connection.execute("SELECT count(*) FROM commands").fetchone()

    assert (2,) == kept
