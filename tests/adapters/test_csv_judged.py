"""The table of bad rows: begun empty, and its rows left out at the cost of one pass."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.ledger.csv_judged import not_judged, open_judged
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.store import Store
from tests.doubles.postgres import PostgresServer

BAD = 200_000
"""More than PostgreSQL hashes in the memory it gives a query by itself."""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open an empty ledger."""
    is_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres").database() if is_postgres else ""
    with closing(open_store(url, tmp_path / "ledger.db")) as opened:
        yield opened


def test_rows_judged_bad_are_left_out_until_it_is_opened_anew(store: Store) -> None:
    """Of three rows the second is bad; opened again, the table holds none."""
    rows = "(SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) AS p"
    good = f"SELECT n FROM {rows} WHERE {not_judged('p')} ORDER BY n"  # noqa: S608 - constants
    open_judged(store)
    store.load("judged", ("n", "wrong"), [(2, "amount")])

    assert [(1,), (3,)] == store.rows(good)
    open_judged(store)
    assert [(1,), (2,), (3,)] == store.rows(good)


def test_many_bad_rows_are_gone_through_once(postgres: PostgresServer, tmp_path: Path) -> None:
    """PostgreSQL joins them with the rows of the file, and asks no question once a row."""
    with closing(open_store(postgres.database(), tmp_path)) as store:
        open_judged(store)
        store.change("INSERT INTO judged (n) SELECT * FROM generate_series(1, ?)", (BAD,))
        store.change("ANALYZE judged")
        rows = "generate_series(1, 3000000) AS p (n)"
        told = store.rows(f"EXPLAIN SELECT p.n FROM {rows} WHERE {not_judged('p')}")  # noqa: S608 - constants
    plan = "\n".join(line for (line,) in told)

    assert "Anti Join" in plan
    assert "SubPlan" not in plan
