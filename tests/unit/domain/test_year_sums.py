"""Claims about the sums of a year: those of the sorted postings, whatever was taken back."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind, of_kind, sort_year, total
from atm_switch.domain.year_sums import YearSums, sum_year

NEW_YEAR = date(2024, 1, 1)
DAYS = st.integers(0, 365).map(lambda days: NEW_YEAR + timedelta(days))
POSTINGS = st.lists(
    st.builds(
        Posting,
        posted_on=st.one_of(DAYS, st.just(date(2024, 12, 31))),
        kind=st.sampled_from(PostingKind),
        amount=st.integers(-(10**12), 10**12).map(Money),
        number=st.integers(1, 6),
        reverses=st.one_of(st.none(), st.none(), st.integers(1, 9)),
    ),
    max_size=12,
)


def sorted_sums(postings: list[Posting], as_of: date, accrual: Accrual) -> YearSums:
    """The same sums, of the postings sorted by kind."""
    year = sort_year([one for one in postings if one.posted_on <= as_of])
    return YearSums(
        contributed=total(of_kind(year.paid, PostingKind.CONTRIBUTION)).sen,
        adjusted=total(of_kind(year.paid, PostingKind.ADJUSTMENT)).sen,
        claimed=total(year.claimed).sen,
        developed=total(year.developed).sen if year.developed else None,
        advanced=total(year.advanced).sen,
        corrected=total(year.corrections).sen,
        earning=sum(
            amount.sen * accrual.posting_parts(day, as_of) for day, amount in year.movements
        ),
    )


@given(POSTINGS, DAYS, st.sampled_from(Accrual))
def test_sums_are_those_of_the_sorted_postings(
    postings: list[Posting], as_of: date, accrual: Accrual
) -> None:
    """Whatever is posted, taken back or of an earlier year, up to any day and by either rule."""
    assert sorted_sums(postings, as_of, accrual) == sum_year(postings, 0, as_of, accrual)


@given(POSTINGS, DAYS, st.sampled_from(Accrual), st.integers(-(10**12), 10**12))
def test_what_is_handed_over_is_an_adjustment_of_new_year(
    postings: list[Posting], as_of: date, accrual: Accrual, sen: int
) -> None:
    """It counts and earns as if it were posted on 1 January."""
    posted = [*postings, Posting(NEW_YEAR, PostingKind.ADJUSTMENT, Money(sen))]

    assert sum_year(posted, 0, as_of, accrual) == sum_year(postings, sen, as_of, accrual)
