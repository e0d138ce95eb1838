"""Migrations bring a file up to date once; what is not ours or newer is left alone."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.schema import (
    Stopwatch,
    migrate,
    migrations_of,
    open_reader,
    open_writer,
)
from atm_switch.domain.errors import Refused
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store_sqlite import SqliteStore

OF_SCHEMA_4 = """
INSERT INTO participants (kpj, person, nik_sealed, name, birth_date, segment, status)
VALUES ('12345678901', 'a', x'00', 'SITI', '1990-08-17', 'PU', 'A');
INSERT INTO cards (pan_digest, key_id, kpj, expiry, pvv, pvki, status, linked_on) VALUES
    (zeroblob(32), 'k', '12345678901', '2812', '', '', 'active', '2025-06-30'),
    (randomblob(32), 'k', '12345678901', '2812', '', '', 'blocked', '2025-06-30');
"""
OF_SCHEMA_3 = """
INSERT INTO participants (kpj, person, nik_sealed, name, birth_date, segment, status) VALUES
    ('12345678901', 'a', x'00', 'SITI', '1990-08-17', 'PU', 'A'),
    ('12345678902', 'b', x'00', 'BUDI', '1990-08-17', 'PU', 'A');
INSERT INTO postings (year, kpj, seq, posted_on, kind, amount_sen) VALUES
    (2024, '12345678901', 1, '2024-03-01', 'contribution', 1000),
    (2025, '12345678901', 2, '2025-02-01', 'contribution', 500);
INSERT INTO year_totals VALUES
    ('12345678901', 2024, 1000, 0, 0, 0, 1, '2024-03-01'),
    ('12345678901', 2025, 500, 0, 0, 0, 1, '2025-02-01');
