"""Postings in the order of their KPJ are booked as they come, others sorted: the books agree."""

import os
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from atm_switch.ledger import csv_judging
from atm_switch.ledger.csv_judging import Judging
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store import Row, Store
from atm_switch.ledger.store_sqlite import ROWS_AT_ONCE, SqliteStore
from atm_switch.security.vault import Vault
from tests.doubles.ledger_bench import BUDIS_NIK, PARTICIPANTS, POSTINGS, LedgerBench
from tests.doubles.postgres_bench import Database

MEMBERS = [f"300000{number:05d}" for number in range(40)]
MONTHS = [f"{year}-{month:02d}-03" for year in (2023, 2024) for month in (1, 5, 9)]
BY_MEMBER = [f"{kpj},{day},contribution,1000.00\n" for kpj, day in product(MEMBERS, MONTHS)]
BY_DAY = [f"{kpj},{day},contribution,1000.00\n" for day, kpj in product(MONTHS, MEMBERS)]


@pytest.fixture
def bench(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> LedgerBench:
    """Return a bench with members, every row of whose postings is looked at."""
    monkeypatch.setattr(csv_judging, "_ROWS_PER_LOOK", 1)
    bench = LedgerBench(tmp_path, url=database.url)
    rows = [f"{kpj},{BUDIS_NIK},BUDI,1985-03-12,PU,A\n" for kpj in MEMBERS]
    bench.take(bench.file("participants.csv", PARTICIPANTS + "".join(rows)))
    return bench


@pytest.mark.parametrize(
    ("kpjs", "is_in_order"),
    [
        ([], True),
        (MEMBERS, True),
        ([kpj for kpj in MEMBERS for _ in MONTHS], True),
        (MEMBERS * 4, True),
        (MEMBERS * 5, False),
        (MEMBERS[::-1], False),
    ],
)
def test_order_is_seen_by_its_new_beginnings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kpjs: list[str],
    is_in_order: bool,  # noqa: FBT001 - what is expected
) -> None:
    """
    Four times from the first member to the last is in order; month by month is not.
    """
    monkeypatch.setattr(csv_judging, "_ROWS_PER_LOOK", 1)
    with closing(SqliteStore(tmp_path / "ledger.db")) as store:
        store.change("ATTACH ':memory:' AS atm_switch_staging")
        store.change("CREATE TABLE atm_switch_staging.postings (n INTEGER PRIMARY KEY, kpj TEXT)")
        store.load("atm_switch_staging.postings", ("n", "kpj"), list(enumerate(kpjs, 1)))

        assert is_in_order == Judging(store, Vault.fresh(os.urandom)).is_in_order()


@pytest.mark.parametrize("rows", [BY_MEMBER, BY_DAY, BY_MEMBER[::-1]])
def test_books_agree_whatever_the_order(bench: LedgerBench, rows: list[str]) -> None:
    """
    Every posting is there once, numbered as the file has it, and nothing differs.
    """
    bench.take(bench.file("postings.csv", POSTINGS + "".join(rows)))

    query = "SELECT kpj, posted_on FROM postings ORDER BY seq"
    assert [tuple(row.split(",")[:2]) for row in rows] == bench.rows(query)
    with closing(open_store(bench.url, bench.path)) as store:
        found = reconcile(store)
    assert (len(MEMBERS), len(rows), ()) == (found.accounts, found.postings, found.differences)


@pytest.mark.parametrize("count", [0, 63, 64, 130])
def test_store_appends_any_number_of_rows(store: Store, count: int) -> None:
    """
    Rows that fill no statement of many go in one by one, in their order.
    """
    assert 64 == ROWS_AT_ONCE
    store.change("CREATE TABLE several (n BIGINT, word TEXT)")
    rows: list[Row] = [(n, f"word {n}") for n in range(count)]

    store.load("several", ("n", "word"), rows)

    assert rows == store.rows("SELECT n, word FROM several ORDER BY n")
