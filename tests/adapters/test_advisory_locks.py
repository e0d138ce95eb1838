"""Advisory locks of one PostgreSQL: ledger, journal, keys and outbox may share a database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from atm_switch.adapters import advisory_lock, postgres_schema, shared_keys, shared_outbox
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.ledger import csv_import_lock, store_postgres
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench


def test_no_two_locks_have_one_number() -> None:
    """
    Whoever imports for an hour keeps nobody from the journal's schema, and so on: each
    lock has a number of its own, and none is the space of the nodes' names.
    """
    numbers = [
        csv_import_lock._IMPORTING, store_postgres._MIGRATING, postgres_schema._MIGRATING,
        shared_keys._HOLDING, shared_outbox._TELLING, postgres_schema.NODES,
    ]  # fmt: skip

    assert len(numbers) == len(set(numbers))


def test_start_waits_for_the_end_of_the_process_before(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than any statement may take, in steps: the server may be slow to notice its end."""
    url = postgres.empty()
    monkeypatch.setattr(advisory_lock, "STEP_SECONDS", 0.2)
    asked = (
        "SELECT query_start FROM pg_stat_activity WHERE wait_event = 'advisory'"
        " AND datname = current_database()"
    )
    with ThreadPoolExecutor(1) as pool, closing(PostgresSession(url, "a test")) as watch:
        with closing(PostgresSession(url, "a test")) as before:
            before.rows("SELECT pg_advisory_lock($1, hashtext($2))", postgres_schema.NODES, "one")
            bench, steps = PostgresJournalBench(url), set[object]()
            started = pool.submit(bench.__enter__)
            while len(steps) < 3 and not started.done():
                steps.update(watch.rows(asked))
        started.result().__exit__()

    assert 3 == len(steps)
