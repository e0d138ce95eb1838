"""Which year may be closed, where histories bring developments of their own."""

from functools import partial

import pytest

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.domain.errors import Refused
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.closing_order import Forgotten, forgotten_before
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.store import Store
from tests.doubles.book_bench import (
    ADJUSTMENT,
    AT,
    CLAIM,
    DEVELOPMENT,
    FIRST,
    SECOND,
    STRANGER,
    THIRD,
    TODAY,
    BookBench,
)


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database."""
    return BookBench(store)


def test_year_a_later_one_rests_on_is_not_closed(books: BookBench) -> None:
    """
    Where an imported history has the next year's development, closing the one before it would
    change what that was computed from; what a claim was paid out with is no such development.
    """
    books.post(FIRST, "2023-01-01", 1_000)
    books.post(FIRST, "2025-02-01", 5, DEVELOPMENT)
    books.close(2023)
    books.post(FIRST, "2024-02-01", 1_000)
    books.post(FIRST, "2025-12-31", 50, DEVELOPMENT)

    with pytest.raises(Refused, match="development of 2025 is booked, and rests on 2024"):
        books.close(2024)


def test_year_that_left_an_account_out_is_closed_first(books: BookBench) -> None:
    """
    Development of one account does not count for another that was paid into as well.
    """
    books.post(FIRST, "2024-05-01", 100_000_000)
    books.post(FIRST, "2024-12-31", 5, DEVELOPMENT)
    books.post(SECOND, "2024-05-01", 100_000_000)

    with pytest.raises(Refused, match="2024 has accounts that were paid into"):
        books.close(2025)
    books.close(2024)
    books.close(2025)

    assert (100_000_000 + 3_333_333 + 5_166_667) == books.balance(SECOND)


def test_development_taken_back_neither_closes_nor_bars_a_year(books: BookBench) -> None:
    """
    Posted by mistake and reversed, it is as if it had never been there.
    """
    books.post(FIRST, "2024-01-01", 1_200_000)
    for day in ("2024-12-31", "2025-12-31"):
        reverse(books.store, FIRST, books.post(FIRST, day, 7, DEVELOPMENT), TODAY)

    with pytest.raises(Refused, match="money stood in 2024, which has no development"):
        books.close(2025)
    books.close(2024)

    assert 1_260_000 == books.balance(FIRST)


def test_nothing_earned_is_said_by_development_of_nothing(books: BookBench) -> None:
    """
    An account that earned nothing of a payment is not left out where 0.00 is booked for it.
    """
    books.post(FIRST, "2024-05-01", 1_000_000)
    books.post(FIRST, "2024-12-31", 33_333, DEVELOPMENT)
    books.post(SECOND, "2024-12-31", 1_000_000)
    books.post(SECOND, "2024-12-31", 0, DEVELOPMENT)

    books.close(2025)

    assert 1_050_000 == books.balance(SECOND)


def test_advance_on_a_closed_year_is_not_taken_back(books: BookBench) -> None:
    """
    The closing booked so much less, which a reversal would not bring.
    """
    books.post(FIRST, "2025-01-01", 1_200_000)
    advance = books.post(FIRST, "2025-05-01", 500, DEVELOPMENT)
    books.close(2025)

    with pytest.raises(Refused, match="development of 2025 is booked so much less"):
        reverse(books.store, FIRST, advance, TODAY)

    assert 1_260_000 <= books.balance(FIRST)


def test_closing_books_what_was_not_paid_in_advance(books: BookBench) -> None:
    """
    Five sen in May are five of the year's; an account emptied with its development gets none.
    """
    books.post(FIRST, "2025-01-01", 1_200_000)
    books.post(FIRST, "2025-05-01", 5, DEVELOPMENT)
    books.post(SECOND, "2025-01-01", 1_200_000)
    books.post(SECOND, "2025-06-20", 30_000, DEVELOPMENT)
    books.post(SECOND, "2025-06-20", -1_230_000, CLAIM)

    closed = books.close(2025)

    assert (2, 1_260_000) == (closed.accounts, books.balance(FIRST))
    assert 0 == books.balance(SECOND)
    assert ("2025-12-31", DEVELOPMENT.value, 0) == books.postings(SECOND)[-1]


def test_account_that_held_money_and_earned_nothing_is_told_of(books: BookBench) -> None:
    """
    Whether its year has no posting at all or only a small one, a year others were developed in.
    """
    books.post(FIRST, "2021-05-01", 100_000_000)
    for year in (2021, 2022, 2023):
        books.post(FIRST, f"{year}-12-31", 5, DEVELOPMENT)
    books.post(SECOND, "2021-12-31", 100_000_000)
    books.post(SECOND, "2021-12-31", 0, DEVELOPMENT)
    books.post(SECOND, "2023-05-01", 100)
    books.post(THIRD, "2022-12-31", 100_000_000, ADJUSTMENT)

    told = forgotten_before(books.store, 2024)

    assert (Forgotten(2022, 1, SECOND), Forgotten(2023, 2, SECOND)) == told


def test_account_with_reason_to_earn_nothing_is_not_told_of(books: BookBench) -> None:
    """
    Emptied, holding less than earns, given 0.00, or of a year closed here: nothing is said.
    """
    books.post(FIRST, "2021-05-01", 100_000_000)
    for year in (2021, 2022):
        books.post(FIRST, f"{year}-12-31", 5, DEVELOPMENT)
    books.post(SECOND, "2021-12-31", 100_000_000, ADJUSTMENT)
    books.post(SECOND, "2022-02-01", -100_000_000, CLAIM)
    books.post(THIRD, "2021-12-31", 999_999, ADJUSTMENT)
    books.post(STRANGER, "2021-12-31", 100_000_000, ADJUSTMENT)
    books.post(STRANGER, "2022-12-31", 0, DEVELOPMENT)

    assert () == forgotten_before(books.store, 2023)
    books.close(2023)
    assert () == forgotten_before(books.store, 2024)


def test_year_with_a_balance_and_no_posting_is_closed_too(books: BookBench) -> None:
    """
    One contribution of 2020: the years from 2021 on bring as much as the rate table says, and
    none is passed over.
    """
    books.post(FIRST, "2020-01-05", 1_000_000_00)
    books.close(2020, 5_630)

    with pytest.raises(Refused, match="money stood in 2021, which has no development; close that"):
        books.close(2025)
    for year, rate in ((2021, 5_700), (2022, 5_000), (2023, 5_000), (2024, 5_000)):
        books.close(year, rate)
    books.close(2025)

    # 1,000,000 at 5.63, 5.7 and four times 5 %
    assert 1_357_123_79 == books.balance(FIRST)


def test_imported_development_leaves_the_years_behind_it_open(books: BookBench) -> None:
    """
    Developed in 2019 and paid into in 2025: 2020 is next.
    """
    books.post(FIRST, "2019-02-01", 100_000_00)
    books.post(FIRST, "2019-12-31", 5_000_00, DEVELOPMENT)
    books.post(FIRST, "2025-02-01", 100_000_00)

    with pytest.raises(Refused, match="money stood in 2020, which"):
        books.close(2025)
    books.close(2020)

    assert 210_250_00 == books.balance(FIRST)


def test_years_in_which_nothing_stood_are_not_asked_for(books: BookBench) -> None:
    """
    Before an account that was emptied with its development is paid into again, and where what
    was posted by mistake was taken back.
    """
    books.post(SECOND, "2019-02-01", 100_000_00)
    books.post(SECOND, "2019-12-31", -100_000_00, CLAIM)
    books.post(SECOND, "2019-12-31", 0, DEVELOPMENT)
    slip = books.post(THIRD, "2006-03-05", 100_000_00)
    books.post(FIRST, "2025-02-01", 100_000_00)

    with pytest.raises(Refused, match=r"money stood in 2006, .* reverse"):
        books.close(2025)
    reverse(books.store, THIRD, slip, TODAY)

    assert (1, 4_583_33) == (books.close(2025).accounts, books.balance(FIRST) - 100_000_00)


@pytest.mark.parametrize("day", [None, "2026-01-01"])
def test_empty_ledger_is_not_closed(books: BookBench, day: str | None) -> None:
    """
    Nothing was booked by the end of the year: every history would come too late for good.
    """
    if day:
        books.post(FIRST, day, 100)

    with pytest.raises(Refused, match=r"nothing was booked up to 2025, .* import the histories"):
        books.close(2025)
    books.post(FIRST, "2025-05-05", 100)


def test_year_an_account_has_the_development_of_takes_no_single_posting(books: BookBench) -> None:
    """
    It would earn nothing in any year: not in that one, nor in those the next development rests
    on.  One that is taken back bears today's date, so that its year stays as developed.
    """
    paid = books.post(FIRST, "2024-03-01", 100_000_00)
    books.post(FIRST, "2024-12-31", 4_166_67, DEVELOPMENT)
    books.post(FIRST, "2025-12-31", 5_208_33, DEVELOPMENT)

    for year in (2023, 2024, 2025):
        with pytest.raises(Refused, match=f"development of 2025, which rests on {year} as it is"):
            books.post(FIRST, f"{year}-07-01", 600_000_00)
    reverse(books.store, FIRST, paid, TODAY)

    assert (TODAY.isoformat(), "contribution", -100_000_00) == books.postings(FIRST)[-1]


def test_year_has_one_development(books: BookBench) -> None:
    """
    A second one is refused until the first is taken back, on its day; then the year is open.
    """
    books.post(FIRST, "2024-03-01", 1_000_000_00)
    first = books.post(FIRST, "2024-12-31", 50_000_00, DEVELOPMENT)

    with pytest.raises(Refused, match="development of 2024 is booked already; take that back"):
        books.post(FIRST, "2024-12-31", 51_000_00, DEVELOPMENT)
    reverse(books.store, FIRST, first, TODAY)
    books.post(FIRST, "2024-07-01", 100)
    books.post(FIRST, "2024-12-31", 51_000_00, DEVELOPMENT)

    assert 1_051_001_00 == books.balance(FIRST)


def test_slip_before_imported_developments_nets_out_on_its_day(books: BookBench) -> None:
    """
    A year without a development of its own stays as if nothing had been posted.
    """
    slip = books.post(FIRST, "2006-03-05", 100)
    books.post(FIRST, "2024-03-01", 100_000_00)
    books.post(FIRST, "2024-12-31", 4_166_67, DEVELOPMENT)

    reverse(books.store, FIRST, slip, TODAY)

    assert ("2006-03-05", "contribution", -100) == books.postings(FIRST)[-1]
    books.close(2025)


def test_posting_before_1900_is_a_slip(books: BookBench) -> None:
    """
    The day is refused as an import refuses it.
    """
    with pytest.raises(Refused, match="before 1900"):
        books.post(FIRST, "0206-03-05", 100)
    books.post(FIRST, "1900-01-01", 100)


def test_beginning_is_heard_once_nothing_forbids_it(books: BookBench) -> None:
    """
    Not of a closing that is refused or has ended; and who cannot write it down undoes it.
    """
    rate = DevelopmentRate(2025, 5_000, is_published=True)
    terms = ClosingTerms(rate, Accrual.MONTHLY, TODAY, AT)
    heard: list[str] = []

    def fail() -> None:
        raise Refused("the audit cannot be written")

    close = partial(close_year, books.store, terms, lambda _done, _total: None)
    with pytest.raises(Refused, match="nothing to close"):
        close(lambda: heard.append("refused"))
    books.post(FIRST, "2025-01-01", 100_000)
    with pytest.raises(Refused, match="audit"):
        close(fail)
    books.post(FIRST, "2025-02-01", 100_000)
    close(lambda: heard.append("begun"))
    close(lambda: heard.append("ended"))

    assert ["begun"] == heard
