"""What closings booked, computed anew from the postings, on either database."""

import pytest

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.ledger import closing as closing_module
from atm_switch.ledger import recomputing
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.differences import Difference
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store import Store
from tests.doubles.book_bench import (
    AT,
    DEVELOPMENT,
    FIRST,
    FIVE_PERCENT,
    SECOND,
    STRANGER,
    THIRD,
    TODAY,
    BookBench,
)

OF_2024 = "SELECT seq FROM postings WHERE kpj = ? AND kind = 'development' AND year = 2024"
TOTALS_OF_2024 = """
UPDATE year_totals SET development_sen = development_sen + ? WHERE year = 2024 AND kpj = ?
"""


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books of 2022 and 2023 with two accounts."""
    books = BookBench(store)
    books.post(FIRST, "2022-03-01", 100_000)
    books.post(SECOND, "2023-05-01", 70_000)
    return books


@pytest.fixture
def closed(books: BookBench) -> BookBench:
    """Lend them with three years closed, 2023 by days, and others' developments among theirs."""
    store = books.store
    books.close(2022)
    books.post(FIRST, "2023-12-31", 5_001, DEVELOPMENT)  # the desk's, by no rate
    taken = books.post(SECOND, "2023-12-31", 90, DEVELOPMENT)
    reverse(store, SECOND, taken, TODAY)
    books.close(2023, 5_700, Accrual.DAILY_365)
    books.post(THIRD, "2024-06-01", 2_000)
    books.post(THIRD, "2024-07-01", 3_000, DEVELOPMENT)  # more in advance than it earns
    columns = ("seq", "kpj", "posted_on", "kind", "amount_sen", "import_id")
    with store.transaction():
        open_waiting(store)
        given = (0, STRANGER.digits, "2024-12-31", DEVELOPMENT.value, 33, 1)
        store.load("waiting", columns, [given])
        book(store)
    books.post(SECOND, "2025-02-01", 4_000)
    books.close(2024)
    return books


def differences(books: BookBench) -> tuple[Difference, ...]:
    """Reconcile, and compute the closings anew."""
    return reconcile(books.store, recomputes=True).differences


def forge(books: BookBench, changes: dict[str, int]) -> None:
    """Change developments of 2024 behind the program's back, and all totals with them."""
    if books.store.is_postgres:
        books.store.change("DROP TRIGGER postings_are_not_changed ON postings")
    else:
        books.store.change("DROP TRIGGER postings_are_not_changed")
    for kpj, sen in changes.items():
        (number,) = books.store.rows(OF_2024, (kpj,))[-1]
        for statement, values in (
            ("UPDATE postings SET amount_sen = amount_sen + ? WHERE seq = ?", (sen, number)),
            (TOTALS_OF_2024, (sen, kpj)),
            ("UPDATE participants SET balance_sen = balance_sen + ? WHERE kpj = ?", (sen, kpj)),
        ):
            books.store.change(statement, values)


@pytest.mark.parametrize("chunk", [1, 2, 5_000])
def test_honest_closings_are_what_the_rule_gives(
    closed: BookBench, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """
    By months and by days, beside developments of the desk and of an import, one that was taken
    back, one of 0.00; also once the closing's own was taken back, and however they are read.
    """
    (number,) = closed.store.rows(OF_2024, (SECOND.digits,))[-1]
    reverse(closed.store, SECOND, number, TODAY)
    monkeypatch.setattr(recomputing, "CHUNK", chunk)

    assert 3 == len(closed.store.rows("SELECT 1 FROM closed_years WHERE accounts > 0"))
    assert () == differences(closed)


def test_a_sen_moved_from_one_account_to_another_is_found(closed: BookBench) -> None:
    """
    All sums stay right, those of the closing too; only the rule tells, in either account.
    """
    forge(closed, {FIRST.digits: 1, SECOND.digits: -1})
    assert () == closed.differences()

    found = differences(closed)

    kinds = {(one.kind, one.kpj) for one in found}
    assert {("closing's development of 2024", kpj.masked) for kpj in (FIRST, SECOND)} == kinds
    for one in found:
        ought, booked = (int(text.removeprefix("development ")) for text in (one.expected, one.got))
        assert booked - ought == (1 if one.kpj == FIRST.masked else -1)


def test_a_development_that_changed_hands_is_found(closed: BookBench) -> None:
    """
    One account has none, and ought to; another has one, and ought to have none.
    """
    new = "12345678909"
    closed.participant(type(FIRST)(new), "a" * 64)
    forge(closed, {})
    (number,) = closed.store.rows(OF_2024, (SECOND.digits,))[-1]
    closed.store.change("UPDATE postings SET kpj = ? WHERE seq = ?", (new, number))

    found = {one.kpj: one for one in differences(closed) if one.kind.startswith("closing's")}

    assert {SECOND.masked, "*******8909"} == set(found)
    lost, given = found[SECOND.masked], found["*******8909"]
    assert ("none", "none") == (lost.got, given.expected)
    assert lost.expected == given.got


def test_a_rate_other_than_it_went_by_is_found(closed: BookBench) -> None:
    """
    Each account's development shows it.
    """
    closed.store.change("UPDATE closed_years SET rate_millipercent = 6000 WHERE year = 2024")

    found = differences(closed)

    assert {"closing's development of 2024"} == {one.kind for one in found}
    assert {FIRST.masked, SECOND.masked} == {one.kpj for one in found}


def test_an_interrupted_closing_is_computed_as_far_as_it_came(
    books: BookBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What it has not come to yet is no difference.
    """
    monkeypatch.setattr(closing_module, "CHUNK", 1)
    terms = ClosingTerms(
        DevelopmentRate(2022, FIVE_PERCENT, is_published=True), Accrual.MONTHLY, TODAY, AT
    )
    told = []

    def stop(done: int, _total: int) -> None:
        told.append(done)
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        close_year(books.store, terms, stop)

    assert [(FIRST.digits,)] == books.store.rows("SELECT next_kpj FROM closed_years")
    assert () == differences(books)


def test_it_is_proved_only_where_asked_for(closed: BookBench) -> None:
    """
    It takes as long as the closings did: another proof, told as the others are.
    """
    told: dict[bool, list[str]] = {False: [], True: []}
    for recomputes, names in told.items():
        reconcile(closed.store, lambda *one, to=names: to.append(one[2]), recomputes=recomputes)

    assert ["developments of closed years, computed anew"] == [
        name for name in told[True] if name not in told[False]
    ]
