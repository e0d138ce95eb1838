"""Closing a year: every account once, in order, from where it stopped."""

from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.domain.errors import Refused
from atm_switch.domain.statement import Statement, draw_up
from atm_switch.ledger import closing as closing_module
from atm_switch.ledger.amalgamation import amalgamate
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.store import Store
from atm_switch.ledger.store_sqlite import SqliteStore
from atm_switch.ledger.year_table import years_of
from tests.doubles.book_bench import (
    ADJUSTMENT,
    AT,
    CLAIM,
    DEVELOPMENT,
    FIRST,
    FIVE_PERCENT,
    SECOND,
    STRANGER,
    TODAY,
    BookBench,
)
from tests.doubles.ledger_bench import BUDI_ROW, BUDIS_NIK, POSTINGS, LedgerBench
from tests.doubles.postgres_bench import Reader
from tests.doubles.rates import yearly


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database."""
    return BookBench(store)


def pay_golden(books: BookBench, year: int) -> None:
    """Pay 5.7 % of 5,000,000 on the first of each month."""
    for month in range(1, 13):
        books.post(FIRST, f"{year}-{month:02d}-01", 28_500_000)


def test_golden_g1_closed_year_by_year(books: BookBench) -> None:
    """
    Five years closed one after the other leave 19,409,470.47, as published.
    """
    for year in range(2021, 2026):
        pay_golden(books, year)
        books.close(year)

    assert 1_940_947_047 == books.balance(FIRST)
    assert () == books.differences()


def test_year_closed_twice_is_closed_once(books: BookBench) -> None:
    """
    The second closing books nothing and tells the totals and the rate of the first.
    """
    pay_golden(books, 2025)

    first, second = books.close(2025), books.close(2025, rate=7_000)

    assert (1, 9_262_500, False) == (first.accounts, first.development.sen, first.was_done)
    assert (1, 9_262_500, True) == (second.accounts, second.development.sen, second.was_done)
    assert ("monthly", 5_000) == (second.accrual, second.rate_millipercent)
    assert 13 == len(books.postings(FIRST))


def test_developed_account_is_left_alone(books: BookBench) -> None:
    """
    An account whose development came with its history gets no second one.
    """
    books.post(FIRST, "2025-01-01", 100_000)
    books.post(FIRST, "2025-12-31", 4_321, DEVELOPMENT)
    books.post(SECOND, "2025-01-01", 100_000)

    closed = books.close(2025)

    assert (1, 5_000) == (closed.accounts, closed.development.sen)


def test_development_taken_back_is_booked_anew(books: BookBench) -> None:
    """
    A development taken back before the year is closed counts as not booked.
    """
    books.post(FIRST, "2025-01-01", 100_000)
    wrong = books.post(FIRST, "2025-12-31", 4_321, DEVELOPMENT)
    reverse(books.store, FIRST, wrong, TODAY)

    assert 5_000 == books.close(2025).development.sen


@pytest.mark.parametrize("accrual", Accrual)
def test_balance_does_not_fall_because_a_year_ended(
    books: BookBench, accrual: Accrual, reader: Reader
) -> None:
    """
    On 1 January the balance is that of 31 December, estimated; closing the year changes the
    amounts by nothing, and the table by year chains before as after.
    """
    pay_golden(books, 2025)
    books.post(FIRST, "2025-06-20", 5, DEVELOPMENT)
    new_year = date(2026, 1, 1)

    def statement(day: date) -> Statement:
        account = reader.account(FIRST, day)
        assert account is not None
        return draw_up(account[1], day, yearly({2025: FIVE_PERCENT, 2026: 0}), accrual)

    eve, before = statement(date(2025, 12, 31)), statement(new_year)
    estimated = years_of(books.store, FIRST, before)
    books.close(2025, accrual=accrual)
    after = statement(new_year)

    assert (eve.closing, True) == (before.closing, before.is_estimate)
    assert replace(before, open_years=()) == after
    booked = years_of(books.store, FIRST, after)
    assert replace(estimated[0], is_estimate=False) == booked[0]
    assert estimated[1] == booked[1]


def test_open_year_is_told_whatever_was_paid_after_it(books: BookBench, reader: Reader) -> None:
    """
    A payment dated ahead takes no estimate away; where a later development is booked, and rests
    on the year as it is, there is none.
    """
    for kpj in (FIRST, SECOND, STRANGER):
        books.post(kpj, "2025-01-05", 100_000)
    books.post(SECOND, "2027-01-05", 1)
    books.post(STRANGER, "2027-12-31", 1, DEVELOPMENT)

    found = [reader.account(kpj, date(2026, 3, 1)) for kpj in (FIRST, SECOND, STRANGER)]

    open_years = [one[1].unclosed for one in found if one is not None]
    assert [1, 1, None] == [None if one is None else len(one.postings) for one in open_years]


def test_daily_accrual_closes_by_days(books: BookBench) -> None:
    """
    By days what was posted on 1 January earns 364 days of 365.
    """
    books.post(FIRST, "2025-01-01", 36_500_000)

    assert 1_820_000 == books.close(2025, accrual=Accrual.DAILY_365).development.sen


def test_claim_within_year_earns_until_its_month(books: BookBench) -> None:
    """
    What a claim took in July earned from January to June.
    """
    books.post(FIRST, "2025-01-01", 120_000)
    books.post(FIRST, "2025-07-15", -120_000, CLAIM)

    assert 3_000 == books.close(2025).development.sen


def test_interrupted_closing_goes_on(books: BookBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Stopped after any chunk, the next closing books the rest and nothing twice.
    """
    monkeypatch.setattr(closing_module, "CHUNK", 1)
    for kpj in (FIRST, SECOND, STRANGER):
        books.post(kpj, "2025-01-01", 100_000)

    for stop_at in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            stopped(books, stop_at)
    closed = books.close(2025)

    assert (3, 15_000) == (closed.accounts, closed.development.sen)
    assert [105_000] * 3 == [books.balance(kpj) for kpj in (FIRST, SECOND, STRANGER)]
    assert () == books.differences()


