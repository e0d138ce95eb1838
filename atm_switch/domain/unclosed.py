"""What the years that are over and not closed yet will bring, each in its turn.

Plan: ``outstanding`` is what closing a year books for one account.  ``close_in_order`` applies
it to one open year after the other, each beginning with what the one before ends with, so that
a statement of any day holds what it will hold once those years are closed (assumed).  What a
merged account earned moves on 1 January to the one it was merged into, as a closing moves it.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType

from atm_switch.domain.accrual import Accrual, RateTable, YearBase, estimate_development
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind, YearSorted, sort_year, total
from atm_switch.domain.value import value

_NOTHING: Mapping[int, Money] = MappingProxyType({})


@value
class Unclosed:
    """The years of an account whose development is still to be booked, before a given one.

    ``settled``: the last year that is closed for everybody, or for this account by a development
    of its own; 0 where there is none.  ``postings``: all of the years after it, by day.
    """

    settled: int
    postings: tuple[Posting, ...] = ()


@value
class OpenYear:
    """What closing a year would book on 31 December; ``taken_over``: from merged accounts, on
    its 1 January.
    """

    year: int
    development: Money
    taken_over: Money = ZERO


@value
class Terms:
    """By what years are closed."""

    rates: RateTable
    accrual: Accrual


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
    return max(ZERO, earned - total(year.advanced))


def close_in_order(
    balance: Money,
    unclosed: Unclosed,
    until: int,
    terms: Terms,
    taken_over: Mapping[int, Money] = _NOTHING,
    *,
    is_merged: bool = False,
) -> Iterator[OpenYear]:
    """Yield what closing each open year before ``until`` would book, the oldest first, if any.

    ``balance`` is what is booked by 1 January of ``until``, ``taken_over`` what merged accounts
    bring on 1 January of a year.  A merged account hands over all it earns.
    """
    opening = balance - total(unclosed.postings)
    moved: dict[int, list[Posting]] = {}
    for posting in unclosed.postings:
        moved.setdefault(posting.posted_on.year, []).append(posting)
    handed_over = ZERO
    first = unclosed.settled + 1
    if not opening.sen:
        first = max(first, min((*moved, *taken_over), default=until))
    for year in range(first, until):
        came = taken_over.get(year, ZERO) - handed_over
        postings = moved.get(year, [])
        if came.sen:
            postings.append(Posting(date(year, 1, 1), PostingKind.ADJUSTMENT, came))
        if not opening.sen and not postings:
            continue
        rate = terms.rates.of(year).millipercent
        last_day = date(year, 12, 31)
        earned = outstanding(opening, sort_year(postings), last_day, rate, terms.accrual)
        if earned.sen or came.sen:
            yield OpenYear(year, earned, came)
        handed_over = earned if is_merged else ZERO
        opening += total(postings) + earned
