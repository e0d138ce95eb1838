"""The statement: what counts where, when it is an estimate, and the golden one."""

from dataclasses import replace
from datetime import date

import pytest

from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind, sort_year
from atm_switch.domain.statement import AccountHistory, draw_up
from atm_switch.domain.unclosed import Unclosed
from tests.doubles.rates import flat, yearly

FIVE_PERCENT = flat(5_000)
THIRTY_JUNE = date(2025, 6, 30)
CONTRIBUTION, DEVELOPMENT, CLAIM, ADJUSTMENT = PostingKind


def history(*postings: Posting, opening: Money = ZERO, year: int = 2025) -> AccountHistory:
    """Return a history of these postings."""
    return AccountHistory(year, opening, postings, has_postings=True, last_contribution=None)


def posting(month: int, kind: PostingKind, sen: int, day: int = 1, number: int = 0) -> Posting:
    """Return a posting of 2025."""
    return Posting(date(2025, month, day), kind, Money(sen), number)


def correction(month: int, kind: PostingKind, sen: int, of: int, day: int = 1) -> Posting:
    """Return a posting of 2025, number 99, that takes number ``of`` back."""
    return Posting(date(2025, month, day), kind, Money(sen), 99, of)


def test_golden_statement_of_thirty_june() -> None:
    """
    G1 on 30 June: 1,710,000 paid, 510,174.26 estimated, 21,629,644.73 in all.
    """
    paid = [posting(month, CONTRIBUTION, 28_500_000) for month in range(1, 7)]
    g1 = history(*paid, opening=Money.from_rupiah("19409470.47"))

    statement = draw_up(g1, THIRTY_JUNE, FIVE_PERCENT)

    assert "19.409.470,47" == statement.opening.indonesian()
    assert "1.710.000,00" == statement.contributions.indonesian()
    assert "510.174,26" == statement.development.indonesian()
    assert "0,00" == statement.claims.indonesian()
    assert "21.629.644,73" == statement.closing.indonesian()
    assert statement.is_estimate


def test_booked_development_is_final() -> None:
    """
    Once the year's development is booked, it counts as booked and nothing is estimated.
    """
    booked = history(posting(12, DEVELOPMENT, 777, day=31), opening=Money(1_000_000))

    statement = draw_up(booked, date(2025, 12, 31), FIVE_PERCENT)

    assert (Money(777), False) == (statement.development, statement.is_estimate)


def test_development_booked_as_nothing_is_final() -> None:
    """
    A year booked with 0.00 is final too.
    """
    booked = history(posting(12, DEVELOPMENT, 0, day=31), opening=Money(1_000_000))

    statement = draw_up(booked, date(2025, 12, 31), FIVE_PERCENT)

    assert (ZERO, False) == (statement.development, statement.is_estimate)


def test_estimate_in_december_equals_year_booked() -> None:
    """
    At the end of December the estimate is what a booking of the year would be.
    """
    months = [posting(month, CONTRIBUTION, 28_500_000) for month in range(1, 13)]

    statement = draw_up(history(*months), date(2025, 12, 31), FIVE_PERCENT)

    assert ("92625.00", True) == (statement.development.plain(), statement.is_estimate)


def test_claims_are_shown_positive() -> None:
    """
    A claim is negative in the ledger, positive on the statement, and taken off.
    """
    claimed = history(posting(2, CLAIM, -300), posting(3, CLAIM, -200), opening=Money(1_000))

    statement = draw_up(claimed, THIRTY_JUNE, flat(0))

    assert (Money(500), Money(500)) == (statement.claims, statement.closing)


@pytest.mark.parametrize("sen", [150, -150])
def test_adjustments_count_under_contributions(sen: int) -> None:
    """
    An adjustment of either sign is part of the contributions.
    """
    adjusted = history(posting(1, CONTRIBUTION, 1_000), posting(2, ADJUSTMENT, sen))

    statement = draw_up(adjusted, THIRTY_JUNE, flat(0))

    assert (Money(1_000 + sen), ZERO) == (statement.contributions, statement.claims)


@pytest.mark.parametrize(
    ("opening", "shown"),
    [
        (2_000, (500, 1_000, 0)),  # within the opening balance, contributions as they were
        (700, (0, 1_000, 800)),  # that holds too little: the rest is told as claimed
    ],
)
def test_adjustment_may_take_more_than_was_paid(opening: int, shown: tuple[int, int, int]) -> None:
    """
    No amount falls below zero for it, so that the balance is told.
    """
    moved = (posting(1, CONTRIBUTION, 1_000), posting(2, ADJUSTMENT, -1_500))

    said = draw_up(history(*moved, opening=Money(opening)), THIRTY_JUNE, flat(0))

    assert shown == (said.opening.sen, said.contributions.sen, said.claims.sen)
    assert opening - 500 == said.closing.sen


def test_unclosed_year_is_estimated_within_the_opening() -> None:
    """
    Twelve months of 2024 at 5 % less what was paid in advance; it earns on in 2025.
    """
    before = (
        Posting(date(2024, 1, 1), CONTRIBUTION, Money(120_000)),
        Posting(date(2024, 7, 1), DEVELOPMENT, Money(1_000)),
    )
    carried = replace(history(opening=Money(121_000)), unclosed=Unclosed(2023, before))

    rates = yearly({2024: 5_000, 2025: 10_000})
    said = draw_up(carried, date(2025, 12, 31), rates)

    # 6,000 of the contribution and 25 of the advance, which was paid already.
    assert (Money(5_025), True) == (said.carried, said.is_estimate)
    assert (126_025, 12_603) == (said.opening.sen, said.development.sen)


