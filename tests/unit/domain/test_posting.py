"""The postings of a year, sorted."""

from datetime import date

import pytest

from atm_switch.domain.money import Money
from atm_switch.domain.posting import (
    Posting,
    PostingKind,
    is_last_day,
    last_contribution,
    of_kind,
    posting_kind,
    sort_year,
    total,
)

CONTRIBUTION, DEVELOPMENT, CLAIM, ADJUSTMENT = PostingKind


def test_kind_is_known_by_the_word_of_the_file() -> None:
    """
    Every kind has one, and another word is none.
    """
    assert list(PostingKind) == [posting_kind(kind.value) for kind in PostingKind]
    with pytest.raises(ValueError, match="no kind of posting"):
        posting_kind("interest")


def test_year_is_sorted_by_what_is_done_with_it() -> None:
    """
    Development of 31 December is the year's, any other was paid in advance and earns too.
    """
    year = [
        Posting(date(2025, month, 31), kind, Money(sen), number)
        for number, (month, kind, sen) in enumerate([
            (1, ADJUSTMENT, 1), (3, CONTRIBUTION, 20), (5, DEVELOPMENT, 300),
            (10, CLAIM, -4_000), (12, DEVELOPMENT, 50_000),
        ])
    ]  # fmt: skip

    found = sort_year(year)

    assert [21, -4_000, 50_000, 300, 0] == [
        total(some).sen
        for some in (
            found.paid, found.claimed, found.developed, found.advanced, found.corrections,
        )
    ]  # fmt: skip
    assert 21 - 4_000 + 300 == sum(amount.sen for _, amount in found.movements)
    assert date(2025, 3, 31) == found.last_contribution
    assert [50_000] == [
        one.amount.sen for one in of_kind(year, DEVELOPMENT) if is_last_day(one.posted_on)
    ]


@pytest.mark.parametrize("taken_back", [False, True])
@pytest.mark.parametrize("kind", PostingKind)
def test_last_contribution_is_that_of_the_sorted_year(
    kind: PostingKind,
    taken_back: bool,  # noqa: FBT001 - a case
) -> None:
    """It needs no sorting, and says the same: corrections and what they take back do not count."""
    year = [
        Posting(date(2025, 1, 2), CONTRIBUTION, Money(5), 1),
        Posting(date(2025, 3, 4), kind, Money(7), 2),
    ]
    if taken_back:
        year.append(Posting(date(2025, 3, 4), kind, Money(-7), 3, reverses=2))
    year.append(Posting(date(2025, 6, 7), CONTRIBUTION, Money(-9), 4, reverses=99))

    stands = kind is CONTRIBUTION and not taken_back
    assert (date(2025, 3, 4) if stands else date(2025, 1, 2)) == last_contribution(year)
    assert last_contribution(year) == sort_year(year).last_contribution
