"""What is paid into JHT each month, by segment (domain.md 2.1 to 2.3).

Plan: PU pays a share of the reported wage by employer and worker, BPU a share of the
declared income within bounds, PMI one of a few fixed amounts.  The numbers come from
``specs/contribution-rates.csv``.
Limits: what is due, not when, and no fines.  Each share is rounded half up to the sen.
Jakon has no JHT and so no segment here (``member.read_segment`` says so).
"""

from dataclasses import dataclass

from atm_switch.domain.accrual import MILLIPERCENT
from atm_switch.domain.money import ZERO, Money, divide_half_up


@dataclass(frozen=True, slots=True)
class Contribution:
    """One month's contribution by who pays it."""

    employer: Money
    worker: Money

    @property
    def total(self) -> Money:
        """What is posted."""
        return self.employer + self.worker


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionRates:
    """The rates in thousandths of a percent, the bounds and amounts a month."""

    employer_millipercent: int
    worker_millipercent: int
    income_millipercent: int
    lowest: Money
    highest: Money
    amounts: tuple[Money, ...]

    def wage_earner(self, wage: Money) -> Contribution:
        """Return a PU's contribution of a reported wage.  Raises ``ValueError`` below zero."""
        _require_positive(wage)
        return Contribution(
            _share(wage, self.employer_millipercent), _share(wage, self.worker_millipercent)
        )

    def self_employed(self, income: Money) -> Contribution:
        """Return a BPU's contribution of a declared income, within lowest and highest.

        Raises ``ValueError`` for an income below zero.
        """
        _require_positive(income)
        share = _share(income, self.income_millipercent)
        return Contribution(ZERO, min(max(share, self.lowest), self.highest))

    def migrant(self, amount: Money) -> Contribution:
        """Return a PMI's contribution.  Raises ``ValueError`` for an amount not offered."""
        if amount not in self.amounts:
            offered = ", ".join(one.indonesian() for one in self.amounts)
            raise ValueError(f"a PMI pays one of Rp {offered} a month")
        return Contribution(ZERO, amount)


def _share(amount: Money, millipercent: int) -> Money:
    return Money(divide_half_up(amount.sen * millipercent, MILLIPERCENT))


def _require_positive(amount: Money) -> None:
    if amount < ZERO:
        message = "a wage or an income is not below zero"
        raise ValueError(message)
