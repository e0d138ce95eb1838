"""The JHT statement: opening + contributions + development - claims = closing, always.

Rules and golden numbers: domain.md 2.16 and 6.  The running year's development is an
estimate (flag E) until the year's development is booked (flag F).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique

from atm_switch.domain.accrual import YearBase, estimate_development
from atm_switch.domain.money import ZERO, Money


@unique
class PostingKind(Enum):
    """What a posting is; the value is the CSV's word."""

    CONTRIBUTION = "contribution"
    DEVELOPMENT = "development"
    CLAIM = "claim"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Posting:
    """One signed entry: a claim is negative, an adjustment may be."""

    posted_on: date
    kind: PostingKind
    amount: Money


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Statement:
    """A balance as of a day; amounts in sen, ``claims`` positive, the rate in 1/1000 %."""

    as_of: date
    opening: Money
    contributions: Money
    development: Money
    claims: Money
    rate_millipercent: int
    is_estimate: bool
    last_contribution: date | None

    @property
    def closing(self) -> Money:
        """Opening plus contributions plus development less claims."""
        return self.opening + self.contributions + self.development - self.claims


def draw_up(history: AccountHistory, as_of: date, rate_millipercent: int) -> Statement:
    """Draw up the statement of ``history`` as of ``as_of``.

    Adjustments count under contributions (assumed).  Raises ``ValueError`` where the
    history is of another year than ``as_of``.
    """
    if history.year != as_of.year:
        message = "the history and the statement are of different years"
        raise ValueError(message)
    postings = [posting for posting in history.postings if posting.posted_on <= as_of]
    booked = [p.amount for p in postings if p.kind is PostingKind.DEVELOPMENT]
    moved = [p for p in postings if p.kind is not PostingKind.DEVELOPMENT]
    return Statement(
        as_of=as_of,
        opening=history.opening,
        contributions=_total(p.amount for p in moved if p.kind is not PostingKind.CLAIM),
        development=_total(booked)
        if booked
        else _estimate(history.opening, moved, as_of, rate_millipercent),
        claims=-_total(p.amount for p in moved if p.kind is PostingKind.CLAIM),
        rate_millipercent=rate_millipercent,
        is_estimate=not booked,
        last_contribution=history.last_contribution,
    )


def _estimate(opening: Money, moved: list[Posting], as_of: date, rate_millipercent: int) -> Money:
    base = YearBase(opening, tuple((p.posted_on.month, p.amount) for p in moved))
    return estimate_development(base, as_of.month, rate_millipercent)


def _total(amounts: Iterable[Money]) -> Money:
    return sum(amounts, start=ZERO)
