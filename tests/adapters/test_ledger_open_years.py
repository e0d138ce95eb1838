"""Statements while years are not closed yet, and what they come to once those are closed."""

from dataclasses import replace
from datetime import date

import pytest

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import ZERO
from atm_switch.domain.statement import Statement, draw_up
from atm_switch.ledger.amalgamation import amalgamate
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.store import Store
from atm_switch.ledger.year_table import YearRow, years_of
from tests.doubles.book_bench import CLAIM, DEVELOPMENT, FIRST, SECOND, TODAY, BookBench
from tests.doubles.postgres_bench import Reader
from tests.doubles.rates import yearly

RATES = {2022: 6_000, 2023: 5_700, 2024: 5_000, 2025: 4_250, 2026: 5_500}
DAYS = (
    date(2023, 12, 31),
    date(2024, 1, 1),
    date(2024, 7, 15),
    date(2025, 12, 31),
    date(2026, 1, 1),
    TODAY,
)


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database."""
    return BookBench(store)


def statement(
    reader: Reader, day: date, kpj: Kpj = FIRST, accrual: Accrual = Accrual.MONTHLY
) -> Statement:
    """Draw up a statement at the rates of each year."""
    account = reader.account(kpj, day)
    assert account is not None
    return draw_up(account[1], day, yearly(RATES), accrual)


def settled(one: Statement) -> Statement:
    """Leave out what is said of estimates."""
    return replace(one, open_years=(), handed_over=ZERO, is_estimate=False)


def close_all(books: BookBench, accrual: Accrual = Accrual.MONTHLY) -> None:
    """Close the years up to 2025, each at its rate."""
    for year in range(2022, 2026):
        books.close(year, RATES[year], accrual)


def live(books: BookBench) -> None:
    """Book a life: paid into, nothing for a year, taken back, claimed from with an advance."""
    books.post(FIRST, "2022-03-10", 1_000_000_07)
    books.post(FIRST, "2024-02-01", 300_000_00)
    wrong = books.post(FIRST, "2024-05-01", 77_000_00)
    reverse(books.store, FIRST, wrong, TODAY)
    books.post(FIRST, "2025-06-20", 12_345_67, DEVELOPMENT)
    books.post(FIRST, "2025-06-20", -400_000_00, CLAIM)
    books.post(FIRST, "2026-02-28", 100_000_00)


@pytest.mark.parametrize("accrual", Accrual)
def test_statement_of_any_day_is_what_closing_in_order_makes_it(
    books: BookBench, reader: Reader, accrual: Accrual
) -> None:
    """
    Four years open, one of them without a posting: no amount of any day's statement changes as
    they are closed, and neither does the table by year.
    """
    live(books)

    before = [statement(reader, day, accrual=accrual) for day in DAYS]
    estimated = years_of(books.store, FIRST, before[-1])
    close_all(books, accrual)
    after = [statement(reader, day, accrual=accrual) for day in DAYS]

    assert list(map(settled, before)) == list(map(settled, after))
    assert [1, 2, 2, 3, 4, 4] == [len(one.open_years) for one in before]
    assert [()] * len(DAYS) == [one.open_years for one in after]
    assert [2022, 2023, 2024, 2025, 2026] == [row.year for row in estimated if row.is_estimate]
    booked = years_of(books.store, FIRST, after[-1])
    assert list(map(booked_row, estimated)) == list(map(booked_row, booked))


def booked_row(row: YearRow) -> YearRow:
    """Take the word estimate off a year."""
    return replace(row, is_estimate=False, adjustments_hold_estimate=False)


def test_balance_falls_on_no_new_years_day(books: BookBench, reader: Reader) -> None:
    """
    With one, two and three years open.
    """
    live(books)

    for year in (2022, 2023, 2024, 2025):
        eve, new_year = date(year, 12, 31), date(year + 1, 1, 1)
        begun = statement(reader, new_year)
        assert statement(reader, eve).closing == begun.opening


@pytest.mark.parametrize("accrual", Accrual)
@pytest.mark.parametrize("merged_on", [date(2023, 6, 30), TODAY])
def test_merged_account_brings_every_open_year(
    books: BookBench, reader: Reader, accrual: Accrual, merged_on: date
) -> None:
    """
    Each year's development moves on 1 January and earns on the account kept, before the closings
    as after them, though the kept account was not paid into by then.
    """
    books.post(FIRST, "2022-01-05", 100)
    books.post(SECOND, "2022-03-10", 1_000_000_07)
    books.post(SECOND, "2023-04-10", 500_000_00)
    amalgamate(books.store, FIRST, (SECOND,), merged_on, lambda _: None)

    before = [statement(reader, day, accrual=accrual) for day in DAYS]
    estimated = years_of(books.store, FIRST, before[-1])
    close_all(books, accrual)
    after = [statement(reader, day, accrual=accrual) for day in DAYS]

    assert list(map(settled, before)) == list(map(settled, after))
    assert any(one.taken_over.sen for one in before[-1].open_years)
    booked = years_of(books.store, FIRST, after[-1])
    assert list(map(booked_row, estimated)) == list(map(booked_row, booked))


def test_posting_of_a_later_year_changes_nothing(books: BookBench, reader: Reader) -> None:
    """
    One dated ahead is not there yet: the years before the statement's are as open as without it.
    """
    for kpj in (FIRST, SECOND):
        books.post(kpj, "2024-01-05", 1_000_000_00)
    books.post(SECOND, "2027-01-05", 1_00)

    for day in DAYS[2:]:
        assert statement(reader, day) == statement(reader, day, SECOND)


def test_claimed_out_account_keeps_what_it_was_not_paid(books: BookBench, reader: Reader) -> None:
    """
    A claim that left the year's development unpaid: it is told in that year, in the next, and
    after the closing alike.
    """
    books.post(FIRST, "2024-12-31", 1_000_000_00)
    books.post(FIRST, "2024-12-31", 0, DEVELOPMENT)
    books.post(FIRST, "2025-06-10", -1_000_000_00, CLAIM)
    books.store.change("UPDATE participants SET status = 'K' WHERE kpj = ?", (FIRST.digits,))

    eve, new_year = statement(reader, date(2025, 12, 31)), statement(reader, date(2026, 1, 1))
    books.close(2025, RATES[2025])

    # Five months of the opening, at 4.25 %.
    assert 17_708_33 == eve.closing.sen == new_year.opening.sen
    assert settled(new_year) == settled(statement(reader, date(2026, 1, 1)))


def test_own_development_settles_the_years_before(books: BookBench, reader: Reader) -> None:
    """
    An imported development rests on what was booked: nothing is estimated behind it.
    """
    books.post(FIRST, "2022-01-05", 100_000)
    books.post(FIRST, "2024-12-31", 7_000, DEVELOPMENT)

    assert () == statement(reader, date(2023, 6, 30)).open_years
    assert () == statement(reader, date(2025, 6, 30)).open_years
    assert [2025] == [one.year for one in statement(reader, TODAY).open_years]
