"""What other processes see of a file while it is made."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.schema import migrate, migrations_of


@pytest.mark.parametrize("family", ["ledger", "journal"])
def test_new_file_is_never_one_of_an_older_release(tmp_path: Path, family: str) -> None:
    """Whoever opens it while it is made finds nothing, or all of it."""
    seen: list[int] = []
    with (
        closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as maker,
        closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as other,
    ):
        maker.execute("PRAGMA journal_mode = WAL")

        def look(_statement: str) -> None:
            seen.extend(other.execute("PRAGMA user_version").fetchone())

        maker.set_trace_callback(look)
        migrate(maker, migrations_of(family), "new.db")
        look("")

    assert {0, migrations_of(family)[-1][0]} == set(seen)
