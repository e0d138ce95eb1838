"""The postings of one year summed up in one pass: what a statement needs of them.

Why beside ``sort_year``: a statement is drawn up for every inquiry and needs no posting by
itself; amounts are whole sen within, and money again where they leave.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.posting import Posting, PostingKind, is_last_day, standing

_CONTRIBUTION, _ADJUSTMENT = PostingKind.CONTRIBUTION, PostingKind.ADJUSTMENT
_CLAIM, _MONTHLY = PostingKind.CLAIM, Accrual.MONTHLY


class YearSums(NamedTuple):
    """Signed sums, in sen, of what stands of a year up to a day."""

    contributed: int
    adjusted: int
    claimed: int
    developed: int | None
    """The year's development; ``None`` where it is not booked yet."""
    advanced: int
    """Development paid before the year was over."""
    corrected: int
    """Of what takes back postings of earlier years."""
    earning: int
    """Of everything but the year's development, each times the parts of the year it has earned."""


def sum_year(
    postings: Iterable[Posting], handed_over: int, as_of: date, accrual: Accrual
) -> YearSums:
    """Sum up the postings up to ``as_of``, which are of its year.

    ``handed_over``: what merged accounts brought on 1 January, an adjustment like any other.
    """
    given, corrections = standing([one for one in postings if one.posted_on <= as_of])
    contributed = claimed = advanced = corrected = 0
    developed: int | None = None
    adjusted = handed_over
    earning = handed_over and handed_over * accrual.posting_parts(date(as_of.year, 1, 1), as_of)
    is_monthly, behind = accrual is _MONTHLY, as_of.month + 1
    for posted_on, kind, amount, _, _ in given:
        sen = amount.sen
        if kind is _CONTRIBUTION:
            contributed += sen
        elif kind is _ADJUSTMENT:
            adjusted += sen
        elif kind is _CLAIM:
            claimed += sen
        elif is_last_day(posted_on):
            developed = (developed or 0) + sen
            continue
        else:
            advanced += sen
        # Without a call for each, most often: as ``posting_parts`` has it.
        parts = behind - posted_on.month if is_monthly else accrual.posting_parts(posted_on, as_of)
        earning += sen * parts
    for one in corrections:
        corrected += one.amount.sen
        earning += one.amount.sen * accrual.posting_parts(one.posted_on, as_of)
    return YearSums(contributed, adjusted, claimed, developed, advanced, corrected, earning)
