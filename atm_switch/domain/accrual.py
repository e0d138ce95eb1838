"""Development ("hasil pengembangan") of one calendar year, monthly method.

r x (opening x k/12 + sum of posting x (k - month + 1)/12): simple inside the year, the
as-of month k counted whole, rounded half up once to the sen, capitalised on 31 December
(domain.md 2.16, derived from two published simulations; that BPJS Ketenagakerjaan does
the same is assumed).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from atm_switch.domain.money import Money, divide_half_up

MONTHS = 12
MILLIPERCENT = 100_000
"""One whole, in thousandths of a percent: 5 % is 5,000."""


@dataclass(frozen=True, slots=True)
class YearBase:
    """What earns in a year: the opening balance and (month, signed amount) movements."""

    opening: Money
    movements: tuple[tuple[int, Money], ...]


def estimate_development(base: YearBase, month: int, rate_millipercent: int) -> Money:
    """Return the development earned from January up to and including ``month`` (1-12)."""
    sen_months = base.opening.sen * month + sum(
        amount.sen * (month - posted + 1) for posted, amount in base.movements if posted <= month
    )
    return Money(divide_half_up(rate_millipercent * sen_months, MILLIPERCENT * MONTHS))


@dataclass(frozen=True, slots=True)
class DevelopmentRate:
    """The rate of one year; ``is_published`` false where the table only assumes it."""

    year: int
    millipercent: int
    is_published: bool


class RateTable:
    """Yearly rates; a year after the table's last takes the last rate, as assumed."""

    def __init__(self, rates: Iterable[DevelopmentRate]) -> None:
        """Sort the rates.  Raises ``ValueError`` for none, or a year given twice."""
        given = tuple(rates)
        self._rates = {rate.year: rate for rate in given}
        if not given or len(self._rates) != len(given):
            message = "a rate table has at least one year and no year twice"
            raise ValueError(message)

    def of(self, year: int) -> DevelopmentRate:
        """Return the rate of ``year``; before the first year, the first rate, assumed."""
        if year in self._rates:
            return self._rates[year]
        nearest = max(self._rates) if year > max(self._rates) else min(self._rates)
        return DevelopmentRate(year, self._rates[nearest].millipercent, is_published=False)
