"""Postings of a sample account: paid on the 1st of each month, development on 31 December.

Why computed and not listed: the figures follow the accrual of ``domain/accrual.py``, so a
sample's booked years agree with what a statement would have estimated for them.
"""

from dataclasses import dataclass
from datetime import date

from atm_switch.domain.accrual import MONTHS, RateTable, YearBase, estimate_development
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind

_CLAIM_MONTH = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How an account was paid into: since when, how much a month.

    ``years_before`` counts from the current year; ``years_paid`` is ``None`` for an account
    still paid into; without ``rate_millipercent`` each year earns its own rate.
    """

    years_before: int
    monthly: Money
    rate_millipercent: int | None = None
    years_paid: int | None = None


def paid_monthly(plan: Plan, today: date, rates: RateTable) -> list[Posting]:
    """Return the postings up to ``today``; every year before the current one is booked."""
    first = today.year - plan.years_before
    last_paid = today.year if plan.years_paid is None else first + plan.years_paid - 1
    postings: list[Posting] = []
    for year in range(first, today.year + 1):
        opening = balance(postings)
        days = [date(year, month, 1) for month in range(1, MONTHS + 1)]
        paid = [
            Posting(day, PostingKind.CONTRIBUTION, plan.monthly)
            for day in days
            if day <= today and year <= last_paid
        ]
        postings += paid
        if year < today.year:
            base = YearBase(opening, tuple((p.posted_on, p.amount) for p in paid))
            rate = plan.rate_millipercent or rates.of(year).millipercent
            postings.append(_development(base, date(year, 12, 31), rate))
    return postings


def claimed_out(postings: list[Posting], today: date, rates: RateTable) -> list[Posting]:
    """Return the history cut at 15 March last year, when all was claimed with its return."""
    year = today.year - 1
    earlier = [posting for posting in postings if posting.posted_on.year < year]
    claimed_on = date(year, _CLAIM_MONTH, 15)
    base = YearBase(balance(earlier), ())
    rate = rates.of(year).millipercent
    booked = [*earlier, _development(base, claimed_on, rate)]
    return [*booked, Posting(claimed_on, PostingKind.CLAIM, -balance(booked))]


def balance(postings: list[Posting]) -> Money:
    """Sum signed postings."""
    return sum((posting.amount for posting in postings), start=ZERO)


def _development(base: YearBase, day: date, rate_millipercent: int) -> Posting:
    earned = estimate_development(base, day, rate_millipercent)
    return Posting(day, PostingKind.DEVELOPMENT, earned)
