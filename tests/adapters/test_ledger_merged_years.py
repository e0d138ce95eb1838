"""What merged KPJ bring to the statement of the one kept, before a closing books it and after."""

from dataclasses import replace
from datetime import date

import pytest

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.statement import Statement, draw_up
from atm_switch.ledger import closing as closing_module
from atm_switch.ledger.amalgamation import amalgamate
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.store import Store
from atm_switch.ledger.year_table import YearRow, years_of
from tests.doubles.book_bench import (
    AT,
    DEVELOPMENT,
    FIRST,
    FIVE_PERCENT,
    SECOND,
    STRANGER,
    THIRD,
    TODAY,
    BookBench,
)
from tests.doubles.postgres_bench import Reader
from tests.doubles.rates import flat

IN_JUNE_2025, IN_MARCH_2026 = date(2025, 6, 30), date(2026, 3, 15)
NEW_YEARS_DAY, IN_FEBRUARY, IN_MAY = date(2026, 1, 1), date(2026, 2, 1), date(2026, 5, 31)


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database: two accounts of one person, paid into in 2025."""
    books = BookBench(store)
    books.post(FIRST, "2025-01-01", 120_000)
    books.post(SECOND, "2025-02-01", 120_000)
    return books


def merge(books: BookBench, kept: Kpj, gone: Kpj, on: date) -> None:
    """Merge one account into another."""
    amalgamate(books.store, kept, (gone,), on, lambda _: None)


def statement(
    reader: Reader, day: date, kpj: Kpj = FIRST, accrual: Accrual = Accrual.MONTHLY
) -> Statement:
    """Draw up a statement at 5 %, this year and last."""
    account = reader.account(kpj, day)
    assert account is not None
    return draw_up(account[1], day, flat(FIVE_PERCENT), accrual)


def settled(row: YearRow) -> YearRow:
    """Take the word estimate off a year."""
    return replace(row, is_estimate=False, adjustments_hold_estimate=False)


@pytest.mark.parametrize("accrual", Accrual)
@pytest.mark.parametrize("merged_on", [IN_JUNE_2025, IN_MARCH_2026])
def test_open_year_of_a_merged_account_is_told_as_its_closing_books_it(
    books: BookBench, reader: Reader, merged_on: date, accrual: Accrual
) -> None:
    """
    Merged in the year that is over or in the new one: until that year is closed the statements
    of the new one hold, estimated, every amount that they hold afterwards, as the table does.
    """
    merge(books, FIRST, SECOND, merged_on)
    days = (NEW_YEARS_DAY, IN_FEBRUARY, IN_MAY)

    before = [statement(reader, day, accrual=accrual) for day in days]
    estimated = years_of(books.store, FIRST, before[-1])
    books.close(2025, accrual=accrual)
    after = [statement(reader, day, accrual=accrual) for day in days]

    assert all(one.handed_over.sen > 0 and one.is_estimate for one in before)
    assert after == [replace(one, open_years=(), handed_over=ZERO) for one in before]
    booked = years_of(books.store, FIRST, after[-1])
    assert list(map(settled, booked)) == list(map(settled, estimated))
    # 2,000 from February to May, or 5,500 of eleven months of 120,000
    if accrual is Accrual.MONTHLY:
        assert {2_000 if merged_on is IN_JUNE_2025 else 5_500} == {
            one.handed_over.sen for one in before
        }


def test_merged_account_itself_holds_nothing(books: BookBench, reader: Reader) -> None:
    """
    What it earned is told once, on the account kept.
    """
    merge(books, FIRST, SECOND, IN_MARCH_2026)

    said = statement(reader, date(2026, 12, 31), SECOND)

    assert (0, 0) == (said.carried.sen, said.handed_over.sen)


def test_account_merged_twice_over_is_told_by_the_last(books: BookBench, reader: Reader) -> None:
    """
    What was merged into a merged account comes along too, as its closing has it.
    """
    books.post(THIRD, "2025-03-01", 120_000)
    status = "UPDATE participants SET status = ? WHERE kpj = ?"
    books.store.change(status, ("K", FIRST.digits))  # or it would be the one to keep
    merge(books, SECOND, THIRD, IN_JUNE_2025)
    books.store.change(status, ("A", FIRST.digits))
    merge(books, FIRST, SECOND, IN_MARCH_2026)

    before = statement(reader, IN_MAY)
    books.close(2025)

    # THIRD: March to May; SECOND: eleven months, and seven of what came in June.
    assert 1_500 + 5_500 + 3_500 == before.handed_over.sen
    assert statement(reader, IN_MAY).closing == before.closing


def test_closing_under_way_changes_no_balance(
    books: BookBench, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Stopped after each account, the balance stays what it was estimated at.
    """
    monkeypatch.setattr(closing_module, "CHUNK", 1)
    books.post(STRANGER, "2025-01-01", 120_000)
    merge(books, FIRST, SECOND, IN_MARCH_2026)
    rate = DevelopmentRate(2025, FIVE_PERCENT, is_published=True)
    seen: list[Money] = []

    def look(_done: int, _total: int) -> None:
        seen.append(statement(reader, IN_MAY).closing)

    close_year(books.store, ClosingTerms(rate, Accrual.MONTHLY, TODAY, AT), look)

    assert 4 == len(seen)
    assert {statement(reader, IN_MAY).closing} == set(seen)


def test_developed_account_hands_over_nothing(books: BookBench, reader: Reader) -> None:
    """
    Where the merged account's development was booked before the merger, it moved with the
    balance; that the kept account is claimed out changes nothing, for no closing asks for that.
    """
    books.post(SECOND, "2025-12-31", 5_500, DEVELOPMENT)
    merge(books, FIRST, SECOND, IN_MARCH_2026)
    developed = statement(reader, IN_MAY)
    books.post(THIRD, "2025-03-01", 120_000)
    merge(books, FIRST, THIRD, IN_MARCH_2026)
    open_again = statement(reader, IN_MAY)
    books.store.change("UPDATE participants SET status = 'K' WHERE kpj = ?", (FIRST.digits,))

    assert (0, 5_000) == (developed.handed_over.sen, open_again.handed_over.sen)
    assert open_again == statement(reader, IN_MAY)


def test_last_contribution_is_the_newest_of_both(books: BookBench, reader: Reader) -> None:
    """
    The merged account's counts from the day of the merger on, in that year and the next; what
    is paid into the kept one later is newer.
    """
    books.post(FIRST, "2026-01-10", 100)
    books.post(SECOND, "2026-02-20", 100)
    merge(books, FIRST, SECOND, IN_MARCH_2026)

    days = (date(2026, 1, 9), date(2026, 3, 14), IN_MARCH_2026, date(2027, 1, 1))
    said = [statement(reader, day).last_contribution for day in days]
    books.post(FIRST, "2026-05-02", 100)

    expected = [date(2025, 1, 1), date(2026, 1, 10), date(2026, 2, 20), date(2026, 2, 20)]
    assert expected == said
    assert date(2026, 5, 2) == statement(reader, IN_MAY).last_contribution
