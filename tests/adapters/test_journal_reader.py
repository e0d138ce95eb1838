"""Reading the journal: listings, what is in doubt, and the daily reconciliation."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_report import OutcomeCount
from atm_switch.adapters.journal_rows import cells_of, from_microseconds, row_from, to_microseconds
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.ports import Commit, Reserve
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    NOON,
    JournalBench,
    card_of,
    ending_of,
    entry_of,
    key_of,
)

DAY = date(2026, 6, 30)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[JournalBench]:
    """Give a started journal."""
    with JournalBench(tmp_path / "journal.db") as started:
        yield started


@pytest.fixture
def reader(bench: JournalBench) -> Iterator[JournalReader]:
    """Give a reader of it."""
    with bench.reader() as opened:
        yield opened


def inquire(bench: JournalBench, number: int) -> None:
    """Write an A and its B."""
    reserved = bench.reserve(Reserve(entry_of(number), 3))
    bench.ask(Commit(entry_of(number), ending_of(resets_tries=True), reserved.sequence))


def test_empty_journal_reads_as_empty(reader: JournalReader, bench: JournalBench) -> None:
    """
    Before the first row there is nothing, sequence 0, and nothing wrong.
    """
    assert () == reader.tail(10)
    assert (0, 1) == (reader.last_sequence(), reader.next_host_sequence())
    assert reader.verify(bench.vault).is_sound


def test_tail_gives_the_last_rows_in_order(reader: JournalReader, bench: JournalBench) -> None:
    """
    ``tail`` ends with the newest row; ``follow`` goes on behind a sequence.
    """
    for number in range(1, 6):
        inquire(bench, number)

    assert [8, 9, 10] == [row.seq for row in reader.tail(3)]
    assert [9, 10] == [row.seq for row in reader.follow(8)]
    assert [1, 2] == [row.seq for row in reader.follow(0, 2)]
    assert 11 == reader.next_host_sequence()


def test_show_gives_both_rows_of_an_rrn(reader: JournalReader, bench: JournalBench) -> None:
    """
    An inquiry reads back as its A and its B, each value as it was given.
    """
    for number in (1, 2):
        inquire(bench, number)

    received, ended = reader.show(key_of(2).rrn)

    assert ("A", None, 1, 1) == (
        received.kind,
        received.outcome,
        received.pin_tries,
        received.pin_granted,
    )
    assert ("B", received.seq, "approved", "00") == (
        ended.kind,
        ended.ref,
        ended.outcome,
        ended.response_code,
    )
    assert (NOON, NOON) == (received.received, from_microseconds(ended.written_at))
    assert card_of(2).digest == received.card_digest
    assert (DAY.isoformat(), "0200", "310000") == (
        ended.business_date,
        ended.mti,
        ended.processing_code,
    )


def test_row_prints_no_hash_and_no_response(reader: JournalReader, bench: JournalBench) -> None:
    """
    A row's repr leaves out fingerprint, card digest, response and chain.
    """
    inquire(bench, 1)

    for row in reader.tail(2):
        assert "fingerprint" not in repr(row)
        assert "digest" not in repr(row)
        assert "response=" not in repr(row)
        assert "chain" not in repr(row)


def test_reservation_without_ending_is_in_doubt(reader: JournalReader, bench: JournalBench) -> None:
    """
    An A without its B is listed, and is a state, not a fault.
    """
    inquire(bench, 1)
    bench.ask(Reserve(entry_of(2), 3))
    bench.ask(Commit(entry_of(3), ending_of(), None))

    assert [key_of(2).rrn] == [row.rrn for row in reader.in_doubt()]
    assert (3,) == reader.verify(bench.vault).in_doubt
    assert reader.verify(bench.vault).is_sound


def test_tries_are_readable(reader: JournalReader, bench: JournalBench) -> None:
    """
    The tries used by a card are those counted, 0 for a card never seen.
    """
    bench.ask(Reserve(entry_of(1), 3))

    assert (1, 0) == (reader.tries(card_of(1)), reader.tries(card_of(2)))


def test_reconciliation_counts_by_response_code(reader: JournalReader, bench: JournalBench) -> None:
    """
    The day's endings are counted by outcome and DE39, what is in doubt apart.
    """
    for number in (1, 2, 3):
        inquire(bench, number)
    wrong = ending_of(None, outcome=Outcome.WRONG_PIN, response_code="55")
    bench.ask(Commit(entry_of(4), wrong, None))
    bench.ask(Reserve(entry_of(5), 3))

    found = reader.reconcile("009", DAY)

    assert (OutcomeCount("approved", "00", 3), OutcomeCount("wrong_pin", "55", 1)) == found.counts
    assert (4, 1) == (found.answered, found.in_doubt)
    assert (
        "business_date,acquirer,outcome,response_code,count\n"
        "2026-06-30,009,approved,00,3\n"
        "2026-06-30,009,wrong_pin,55,1\n"
        "2026-06-30,009,in_doubt,,1\n"
    ) == found.csv()


def test_reconciliation_knows_its_day_and_bank(reader: JournalReader, bench: JournalBench) -> None:
    """
    Another business date or another acquirer counts nothing of this one.
    """
    inquire(bench, 1)

    assert () == reader.reconcile("009", date(2026, 7, 1)).counts
    assert () == reader.reconcile("014", DAY).counts


def test_unreadable_journal_is_unavailable(bench: JournalBench) -> None:
    """
    A reader that cannot read raises the port's error, on every way.
    """
    reader = bench.reader()
    reader.close()

    with pytest.raises(JournalUnavailable):
        reader.tail(1)
    with pytest.raises(JournalUnavailable):
        reader.reconcile("009", DAY)
    with pytest.raises(JournalUnavailable):
        reader.verify(bench.vault)


LONG = """
WITH RECURSIVE counted(number) AS (
    SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < 100000
) SELECT max(number) FROM counted
"""


def test_walks_and_lists_are_not_hurried(bench: JournalBench) -> None:
    """
    A reader with no time at all verifies, counts and lists to the end - a command on a busy
    machine would fail - and is then in the same hurry as before in what the switch asks.
    """
    tokens = [bench.send(Reserve(entry_of(number), 3)) for number in range(1_500)]
    answers = [token.result(ANSWER_SECONDS_MAX) for token in tokens]

    with JournalReader(bench.path, seconds_max=-1.0) as hasty:
        assert 1_500 == len(answers) == len(hasty.in_doubt())
        assert 1_500 == hasty.reconcile("009", DAY).in_doubt
        assert hasty.verify(bench.vault).is_sound
        assert 1_500 == len(hasty.tail(1_500)) == len(hasty.follow(0, 2_000))
        with pytest.raises(JournalUnavailable, match="SQLITE_INTERRUPT"):
            hasty._looked_up(LONG, ())


@given(st.integers(min_value=0, max_value=2**53))
def test_microseconds_go_there_and_back(count: int) -> None:
    """
    A stored time is exact to the microsecond.
    """
    assert count == to_microseconds(from_microseconds(count))


def test_row_of_another_width_is_none(reader: JournalReader, bench: JournalBench) -> None:
    """
    What a SELECT of other columns gives is not read as a row with some of them empty.
    """
    inquire(bench, 1)
    cells = cells_of(reader.tail(1)[0])

    assert cells == cells_of(row_from(cells))
    for wrong in (cells[:-1], (*cells, b"")):
        with pytest.raises(ValueError, match="zip"):
            row_from(wrong)


def test_time_without_a_zone_is_refused() -> None:
    """
    A naive time never reaches the journal.
    """
    with pytest.raises(ValueError, match=r"^a time in the journal has a zone$"):
        to_microseconds(datetime(2026, 6, 30, 12, 0))  # noqa: DTZ001 - the naive time under test
