"""What PostgreSQL looks up for an account whose year before is settled, and for one it is not."""

import asyncio
import re
from contextlib import closing
from datetime import date

import asyncpg
import pytest

from atm_switch.ledger import postgres_rows
from atm_switch.ledger.store_postgres import PostgresStore
from tests.doubles.book_bench import DEVELOPMENT, FIRST, SECOND, BookBench
from tests.doubles.postgres import PostgresServer

SEARCH = re.compile(r"on year_totals (?:own|earlier)\b.*")


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Put two accounts in: the one developed up to 2024, the other paid into in 2022 only."""
    url = postgres.database()
    with closing(PostgresStore(url)) as store:
        books = BookBench(store)
        for kpj in (FIRST, SECOND):
            books.post(kpj, "2022-01-05", 100_000)
        for year in (2022, 2023, 2024):
            books.post(FIRST, f"{year}-12-31", 5_000, DEVELOPMENT)
    return url


def searches(url: str, kpj: str, day: date) -> list[str]:
    """Return how the server went about looking for the years behind the one before ``day``."""

    async def explain() -> list[str]:
        connection = await asyncpg.connect(url)
        try:
            asked = ([0], [kpj], [day.isoformat()], [day.year])
            rows = await connection.fetch(f"EXPLAIN (ANALYZE) {postgres_rows.ACCOUNTS}", *asked)
            return [row[0] for row in rows]
        finally:
            await connection.close()

    return [found[0] for line in asyncio.run(explain()) if (found := SEARCH.search(line))]


def test_settled_account_is_not_searched(url: str) -> None:
    """
    The server never executes the search for the last settled year, nor for those after it.
    """
    found = searches(url, FIRST.digits, date(2025, 6, 30))

    assert found
    assert all("never executed" in line for line in found)


def test_open_account_is_searched_once(url: str) -> None:
    """
    However often the answer is used, the last settled year is looked for once.
    """
    found = searches(url, SECOND.digits, date(2025, 6, 30))

    assert 1 == sum(" own" in line and "loops=1)" in line for line in found)
    assert not any("never executed" in line for line in found)
