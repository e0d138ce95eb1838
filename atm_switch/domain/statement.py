"""The JHT statement: opening + contributions + development - claims = closing, always.

Rules and golden numbers: domain.md 2.16 and 6.  The running year's development is an
estimate (flag E) until the year's development is booked, on 31 December (flag F).  What is
booked on another day is paid in advance, as where everything is claimed: it earns from its day
and is part of what the year brings (assumed).
A correction is a posting of the same kind and the opposite sign that names the one it takes
back.  One that takes back a posting of the same year bears its day, so that nothing was ever
earned on it; one that takes back a posting of a closed year bears the day it was booked,
earns from then on, and is shown within the opening balance, which it puts right, not as a
claim or contribution of this year (assumed).  Equal postings of one day are told apart by
their numbers: a correction never touches another payment of the same amount.
From 1 January until the year before is closed, what it brought is estimated too and is part of
the opening balance: a balance does not fall because a year ended (assumed).  What KPJ merged
into this one earned in that year is an adjustment of 1 January, as closing it will book.  An
account claimed out is left at what is booked.
An adjustment counts under contributions; one that takes more than was paid in, within the opening
balance, and what even that does not hold is told as a claim (assumed).
Limits: a year is told as its own postings are, so a payment taken back in a later year is on
the statements of its own year, its day as the last contribution too; from the next year's
statements that day is gone at once, its amount when the correction was booked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique

from atm_switch.domain.accrual import Accrual, RateTable, YearBase, estimate_development
from atm_switch.domain.money import ZERO, Money


@unique
class PostingKind(Enum):
    """What a posting is; the value is the CSV's word."""

    CONTRIBUTION = "contribution"
    DEVELOPMENT = "development"
    CLAIM = "claim"
    ADJUSTMENT = "adjustment"


_KINDS = {kind.value: kind for kind in PostingKind}


def posting_kind(word: str) -> PostingKind:
    """Return the kind of the CSV's word.  Raises ``ValueError`` for no such kind.

    Why not ``PostingKind(word)``: it takes six times as long, a dozen times a statement.
    """
    kind = _KINDS.get(word)
    if kind is None:
        message = "no kind of posting"
        raise ValueError(message)
    return kind


@dataclass(frozen=True, slots=True)
class Posting:
    """One signed entry: a claim is negative, an adjustment may be.

    ``number`` is the ledger's, 0 where it has none yet; a correction has the opposite sign,
    and ``reverses`` is the number of the posting it takes back.
    """

    posted_on: date
    kind: PostingKind
    amount: Money
    number: int = 0
    reverses: int | None = None


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
    unclosed: tuple[Posting, ...] | None = None
    """Every posting of the year before, where its development is still to be booked."""
    merged: tuple["AccountHistory", ...] = ()
    """Those of the accounts merged into this one; of one merged after the day of the statement
    without its last contribution."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A balance as of a day; amounts in sen, ``claims`` positive, the rate in 1/1000 %.

    ``carried``: what of the opening is the estimated development of the year before;
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
    carried: Money = ZERO
    handed_over: Money = ZERO

    @property
    def closing(self) -> Money:
        """Opening plus contributions plus development less claims."""
        return Money(
            self.opening.sen + self.contributions.sen + self.development.sen - self.claims.sen
        )


@dataclass(frozen=True, slots=True)
class YearSorted:
    """The postings of a year by what a statement does with them."""

    paid: tuple[Posting, ...]
    """Contributions that stand, and adjustments."""
    claimed: tuple[Posting, ...]
    developed: tuple[Posting, ...]
    """The year's development."""
    advanced: tuple[Posting, ...]
    """Development paid before the year was over."""
    corrections: tuple[Posting, ...]
    """What takes back postings of earlier years."""

    @property
    def movements(self) -> tuple[tuple[date, Money], ...]:
        """What earns or stops earning: everything but the year's development."""
        moved = (*self.paid, *self.claimed, *self.corrections, *self.advanced)
        return tuple([(posting.posted_on, posting.amount) for posting in moved])

    @property
    def last_contribution(self) -> date | None:
        """The latest day of a contribution that stands, if the year has one."""
        days = [p.posted_on for p in self.paid if p.kind is PostingKind.CONTRIBUTION]
        return max(days, default=None)


