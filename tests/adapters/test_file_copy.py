"""Claims about the copy of a database: one moment of it, whoever writes meanwhile."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters import file_copy
from atm_switch.adapters.file_copy import copy_database, is_whole, schema_of
from atm_switch.domain.errors import Refused

ROWS = 20_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a database in WAL mode with many pages and schema 7."""
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?)", ((n, "x" * 100) for n in range(ROWS)))
        connection.execute("COMMIT")
        connection.execute("PRAGMA user_version = 7")
    return path


def count(path: Path) -> int:
    """Count the rows of a copy."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def test_copy_is_of_the_moment_it_began(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows committed between two of its steps are not in it, and it does not begin anew."""
    monkeypatch.setattr(file_copy, "PAGES_AT_ONCE", 16)
    told: list[int] = []
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:

        def write_meanwhile(done: int, _total: int) -> None:
            told.append(done)
            writer.execute("INSERT INTO t (text) VALUES ('later')")

        copy_database(source, tmp_path / "copy.db", write_meanwhile)

    assert ROWS == count(tmp_path / "copy.db")
    assert len(told) > 10
    assert sorted(told) == told
    assert ROWS + len(told) == count(source)


def test_copy_is_one_private_file_with_its_schema(source: Path, tmp_path: Path) -> None:
    """Mode 0600, no log beside it, sound, of the source's schema version."""
    copy = tmp_path / "copy.db"

    copy_database(source, copy, lambda _done, _total: None)

    assert 0o600 == copy.stat().st_mode & 0o777
    assert [] == [path.name for path in tmp_path.glob("copy.db-*")]
    assert (True, 7) == (is_whole(copy), schema_of(copy))


def test_what_is_no_database_leaves_no_copy(tmp_path: Path) -> None:
    """A text file is refused by name, and nothing stays in the copy's place."""
    (tmp_path / "notes.db").write_text("no database " * 100)

    with pytest.raises(Refused, match=r"notes\.db cannot be"):
        copy_database(tmp_path / "notes.db", tmp_path / "copy.db", lambda _done, _total: None)

    assert not (tmp_path / "copy.db").exists()


def test_damaged_pages_are_found(source: Path, tmp_path: Path) -> None:
    """Bytes overwritten in the middle make the file not whole."""
    copy = tmp_path / "copy.db"
    copy_database(source, copy, lambda _done, _total: None)
    with copy.open("r+b") as file:
        file.seek(copy.stat().st_size // 2)
        file.write(b"\xff" * 8192)

    assert not is_whole(copy)
