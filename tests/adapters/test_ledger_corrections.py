"""Single postings: booked online, taken back once, refused where they may not be."""

from datetime import date

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.statement import draw_up
from atm_switch.ledger.corrections import SEN_LIMIT, Entry, post, reverse
from atm_switch.ledger.posting_list import list_postings
from atm_switch.ledger.store import Store
from tests.doubles.book_bench import (
    ADJUSTMENT,
    CLAIM,
    CONTRIBUTION,
    DEVELOPMENT,
    FIRST,
    SECOND,
    TODAY,
    BookBench,
)
from tests.doubles.postgres_bench import Reader
from tests.doubles.rates import flat


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database."""
    return BookBench(store)


@pytest.fixture
def ledger(reader: Reader) -> Reader:
    """Lend the reader that answers inquiries, opened before anything is booked."""
    return reader


def test_posting_shows_in_the_next_inquiry(books: BookBench, ledger: Reader) -> None:
    """
    An open reader sees a posting as soon as it is booked, and not before.
    """
    before = ledger.account(FIRST, TODAY)
    books.post(FIRST, "2026-03-02", 28_500_000)
    after = ledger.account(FIRST, TODAY)

    assert before is not None
    assert after is not None
    assert (False, True) == (before[1].has_postings, after[1].has_postings)
    assert 28_500_000 == draw_up(after[1], TODAY, flat(0)).closing.sen


def test_postings_are_numbered_in_order(books: BookBench) -> None:
    """
    Each posting gets the next number, whatever account it is on.
    """
    numbers = [books.post(kpj, "2026-01-01", 100) for kpj in (SECOND, FIRST, SECOND)]

    assert [1, 2, 3] == numbers


def test_reversal_in_open_year_leaves_no_trace_in_sums(books: BookBench, ledger: Reader) -> None:
    """
    Taken back within the open year, a contribution neither counts nor earned anything, and
    the last contribution is the one before.
    """
    books.post(FIRST, "2026-01-01", 12_000)
    before = ledger.account(FIRST, TODAY)
    wrong = books.post(FIRST, "2026-02-01", 12_000)

    reverse(books.store, FIRST, wrong, TODAY)

    after = ledger.account(FIRST, TODAY)
    assert before is not None
    assert after is not None
    assert draw_up(before[1], TODAY, flat(5_000)) == draw_up(after[1], TODAY, flat(5_000))
    assert date(2026, 1, 1) == after[1].last_contribution
    assert () == books.differences()


def test_reversal_of_closed_year_corrects_the_opening(books: BookBench, ledger: Reader) -> None:
    """
    Taken back after its year was closed, a claim is dated today and shown in the opening.
    """
    books.post(FIRST, "2025-01-01", 100_000)
    claim = books.post(FIRST, "2025-07-01", -40_000, CLAIM)
    books.close(2025)
    opening = books.balance(FIRST)

    reverse(books.store, FIRST, claim, TODAY)

    account = ledger.account(FIRST, TODAY)
    assert account is not None
    statement = draw_up(account[1], TODAY, flat(0))
    assert ("2026-06-30", "claim", 40_000) == books.postings(FIRST)[-1]
    assert (opening + 40_000, 0) == (statement.opening.sen, statement.claims.sen)


def test_correction_of_closed_year_spares_an_equal_payment(
    books: BookBench, ledger: Reader
) -> None:
    """
    Dated today, it never cancels another payment of today's with the same amount.
    """
    wrong = books.post(FIRST, "2025-01-01", 28_500_000)
    books.post(FIRST, "2025-02-01", 28_500_000)
    books.close(2025)
    opening = books.balance(FIRST)
    books.post(FIRST, TODAY.isoformat(), 28_500_000)

    reverse(books.store, FIRST, wrong, TODAY)

    account = ledger.account(FIRST, TODAY)
    assert account is not None
    statement = draw_up(account[1], TODAY, flat(0))
    assert opening - 28_500_000 == statement.opening.sen
    assert (28_500_000, TODAY) == (statement.contributions.sen, statement.last_contribution)
    assert () == books.differences()


def test_posting_is_taken_back_once(books: BookBench) -> None:
    """
    A second reversal, and a reversal of a reversal, are refused and change nothing.
    """
    first = books.post(FIRST, "2026-01-01", 100)
    second = reverse(books.store, FIRST, first, TODAY)

    with pytest.raises(Refused, match="taken back before"):
        reverse(books.store, FIRST, first, TODAY)
    with pytest.raises(Refused, match="takes another back itself"):
        reverse(books.store, FIRST, second, TODAY)
    assert 2 == len(books.postings(FIRST))


@pytest.mark.parametrize("number", [1, 99])
def test_number_of_another_account_is_refused(books: BookBench, number: int) -> None:
    """
    A posting of another account, or of none, cannot be taken back.
    """
    books.post(SECOND, "2026-01-01", 100)

    with pytest.raises(Refused, match="no such posting"):
        reverse(books.store, FIRST, number, TODAY)


def test_reversal_below_zero_is_refused(books: BookBench) -> None:
    """
    A contribution that was claimed since cannot be taken back before the claim is.
    """
    paid = books.post(FIRST, "2026-01-01", 100)
    books.post(FIRST, "2026-02-01", -100, CLAIM)

    with pytest.raises(Refused, match="below zero"):
        reverse(books.store, FIRST, paid, TODAY)


@pytest.mark.parametrize(
    ("day", "sen", "short"),
    [
        ("2026-01-31", -100, "2026-01-31"),
        ("2026-01-01", -1, "2026-01-01"),
        ("2026-02-10", -61, "2026-03-01"),
        ("2026-02-10", -40, None),
        ("2026-02-01", -60, None),
        ("2026-05-01", -60, None),
    ],
)
def test_no_day_ends_below_zero(books: BookBench, day: str, sen: int, short: str | None) -> None:
    """
    A claim takes what is there at the end of its day, and nothing a later one has taken; the
    refusal names the first day that would be short.
    """
    books.post(FIRST, "2026-02-01", 100)
    books.post(FIRST, "2026-03-01", -40, CLAIM)

    if short is None:
        books.post(FIRST, day, sen, CLAIM)
        return
    with pytest.raises(Refused, match=f"the account would fall below zero on {short} with"):
        books.post(FIRST, day, sen, CLAIM)


def test_contribution_claimed_since_is_not_taken_back(books: BookBench) -> None:
    """
    Though another one came later: the days between would be below zero.
    """
    paid = books.post(FIRST, "2026-01-01", 100)
    books.post(FIRST, "2026-02-01", -100, CLAIM)
    books.post(FIRST, "2026-03-01", 500)

    with pytest.raises(Refused, match="below zero on 2026-02-01"):
        reverse(books.store, FIRST, paid, TODAY)


def test_sub_accounts_do_not_pay_for_each_other(books: BookBench) -> None:
    """
    What is on the additional account covers no claim on the main one, nor the other way.
    """
    books.post(FIRST, "2026-01-01", 100)
    books.post(FIRST, "2026-01-01", 300, CONTRIBUTION, "additional")

    with pytest.raises(Refused, match="the account would fall below zero"):
        books.post(FIRST, "2026-02-01", -101, CLAIM)
    with pytest.raises(Refused, match="the additional account would fall below zero"):
        books.post(FIRST, "2026-02-01", -301, CLAIM, "additional")
    books.post(FIRST, "2026-02-01", -100, CLAIM)
    books.post(FIRST, "2026-02-01", -300, CLAIM, "additional")


@pytest.mark.parametrize("year", [2024, 2025])
def test_closed_year_takes_no_posting(books: BookBench, year: int) -> None:
    """
    Neither a closed year nor one before it takes a posting.
    """
    books.post(FIRST, "2025-01-01", 100)
    books.close(2025)

    with pytest.raises(Refused, match=f"{year} is closed; book it in the running year"):
        books.post(FIRST, f"{year}-05-05", 100)
    with pytest.raises(Refused, match=f"{year} is closed; book it as an adjustment in the"):
        books.post(FIRST, f"{year}-12-31", 100, DEVELOPMENT)


@pytest.mark.parametrize(
    ("kind", "sen"),
    [(CONTRIBUTION, -1), (CONTRIBUTION, 0), (CLAIM, 1), (DEVELOPMENT, -1), (ADJUSTMENT, 0)],
)
def test_wrong_sign_is_refused(books: BookBench, kind: PostingKind, sen: int) -> None:
    """
    Only an adjustment has a sign of its own, and nothing but development may be nothing.
    """
    with pytest.raises(Refused, match="only an adjustment has a sign"):
        books.post(FIRST, "2026-01-01", sen, kind)


def test_amount_beyond_a_posting_is_refused(books: BookBench) -> None:
    """
    An amount no posting can hold is refused in words.
    """
    with pytest.raises(Refused, match=r"less than Rp 1\.000\.000\.000\.000,00"):
        books.post(FIRST, "2026-01-01", SEN_LIMIT)


def test_unheard_posting_is_not_booked(books: BookBench) -> None:
    """
    Where the audit cannot be told, the posting is undone.
    """

    def fails(_number: int) -> None:
        raise Refused("the audit is away")

    entry = Entry(FIRST, Posting(TODAY, CONTRIBUTION, Money(100)))

    with pytest.raises(Refused, match="audit is away"):
        post(books.store, entry, fails)
    assert [] == books.postings(FIRST)


def test_postings_are_never_changed_or_deleted(books: BookBench) -> None:
    """
    The database itself refuses to edit or delete a posting.
    """
    books.post(FIRST, "2026-01-01", 100)

    for statement in ("UPDATE postings SET amount_sen = 1", "DELETE FROM postings"):
        with pytest.raises(Refused, match=r"SQLITE_CONSTRAINT|RaiseError"):
            books.store.change(statement)


def test_listed_postings_name_their_reversals(books: BookBench) -> None:
    """
    The list of a year shows what takes back what.
    """
    number = books.post(FIRST, "2026-01-01", 100)
    new = reverse(books.store, FIRST, number, TODAY)

    listed = [
        (one.number, one.reverses, one.reversed_by)
        for one in list_postings(books.store, FIRST, 2026)
    ]

    assert [(number, None, new), (new, number, None)] == listed
