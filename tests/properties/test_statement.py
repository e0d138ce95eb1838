"""Whatever the history, a statement adds up and its estimate meets the booked year."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.accrual import YearBase, estimate_development
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.statement import AccountHistory, draw_up
from tests.doubles.rates import flat

YEAR = 2025
SEN_MAX = 10**14 - 1

days = st.dates(date(YEAR, 1, 1), date(YEAR, 12, 31))
amounts = st.integers(1, SEN_MAX).map(Money)
signed = st.integers(-SEN_MAX, SEN_MAX).map(Money)
rates = st.integers(0, 20_000)


def postings_of(
    kind: PostingKind, dated: st.SearchStrategy[date], money: st.SearchStrategy[Money]
) -> st.SearchStrategy[Posting]:
    """Return postings that take nothing back."""
    return st.tuples(dated, money).map(lambda drawn: Posting(drawn[0], kind, drawn[1]))


contributions = postings_of(PostingKind.CONTRIBUTION, days, amounts)
moves = st.one_of(
    contributions,
    postings_of(PostingKind.CLAIM, days, amounts.map(lambda money: -money)),
    postings_of(PostingKind.ADJUSTMENT, days, signed),
)
developments = postings_of(
    PostingKind.DEVELOPMENT,
    st.one_of(days, st.just(date(YEAR, 12, 31))),
    st.integers(0, SEN_MAX).map(Money),
)


def history_of(opening: Money, postings: list[Posting]) -> AccountHistory:
    """Return a history of ``YEAR``."""
    return AccountHistory(YEAR, opening, tuple(postings), has_postings=True, last_contribution=None)


def total(postings: list[Posting]) -> Money:
    """Sum signed postings."""
    return sum((posting.amount for posting in postings), start=ZERO)


@given(signed, st.lists(st.one_of(moves, developments)), days, rates)
def test_statement_always_adds_up(
    opening: Money, postings: list[Posting], as_of: date, rate: int
) -> None:
    """
    Closing less opening is the sum of the postings, plus what the estimate brings beyond the
    development that was paid in advance.
    """
    statement = draw_up(history_of(opening, postings), as_of, flat(rate))

    known = [posting for posting in postings if posting.posted_on <= as_of]
    paid = total([posting for posting in known if posting.kind is PostingKind.DEVELOPMENT])
    assert statement.is_estimate or paid == statement.development
    assert statement.development.sen >= paid.sen
    assert opening + total(known) + statement.development - paid == statement.closing


@given(
    signed,
    st.lists(moves),
    st.lists(developments, min_size=1),
    st.one_of(days, st.just(date(YEAR, 12, 31))),
)
def test_flag_says_whether_development_is_booked(
    opening: Money, moved: list[Posting], booked: list[Posting], as_of: date
) -> None:
    """
    It is an estimate exactly while no development is booked on 31 December.
    """
    statement = draw_up(history_of(opening, moved + booked), as_of, flat(5_000))

    is_booked = any(date(YEAR, 12, 31) == posting.posted_on <= as_of for posting in booked)
    assert is_booked is not statement.is_estimate


@given(amounts, st.lists(contributions), rates)
def test_december_estimate_is_what_is_booked(
    opening: Money, moved: list[Posting], rate: int
) -> None:
    """
    Booking the year as estimated on 31 December changes no amount, only the flag.
    """
    last_day = date(YEAR, 12, 31)
    base = YearBase(opening, tuple((p.posted_on, p.amount) for p in moved))
    booking = Posting(last_day, PostingKind.DEVELOPMENT, estimate_development(base, last_day, rate))

    before = draw_up(history_of(opening, moved), last_day, flat(rate))
    after = draw_up(history_of(opening, [*moved, booking]), last_day, flat(rate))

    assert (True, False) == (before.is_estimate, after.is_estimate)
    assert before.closing == after.closing


@given(signed, st.lists(st.one_of(moves, developments)), days, rates)
def test_order_of_postings_is_no_matter(
    opening: Money, postings: list[Posting], as_of: date, rate: int
) -> None:
    """
    The statement is the same whatever order the ledger hands the postings out in.
    """
    forwards = draw_up(history_of(opening, postings), as_of, flat(rate))

    assert forwards == draw_up(history_of(opening, postings[::-1]), as_of, flat(rate))


@given(amounts, days, rates)
def test_estimate_only_grows_without_claims(opening: Money, as_of: date, rate: int) -> None:
    """
    With nothing taken out, a later day never shows less.
    """
    later = min(as_of + timedelta(days=40), date(YEAR, 12, 31))
    history = history_of(opening, [])

    assert (
        draw_up(history, as_of, flat(rate)).closing <= draw_up(history, later, flat(rate)).closing
    )
