"""Development of a year, against the simulations published (domain.md 2.16)."""

from datetime import date

import pytest

from atm_switch.domain.accrual import (
    Accrual,
    DevelopmentRate,
    RateTable,
    YearBase,
    estimate_development,
)
from atm_switch.domain.money import ZERO, Money
from tests.doubles.rates import flat

FIVE_PERCENT = 5_000
G1_MONTHLY = Money.from_rupiah("285000")
WHOLE_YEAR = tuple((date(2025, month, 1), G1_MONTHLY) for month in range(1, 13))
LAST_DAY = date(2025, 12, 31)


def g1_balance(years: int) -> Money:
    """Return G1's balance after so many years, each booked on 31 December."""
    balance = ZERO
    for _ in range(years):
        base = YearBase(balance, WHOLE_YEAR)
        paid = Money(12 * G1_MONTHLY.sen)
        balance = balance + paid + estimate_development(base, LAST_DAY, FIVE_PERCENT)
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

    assert "510.174,26" == estimate_development(base, date(2025, 6, 30), FIVE_PERCENT).indonesian()


def test_golden_g3_compounds_yearly() -> None:
    """
    15,800,310 left for 26 years at 5.7 % come to 66,775,212.37.

    Unrounded it is 66,775,212.357 and 66,775,213 was published; rounding to the sen once
    each year, as the ledger must, moves it by one sen.
    """
    balance = Money.from_rupiah("15800310")

    for _ in range(26):
        balance = balance + estimate_development(YearBase(balance, ()), LAST_DAY, 5_700)

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
    assert Money(sen) == estimate_development(
        YearBase(Money(120_000), ()), date(2025, month, 1), FIVE_PERCENT
    )


@pytest.mark.parametrize(
    ("posted", "month", "sen"),
    [(1, 12, 6_000), (12, 12, 500), (3, 3, 500), (4, 3, 0), (6, 8, 1_500)],
)
def test_posting_earns_from_its_month_on(posted: int, month: int, sen: int) -> None:
    """
    A posting earns from its own month, counted whole, and a later one not yet.
    """
    base = YearBase(ZERO, ((date(2025, posted, 1), Money(120_000)),))

    assert Money(sen) == estimate_development(base, date(2025, month, 28), FIVE_PERCENT)


def test_claim_takes_from_the_base() -> None:
    """
    A claim lessens what earns, from its month on.
    """
    base = YearBase(Money(120_000), ((date(2025, 7, 1), Money(-120_000)),))

    assert Money(3_000) == estimate_development(base, LAST_DAY, FIVE_PERCENT)


def contributed(sen: int, rate: int, first: int, accrual: Accrual) -> Money:
    """Return what five years of payments on the first of each month have earned."""
    balance = earned = ZERO
    for year in range(first, first + 5):
        paid = tuple((date(year, month, 1), Money(sen)) for month in range(1, 13))
        base = YearBase(balance, paid)
        developed = estimate_development(base, date(year, 12, 31), rate, accrual)
        balance, earned = balance + Money(12 * sen) + developed, earned + developed
    return earned


@pytest.mark.parametrize(("rate", "earned"), [(5_690, "2120332.90"), (5_700, "2124318.82")])
def test_golden_g2_differs_as_documented(rate: int, earned: str) -> None:
    """
    4,000,000 a month at "about 5.7 %": published 2,120,310, 23 rupiah less than 5.69 % gives.

    No rate of two decimals gives the published figure; 5.70 % gives 4,009 rupiah more.
    """
    assert earned == contributed(22_800_000, rate, 2017, Accrual.MONTHLY).plain()


def test_daily_accrual_of_g1_as_recomputed() -> None:
    """
    By days G1 earns 2,309,013.15 in 2017 to 2021, rounded once a year; published is 2,309,470.
    """
    assert "2309013.15" == contributed(28_500_000, FIVE_PERCENT, 2017, Accrual.DAILY_365).plain()


@pytest.mark.parametrize("year", [2023, 2024])
def test_daily_year_earns_the_rate_whole(year: int) -> None:
    """
    An opening balance earns the year's rate and no more, in a leap year too.
    """
    base = YearBase(Money(100_000), ())

    earned = estimate_development(base, date(year, 12, 31), FIVE_PERCENT, Accrual.DAILY_365)

    assert Money(5_000) == earned


@pytest.mark.parametrize(
    ("as_of", "sen"), [(date(2023, 3, 10), 0), (date(2023, 3, 9), 0), (date(2023, 3, 20), 500)]
)
def test_daily_posting_earns_from_next_day(as_of: date, sen: int) -> None:
    """
    By days a posting earns from the day after it on.
    """
    base = YearBase(ZERO, ((date(2023, 3, 10), Money(365_000)),))

    assert Money(sen) == estimate_development(base, as_of, FIVE_PERCENT, Accrual.DAILY_365)


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


def test_rate_table_has_no_hole() -> None:
    """
    A year between two others has a rate of its own, in whatever order they come.
    """
    rates = [DevelopmentRate(year, 5_000, is_published=True) for year in (2025, 2023, 2022)]

    with pytest.raises(ValueError, match="the rate of 2024 is missing between other years"):
        RateTable(rates)
    RateTable([*rates, DevelopmentRate(2024, 1, is_published=True)])


def test_closed_year_goes_by_the_rate_it_was_closed_by() -> None:
    """
    No other year does, neither one after the table's last nor one before its first.
    """
    table = flat(6_250).closed_by({2020: 1, 2025: 5_000})

    assert [6_250, 1, 6_250, 5_000, 6_250] == [
        table.of(year).millipercent for year in (2019, 2020, 2021, 2025, 2026)
    ]
