"""Development of a year, against the simulations published (domain.md 2.16)."""

import pytest

from atm_switch.domain.accrual import (
    DevelopmentRate,
    RateTable,
    YearBase,
    estimate_development,
)
from atm_switch.domain.money import ZERO, Money

FIVE_PERCENT = 5_000
G1_MONTHLY = Money.from_rupiah("285000")
WHOLE_YEAR = tuple((month, G1_MONTHLY) for month in range(1, 13))


def g1_balance(years: int) -> Money:
    """Return G1's balance after so many years, each booked on 31 December."""
    balance = ZERO
    for _ in range(years):
        base = YearBase(balance, WHOLE_YEAR)
        paid = Money(12 * G1_MONTHLY.sen)
        balance = balance + paid + estimate_development(base, 12, FIVE_PERCENT)
    return balance


def test_golden_g1_after_five_years() -> None:
    """
    5.7 % of 5,000,000 a month at 5 % come to 19,409,470.47 after five years.
    """
    assert "19.409.470,47" == g1_balance(5).indonesian()


@pytest.mark.parametrize(
    ("years", "balance"),
    [
        (1, "3512625.00"),
        (2, "7200881.25"),
        (3, "11073550.31"),
        (4, "15139852.83"),
    ],
)
def test_golden_g1_year_by_year(years: int, balance: str) -> None:
    """
    Each year's development is rounded once, half up, and earns in the next.
    """
    assert balance == g1_balance(years).plain()


def test_golden_estimate_of_thirty_june() -> None:
    """
    In the sixth year, six months paid, the estimate is 510,174.26.
    """
    base = YearBase(g1_balance(5), WHOLE_YEAR[:6])

    assert "510.174,26" == estimate_development(base, 6, FIVE_PERCENT).indonesian()


def test_golden_g3_compounds_yearly() -> None:
    """
    15,800,310 left for 26 years at 5.7 % come to 66,775,212.37.

    Unrounded it is 66,775,212.357 and 66,775,213 was published; rounding to the sen once
    each year, as the ledger must, moves it by one sen.
    """
    balance = Money.from_rupiah("15800310")

    for _ in range(26):
        balance = balance + estimate_development(YearBase(balance, ()), 12, 5_700)

    exact = 15_800_310 * 1_057**26 * 100 / 1_000**26
    assert "66775212.37" == balance.plain()
    assert abs(balance.sen - exact) < 2


@pytest.mark.parametrize(
    ("month", "sen"),
    [(1, 500), (6, 3_000), (12, 6_000)],
)
def test_opening_earns_whole_months(month: int, sen: int) -> None:
    """
    An opening balance earns a twelfth of the year's rate each month, simple.
    """
    assert Money(sen) == estimate_development(YearBase(Money(120_000), ()), month, FIVE_PERCENT)


@pytest.mark.parametrize(
    ("posted", "month", "sen"),
    [(1, 12, 6_000), (12, 12, 500), (3, 3, 500), (4, 3, 0), (6, 8, 1_500)],
)
def test_posting_earns_from_its_month_on(posted: int, month: int, sen: int) -> None:
    """
    A posting earns from its own month, counted whole, and a later one not yet.
    """
    base = YearBase(ZERO, ((posted, Money(120_000)),))

    assert Money(sen) == estimate_development(base, month, FIVE_PERCENT)


def test_claim_takes_from_the_base() -> None:
    """
    A claim lessens what earns, from its month on.
    """
    base = YearBase(Money(120_000), ((7, Money(-120_000)),))

    assert Money(3_000) == estimate_development(base, 12, FIVE_PERCENT)


def test_rate_of_unknown_year_is_assumed() -> None:
    """
    Beyond the table the nearest year's rate counts, marked as not published.
    """
    rates = RateTable([DevelopmentRate(2020, 5_630, is_published=True)])

    assert DevelopmentRate(2020, 5_630, is_published=True) == rates.of(2020)
    assert DevelopmentRate(2031, 5_630, is_published=False) == rates.of(2031)
    assert DevelopmentRate(1999, 5_630, is_published=False) == rates.of(1999)


@pytest.mark.parametrize("years", [[], [2020, 2020]])
def test_rate_table_needs_distinct_years(years: list[int]) -> None:
    """
    A table without years, or with one given twice, does not exist.
    """
    with pytest.raises(ValueError, match="at least one year and no year twice"):
        RateTable([DevelopmentRate(year, 5_000, is_published=True) for year in years])
