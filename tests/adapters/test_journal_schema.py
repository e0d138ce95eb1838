"""The journal's schema defends itself against plain SQL."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from atm_switch.adapters.journal_memory import _NEWEST_RESPONSE
from atm_switch.adapters.journal_reader import _SELECT
from atm_switch.switch.ports import Commit, Reserve
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of
from tests.doubles.journal_intruder import copy_statement


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


@pytest.mark.parametrize(
    ("query", "by"),
    [
        (_NEWEST_RESPONSE, "rrn=? AND stamp=? AND stan=? AND terminal=? AND acquirer=?"),
        (f"{_SELECT} WHERE rrn = ? ORDER BY seq", "rrn=?"),
    ],
    ids=["repeat", "retrieval reference number"],
)
def test_one_index_finds_a_request(tmp_path: Path, query: str, by: str) -> None:
    """By its whole key and by its RRN: a row costs one page of an index, not one of each."""
    with (
        JournalBench(tmp_path / "journal.db"),
        closing(sqlite3.connect(tmp_path / "journal.db")) as connection,
    ):
        values = [0] * query.count("?")
        (step, *_) = connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
        indexes = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'journal_rows'"
        ).fetchall()

    assert f"SEARCH journal_rows USING INDEX journal_rows_by_key ({by})" == step[3]
    assert 3 == len(indexes)


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


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def _inquiry_of(number: int) -> Commit:
    key = entry_of(number).key._replace(terminal=f"ATM{number % 32:05d}")
    return Commit(replace(entry_of(number), key=key), ending_of(bytes(2_000)), None)
