"""What it costs to find the rows of an import that come too late, by steps and by plans."""

import json
from contextlib import closing
from datetime import date
from pathlib import Path

from atm_switch.ledger.csv_judged import open_judged
from atm_switch.ledger.csv_late_rows import LATE, judge_late
from atm_switch.ledger.csv_rows import Kind
from atm_switch.ledger.csv_staging import Piece, Place, Staging
from atm_switch.ledger.store import Store
from atm_switch.ledger.store_postgres import PostgresStore
from atm_switch.ledger.store_sqlite import SqliteStore
from tests.adapters.test_look_up_plans import is_by_index, nodes
from tests.doubles.postgres import PostgresServer

RUNNING = date(2024, 6, 30)


def test_rows_that_are_not_late_cost_no_more_each_the_more_they_are(tmp_path: Path) -> None:
    """Twice as many new members with histories of their own are judged in twice the steps."""
    few, twice = (steps(tmp_path / str(members), members) for members in (300, 600))

    assert twice < 2.5 * few


def test_years_long_developed_are_not_looked_at(tmp_path: Path) -> None:
    """Rows of the running year cost the same, be no year before it developed or twelve."""
    none, many = (monthly_steps(tmp_path / str(years), years) for years in (0, 12))

    assert many < 1.2 * none


def monthly_steps(folder: Path, years: int) -> int:
    """Count SQLite's steps, in hundreds, for rows of accounts with so many years developed."""
    folder.mkdir()
    with closing(SqliteStore(folder / "ledger.db")) as store:
        staging = staged_beside(store, years, members=300)
        counted = steps_of_judging(store, every=100)
        staging.drop()
    return counted


def steps_of_judging(store: SqliteStore, every: int) -> int:
    """Count SQLite's steps, in so many, while it finds no row late."""
    counted = 0

    def one_more() -> int:
        nonlocal counted
        counted += 1
        return 0

    store.connection.set_progress_handler(one_more, every)
    judge_late(store, RUNNING)
    store.connection.set_progress_handler(None, 0)
    assert [(0,)] == store.rows("SELECT count(*) FROM judged")
    return counted


def test_postgresql_looks_accounts_up_and_hashes_what_the_file_brings(
    postgres: PostgresServer,
) -> None:
    """
    Totals and postings by their index, however many there are; an anti join that may spill.
    """
    with closing(PostgresStore(postgres.database())) as store:
        staging = staged_beside(store, 4, members=3_000)
        for table in ("year_totals", "postings", "atm_switch_staging.postings"):
            store.change(f"ANALYZE {table}")
        ((told,),) = store.rows(f"EXPLAIN (FORMAT JSON) {LATE}", (RUNNING.year,))
        staging.drop()
    plan = list(nodes(json.loads(told)[0]["Plan"]))

    ours = [one for one in plan if one.get("Alias", "").startswith(("own", "earned", "other"))]
    assert {"own", "earned", "other"} <= {one["Alias"].partition("_")[0] for one in ours}
    assert [] == [one for one in ours if "Index Cond" not in one and not is_by_index(one)]
    assert {"Hash Join", "Merge Join"} & {
        one["Node Type"] for one in plan if one.get("Join Type") in {"Anti", "Right Anti"}
    }


def staged_beside(store: Store, years: int, members: int) -> Staging:
    """Book so many developed years of each, and a month; stage the next month of each."""
    kpjs = [f"{member:011d}" for member in range(members)]
    columns = ("year", "kpj", "seq", "posted_on", "kind", "amount_sen")
    days = [f"{RUNNING.year - past}-12-31" for past in range(1, years + 1)]
    whole = [(day, "development") for day in days] + [(f"{RUNNING.year}-01-31", "contribution")]
    booked = [
        (int(day[:4]), kpj, len(whole) * member + at, day, kind, 100)
        for member, kpj in enumerate(kpjs)
        for at, (day, kind) in enumerate(whole)
    ]
    store.load("postings", columns, booked)
    store.change(
        "INSERT INTO year_totals SELECT kpj, year, 0, 0, 0, 0, count(*), NULL FROM postings"
        " GROUP BY kpj, year"
    )
    staging = Staging(store, "these")
    rows = [(n, kpj, "2024-02-29", "contribution", 100) for n, kpj in enumerate(kpjs)]
    staging.add(1, Kind.POSTINGS, Piece(rows, ()), Place())
    open_judged(store)
    return staging


def steps(folder: Path, members: int) -> int:
    """Count SQLite's steps, in thousands, for rows of so many members with two years developed."""
    folder.mkdir()
    with closing(SqliteStore(folder / "ledger.db")) as store:
        staging = Staging(store, "these")
        days = ("2020-12-31", "2021-12-31", "2022-01-31", "2022-02-28", "2022-03-31")
        kinds = ("development",) * 2 + ("contribution",) * 3
        whole = [
            (5 * member + at, f"{member:011d}", day, kind, 100)
            for member in range(members)
            for at, (day, kind) in enumerate(zip(days, kinds, strict=True))
        ]
        staging.add(1, Kind.POSTINGS, Piece(whole, ()), Place())
        open_judged(store)
        counted = steps_of_judging(store, every=1_000)
        staging.drop()
    return counted
