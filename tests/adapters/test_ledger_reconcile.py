"""Reconciling finds every kind of tampering, names it masked, and mends nothing."""

from _thread import interrupt_main
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.ledger import closing as closing_module
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.differences import DIFFERENCES_MAX
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store import Store
from atm_switch.ledger.store_sqlite import SqliteStore, interruptible
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

NOTHING = (
    "UPDATE participants SET balance_sen = 0, postings = 0, first_posting = NULL,"
    " last_contribution = NULL, last_year = NULL"
)
MERGED = "UPDATE participants SET merged_into"
ORPHAN = (
    "INSERT INTO postings (year, kpj, seq, posted_on, kind, amount_sen)"
    " VALUES (2025, '99900011122', 6, '2025-01-01', 'contribution', 1)"
)


def untied(store: Store) -> tuple[str, ...]:
    """Return how postings are let loose for an intruder."""
    if store.is_postgres:
        return ("DROP TRIGGER postings_are_not_changed ON postings",)
    return ("DROP TRIGGER postings_are_not_changed", "DROP TRIGGER postings_are_not_deleted")


@pytest.fixture
def books(store: Store) -> BookBench:
    """Lend books on either database with two accounts, five postings and one reversal."""
    books = BookBench(store)
    for kpj in (FIRST, SECOND):
        books.post(kpj, "2024-01-01", 1_000)
        books.post(kpj, "2025-01-01", 1_000)
    reverse(store, FIRST, 2, TODAY)
    return books


def test_honest_books_show_no_difference(books: BookBench) -> None:
    """
    Two accounts and five postings are compared and agree.
    """
    found = reconcile(books.store)

    assert (2, 5, 0, ()) == (found.accounts, found.postings, found.count, found.differences)


def test_every_proof_is_told_before_it_begins(books: BookBench) -> None:
    """
    The proofs are numbered without a gap up to the count that was told first.
    """
    told: list[tuple[int, int, str]] = []

    reconcile(books.store, lambda *proof: told.append(proof))

    numbers, counts, names = zip(*told, strict=True)
    assert tuple(range(1, counts[0] + 1)) == numbers
    assert {len(names)} == set(counts)
    assert len(names) == len(set(names))


def test_ctrl_c_ends_a_long_proof(tmp_path: Path) -> None:
    """
    An interrupt in the midst of a statement of SQLite ends it, long before its own end.
    """
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    with closing(SqliteStore(tmp_path / "ledger.db")) as store:
        pressed = Timer(0.2, interrupt_main)
        pressed.start()
        with pytest.raises(KeyboardInterrupt), interruptible(store), store.snapshot():
            store.rows(endless)
        pressed.join()

        assert [(0,)] == store.rows("SELECT count(*) FROM postings")


@pytest.mark.parametrize(
    ("tampering", "kinds"),
    [
        ("UPDATE year_totals SET claims_sen = -1 WHERE year = 2025", {"totals of 2025", "running"}),
        ("UPDATE year_totals SET last_contribution = NULL WHERE year = 2024", {"totals of 2024"}),
        ("DELETE FROM year_totals WHERE year = 2024", {"totals of 2024", "running total"}),
        (
            "INSERT INTO year_totals VALUES ('12345678901', 2020, 0, 0, 0, 0, 0, NULL)",
            {"totals of 2020"},
        ),
        ("UPDATE participants SET balance_sen = balance_sen + 1", {"running total"}),
        ("UPDATE participants SET first_posting = '2001-01-01'", {"running total"}),
        ("UPDATE participants SET last_contribution = NULL", {"running total"}),
        (NOTHING, {"running total"}),
        ("UPDATE participants SET last_year = 2024", {"running total"}),
        ("UPDATE postings SET amount_sen = 999 WHERE seq = 1", {"totals of 2024"}),
        ("UPDATE postings SET amount_sen = -999 WHERE reverses = 2", {"reversal"}),
        ("UPDATE postings SET posted_on = '2023-05-05' WHERE seq = 3", {"posting's year"}),
        ("DELETE FROM postings WHERE seq = 3", {"totals of 2024", "numbers"}),
        (ORPHAN, {"booked on no participant", "totals of 2025", "numbers"}),
        ("UPDATE last_posting SET seq = 4", {"numbers"}),
        (f"{MERGED} = '12345678902' WHERE kpj = '12345678901'", {"merged account"}),
        (f"{MERGED} = '99988877766' WHERE kpj = '12345678903'", {"merged account's way"}),
        ("UPDATE participants SET balance_sen = -1", {"balance", "running total"}),
        ("UPDATE postings SET sub_account = 'additional' WHERE seq = 5", {"sub-account"}),
    ],
)  # fmt: skip
def test_each_kind_of_tampering_is_found(books: BookBench, tampering: str, kinds: set[str]) -> None:
    """
    Whoever edits, deletes or adds behind the program's back is found out.
    """
    for statement in (*untied(books.store), tampering):
        books.store.change(statement)

    told = " / ".join(f"{one.kind}: {one.expected}: {one.got}" for one in books.differences())

    assert [] == [kind for kind in kinds if kind not in told]