INSERT INTO account_totals VALUES ('12345678901', 1500, 2, '2024-03-01', '2025-02-01');
UPDATE last_posting SET seq = 2;
"""
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize("family", ["ledger", "journal"])
def test_new_file_gets_newest_schema(tmp_path: Path, family: str) -> None:
    """
    A new file of either family ends at the number of its last migration.
    """
    path = tmp_path / "new.db"

    with closing(open_writer(path, family)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()

    assert migrations_of(family)[-1][0] == version


def test_writer_syncs_every_commit(tmp_path: Path) -> None:
    """
    A writer has WAL, synchronous FULL, foreign keys and a busy time-out.
    """
    pragmas = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"]

    with closing(open_writer(tmp_path / "new.db", "ledger")) as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    assert ["wal", 2, 1, 5000] == found


def test_new_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    """
    The file and its WAL are made with mode 0600.
    """
    path = tmp_path / "new.db"

    with closing(open_writer(path, "ledger")):
        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}

    assert {0o600} == modes


def test_file_opens_again_with_its_rows(tmp_path: Path) -> None:
    """
    Opening a file a second time applies nothing and loses nothing.
    """
    path = tmp_path / "again.db"
    insert = (
        "INSERT INTO imports (kind, file_name, sha256, rows, imported_at)"
        " VALUES ('cards', 'c', x'00', 1, 'now')"
    )
    with closing(open_writer(path, "ledger")) as connection:
        connection.execute(insert)

    with closing(open_writer(path, "ledger")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM imports").fetchone()

    assert 1 == count


def test_newer_file_is_refused_in_words(tmp_path: Path) -> None:
    """
    A file of a later release is refused, by writer and reader, with what to do.
    """
    path = tmp_path / "newer.db"
    with closing(open_writer(path, "ledger")) as connection:
        connection.execute("PRAGMA user_version = 9000")

    with pytest.raises(Refused, match=r"newer\.db has schema 9000, this program knows up to 6"):
        open_writer(path, "ledger")
    with pytest.raises(Refused, match="use the atm-switch release that made it"):
        open_reader(path, family="ledger")


def test_reader_refuses_file_without_tables(tmp_path: Path) -> None:
    """
    A reader of the ledger does not take an empty file for an empty ledger.
    """
    path = tmp_path / "empty.db"
    path.touch()

    with pytest.raises(Refused, match="has schema 0, this program needs 6"):
        open_reader(path, family="ledger")


def test_foreign_database_is_left_alone(tmp_path: Path) -> None:
    """
    A database of another program is refused and keeps the tables it has.
    """
    path = tmp_path / "foreign.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")

    with pytest.raises(Refused, match="another program"):
        open_writer(path, "ledger")

    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert [("theirs",)] == tables


def ledger_of_schema(folder: Path, number: int, rows: str) -> Path:
    """Make a ledger as an earlier release left it."""
    path = folder / "ledger.db"
    earlier = [one for one in migrations_of("ledger") if one[0] <= number]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, earlier, path.name)
        connection.executescript(rows)
    return path


def test_ledger_of_an_earlier_release_keeps_its_totals(tmp_path: Path) -> None:
    """
    Running totals that stood in a table of their own are those of the participants afterwards,
    and the books reconcile.
    """
    path = ledger_of_schema(tmp_path, 3, OF_SCHEMA_3)
    open_writer(path, "ledger", migrates=True).close()

    with closing(SqliteStore(path)) as store:
        query = "SELECT kpj, balance_sen, postings, last_year FROM participants ORDER BY kpj"
        held = store.rows(query)
        differences = reconcile(store).differences

    assert [("12345678901", 1500, 2, 2025), ("12345678902", 0, 0, None)] == held
    assert () == differences


def test_card_blocked_before_is_taken_for_blocked_at_the_desk(tmp_path: Path) -> None:
    """
    Who blocked it nobody noted, so no file lifts a block of an earlier release.
    """
    path = ledger_of_schema(tmp_path, 4, OF_SCHEMA_4)
    open_writer(path, "ledger", migrates=True).close()

    with closing(SqliteStore(path)) as store:
        held = store.rows("SELECT status, blocked_on FROM cards ORDER BY status")

    assert [("active", None), ("blocked", "2025-06-30")] == held


@pytest.mark.parametrize("open_it", [lambda p: open_writer(p, "ledger"), open_reader])
def test_file_that_is_no_database_is_refused(tmp_path: Path, open_it: object) -> None:
    """
    A text file in the ledger's place is refused, not overwritten.
    """
    path = tmp_path / "text.db"
    path.write_text("this is no database\n" * 100)
    assert callable(open_it)

    with pytest.raises(Refused, match=r"text\.db cannot be"):
        open_it(path)

    assert path.read_text().startswith("this is no database")


def test_missing_folder_is_refused_in_words(tmp_path: Path) -> None:
    """
    A path into a folder that is not there is refused with the system's reason.
    """
    with pytest.raises(Refused, match="cannot be made or opened: No such file"):
        open_writer(tmp_path / "nowhere" / "l.db", "ledger")


def test_missing_file_is_not_made_by_reader(tmp_path: Path) -> None:
    """
    A reader refuses a missing file and leaves none behind.
    """
    path = tmp_path / "missing.db"

    with pytest.raises(Refused, match=r"missing\.db is missing"):
        open_reader(path)

    assert not path.exists()


def test_reader_cannot_write(tmp_path: Path) -> None:
    """
    A reader's connection refuses every change.
    """
    path = tmp_path / "read.db"
    open_writer(path, "ledger").close()

    with closing(open_reader(path)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("DELETE FROM cards")


def test_name_with_question_mark_opens(tmp_path: Path) -> None:
    """
    Characters that mean something in a URI are taken as part of the file's name.
    """
    path = tmp_path / "odd?mode=rwc#%41.db"
    open_writer(path, "ledger").close()

    with closing(open_reader(path, family="ledger")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()

    assert migrations_of("ledger")[-1][0] == version


def test_failed_migration_leaves_no_half(tmp_path: Path) -> None:
    """
    A migration that fails half-way is undone, and the one before it stays.
    """
    good = (1, "CREATE TABLE first (a);")
    bad = (2, "CREATE TABLE second (a);\nCREATE TABLE first (b);")

    with closing(sqlite3.connect(tmp_path / "half.db", isolation_level=None)) as connection:
        migrate(connection, [good], "half.db")
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, [good, bad], "half.db")
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        version = connection.execute("PRAGMA user_version").fetchone()

    assert [("first",)] == tables
    assert (1,) == version


def test_trigger_body_is_one_statement(tmp_path: Path) -> None:
    """
    A trigger with semicolons inside is applied whole, and a comment at the end is nothing.
    """
    text = (
        "CREATE TABLE t (a);\nCREATE TRIGGER keep BEFORE DELETE ON t\nBEGIN\n"
        "    SELECT 1;\n    SELECT RAISE (ABORT, 'kept');\nEND;\n-- the end\n"
    )

    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as connection:
        migrate(connection, [(1, text)], "t.db")
        connection.execute("INSERT INTO t VALUES (1)")

        with pytest.raises(sqlite3.IntegrityError, match="kept"):
            connection.execute("DELETE FROM t")


def test_slow_question_is_interrupted(tmp_path: Path) -> None:
    """
    An endless question ends with an interrupt, and the next short one is answered.
    """
    path = tmp_path / "slow.db"
    open_writer(path, "ledger").close()

    with closing(open_reader(path, 0.05)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            connection.execute(ENDLESS).fetchall()
        answer = connection.execute("SELECT 1").fetchone()

    assert (1,) == answer


def test_stopwatch_serves_any_connection() -> None:
    """
    A stopwatch interrupts a connection of the standard library too.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        Stopwatch(connection, 0.02).start()

        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            connection.execute(ENDLESS).fetchall()
