"""Development ("hasil pengembangan") of one calendar year: simple inside it, then capitalised.

monthly    r x (opening x k/12 + sum of posting x (k - month + 1)/12), k the as-of month
           counted whole: what two published simulations follow (domain.md 2.16)
daily365   r x (opening x d/365 + sum of posting x n/365), d the as-of day of the year, n the
           days after that of the posting up to the as-of day; neither is more than 365, so
           that on 31 December of a leap year a posting earns and a claim costs one day more
           while the opening stands still (as recomputed for domain.md 2.16)

Either is rounded half up once to the sen and booked on 31 December.  That BPJS
Ketenagakerjaan goes by months is derived, that it might go by days is assumed; hence a
setting.  Whatever moves the balance earns from its posting date: a late contribution from
the day it was booked, not from its wage month; a claim stops what it took from earning.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import NamedTuple

from atm_switch.domain.money import Money, divide_half_up

MONTHS = 12
DAYS = 365
MILLIPERCENT = 100_000
"""One whole, in thousandths of a percent: 5 % is 5,000."""


@unique
class Accrual(Enum):
    """How finely a year is cut; the value is the setting's word."""

    MONTHLY = "monthly"
    DAILY_365 = "daily365"

    def opening_parts(self, as_of: date) -> int:
        """Return the parts of the year of ``as_of`` that an opening balance has earned."""
        if self is Accrual.MONTHLY:
            return as_of.month
        return min(DAYS, as_of.timetuple().tm_yday)

    def posting_parts(self, posted_on: date, as_of: date) -> int:
        """Return the parts a posting of the same year has earned; 0 before its day."""
        if self is Accrual.MONTHLY:
            return max(0, as_of.month - posted_on.month + 1)
        return max(0, (as_of - posted_on).days)


_MONTHLY = Accrual.MONTHLY


class YearBase(NamedTuple):
    """What earns in a year: the opening balance and (day, signed amount) movements."""

    opening: Money
    movements: tuple[tuple[date, Money], ...]


def estimate_development(
    base: YearBase, as_of: date, rate_millipercent: int, accrual: Accrual = Accrual.MONTHLY
) -> Money:
    """Return the development earned from 1 January up to and including ``as_of``.

    On 31 December it is what is booked.  The movements are of the year of ``as_of``.
    """
    parts = accrual.posting_parts
    earning = base.opening.sen * accrual.opening_parts(as_of) + sum(
        [amount.sen * parts(posted_on, as_of) for posted_on, amount in base.movements]
    )
    return Money(earned(earning, rate_millipercent, accrual))


def earned(earning: int, rate_millipercent: int, accrual: Accrual) -> int:
    """Return what sums of sen bring, each of them times the parts of the year it has earned."""
    whole = MILLIPERCENT * (MONTHS if accrual is _MONTHLY else DAYS)
    return divide_half_up(rate_millipercent * earning, whole)


@dataclass(frozen=True, slots=True)
class DevelopmentRate:
    """The rate of one year; ``is_published`` false where the table only assumes it."""

    year: int
    millipercent: int
    is_published: bool


class RateTable:
    """Yearly rates without a hole.

    A year before the table's first takes the first rate, one after its last the last, as assumed.
    """

    def __init__(self, rates: Iterable[DevelopmentRate]) -> None:
        """Sort the rates.

        Raises ``ValueError`` for none, a year given twice, and one that is missing between others:
        no neighbour's rate is its own.
        """
        given = tuple(rates)
        self._rates = {rate.year: rate for rate in given}
        self._closed: dict[int, DevelopmentRate] = {}
        if not given or len(self._rates) != len(given):
            message = "a rate table has at least one year and no year twice"
            raise ValueError(message)
        missing = set(range(min(self._rates), max(self._rates))) - set(self._rates)
        if missing:
            message = f"the rate of {min(missing)} is missing between other years"
            raise ValueError(message)

    def closed_by(self, rates: Mapping[int, int]) -> "RateTable":
        """Return the table with the rates, in 1/1000 %, that years were closed by.

        They stand in place of its own, but no other year goes by them.
        """
        table = RateTable(self._rates.values())
        for year, rate in rates.items():
            closed = DevelopmentRate(year, rate, is_published=self.of(year).is_published)
            table._closed[year] = closed
        return table

    def of(self, year: int) -> DevelopmentRate:
        """Return the rate of ``year``; before the first year, the first rate, assumed."""
        if (known := self._closed.get(year) or self._rates.get(year)) is not None:
            return known
        nearest = max(self._rates) if year > max(self._rates) else min(self._rates)
        return DevelopmentRate(year, self._rates[nearest].millipercent, is_published=False)
