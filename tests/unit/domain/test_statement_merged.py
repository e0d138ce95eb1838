"""The statement of an account that others were merged into."""

from dataclasses import replace
from datetime import date

import pytest

from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.statement import AccountHistory, draw_up
from atm_switch.domain.unclosed import Unclosed
from tests.doubles.rates import flat, yearly

FIVE_PERCENT = flat(5_000)
THIRTY_JUNE = date(2025, 6, 30)
ADVANCE = Posting(date(2024, 7, 1), PostingKind.DEVELOPMENT, Money(1_000))


def merged(*before: Posting, opening: int = 0, last: date | None = None) -> AccountHistory:
    """Return the history of a merged account whose year before is open."""
    unclosed = Unclosed(2023, before)
    return AccountHistory(2025, Money(opening), (), True, last, unclosed=unclosed)  # noqa: FBT003


def kept(*gone: AccountHistory, last: date | None = None) -> AccountHistory:
    """Return the history of the account they were merged into."""
    own = AccountHistory(2025, ZERO, (), has_postings=True, last_contribution=last)
    return replace(own, merged=gone)


def test_open_year_of_each_merged_account_is_an_adjustment_of_new_year() -> None:
    """
    5 % of 100,000 and 5 % of 200,000 less an advance and what that earned; it earns from January.
    """
    rich = merged(ADVANCE, opening=201_000)

    rates = yearly({2024: 5_000, 2025: 10_000})
    said = draw_up(kept(merged(opening=100_000), rich), THIRTY_JUNE, rates)

    handed_over = 5_000 + 10_000 + 25 - 1_000
    assert (handed_over, handed_over) == (said.handed_over.sen, said.contributions.sen)
    assert (0, 701) == (said.carried.sen, said.development.sen)
    assert said.is_estimate


def test_merged_account_of_a_closed_year_brings_nothing() -> None:
    """
    What its closing moved is among the postings, and is not told twice.
    """
    closed = replace(merged(opening=100_000), unclosed=None)

    assert ZERO == draw_up(kept(closed), THIRTY_JUNE, FIVE_PERCENT).handed_over


@pytest.mark.parametrize(
    ("own", "others", "newest"),
    [
        (date(2025, 2, 1), [date(2025, 1, 1)], date(2025, 2, 1)),
        (date(2024, 2, 1), [date(2025, 1, 1), None], date(2025, 1, 1)),
        (None, [None, date(2023, 1, 1)], date(2023, 1, 1)),
        (None, [None], None),
    ],
)
def test_last_contribution_is_the_newest_of_all(
    own: date | None, others: list[date | None], newest: date | None
) -> None:
    """
    Whichever account it was paid into; none where none was.
    """
    gone = [merged(last=day) for day in others]

    said = draw_up(kept(*gone, last=own), THIRTY_JUNE, FIVE_PERCENT)

    assert newest == said.last_contribution
