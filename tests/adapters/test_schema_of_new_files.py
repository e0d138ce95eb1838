"""What other processes see of a file while it is made."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from atm_switch.adapters.schema import migrate, migrations_of, open_writer
from atm_switch.domain.errors import Refused


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


def made(path: Path) -> int:
    """Open a file for writing; return the schema it has then."""
    with closing(open_writer(path, "journal")) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_file_that_another_just_begins_to_make_is_waited_for(tmp_path: Path) -> None:
    """Two processes of one start open it at once: SQLite refuses the second without a wait."""
    path = tmp_path / "new.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        ThreadPoolExecutor() as threads,
    ):
        other.execute("BEGIN IMMEDIATE")
        opening = threads.submit(made, path)
        with suppress(TimeoutError):
            opening.result(0.3)
        other.execute("ROLLBACK")

        assert migrations_of("journal")[-1][0] == opening.result(60)


def test_file_that_another_never_makes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, after so long as one waits for a lock."""
    monkeypatch.setattr("atm_switch.adapters.schema.BUSY_SECONDS", 0.1)
    path = tmp_path / "new.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(Refused, match="database is locked"):
            made(path)
