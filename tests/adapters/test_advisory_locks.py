"""Advisory locks of one PostgreSQL: ledger, journal, keys and outbox may share a database."""

from atm_switch.adapters import postgres_schema, shared_keys, shared_outbox
from atm_switch.ledger import csv_import_lock, store_postgres


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
