"""The rows of an import that were judged bad: a temporary table of its connection.

Plan: a row in it is left out of whatever is booked.
Why NOT EXISTS: for NOT IN PostgreSQL goes through all bad rows once for every row of the
file, as soon as they are more than it will hash; a file of a million bad rows would not end.
"""

from typing import Final

from atm_switch.ledger.store import Store

_JUDGED: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS judged (
    n BIGINT PRIMARY KEY, wrong TEXT, reason TEXT, kpj TEXT, day TEXT, word TEXT,
    name TEXT, status TEXT, amount_sen BIGINT, nik_sealed {bytes}
)
"""


def open_judged(store: Store) -> None:
    """Make the table ``judged``, empty; it ends with the connection."""
    store.change(_JUDGED.format(bytes="BYTEA" if store.is_postgres else "BLOB"))
    store.change("DELETE FROM judged")


def not_judged(alias: str) -> str:
    """Write that a staged row, by its alias, was not judged bad."""
    return f"NOT EXISTS (SELECT 1 FROM judged AS bad WHERE bad.n = {alias}.n)"  # noqa: S608 - ours
