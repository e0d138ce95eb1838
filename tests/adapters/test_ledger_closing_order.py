"""Which year may be closed, where histories bring developments of their own."""

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.store import Store
from tests.doubles.book_bench import CLAIM, DEVELOPMENT, FIRST, SECOND, TODAY, BookBench


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

    assert (1, 1_260_000) == (closed.accounts, books.balance(FIRST))
    assert 0 == books.balance(SECOND)
