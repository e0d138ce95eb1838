"""Posting, closing and importing at once, on both stores: nothing is lost and all adds up."""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Self

import pytest

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.amalgamation import amalgamate
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store import Store
from tests.doubles.book_bench import AT, BookBench
from tests.doubles.ledger_bench import PARTICIPANTS, POSTINGS, SITIS_NIK, LedgerBench
from tests.doubles.postgres_bench import Database

ACCOUNTS, POSTS = 600, 40
PAID_YEAR, POSTED_DAY = 2024, "2026-05-05"


@dataclass
class Beside:
    """Work in a thread of its own, with what it raised."""

    work: Callable[[], None]
    failed: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for its end."""
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - judged by the test
            self.failed.append(error)


def kpj(number: int) -> Kpj:
    """The number of an account."""
    return Kpj(f"2{number:010d}")


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> LedgerBench:
    """Accounts with a contribution in an earlier year."""
    made = LedgerBench(tmp_path, url=database.url, at=AT)
    people = "".join(
        f"{kpj(n).digits},99010112038{n:05d},NAMA ORANG,1985-03-12,PU,A\n" for n in range(ACCOUNTS)
    )
    paid = "".join(
        f"{kpj(n).digits},{PAID_YEAR}-03-01,contribution,1000000.00\n" for n in range(ACCOUNTS)
    )
    made.take(made.file("people.csv", PARTICIPANTS + people), made.file("p.csv", POSTINGS + paid))
    return made


def books_of(store: Store) -> BookBench:
    """Take the books as they are, without the bench's own accounts."""
    books = BookBench.__new__(BookBench)
    books.store = store
    return books


def post_all(bench: LedgerBench) -> None:
    """Post to one account after the other, as the desk does."""
    with closing(open_store(bench.url, bench.path)) as store:
        books = books_of(store)
        for number in range(POSTS):
            books.post(kpj(number % 7), POSTED_DAY, 5_000)


def difference_count(bench: LedgerBench) -> int:
    """Prove everything."""
    with closing(open_store(bench.url, bench.path)) as store:
        return reconcile(store).count


def posted(bench: LedgerBench) -> int:
    """How many of the desk's postings are there."""
    with closing(open_store(bench.url, bench.path)) as store:
        query = "SELECT count(*) FROM postings WHERE posted_on = ?"
        return int(store.rows(query, (POSTED_DAY,))[0][0])


def test_posts_beside_a_closing_are_all_there(bench: LedgerBench) -> None:
    """Two years are closed while postings come in: each is booked once, all totals hold."""
    with (
        Beside(lambda: post_all(bench)) as posting,
        closing(open_store(bench.url, bench.path)) as store,
    ):
        closed = [books_of(store).close(year).accounts for year in (PAID_YEAR, PAID_YEAR + 1)]

    assert [] == posting.failed
    assert [ACCOUNTS, ACCOUNTS] == closed
    assert POSTS == posted(bench)
    assert 0 == difference_count(bench)


def test_posts_beside_an_import_are_all_there(bench: LedgerBench) -> None:
    """A file of ten thousand rows is imported while postings come in."""
    rows = "".join(
        f"{kpj(n % ACCOUNTS).digits},2025-0{1 + n % 9}-11,contribution,1000.00\n"
        for n in range(10_000)
    )
    path = bench.file("more.csv", POSTINGS + rows)

    with Beside(lambda: post_all(bench)) as posting:
        summary = bench.take(path)

    assert [] == posting.failed
    assert 10_000 == summary.files[0].added
    assert POSTS == posted(bench)
    assert 0 == difference_count(bench)


def test_merged_account_keeps_its_status_at_the_next_import(bench: LedgerBench) -> None:
    """A participants file of before the merger does not bring the merged KPJ back to life."""
    two = "".join(
        f"{number},{SITIS_NIK},SITI RAHAYU,1990-08-17,PU,A\n"
        for number in ("30000000001", "30000000002")
    )
    bench.take(bench.file("two.csv", PARTICIPANTS + two))
    kept, gone = Kpj("30000000001"), Kpj("30000000002")
    with closing(open_store(bench.url, bench.path)) as store:
        amalgamate(store, kept, (gone,), date(2026, 6, 30), lambda _: None)

    bench.take(bench.file("again.csv", PARTICIPANTS + two.replace("SITI RAHAYU", "SITI RAHAYU S")))

    with closing(open_store(bench.url, bench.path)) as store:
        query = (
            "SELECT kpj, status, merged_into, name FROM participants WHERE person = ("
            "SELECT person FROM participants WHERE kpj = ?) ORDER BY kpj"
        )
        rows = [tuple(row) for row in store.rows(query, (kept.digits,))]
    assert [("A", None, "SITI RAHAYU S"), ("N", kept.digits, "SITI RAHAYU S")] == [
        row[1:] for row in rows
    ]
