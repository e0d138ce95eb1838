"""The outbox's table: what it takes, and what a row of the journal pays for its event."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from sqlite3 import Connection

import pytest

from atm_switch.adapters.journal_rows import COLUMN_LIST, COLUMNS
from atm_switch.adapters.schema import migrate, migrations_of

MIGRATIONS = migrations_of("journal")
BEFORE = 9
"""The schema whose outbox had lists of words."""
OF_ITS_OWN, OF_A_ROW = ("notice", "status"), ("transaction", "refusal", "audit")
ADD = "INSERT INTO outbox (at, source, ref, body) VALUES (1, ?, ?, ?)"
OBJECTS = "SELECT type, name, sql FROM sqlite_schema WHERE sql LIKE '%outbox%' ORDER BY name"


@pytest.fixture
def file() -> Iterator[Connection]:
    """Return a new journal."""
    with closing(journal(len(MIGRATIONS))) as connection:
        yield connection


def journal(schema: int) -> Connection:
    """Make an empty journal of a schema."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, MIGRATIONS[:schema], "a journal")
    return connection


@pytest.mark.parametrize("source", [*OF_ITS_OWN, *OF_A_ROW])
def test_event_is_of_a_row_or_says_it_all(file: Connection, source: str) -> None:
    """Each source has a reference or a text, never the other's."""
    of_its_own: tuple[int | None, str | None] = (None, "{}")
    of_a_row: tuple[int | None, str | None] = (7, None)
    mine, others = (of_a_row, of_its_own) if source in OF_A_ROW else (of_its_own, of_a_row)
    file.execute(ADD, (source, *mine))

    with pytest.raises(sqlite3.IntegrityError):
        file.execute(ADD, (source, *others))


@pytest.mark.parametrize("source", ["", "TRANSACTION", "transactions", "row", None])
def test_source_is_one_of_five(file: Connection, source: str | None) -> None:
    """Nothing else is an event."""
    for reference, body in ((7, None), (None, "{}")):
        with pytest.raises(sqlite3.IntegrityError):
            file.execute(ADD, (source, reference, body))


def test_events_of_an_older_file_stay(file: Connection) -> None:
    """With their numbers, from which it is counted on, and in a table like a new file's."""
    with closing(journal(BEFORE)) as older:
        for source, reference, body in (("audit", 1, None), ("notice", None, "{}")):
            older.execute(ADD, (source, reference, body))
        older.execute("INSERT INTO outbox (seq, at, source, ref) VALUES (40, 1, 'audit', 2)")
        before = older.execute("SELECT * FROM outbox").fetchall()
        migrate(older, MIGRATIONS, "a journal")
        after = older.execute("SELECT * FROM outbox").fetchall()
        next_one = older.execute(f"{ADD} RETURNING seq", ("audit", 3, None)).fetchall()
        objects = older.execute(OBJECTS).fetchall()

    assert before == after
    assert [(41,)] == next_one
    assert file.execute(OBJECTS).fetchall() == objects


def test_row_of_the_journal_makes_no_table_of_a_list(file: Connection) -> None:
    """Within a trigger SQLite does so for an IN of more than two, for each row anew."""
    places = ", ".join("?" * len(COLUMNS))
    add = f"EXPLAIN INSERT INTO journal_rows ({COLUMN_LIST}) VALUES ({places})"  # noqa: S608 - constants
    with closing(journal(BEFORE)) as older:
        codes = [
            {one[1] for one in journal.execute(add, [None] * len(COLUMNS))}
            for journal in (older, file)
        ]

    assert [True, False] == ["OpenEphemeral" in some for some in codes]
