"""Open years closed one after the other, as arithmetic."""

from datetime import date

import pytest

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.unclosed import OpenYear, Terms, Unclosed, close_in_order
from tests.doubles.rates import yearly

MONTHLY = Terms(yearly({2021: 10_000, 2022: 5_000, 2023: 1_000}), Accrual.MONTHLY)
DAILY = Terms(MONTHLY.rates, Accrual.DAILY_365)


def paid(day: str, sen: int) -> Posting:
    """Return a contribution."""
    return Posting(date.fromisoformat(day), PostingKind.CONTRIBUTION, Money(sen))


def booked(*years: tuple[int, int]) -> list[OpenYear]:
    """Return open years nothing was taken over in."""
    return [OpenYear(year, Money(sen)) for year, sen in years]


def test_each_year_begins_with_what_the_one_before_ended_with() -> None:
    """
    10 % of 100,000, 5 % of 110,000, 1 % of 115,500; nothing of a year before was booked.
    """
    unclosed = Unclosed(0, (paid("2021-01-05", 100_000),))

    years = list(close_in_order(Money(100_000), unclosed, 2024, MONTHLY))

    assert booked((2021, 10_000), (2022, 5_500), (2023, 1_155)) == years


def test_balance_of_settled_years_earns_without_a_posting() -> None:
    """
    What was booked by the last settled year is what the first open one begins with.
    """
    years = list(close_in_order(Money(100_000), Unclosed(2021), 2024, MONTHLY))

    assert booked((2022, 5_000), (2023, 1_050)) == years


def test_years_nothing_stood_in_are_passed_over() -> None:
    """
    Between two postings, and without one; a year in which all was taken back brings nothing.
    """
    wrong = Posting(date(206, 3, 5), PostingKind.CONTRIBUTION, Money(5), 1)
    back = Posting(date(206, 3, 5), PostingKind.CONTRIBUTION, Money(-5), 2, reverses=1)
    unclosed = Unclosed(0, (wrong, back, paid("2023-01-05", 1_000)))

    years = list(close_in_order(Money(1_000), unclosed, 2024, MONTHLY))

    assert booked((2023, 10)) == years
    assert [] == list(close_in_order(ZERO, Unclosed(0), 2024, MONTHLY))


@pytest.mark.parametrize(("terms", "second"), [(MONTHLY, 5_000), (DAILY, 5_000 + 1)])
def test_merged_account_hands_over_what_it_earned(terms: Terms, second: int) -> None:
    """
    On 1 January, which earns by months nothing more; by days it is there for one.
    """
    years = list(close_in_order(Money(100_000), Unclosed(2020), 2023, terms, is_merged=True))

    assert [(2021, 10_000, 0), (2022, second, -10_000)] == [
        (one.year, one.development.sen, one.taken_over.sen) for one in years
    ]


def test_what_is_taken_over_earns_from_new_years_day() -> None:
    """
    It is a posting of 1 January; of a settled year it is none.
    """
    brought = {2021: Money(7), 2022: Money(10_000), 2023: Money(500)}

    years = list(close_in_order(ZERO, Unclosed(2021), 2024, MONTHLY, brought))

    assert [
        OpenYear(2022, Money(500), Money(10_000)),
        OpenYear(2023, Money(110), Money(500)),
    ] == years