def stopped(books: BookBench, at: int) -> None:
    """Close 2025 and be interrupted once ``at`` accounts are done."""

    def tell(done: int, _total: int) -> None:
        if done >= at:
            raise KeyboardInterrupt

    rate = DevelopmentRate(2025, 5_000, is_published=True)
    close_year(books.store, ClosingTerms(rate, Accrual.MONTHLY, TODAY, AT), tell)


def test_begun_year_takes_no_posting(books: BookBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    From its beginning the year is closed to postings; the running year takes them.
    """
    monkeypatch.setattr(closing_module, "CHUNK", 1)
    for kpj in (FIRST, SECOND):
        books.post(kpj, "2025-01-01", 100_000)
    with pytest.raises(KeyboardInterrupt):
        stopped(books, 1)

    with pytest.raises(Refused, match="2025 is closed"):
        books.post(SECOND, "2025-12-01", 100)
    books.post(SECOND, "2026-01-01", 100)

    assert 10_000 == books.close(2025).development.sen


def test_begun_year_keeps_its_rate(books: BookBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A closing begun at one rate is not finished at another.
    """
    monkeypatch.setattr(closing_module, "CHUNK", 1)
    for kpj in (FIRST, SECOND):
        books.post(kpj, "2025-01-01", 100_000)
    with pytest.raises(KeyboardInterrupt):
        stopped(books, 1)

    with pytest.raises(Refused, match=r"begun monthly at 5\.000 %"):
        books.close(2025, rate=6_000)


def test_running_year_is_not_closed(books: BookBench) -> None:
    """
    A year that is not over in Jakarta is refused.
    """
    with pytest.raises(Refused, match="2026 is not over yet"):
        books.close(2026)


def test_years_are_closed_in_order(books: BookBench) -> None:
    """
    An earlier year without development comes first, and none before a closed one.
    """
    books.post(FIRST, "2023-01-01", 100_000)
    books.post(FIRST, "2024-01-01", 100_000)

    with pytest.raises(Refused, match="money stood in 2023, which has no development"):
        books.close(2024)
    books.close(2023)
    books.close(2024)
    with pytest.raises(Refused, match="2023 was closed already"):
        books.close(2022)


def test_merged_account_earnings_move_on(books: BookBench) -> None:
    """
    What a merged account earned before it was merged moves to the kept one on 1 January.
    """
    books.post(FIRST, "2025-01-01", 120_000)
    books.post(SECOND, "2025-02-01", 120_000)
    amalgamate(books.store, FIRST, (SECOND,), TODAY.replace(year=2025), lambda _: None)

    closed = books.close(2025)

    # SECOND: February to May; FIRST: 12 months of its own and 7 of what came in June.
    assert 2_000 + 6_000 + 3_500 == closed.development.sen
    assert ("2026-01-01", ADJUSTMENT.value, 2_000) == books.postings(FIRST)[-1]
    assert (0, 251_500) == (books.balance(SECOND), books.balance(FIRST))
    assert () == books.differences()


def test_import_into_closed_year_is_refused(tmp_path: Path) -> None:
    """
    A row of a closed year, and one of a merged account, are named by file and line; a
    development is not sent into the running year, where it would be an advance.
    """
    bench = LedgerBench(tmp_path)
    second = f"{SECOND.digits},{BUDIS_NIK},BUDI SANTOSO,1985-03-12,PU,A\n"
    bench.participants(BUDI_ROW + second)
    bench.postings(f"{FIRST.digits},2025-01-01,contribution,1000\n")
    with closing(SqliteStore(bench.path)) as store:
        terms = ClosingTerms(
            DevelopmentRate(2025, 5_000, is_published=True), Accrual.MONTHLY, TODAY, AT
        )
        close_year(store, terms, lambda _done, _total: None)
        amalgamate(store, FIRST, (SECOND,), TODAY, lambda _: None)

    late, earned = (
        f"{FIRST.digits},2025-{day},1\n" for day in ("05-01,claim", "12-31,development")
    )
    rows = f"{late}{earned}{SECOND.digits},2026-01-01,contribution,1\n"
    told = bench.refusal(bench.file("late.csv", POSTINGS + rows))

    assert "line 2, column posted_on (2025-05-01): the year 2025 is closed; book it in the" in told
    assert "or a whole history as one adjustment of its balance on 2026-01-01" in told
    bench.postings(f"{FIRST.digits},2026-01-01,adjustment,1500000.00\n")
    assert [(150_105_000,)] == bench.rows("SELECT balance_sen FROM participants WHERE postings > 0")
    assert "(2025-12-31): the year 2025 is closed; book it as an adjustment in the" in told
    assert "merged into *******8901" in told
