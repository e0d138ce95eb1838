"""The table by year: on either database each year opens as the one before closed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.statement import AccountHistory, Statement, draw_up
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.store import Store
from atm_switch.ledger.year_table import YearRow, fold_years, years_of
from tests.doubles.book_bench import ADJUSTMENT, FIRST, TODAY, BookBench
from tests.doubles.postgres_bench import Reader
from tests.doubles.rates import flat

BUDI = Kpj("12345678901")
POSTED = (
    ("2019-05-01", "contribution", 100_000_00),
    ("2019-12-31", "development", 1_000_25),
    ("2022-03-01", "contribution", 200_000_00),
    ("2022-06-01", "claim", -50_000_00),
    ("2022-07-01", "adjustment", -25),
    ("2025-01-01", "contribution", 300_000_00),
    ("2025-02-10", "adjustment", 75),
    ("2025-08-01", "contribution", 400_000_00),
)

sen = st.integers(-(10**14), 10**14).map(Money)
rows = st.builds(YearRow, st.integers(1950, 2030), sen, sen, sen, sen, sen)


@pytest.fixture
def filled(store: Store) -> Store:
    """Book Budi's postings."""
    with store.transaction():
        open_waiting(store)
        store.load(
            "waiting",
            ("seq", "kpj", "posted_on", "kind", "sub_account", "amount_sen"),
            [
                (at, BUDI.digits, day, kind, "main", amount)
                for at, (day, kind, amount) in enumerate(POSTED)
            ],
        )
        book(store)
    return store


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database."""
    return BookBench(store)


def statement_on(day: date) -> Statement:
    """Draw up Budi's statement from the postings above, at 5 %."""
    earlier = [amount for on, _, amount in POSTED if int(on[:4]) < day.year]
    own = tuple(
        Posting(date.fromisoformat(on), PostingKind(kind), Money(amount))
        for on, kind, amount in POSTED
        if int(on[:4]) == day.year and date.fromisoformat(on) <= day
    )
    history = AccountHistory(
        day.year, Money(sum(earlier)), own, has_postings=True, last_contribution=None
    )
    return draw_up(history, day, flat(5_000))


def test_years_chain_without_a_gap(filled: Store) -> None:
    """
    Years without postings stand between the others, and the last closes as the statement.
    """
    statement = statement_on(date(2025, 6, 30))

    table = years_of(filled, BUDI, statement)

    assert list(range(2019, 2026)) == [row.year for row in table]
    assert [ZERO, *(row.closing for row in table[:-1])] == [row.opening for row in table]
    assert statement.closing == table[-1].closing
    assert [False] * 6 + [True] == [row.is_estimate for row in table]


def test_year_shows_what_it_brought(filled: Store) -> None:
    """
    Contributions, adjustments and claims of a closed year are apart, claims positive.
    """
    table = years_of(filled, BUDI, statement_on(date(2025, 6, 30)))

    year = table[3]
    assert (2022, Money(101_000_25)) == (year.year, year.opening)
    assert (Money(200_000_00), Money(-25)) == (year.contributions, year.adjustments)
    assert (ZERO, Money(50_000_00)) == (year.development, year.claims)


def test_running_year_ends_on_its_day(filled: Store) -> None:
    """
    The year of the statement has its postings up to the day, adjustments apart.
    """
    statement = statement_on(date(2025, 6, 30))

    running = years_of(filled, BUDI, statement)[-1]

    assert (Money(300_000_00), Money(75)) == (running.contributions, running.adjustments)
    assert statement.development == running.development


def test_earlier_day_hides_later_years(filled: Store) -> None:
    """
    A statement of an earlier year has no later one below it.
    """
    table = years_of(filled, BUDI, statement_on(date(2022, 12, 31)))

    assert [2019, 2020, 2021, 2022] == [row.year for row in table]
    assert Money(251_000_00) == table[-1].closing - table[-1].development


def test_account_without_postings_has_one_year(store: Store) -> None:
    """
    Where nothing was ever booked the table is the year of the statement, all zero.
    """
    empty = AccountHistory(2025, ZERO, (), has_postings=False, last_contribution=None)
    statement = draw_up(empty, date(2025, 6, 30), flat(5_000))

    table = years_of(store, BUDI, statement)

    assert (2025, ZERO) == (table[0].year, table[0].closing)
    assert 1 == len(table)


def test_correction_of_earlier_year_is_an_adjustment(filled: Store) -> None:
    """
    What takes back a posting of a closed year puts the opening right, as an adjustment.
    """
    taken_back = Posting(date(2025, 3, 1), PostingKind.CONTRIBUTION, Money(-100_000_00), 9, 1)
    opening = Money(sum(amount for day, _, amount in POSTED if day < "2025"))
    history = AccountHistory(
        2025, opening, (taken_back,), has_postings=True, last_contribution=None
    )
    statement = draw_up(history, date(2025, 6, 30), flat(5_000))

    running = years_of(filled, BUDI, statement)[-1]

    assert opening == running.opening
    assert statement.closing == running.closing
    # the store has an adjustment of 75 sen that the history above does not
    assert Money(-100_000_00 + 75) == running.adjustments


def test_adjustments_taken_back_are_not_counted_twice(books: BookBench, reader: Reader) -> None:
    """
    An adjustment of a closed year taken back is an adjustment of this one, and none of its
    contributions; one of this year taken back is neither.
    """
    old = books.post(FIRST, "2025-02-10", 60_000, ADJUSTMENT)
    books.close(2025)
    new = books.post(FIRST, "2026-03-01", 700, ADJUSTMENT)
    books.post(FIRST, "2026-04-01", 5_000)
    for number in (old, new):
        reverse(books.store, FIRST, number, TODAY)
    account = reader.account(FIRST, TODAY)
    assert account is not None

    running = years_of(books.store, FIRST, draw_up(account[1], TODAY, flat(0)))[-1]

    assert (5_000, -60_000) == (running.contributions.sen, running.adjustments.sen)
    assert books.balance(FIRST) == running.closing.sen


@given(st.lists(rows, min_size=1, max_size=60).map(tuple), st.integers(1, 45))
def test_folded_years_keep_every_sum(table: tuple[YearRow, ...], count: int) -> None:
    """
    Folding leaves at most so many rows, the newest as they were, and loses no sen.
    """
    folded = fold_years(table, count)

    assert min(count, len(table)) == len(folded)
    assert table[len(table) - len(folded) + 1 :] == folded[1:]
    for name in ("contributions", "adjustments", "development", "claims"):
        before = sum(getattr(row, name).sen for row in table)
        assert before == sum(getattr(row, name).sen for row in folded)


def test_table_does_not_begin_with_a_slip(books: BookBench, reader: Reader) -> None:
    """
    A year in which all was taken back is no first year, closed or open.
    """
    reverse(books.store, FIRST, books.post(FIRST, "1906-03-05", 100), TODAY)
    books.post(FIRST, "2024-03-05", 100_000)
    account = reader.account(FIRST, TODAY)
    assert account is not None

    table = years_of(books.store, FIRST, draw_up(account[1], TODAY, flat(5_000)))

    assert [2024, 2025, 2026] == [row.year for row in table]
