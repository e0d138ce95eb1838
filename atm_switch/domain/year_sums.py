"""The postings of one year summed up in one pass: what a statement needs of them.

Why beside ``sort_year``: a statement is drawn up for every inquiry and needs no posting by
itself; amounts are whole sen within, and money again where they leave.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.posting import Posting, PostingKind, is_last_day, standing, total
from atm_switch.domain.value import value

_CONTRIBUTION, _ADJUSTMENT = PostingKind.CONTRIBUTION, PostingKind.ADJUSTMENT
_CLAIM, _MONTHLY = PostingKind.CLAIM, Accrual.MONTHLY


@value
class YearSums:
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
    postings: Sequence[Posting], handed_over: int, as_of: date, accrual: Accrual
) -> YearSums:
    """Sum up the postings up to ``as_of``, which are of its year.

    ``handed_over``: what merged accounts brought on 1 January, an adjustment like any other.
    """
    contributed = claimed = advanced = 0
    developed: int | None = None
    adjusted = handed_over
    earning = handed_over and handed_over * accrual.posting_parts(date(as_of.year, 1, 1), as_of)
    is_monthly, behind = accrual is _MONTHLY, as_of.month + 1
    for one in postings:
        posted_on, kind, sen = one.posted_on, one.kind, one.amount.sen
        if one.reverses is not None or posted_on > as_of:
            return _sum_what_stands(postings, handed_over, as_of, accrual)
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
        if is_monthly:  # without a call for each, most often: as ``posting_parts`` has it
            earning += sen * (behind - posted_on.month)
        else:
            earning += sen * accrual.posting_parts(posted_on, as_of)
    return YearSums(contributed, adjusted, claimed, developed, advanced, 0, earning)


def _sum_what_stands(
    postings: Sequence[Posting], handed_over: int, as_of: date, accrual: Accrual
) -> YearSums:
    """Sum up a year of which something was taken back, or is of a later day."""
    given, corrections = standing([one for one in postings if one.posted_on <= as_of])
    year = sum_year(given, handed_over, as_of, accrual)
    parts = accrual.posting_parts
    return replace(
        year,
        corrected=total(corrections).sen,
        earning=year.earning
        + sum([one.amount.sen * parts(one.posted_on, as_of) for one in corrections]),
    )
