"""Postings of an account of the synthetic nation, year by year, as lines of postings.csv.

Plan: a year's movements as (month, day, kind, sen), their development by the formula of
``domain/accrual.py`` in plain integers, for this runs a billion times; a test holds it
against ``estimate_development``.  Every past year is booked, so a closing finds nothing
left to book; the running year is not.
Limits: monthly accrual only.  Corrections are adjustments, because postings.csv has no
other signed kind.  A year that is not booked month by month has one contribution, in the
middle of the months it was paid for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from atm_switch.domain.accrual import MILLIPERCENT, MONTHS, RateTable
from atm_switch.domain.contribution import ContributionRates
from atm_switch.domain.member import Segment
from atm_switch.domain.money import SEN_PER_RUPIAH, Money, divide_half_up
from atm_switch.ledger.nation_chance import Dice
from atm_switch.ledger.nation_people import CLAIM_DAY, AccountPlan, PartialClaim, Span

_WAGE_MOST: Final = 200_000_000
_ADJUSTMENT_DAY: Final = 25
_MONTHS_TO_STRAY: Final = 6

Movement = tuple[int, int, str, int]
"""Month 1 to 12, day, kind, signed sen."""


@dataclass(frozen=True, slots=True)
class Times:
    """The span, the development rate of each of its years in 1/1000 %, what is paid in."""

    span: Span
    rates: tuple[int, ...]
    contributions: ContributionRates


def times_of(span: Span, table: RateTable, contributions: ContributionRates) -> Times:
    """Look the rates of a span up; contributions are by one table, today's, in all years."""
    years = range(span.first_year, span.until.year + 1)
    return Times(span, tuple(table.of(year).millipercent for year in years), contributions)


def history(kpj: str, plan: AccountPlan, times: Times, dice: Dice) -> Iterator[str]:
    """Yield the lines of an account, oldest first; no balance on the way is below zero."""
    income, balance = plan.income, 0
    for index in range(plan.start // MONTHS, _years(plan, times.span)):
        monthly = _monthly_sen(plan.segment, income, times.contributions)
        movements = _paid(plan, index, monthly, times.span, dice)
        _conclude(movements, plan, index, balance, times)
        year = times.span.first_year + index
        for month, day, kind, sen in movements:
            balance += sen
            rupiah, rest = divmod(-sen if kind == "claim" else sen, SEN_PER_RUPIAH)
            sign, rupiah, rest = _signed(rupiah, rest)
            yield f"{kpj},{year}-{month:02d}-{day:02d},{kind},{sign}{rupiah}.{rest:02d}\n"
        grown = income * (1000 + plan.growth_permille) // 1_000_000 * 1000
        income = min(grown, _WAGE_MOST)


def _years(plan: AccountPlan, span: Span) -> int:
    return span.years if plan.claimed is None else plan.claimed // MONTHS + 1


def _signed(rupiah: int, rest: int) -> tuple[str, int, int]:
    if rupiah >= 0:
        return "", rupiah, rest
    # divmod rounds towards minus infinity, people and the CSV towards zero
    return ("-", -rupiah - 1, SEN_PER_RUPIAH - rest) if rest else ("-", -rupiah, 0)


def _monthly_sen(segment: Segment, income: int, rates: ContributionRates) -> int:
    amount = Money(income * SEN_PER_RUPIAH)
    if segment is Segment.WAGE_EARNER:
        return rates.wage_earner(amount).total.sen
    if segment is Segment.SELF_EMPLOYED:
        return rates.self_employed(amount).total.sen
    # of the amounts offered the highest within the means, or the lowest
    within = [one for one in rates.amounts if one <= amount]
    return rates.migrant(max(within, default=min(rates.amounts))).total.sen


def _paid(plan: AccountPlan, index: int, sen: int, span: Span, dice: Dice) -> list[Movement]:
    """Return what was paid in a year, and corrections of it, oldest first."""
    before = MONTHS * index
    months = range(max(plan.start - before, 0) + 1, min(plan.end - before, MONTHS) + 1)
    if not months:
        return []
    if index < span.years - span.monthly_years:
        middle = months[len(months) // 2]
        return [(middle, plan.pay_day, "contribution", sen * len(months))]
    movements = [(month, plan.pay_day, "contribution", sen) for month in months]
    if len(months) >= _MONTHS_TO_STRAY:
        _stray(movements, plan, dice)
    if index == span.years - 1:
        today = (span.until.month, span.until.day)
        return [one for one in movements if one[:2] <= today]
    return movements


def _stray(movements: list[Movement], plan: AccountPlan, dice: Dice) -> None:
    """Have a year differ from the rule now and then: late, not at all, too much, put right."""
    whim = dice.below(100)
    is_unsteady = plan.segment is Segment.SELF_EMPLOYED and whim >= 50
    if whim >= 24 and not is_unsteady:
        return
    at = dice.below(len(movements) - 3)
    month, day, kind, sen = movements[at]
    if whim < 10:
        movements[at] = (month + dice.between(1, 2), day, kind, sen)
    elif whim < 16 or is_unsteady:
        del movements[at : at + dice.between(1, 3)]
    elif whim < 22:
        movements[at] = (month, day, kind, 2 * sen)
    else:
        amount = sen // 10 * dice.one_of((-1, 1))
        movements.append((month, _ADJUSTMENT_DAY, "adjustment", amount))
    movements.sort()


def _conclude(
    movements: list[Movement], plan: AccountPlan, index: int, balance: int, times: Times
) -> None:
    """Add a year's claims and its development."""
    rate = times.rates[index]
    if plan.partial is not None and plan.partial.month // MONTHS == index:
        _claim_part(movements, plan.partial, balance)
    if plan.claimed is not None and plan.claimed // MONTHS == index:
        _claim_all(movements, plan.claimed % MONTHS + 1, balance, rate)
    elif index < times.span.years - 1:
        earned = _earned(movements, balance, rate, MONTHS)
        if earned:
            movements.append((MONTHS, 31, "development", earned))


def _claim_part(movements: list[Movement], claim: PartialClaim, balance: int) -> None:
    month = claim.month % MONTHS + 1
    there = balance + sum(one[3] for one in movements if one[:2] <= (month, CLAIM_DAY))
    rupiah = there * claim.percent // 100 // SEN_PER_RUPIAH
    if rupiah > 0:
        movements.append((month, CLAIM_DAY, "claim", -rupiah * SEN_PER_RUPIAH))
        movements.sort()


def _claim_all(movements: list[Movement], month: int, balance: int, rate: int) -> None:
    """Book what the year has earned so far and pay all of it out."""
    movements[:] = [one for one in movements if one[:2] <= (month, CLAIM_DAY)]
    earned = _earned(movements, balance, rate, month)
    whole = balance + earned + sum(one[3] for one in movements)
    if earned:
        movements.append((month, CLAIM_DAY, "development", earned))
    if whole > 0:
        movements.append((month, CLAIM_DAY, "claim", -whole))


def _earned(movements: list[Movement], balance: int, rate: int, until_month: int) -> int:
    parts = balance * until_month
    for month, _, _, sen in movements:
        parts += sen * (until_month - month + 1)
    return divide_half_up(rate * parts, MILLIPERCENT * MONTHS)
