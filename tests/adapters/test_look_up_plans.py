"""How PostgreSQL goes about an inquiry's questions while it knows of no row yet."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from atm_switch.adapters.postgres_link import BY_INDEX, connected
from atm_switch.ledger import postgres_rows
from tests.doubles.postgres import PostgresServer

GROWING = ("participants", "cards", "postings", "year_totals")
STATEMENTS = ("CARDS", "SIBLINGS", "ACCOUNTS", "FAMILIES")


@pytest.mark.parametrize("name", STATEMENTS)
def test_plan_of_an_empty_ledger_does_for_a_nation(postgres: PostgresServer, name: str) -> None:
    """
    Planned once, while every table is empty and known to be: each is gone into by an index
    and by what is asked for, never through all of it.  An import may put millions of rows
    there before the server looks at the tables again.
    """
    plan = asyncio.run(planned(postgres.database(), getattr(postgres_rows, name)))
    visits = [node for node in nodes(plan) if is_growing(node)]

    assert visits
    assert [] == [node for node in visits if "Index Cond" not in node and not is_by_index(node)]


async def planned(url: str, sql: str) -> dict[str, Any]:
    """Return the plan a connection of the reader makes, of tables the server has looked at."""
    connection = await connected(url, settings=BY_INDEX)
    try:
        await connection.execute("ANALYZE")
        statement = await connection.prepare(sql)
        count = len(statement.get_parameters())
        await connection.execute(f"PREPARE asked AS {sql}")
        nulls = ", ".join(["NULL"] * count)
        told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked ({nulls})")
    finally:
        await connection.close()
    whole: dict[str, Any] = json.loads(told)[0]
    assert "JIT" not in whole, "each look-up would be compiled"
    plan: dict[str, Any] = whole["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk over a plan."""
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


def is_growing(node: dict[str, Any]) -> bool:
    """Tell a node that reads one of the tables, or a partition of one."""
    return str(node.get("Relation Name", "")).startswith(GROWING)


def is_by_index(node: dict[str, Any]) -> bool:
    """Tell a node that reads what an index has named."""
    return node["Node Type"] == "Bitmap Heap Scan" and "Recheck Cond" in node
