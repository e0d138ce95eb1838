"""How PostgreSQL proves the totals of the years, whether reversals are few or many."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from atm_switch.adapters.postgres_link import connected
from atm_switch.ledger import reconcile
from atm_switch.ledger.store import Row
from atm_switch.ledger.store_postgres import PostgresStore
from tests.doubles.postgres import PostgresServer

POSTINGS = 20_000
LITTLE = "64kB"
"""What a hash may take, so that thousands of reversals stand for the hundred thousands it holds."""
COLUMNS = ("year", "kpj", "seq", "posted_on", "kind", "sub_account", "amount_sen", "reverses")


@pytest.mark.parametrize(("reversals", "is_hashed"), [(100, True), (10_000, False)])
def test_reversals_are_hashed_or_looked_up(
    postgres: PostgresServer, reversals: int, *, is_hashed: bool
) -> None:
    """
    Few are read once and kept; of more than can be kept each is found by its number.  Never is
    a list of them gone through for every posting.
    """
    url = postgres.database()
    with closing(PostgresStore(url)) as store:
        store.load("postings", COLUMNS, list(_postings(reversals)))

    plan = asyncio.run(_planned(url))
    visits = [node for node in _nodes(plan) if node.get("Alias") == "taken"]

    assert "Materialize" not in {node["Node Type"] for node in _nodes(plan)}
    assert visits
    assert {"postings_reversed"} == {node["Index Name"] for node in visits}
    assert {not is_hashed} == {"Index Cond" in node for node in visits}


def _postings(reversals: int) -> Iterator[Row]:
    for at in range(1, POSTINGS + 1):
        kpj = f"{10_000_000_000 + at // 25}"
        yield 2024, kpj, at, "2024-01-01", "contribution", "main", 1_000, None
        if at <= reversals:
            back = POSTINGS + at
            yield 2025, kpj, back, "2025-01-01", "contribution", "main", -1_000, at


async def _planned(url: str) -> dict[str, Any]:
    connection = await connected(url, settings={"work_mem": LITTLE})
    try:
        await connection.execute("ANALYZE")
        told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {reconcile._YEARS}")
    finally:
        await connection.close()
    plan: dict[str, Any] = json.loads(told)[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)