@pytest.fixture
def closed(books: BookBench) -> BookBench:
    """Lend books whose year 2024 was closed, with a desk's and an import's own developments."""
    books.post(FIRST, "2024-12-31", 70, DEVELOPMENT)
    books.post(THIRD, "2024-06-01", 2_000)
    taken = books.post(THIRD, "2024-12-31", 90, DEVELOPMENT)
    reverse(books.store, THIRD, taken, TODAY)
    columns = ("seq", "kpj", "posted_on", "kind", "amount_sen", "import_id")
    with books.store.transaction():
        open_waiting(books.store)
        given = (0, STRANGER.digits, "2024-12-31", DEVELOPMENT.value, 33, 1)
        books.store.load("waiting", columns, [given])
        book(books.store)
    books.close(2024)
    return books


def test_a_closing_is_the_sum_of_what_it_booked(closed: BookBench) -> None:
    """
    Developments of the desk and of imports are not the closing's, nor one that was taken back;
    one of the closing that is taken back later was booked all the same.
    """
    query = "SELECT seq FROM postings WHERE kpj = ? AND kind = 'development' AND year = 2024"
    (number,) = closed.store.rows(query, (SECOND.digits,))[0]

    reverse(closed.store, SECOND, number, TODAY)

    # Of the second and the third account: the others had their developments.
    assert [(2,)] == closed.store.rows("SELECT accounts FROM closed_years")
    assert () == closed.differences()


def test_an_interrupted_closing_is_proved_as_far_as_it_came(
    books: BookBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After the first of several chunks what was counted is what was booked.
    """
    monkeypatch.setattr(closing_module, "CHUNK", 1)
    terms = ClosingTerms(
        DevelopmentRate(2024, FIVE_PERCENT, is_published=True), Accrual.MONTHLY, TODAY, AT
    )

    def stop(done: int, _total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        close_year(books.store, terms, stop)

    assert [("12345678901",)] == books.store.rows("SELECT next_kpj FROM closed_years")
    assert () == books.differences()


@pytest.mark.parametrize(
    "tampering",
    [
        "development_sen = development_sen + 1",
        "development_sen = 0",
        "accounts = accounts + 1",
        "accounts = accounts - 1",
        "accounts = -1",
        "accounts = 1000000",
        "year = 2023",
    ],
)
def test_a_tampered_closing_is_found(closed: BookBench, tampering: str) -> None:
    """
    What a closing came to cannot be changed behind the program's back.
    """
    (before,) = closed.store.rows("SELECT accounts, development_sen FROM closed_years")
    closed.store.change(f"UPDATE closed_years SET {tampering}")  # noqa: S608 - ours

    (found,) = closed.differences()

    (year, *after) = closed.store.rows("SELECT year, accounts, development_sen FROM closed_years")[
        0
    ]
    assert (f"closing of {year}", "") == (found.kind, found.kpj)
    assert "accounts {}, development {}".format(*after) == found.got
    assert found.expected != found.got
    assert before[1] > 0


def test_differences_name_accounts_by_mask(books: BookBench) -> None:
    """
    A difference shows the mask of the KPJ, what was expected and what is there.
    """
    books.store.change("UPDATE participants SET balance_sen = 7 WHERE kpj = '12345678902'")

    (found,) = books.differences()

    assert ("running total", "*******8902") == (found.kind, found.kpj)
    assert "balance 2000" in found.expected
    assert "balance 7" in found.got


def test_reconciling_mends_nothing(books: BookBench) -> None:
    """
    What was found once is found again.
    """
    books.store.change("UPDATE participants SET balance_sen = 7 WHERE postings > 0")

    assert 2 == len(books.differences()) == len(books.differences())


def test_many_differences_are_counted_not_listed(books: BookBench) -> None:
    """
    The first of each kind are listed, all are counted.
    """
    books.store.change_many(
        "INSERT INTO year_totals VALUES (?, 2020, 0, 0, 0, 0, 0, NULL)",
        [(f"{number:011d}",) for number in range(1, 2 * DIFFERENCES_MAX)],
    )

    found = reconcile(books.store)

    years = [one for one in found.differences if one.kind == "totals of 2020"]
    assert DIFFERENCES_MAX == len(years)
    assert found.count > 2 * DIFFERENCES_MAX
