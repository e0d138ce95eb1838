"""Which year may be closed, where histories bring developments of their own."""

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.ledger.closing_order import Forgotten, forgotten_before
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.store import Store
from tests.doubles.book_bench import (
    ADJUSTMENT,
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

    with pytest.raises(Refused, match="2024 has postings and no development"):
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

    with pytest.raises(Refused, match="the closing of 2025 booked so much less"):
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
