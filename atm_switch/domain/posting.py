"""Postings, and those of one year sorted by what a statement and a closing do with them.

A correction is a posting of the same kind and the opposite sign that names the one it takes
back.  One that takes back a posting of the same year bears its day, so that nothing was ever
earned on it; one that takes back a posting of a closed year bears the day it was booked, and
earns from then on (assumed).  Equal postings of one day are told apart by their numbers: a
correction never touches another payment of the same amount.
What is booked as development on another day than 31 December is paid in advance, as where
everything is claimed: it earns from its day and is part of what the year brings (assumed).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from enum import Enum, unique
from functools import lru_cache
from typing import Final, NamedTuple

from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.value import value

EARLIEST_DAY: Final = date(1900, 1, 1)
"""No posting bears an earlier one: it would be a slip of the pen."""
DAYS_AHEAD_MAX: Final = 366
"""As far ahead of today as a file may date a posting."""


@unique
class PostingKind(Enum):
    """What a posting is; the value is the CSV's word."""

    CONTRIBUTION = "contribution"
    DEVELOPMENT = "development"
    CLAIM = "claim"
    ADJUSTMENT = "adjustment"


_CONTRIBUTION = PostingKind.CONTRIBUTION
KINDS_KEPT = 16
"""Words at hand; there are fewer."""


@lru_cache(KINDS_KEPT)
def posting_kind(word: str) -> PostingKind:
    """Return the kind of the CSV's word.  Raises ``ValueError`` for no such kind.

    Why not ``PostingKind(word)``: it takes six times as long, a dozen times a statement.
    """
    try:
        return PostingKind(word)
    except ValueError:
        message = "no kind of posting"
        raise ValueError(message) from None


@value
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


class YearSorted(NamedTuple):
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
        return tuple([(one.posted_on, one.amount) for one in moved])

    @property
    def last_contribution(self) -> date | None:
        """The latest day of a contribution that stands, if the year has one."""
        days = [p.posted_on for p in self.paid if p.kind is PostingKind.CONTRIBUTION]
        return max(days, default=None)


def sort_year(postings: Iterable[Posting]) -> YearSorted:
    """Sort the postings of one year; what was taken back within it is gone from the result."""
    given, corrections = standing(tuple(postings))
    developed = of_kind(given, PostingKind.DEVELOPMENT)
    return YearSorted(
        paid=of_kind(given, PostingKind.CONTRIBUTION) + of_kind(given, PostingKind.ADJUSTMENT),
        claimed=of_kind(given, PostingKind.CLAIM),
        developed=tuple([one for one in developed if is_last_day(one.posted_on)]),
        advanced=tuple([one for one in developed if not is_last_day(one.posted_on)]),
        corrections=corrections,
    )


def last_contribution(postings: Sequence[Posting]) -> date | None:
    """Return ``sort_year(postings).last_contribution`` of postings that are in order of day."""
    given, _ = standing(postings)
    for one in reversed(given):
        if one.kind is _CONTRIBUTION:
            return one.posted_on
    return None


def is_last_day(day: date) -> bool:
    """Tell whether a day is the 31 December on which a year's development is booked."""
    return (day.month, day.day) == (12, 31)


def of_kind(postings: Iterable[Posting], kind: PostingKind) -> tuple[Posting, ...]:
    """Return those of one kind."""
    return tuple([posting for posting in postings if posting.kind is kind])


def total(postings: Collection[Posting]) -> Money:
    """Sum signed amounts."""
    if not postings:  # most years have no claim and no correction
        return ZERO
    return Money(sum([posting.amount.sen for posting in postings]))


def standing(given: Sequence[Posting]) -> tuple[Sequence[Posting], tuple[Posting, ...]]:
    """Return what stands, and what of it takes back postings of earlier years, apart."""
    # Most years hold no correction, and a closing sorts millions of them.
    if not [posting for posting in given if posting.reverses is not None]:
        return given, ()
    given = _without_taken_back(given)
    return (
        tuple([posting for posting in given if posting.reverses is None]),
        tuple([posting for posting in given if posting.reverses is not None]),
    )


def _without_taken_back(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """Leave out each posting that another takes back, and that one too where both are here."""
    here = {posting.number for posting in postings}
    taken_back = {posting.reverses for posting in postings if posting.reverses is not None}
    return tuple(
        posting
        for posting in postings
        if posting.number not in taken_back and posting.reverses not in here
    )
