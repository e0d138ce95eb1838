"""The JHT statement: opening + contributions + development - claims = closing, always.

Rules and golden numbers: domain.md 2.16 and 6.  The running year's development is an
estimate (flag E) until the year's development is booked, on 31 December (flag F).
A correction of an earlier year's posting is shown within the opening balance, which it puts
right, not as a claim or contribution of this year (assumed).
From 1 January until the years before are closed, what they brought is estimated too and is part
of the opening balance: a balance does not fall because a year ended (assumed).  What KPJ merged
into this one earned in the year before is an adjustment of 1 January, as closing it will book.
An adjustment counts under contributions; one that takes more than was paid in, within the opening
balance, and what even that does not hold is told as a claim (assumed).
Limits: a year is told as its own postings are, so a payment taken back in a later year is on
the statements of its own year, its day as the last contribution too; from the next year's
statements that day is gone at once, its amount when the correction was booked.
"""

from dataclasses import field
from datetime import date

from atm_switch.domain.accrual import Accrual, RateTable, earned
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting
from atm_switch.domain.unclosed import OpenYear, Terms, Unclosed, close_in_order
from atm_switch.domain.value import value
from atm_switch.domain.year_sums import YearSums, sum_year


@value
class AccountHistory:
    """What the ledger knows of one KPJ, as far as a statement needs it.

    ``opening`` sums every posting before 1 January of ``year``; ``postings`` are those
    of ``year`` up to the day of the statement; ``has_postings`` is false for an account
    nothing was ever booked on; ``last_contribution`` is its latest contribution day.
    """

    year: int
    opening: Money
    postings: tuple[Posting, ...]
    has_postings: bool
    last_contribution: date | None
    unclosed: Unclosed | None = None
    """The years before whose development is still to be booked; ``None`` where all of it is."""
    merged: tuple["AccountHistory", ...] = ()
    """Those of the accounts merged into this one; of one merged after the day of the statement
    without its last contribution."""


@value
class Statement:
    """A balance as of a day; amounts in sen, ``claims`` positive, the rate in 1/1000 %.

    ``open_years``: what of the opening is estimated, for the years before are not closed;
    ``handed_over``: what of the contributions is that of accounts merged into this one.
    """

    as_of: date
    opening: Money
    contributions: Money
    development: Money
    claims: Money
    rate_millipercent: int
    is_estimate: bool
    last_contribution: date | None
    open_years: tuple[OpenYear, ...] = ()
    handed_over: Money = ZERO
    closing: Money = field(init=False)
    """Opening plus contributions plus development less claims."""

    def __post_init__(self) -> None:
        """Sum up once what is shown in several places."""
        paid_in = self.opening.sen + self.contributions.sen + self.development.sen
        object.__setattr__(self, "closing", Money(paid_in - self.claims.sen))

    @property
    def carried(self) -> Money:
        """What of the opening is estimated."""
        return sum((one.development + one.taken_over for one in self.open_years), start=ZERO)


def draw_up(
    history: AccountHistory,
    as_of: date,
    rates: RateTable,
    accrual: Accrual = Accrual.MONTHLY,
) -> Statement:
    """Draw up the statement of ``history`` as of ``as_of``.

    Raises ``ValueError`` where the history is of another year than ``as_of``.
    """
    if history.year != as_of.year:
        message = "the history and the statement are of different years"
        raise ValueError(message)
    open_years, handed_over = _open_years(history, rates, accrual)
    carried = 0
    for one in open_years:  # mostly none
        carried += one.development.sen + one.taken_over.sen
    begun_with = history.opening.sen + carried
    year = sum_year(history.postings, handed_over.sen, as_of, accrual)
    rate = rates.of(as_of.year).millipercent
    if year.developed is None:
        earning = begun_with * accrual.opening_parts(as_of) + year.earning
        development = max(year.advanced, earned(earning, rate, accrual))
    else:
        development = year.developed + year.advanced
    opening, contributions, claims = _shown(begun_with, year)
    return Statement(  # by place: by name it takes twice as long
        as_of,
        Money(opening),
        Money(contributions),
        Money(development),
        Money(claims),
        rate,
        year.developed is None or carried > 0 or handed_over.sen > 0,
        _last_contribution(history),
        open_years,
        handed_over,
    )


def _open_years(
    history: AccountHistory, rates: RateTable, accrual: Accrual
) -> tuple[tuple[OpenYear, ...], Money]:
    """Return the open years before, and what merged accounts bring on 1 January of this one."""
    if history.unclosed is None and not history.merged:
        return (), ZERO
    terms = Terms(rates, accrual)
    brought: dict[int, Money] = {}
    for gone in history.merged:
        if gone.unclosed is not None:
            until = (gone.opening, gone.unclosed, history.year, terms)
            for one in close_in_order(*until, is_merged=True):
                brought[one.year + 1] = brought.get(one.year + 1, ZERO) + one.development
    handed_over = brought.pop(history.year, ZERO)
    if history.unclosed is None:
        return (), handed_over
    years = close_in_order(history.opening, history.unclosed, history.year, terms, brought)
    return tuple(years), handed_over


def _last_contribution(history: AccountHistory) -> date | None:
    if not history.merged:
        return history.last_contribution
    days = [one.last_contribution for one in (history, *history.merged)]
    return max((day for day in days if day is not None), default=None)


def _shown(begun_with: int, year: YearSums) -> tuple[int, int, int]:
    """Return opening, contributions and claims, none below zero as long as the closing is not."""
    opening = begun_with + year.corrected
    contributions, claims = year.contributed + year.adjusted, -year.claimed
    if contributions < 0:
        opening, contributions = opening + year.adjusted, year.contributed
    if opening < 0:
        opening, claims = 0, claims - opening
    return opening, contributions, claims
