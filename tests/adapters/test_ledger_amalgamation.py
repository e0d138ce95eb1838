"""Merging accounts: balance, cards and status move together or not at all."""

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.amalgamation import amalgamate
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.store import Store
from tests.doubles.book_bench import (
    ADJUSTMENT,
    CONTRIBUTION,
    FIRST,
    SECOND,
    STRANGER,
    THIRD,
    TODAY,
    BookBench,
)
from tests.doubles.postgres_bench import Reader


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database with three accounts of one person, the first the oldest."""
    books = BookBench(store)
    for year, kpj in enumerate((FIRST, SECOND, THIRD), start=2023):
        books.post(kpj, f"{year}-01-01", 1_000)
    return books


def merge(books: BookBench, kept: Kpj, *merged: Kpj) -> None:
    """Merge today."""
    amalgamate(books.store, kept, merged, TODAY, lambda _: None)


def test_balances_move_to_the_kept_account(books: BookBench) -> None:
    """
    A pair of adjustments of today moves each balance, and nothing is left behind.
    """
    merge(books, FIRST, SECOND, THIRD)

    assert [3_000, 0, 0] == [books.balance(kpj) for kpj in (FIRST, SECOND, THIRD)]
    assert ("2026-06-30", "adjustment", -1_000) == books.postings(SECOND)[-1]
    assert () == books.differences()


def test_kept_account_becomes_active_with_the_merged(books: BookBench) -> None:
    """
    An inactive first account into which an active one is merged is active from then on.
    """
    books.store.change("UPDATE participants SET status = 'N' WHERE kpj = ?", (FIRST.digits,))

    merge(books, FIRST, SECOND)

    query = "SELECT status FROM participants WHERE kpj IN (?, ?) ORDER BY kpj"
    assert [("A",), ("N",)] == books.store.rows(query, (FIRST.digits, SECOND.digits))


def by_sub_account(books: BookBench, kpj: Kpj) -> dict[str, int]:
    """Sum an account by its sub-accounts."""
    query = (
        "SELECT sub_account, CAST(sum(amount_sen) AS BIGINT) FROM postings WHERE kpj = ?"
        " GROUP BY sub_account"
    )
    return dict(books.store.rows(query, (kpj.digits,)))


def test_each_sub_account_moves_to_its_like(books: BookBench) -> None:
    """
    What is on the additional account is on the additional one afterwards.
    """
    books.post(SECOND, "2026-02-01", 700, CONTRIBUTION, "additional")

    merge(books, FIRST, SECOND)

    assert {"main": 2_000, "additional": 700} == by_sub_account(books, FIRST)
    assert {"main": 0, "additional": 0} == by_sub_account(books, SECOND)
    assert () == books.differences()


def test_what_is_dated_ahead_moves_on_its_day(books: BookBench) -> None:
    """
    A contribution of a day to come leaves the merged account on that day, and no day before
    it ends below zero.
    """
    books.post(SECOND, "2026-12-01", 50)

    merge(books, FIRST, SECOND)

    moved = [("2026-06-30", "adjustment", -1_000), ("2026-12-01", "adjustment", -50)]
    assert moved == sorted(books.postings(SECOND)[-2:])
    assert 2_050 == books.balance(FIRST)


def test_refusal_names_the_first_older_account(books: BookBench) -> None:
    """
    Of two older accounts the lower number is named, on either database.
    """
    with pytest.raises(Refused, match=r"8901 is older than .*8903"):
        merge(books, THIRD, SECOND)


def test_merged_account_says_where_it_went(books: BookBench) -> None:
    """
    It is inactive, names the kept one and the day, and is no sibling any more.
    """
    merge(books, FIRST, SECOND)

    query = "SELECT status, merged_into, merged_on FROM participants WHERE kpj = ?"
    found = books.store.rows(query, (SECOND.digits,))
    assert [("N", FIRST.digits, "2026-06-30")] == found


def test_siblings_no_longer_name_merged_account(books: BookBench, reader: Reader) -> None:
    """
    An open reader's next look finds only the accounts that stand.
    """
    before = reader.siblings(FIRST)
    merge(books, FIRST, THIRD)

    assert (FIRST, SECOND, THIRD) == before
    assert (FIRST, SECOND) == reader.siblings(FIRST)


def test_merged_account_counts_none_and_the_kept_one_less(books: BookBench, reader: Reader) -> None:
    """
    An open reader's next look at an account counts those that stand; of the merged one, none.
    """
    merge(books, FIRST, THIRD)

    found = [reader.account(kpj, TODAY) for kpj in (FIRST, SECOND, THIRD)]
    assert [2, 2, 0] == [account[0].kpj_count for account in found if account is not None]


def test_cards_follow_to_the_kept_account(books: BookBench) -> None:
    """
    A card of the merged KPJ leads to the kept one.
    """
    columns = ("pan_digest", "key_id", "kpj", "expiry", "pvv", "pvki", "status", "linked_on")
    row = (bytes(32), "1", SECOND.digits, "2912", "1234", "1", "active", "2025-01-01")
    books.store.load("cards", columns, [row])

    merge(books, FIRST, SECOND)

    assert [(FIRST.digits,)] == books.store.rows("SELECT kpj FROM cards")


def test_earlier_mergers_follow_along(books: BookBench) -> None:
    """
    What was merged into a merged account leads straight to the last one.
    """
    books.store.change(
        "UPDATE participants SET merged_into = ? WHERE kpj = ?", (SECOND.digits, THIRD.digits)
    )

    merge(books, FIRST, SECOND)

    query = "SELECT merged_into FROM participants WHERE kpj = ?"
    assert [(FIRST.digits,)] == books.store.rows(query, (THIRD.digits,))


def test_refused_merger_changes_nothing(books: BookBench) -> None:
    """
    One unfit account among several, and none of them is merged.
    """
    with pytest.raises(Refused, match="another person; nothing was changed"):
        merge(books, FIRST, SECOND, STRANGER)

    assert [1_000, 1_000] == [books.balance(kpj) for kpj in (FIRST, SECOND)]
    assert [] == books.store.rows("SELECT kpj FROM participants WHERE merged_into IS NOT NULL")


def test_merged_account_takes_no_posting(books: BookBench) -> None:
    """
    A posting on a merged account is refused and told where to go, masked.
    """
    merge(books, FIRST, SECOND)

    with pytest.raises(Refused, match=r"merged into \*{7}8901; book it there"):
        books.post(SECOND, "2026-06-30", 100)


def test_half_of_a_transfer_is_not_taken_back(books: BookBench) -> None:
    """
    Neither half by itself: the money would be gone from one account and come to no other.
    """
    own = books.post(FIRST, "2026-02-01", 7, ADJUSTMENT)
    merge(books, FIRST, SECOND)
    query = "SELECT kpj, seq FROM postings WHERE kind = 'adjustment' AND seq > ? ORDER BY seq"
    halves = books.store.rows(query, (own,))

    for kpj, number in halves:
        with pytest.raises(Refused, match="one half of a transfer"):
            reverse(books.store, Kpj(kpj), number, TODAY)
    reverse(books.store, FIRST, own, TODAY)

    assert 2 == len(halves)
    assert 2_000 == books.balance(FIRST)
