"""A year has one development, whatever files it comes in."""

from pathlib import Path

import pytest

from atm_switch.ledger.csv_rejects import BadRows
from tests.doubles.ledger_bench import POSTINGS, LedgerBench
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2024-01-01,contribution,1000000\n"
EARNED = "12345678901,2024-12-31,development,50000\n"
OTHER = "12345678901,2024-12-31,development,51000\n"
ADVANCE = "12345678901,2024-06-20,development,700\n"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with one member."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants()
    return bench


@pytest.mark.parametrize("again", [False, True])
def test_second_development_of_a_year_is_refused(bench: LedgerBench, *, again: bool) -> None:
    """
    Of another amount than the one booked, and with --again too: nothing is changed, and the row
    says what to do first.
    """
    bench.postings(PAID + EARNED)

    with pytest.raises(BadRows, match="development of 2024 is booked already; take that back"):
        bench.postings(ADVANCE + OTHER, again=again)

    assert [(105_000_000,)] == bench.rows("SELECT balance_sen FROM participants")


def test_second_development_in_another_file_is_refused(bench: LedgerBench) -> None:
    """
    The first file's counts; an advance is another thing.
    """
    first = bench.file("first.csv", POSTINGS + PAID + ADVANCE + EARNED)
    second = bench.file("second.csv", POSTINGS + OTHER)

    told = bench.refusal(first, second)

    assert "second.csv line 2" in told
    assert "the development of 2024 stands in an earlier row here; leave one of them" in told
    assert "first.csv" not in told
