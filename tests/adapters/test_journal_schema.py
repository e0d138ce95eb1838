"""The journal's schema defends itself against plain SQL."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from atm_switch.adapters.journal_memory import stored_answer
from atm_switch.adapters.journal_reader import _SELECT, JournalReader
from atm_switch.adapters.schema import migrate, migrations_of, open_writer
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import Commit, FindRepeat, Reserve
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of, since
from tests.doubles.journal_intruder import copy_statement

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("UPDATE journal_rows SET outcome = 'approved'", ()),
        ("DELETE FROM journal_rows WHERE seq = 1", ()),
        (copy_statement("seq", over=True), (2, 2)),
        (copy_statement("seq", over=True), (5, 2)),
        (copy_statement("seq"), (6, 1)),
    ],
    ids=["change", "delete", "replace", "replace by reference", "leave a gap"],
)
def test_schema_refuses_changes(tmp_path: Path, statement: str, values: tuple[int, ...]) -> None:
    """
    Plain SQL can neither change nor delete nor replace a row, nor leave a gap.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in (1, 2):
            reserved = bench.reserve(Reserve(entry_of(number), 3))
            bench.ask(Commit(entry_of(number), ending_of(), reserved.sequence))

    with (
        closing(sqlite3.connect(bench.path)) as connection,
        pytest.raises(sqlite3.IntegrityError),
    ):
        connection.execute(statement, values)


@pytest.mark.parametrize("beside", ["under its key", "under other keys"])
def test_request_is_found_past_any_number_of_rows(tmp_path: Path, beside: str) -> None:
    """
    By its whole key and by its RRN: a repeat is answered in the event loop, and finding its
    answer takes no more steps of SQLite where it was asked for without one 2,000 times.
    """
    unanswered = ending_of(None)
    with JournalBench(tmp_path / "journal.db") as bench, closing(_reading(bench.path)) as other:
        bench.send_all(Commit(entry_of(1), ending_of(), None))
        before = _steps_to(other, bench)
        for at in range(2_000, 4_000, 250):
            numbers = range(at, at + 250) if beside == "under other keys" else (1,) * 250
            bench.send_all(*(Commit(entry_of(one), unanswered, None) for one in numbers))
        after = _steps_to(other, bench)
        indexes = other.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'journal_rows'"
        ).fetchall()

    assert after["repeat"] < before["repeat"] + 10
    assert after["RRN"] < before["RRN"] + 10 or beside == "under its key"
    assert 3 == len(indexes)


def test_journal_with_two_indexes_goes_on_with_one(tmp_path: Path) -> None:
    """
    A journal made by the migrations up to the eighth, its rows written under those: brought up
    to date its chain is sound, its answers are found, and the indexes are those of a new one.
    """
    document = json.loads((VECTORS / "first_release_vault.json").read_text())
    bench = JournalBench(tmp_path / "journal.db", vault=Vault.from_document(document))
    with closing(_reading(bench.path)) as connection:
        migrate(connection, migrations_of("journal")[:1], bench.path.name)
        connection.executescript((VECTORS / "first_release_journal.sql").read_text())
        migrate(connection, migrations_of("journal")[:8], bench.path.name)
        before = _indexes(connection)
    open_writer(bench.path, "journal", migrates=True).close()

    with bench, closing(_reading(bench.path)) as connection:
        bench.send_all(Commit(entry_of(3), ending_of(), None))
        after = _indexes(connection)
        found = [bench.find(FindRepeat(entry_of(one).key, since(1))) for one in (1, 2, 3)]
        steps = _steps_to(connection, bench)
    with JournalReader(bench.path) as reader:
        verified = reader.verify(bench.vault)
    with JournalBench(tmp_path / "new.db"), closing(_reading(tmp_path / "new.db")) as connection:
        new = _indexes(connection)

    assert {"journal_rows_by_repeat_key", "journal_rows_by_rrn"} <= set(before)
    assert new == after
    assert [True, False, True] == [one is not None for one in found]
    assert 50 > steps["repeat"]
    assert (verified.rows, verified.is_sound) == (5, True)


def test_batch_dirties_few_pages(tmp_path: Path) -> None:
    """
    A batch of 32 rows of as many terminals writes a page for each, which holds its 0210, and
    hardly more beside: none is written for a place in an index of its own.
    """
    with JournalBench(tmp_path / "journal.db") as bench, closing(_reading(bench.path)) as other:
        for first in range(0, 2048, 256):
            bench.send_all(*(_inquiry_of(at) for at in range(first, first + 256)))
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        bench.send_all(*(_inquiry_of(at) for at in range(2048, 2080)))

        _, pages, _ = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    assert 32 < pages <= 32 + 16


def _steps_to(connection: sqlite3.Connection, bench: JournalBench) -> dict[str, int]:
    """Count what SQLite does to find the first request's answer, and its rows by their RRN."""
    key, counted = entry_of(1).key, Counter[str]()

    def count(what: str, ask: Callable[[], object]) -> None:
        def one_more() -> int:
            counted[what] += 1
            return 0

        assert ask()  # the first of a connection reads the schema
        connection.set_progress_handler(one_more, 1)
        assert ask()
        connection.set_progress_handler(None, 0)

    def select(query: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        return connection.execute(query, values).fetchall()

    count("repeat", lambda: stored_answer(select, key, 0, bench.vault))
    count("RRN", lambda: select(f"{_SELECT} WHERE rrn = ? ORDER BY seq", (key.rrn,)))
    return dict(counted)


def _indexes(connection: sqlite3.Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    return dict(connection.execute(query).fetchall())


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def _inquiry_of(number: int) -> Commit:
    key = entry_of(number).key._replace(terminal=f"ATM{number % 32:05d}")
    return Commit(replace(entry_of(number), key=key), ending_of(bytes(2_000)), None)
