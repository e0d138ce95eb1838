"""The journal's schema defends itself against plain SQL."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

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