def sort_year(postings: Iterable[Posting]) -> YearSorted:
    """Sort the postings of one year; what was taken back within it is gone from the result."""
    given = tuple(postings)
    corrections: tuple[Posting, ...] = ()
    # Most years hold no correction, and a closing sorts millions of them.
    if any(posting.reverses is not None for posting in given):
        given = _without_taken_back(given)
        corrections = tuple(posting for posting in given if posting.reverses is not None)
        given = tuple(posting for posting in given if posting.reverses is None)
    developed = _of_kind(given, PostingKind.DEVELOPMENT)
    return YearSorted(
        paid=_of_kind(given, PostingKind.CONTRIBUTION) + _of_kind(given, PostingKind.ADJUSTMENT),
        claimed=_of_kind(given, PostingKind.CLAIM),
        developed=tuple([one for one in developed if is_last_day(one.posted_on)]),
        advanced=tuple([one for one in developed if not is_last_day(one.posted_on)]),
        corrections=corrections,
    )


def is_last_day(day: date) -> bool:
    """Tell whether a day is the 31 December on which a year's development is booked."""
    return (day.month, day.day) == (12, 31)


def _of_kind(postings: Iterable[Posting], kind: PostingKind) -> tuple[Posting, ...]:
    return tuple([posting for posting in postings if posting.kind is kind])


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
    postings = [posting for posting in history.postings if posting.posted_on <= as_of]
    handed_over = ZERO
    for merged in history.merged:
        handed_over += _carried(merged, rates, accrual)
    if handed_over.sen:
        new_year = date(history.year, 1, 1)
        postings.append(Posting(new_year, PostingKind.ADJUSTMENT, handed_over))
    year = sort_year(postings)
    carried = _carried(history, rates, accrual)
    begun_with = history.opening + carried
    development = _total(year.developed) + _total(year.advanced)
    rate = rates.of(as_of.year).millipercent
    if not year.developed:
        base = YearBase(begun_with, year.movements)
        estimate = estimate_development(base, as_of, rate, accrual)
        development = max(development, estimate)
    opening, contributions, claims = _shown(begun_with, year)
    return Statement(
        as_of=as_of,
        opening=opening,
        contributions=contributions,
        development=development,
        claims=claims,
        rate_millipercent=rate,
        is_estimate=not year.developed or carried.sen > 0 or handed_over.sen > 0,
        last_contribution=_last_contribution(history),
        carried=carried,
        handed_over=handed_over,
    )


def outstanding(
    opening: Money, year: YearSorted, last_day: date, rate_millipercent: int, accrual: Accrual
) -> Money:
    """Return what is to be booked on ``last_day``, 31 December of a whole year; never below zero.

    That is its development less what was paid in advance; nothing where it is booked already.
    """
    if year.developed:
        return ZERO
    base = YearBase(opening, year.movements)
    earned = estimate_development(base, last_day, rate_millipercent, accrual)
    return max(ZERO, earned - _total(year.advanced))


def _last_contribution(history: AccountHistory) -> date | None:
    if not history.merged:
        return history.last_contribution
    days = [one.last_contribution for one in (history, *history.merged)]
    return max((day for day in days if day is not None), default=None)


def _carried(history: AccountHistory, rates: RateTable, accrual: Accrual) -> Money:
    if history.unclosed is None:
        return ZERO
    opening = history.opening - _total(history.unclosed)
    last_day = date(history.year - 1, 12, 31)
    rate = rates.of(last_day.year).millipercent
    return outstanding(opening, sort_year(history.unclosed), last_day, rate, accrual)


def _shown(begun_with: Money, year: YearSorted) -> tuple[Money, Money, Money]:
    """Return opening, contributions and claims, none below zero as long as the closing is not."""
    opening = begun_with + _total(year.corrections)
    contributions, claims = _total(year.paid), -_total(year.claimed)
    if contributions < ZERO:
        adjusted = _total(_of_kind(year.paid, PostingKind.ADJUSTMENT))
        opening, contributions = opening + adjusted, contributions - adjusted
    if opening < ZERO:
        opening, claims = ZERO, claims - opening
    return opening, contributions, claims


def _without_taken_back(postings: tuple[Posting, ...]) -> tuple[Posting, ...]:
    """Leave out each posting that another takes back, and that one too where both are here."""
    here = {posting.number for posting in postings}
    taken_back = {posting.reverses for posting in postings if posting.reverses is not None}
    return tuple(
        posting
        for posting in postings
        if posting.number not in taken_back and posting.reverses not in here
    )


def _total(postings: Iterable[Posting]) -> Money:
    return Money(sum([posting.amount.sen for posting in postings]))
