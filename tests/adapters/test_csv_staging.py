"""The staging's place on PostgreSQL: a schema of our own, and nobody else's is touched."""

from pathlib import Path

import pytest

from tests.adapters.test_csv_import_resumes import PAID, stop
from tests.doubles.ledger_bench import POSTINGS, LedgerBench
from tests.doubles.postgres import PostgresServer

SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%staging' ORDER BY nspname"


@pytest.fixture
def bench(tmp_path: Path, postgres: PostgresServer) -> LedgerBench:
    """Return a ledger on PostgreSQL with one member."""
    bench = LedgerBench(tmp_path, url=postgres.database())
    bench.participants()
    return bench


def make(bench: LedgerBench, schema: str) -> None:
    """Make somebody's schema with a table of three rows."""
    bench.rows(f"CREATE SCHEMA {schema}")
    bench.rows(f"CREATE TABLE {schema}.payroll AS SELECT generate_series(1, 3)")


def count(bench: LedgerBench, schema: str) -> list[tuple[int]]:
    """Count what is in it."""
    return bench.rows(f"SELECT count(*) FROM {schema}.payroll")  # noqa: S608 - constants


def test_somebodys_schema_called_staging_is_left_alone(bench: LedgerBench) -> None:
    """
    A schema of that common name keeps its table, be the import booked or turned down.
    """
    make(bench, "staging")

    bench.postings(PAID)
    bench.refusal(bench.file("q.csv", POSTINGS + "bad\n"))

    assert [(3,)] == count(bench, "staging")
    assert [("staging",)] == bench.rows(SCHEMAS)


def test_schema_of_our_name_that_no_import_made_is_refused(bench: LedgerBench) -> None:
    """
    It is dropped never, and the refusal says what to do; once it is away the import goes.
    """
    make(bench, "atm_switch_staging")

    told = bench.refusal(bench.file("p.csv", POSTINGS + PAID))

    assert "'atm_switch_staging' that no import made; rename it" in told
    assert [(3,)] == count(bench, "atm_switch_staging")
    bench.rows("ALTER SCHEMA atm_switch_staging RENAME TO their_staging")
    bench.postings(PAID)
    assert (1, 1, 0) == bench.counts()
    assert [("their_staging",)] == bench.rows(SCHEMAS)


def test_schema_an_import_left_is_thrown_away_by_another(bench: LedgerBench) -> None:
    """
    What a stopped import of other files left is ours by its comment: begun anew, then gone.
    """
    stop(bench, bench.file("p.csv", POSTINGS + PAID * 300), after=100)
    assert [("atm_switch_staging",)] == bench.rows(SCHEMAS)

    bench.postings(PAID)

    assert (1, 1, 0) == bench.counts()
    assert [] == bench.rows(SCHEMAS)


def test_staging_costs_the_server_no_log_and_no_sweeping(bench: LedgerBench) -> None:
    """
    Every table of a stopped import is unlogged, and left alone by autovacuum: it is thrown away
    soon, and what the server does to it inquiries would wait for.
    """
    stop(bench, bench.file("p.csv", POSTINGS + PAID * 300), after=100)

    tables = bench.rows(
        "SELECT relpersistence::text, array_to_string(reloptions, ',') FROM pg_class"
        " WHERE relnamespace = 'atm_switch_staging'::regnamespace AND relkind = 'r'"
    )
    assert {("u", "autovacuum_enabled=false")} == set(tables)