def test_postings_after_the_day_wait() -> None:
    """
    What is posted after the day of the statement is on a later one.
    """
    year = history(posting(6, CONTRIBUTION, 100, day=30), posting(7, CONTRIBUTION, 900))

    assert Money(100) == draw_up(year, THIRTY_JUNE, flat(0)).contributions


def test_claimed_out_account_stays_at_zero() -> None:
    """
    An account with nothing in it earns nothing.
    """
    statement = draw_up(history(), THIRTY_JUNE, FIVE_PERCENT)

    assert (ZERO, ZERO) == (statement.development, statement.closing)


def test_history_of_another_year_is_refused() -> None:
    """
    A statement is never drawn up from another year's postings.
    """
    with pytest.raises(ValueError, match="different years"):
        draw_up(history(year=2024), THIRTY_JUNE, FIVE_PERCENT)


def test_correction_of_same_day_leaves_nothing() -> None:
    """
    A contribution taken back on its own day neither counts nor earns.
    """
    wrong = (posting(2, CONTRIBUTION, 500, number=7), correction(2, CONTRIBUTION, -500, of=7))
    right = posting(1, CONTRIBUTION, 1_200)

    assert draw_up(history(right), THIRTY_JUNE, FIVE_PERCENT) == draw_up(
        history(right, *wrong), THIRTY_JUNE, FIVE_PERCENT
    )


def test_development_taken_back_is_estimated_again() -> None:
    """
    A year whose development was taken back is an estimate, as before.
    """
    booked = (
        posting(12, DEVELOPMENT, 777, day=31, number=7),
        correction(12, DEVELOPMENT, -777, of=7, day=31),
    )

    statement = draw_up(history(*booked, opening=Money(1_000)), date(2025, 12, 31), FIVE_PERCENT)

    assert (Money(50), True) == (statement.development, statement.is_estimate)


@pytest.mark.parametrize(
    ("kind", "sen"),
    [
        (CONTRIBUTION, -600),
        (CLAIM, 600),
        (DEVELOPMENT, -600),
        (ADJUSTMENT, -600),
        (ADJUSTMENT, 600),
    ],
)
def test_correction_of_earlier_year_is_in_opening(kind: PostingKind, sen: int) -> None:
    """
    What takes back a posting of a closed year puts the opening right, and earns or stops
    earning from its own month on.
    """
    corrected = history(correction(6, kind, sen, of=7), opening=Money(12_000))

    statement = draw_up(corrected, THIRTY_JUNE, flat(100_000))

    assert Money(12_000 + sen) == statement.opening
    assert (ZERO, ZERO) == (statement.contributions, statement.claims)
    assert Money(6_000 + sen // 12) == statement.development
    assert statement.is_estimate


def test_correction_of_earlier_year_spares_an_equal_payment() -> None:
    """
    A payment of the day, kind and amount of a correction of an earlier year stands whole.
    """
    paid = posting(6, CONTRIBUTION, 600, number=8)
    year = history(paid, correction(6, CONTRIBUTION, -600, of=7), opening=Money(12_000))

    statement = draw_up(year, THIRTY_JUNE, flat(0))

    assert (11_400, 600) == (statement.opening.sen, statement.contributions.sen)
    assert paid.posted_on == sort_year(year.postings).last_contribution


def test_last_contribution_is_one_that_stands() -> None:
    """
    Of two equal contributions the one taken back is not the last.
    """
    months = [posting(1, CONTRIBUTION, 500, number=1), posting(3, CONTRIBUTION, 500, number=2)]

    year = sort_year([*months, correction(3, CONTRIBUTION, -500, of=2)])

    assert date(2025, 1, 1) == year.last_contribution
    assert date(2025, 3, 1) == sort_year(months).last_contribution
    assert None is sort_year([posting(3, ADJUSTMENT, 5)]).last_contribution


def test_development_paid_in_advance_is_part_of_the_estimate() -> None:
    """
    Booked before 31 December it makes nothing final: the year brings what it earns, that
    included, and more only where more was paid.
    """
    advance = posting(6, DEVELOPMENT, 5)
    year = history(advance, opening=Money(1_200_000))
    lavish = history(posting(6, DEVELOPMENT, 70_000), opening=Money(1_200_000))

    statement = draw_up(year, THIRTY_JUNE, FIVE_PERCENT)

    assert (Money(30_000), True) == (statement.development, statement.is_estimate)
    assert Money(70_000) == draw_up(lavish, THIRTY_JUNE, FIVE_PERCENT).development


def test_everything_claimed_with_its_development_is_nothing() -> None:
    """
    What a claim of everything was paid out with earns nothing more, and the account is empty.
    """
    gone = history(
        posting(6, DEVELOPMENT, 30_000, day=20), posting(6, CLAIM, -1_230_000, day=20),
        opening=Money(1_200_000),
    )  # fmt: skip

    for month in (6, 12):
        statement = draw_up(gone, date(2025, month, 30), FIVE_PERCENT)
        assert (Money(30_000), ZERO) == (statement.development, statement.closing)
