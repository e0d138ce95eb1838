"""A posting that was booked before is booked again only where somebody says so."""

from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.opening import open_store
from tests.doubles.ledger_bench import BUDI_ROW, POSTINGS, LedgerBench
from tests.doubles.postgres_bench import Database

BUDI = "12345678901"
MAY, JUNE = (f"{BUDI},2025-0{month}-01,contribution,100\n" for month in (5, 6))


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with a member and a posting of May."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW)
    bench.postings(MAY)
    return bench


def test_file_saved_anew_books_nothing_twice(bench: LedgerBench) -> None:
    """
    The same rows with other line ends, or with a line more, are refused by line.
    """
    windows = bench.refusal(bench.file("w.csv", (POSTINGS + MAY).replace("\n", "\r\n")))
    longer = bench.refusal(bench.file("l.csv", POSTINGS + JUNE + MAY))

    told = (
        "the same was booked before; another payment goes into a file of its own,"
        " imported with --again"
    )
    assert f"w.csv line 2, column row: {told}" in windows
    assert f"l.csv line 3, column row: {told}" in longer
    assert (1, 1, 0) == bench.counts()


def test_only_what_is_new_of_a_longer_file_is_booked(bench: LedgerBench, tmp_path: Path) -> None:
    """
    With a rejects file the rows booked before are set aside, the others taken.
    """
    summary = bench.take(
        bench.file("l.csv", POSTINGS + MAY + JUNE), skip_bad=tmp_path / "rejects.csv"
    )

    assert (1, 1) == (summary.rejected, summary.files[0].added)
    assert [("2025-05-01",), ("2025-06-01",)] == bench.rows(
        "SELECT posted_on FROM postings ORDER BY seq"
    )


def test_another_payment_is_booked_with_a_word(bench: LedgerBench) -> None:
    """
    Two payments of a day and an amount are booked, told to be so, or within one file.
    """
    bench.postings(MAY + "\n", again=True)
    bench.postings(JUNE * 2)

    assert [(4,)] == bench.rows("SELECT count(*) FROM postings")


def test_other_day_kind_amount_or_member_is_no_repeat(bench: LedgerBench) -> None:
    """
    One difference is enough.
    """
    bench.postings(
        JUNE + MAY.replace(",100", ",100.01") + MAY.replace("contribution", "adjustment")
    )

    assert [(4,)] == bench.rows("SELECT count(*) FROM postings")


def test_what_was_taken_back_may_come_again(bench: LedgerBench) -> None:
    """
    A posting that was reversed does not stand, and so is none to repeat.
    """
    with closing(open_store(bench.url, bench.path)) as store:
        reverse(store, Kpj(BUDI), 1, bench.at.date())

    bench.postings("\n" + MAY)

    assert [(10_000,)] == bench.rows("SELECT balance_sen FROM participants")


def test_same_rows_in_two_files_of_one_import_are_told(bench: LedgerBench) -> None:
    """
    The second of two files that hold the same is refused by line, and booked with a word.
    """
    one = bench.file("one.csv", POSTINGS + JUNE * 2)
    two = bench.file("two.csv", (POSTINGS + JUNE).replace("\n", "\r\n"))

    text = bench.refusal(one, two)

    assert "1 row is bad" in text
    told = "the same stands in another file here; another payment goes into a file of its own"
    assert f"two.csv line 2, column row: {told}, imported with --again" in text
    bench.take(one, two, again=True)
    assert [(4,)] == bench.rows("SELECT count(*) FROM postings")
