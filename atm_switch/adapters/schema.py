"""Open a SQLite file as this program wants it, its schema brought up to date.

Plan: numbered SQL files per family (``migrations/ledger/0001_*.sql``) are applied in
order, each in a transaction of its own; ``PRAGMA user_version`` is the schema version.  A
file of the first release opens in every later one; a file newer than the program is
refused.  Writers sync every commit (WAL, ``synchronous=FULL``); readers cannot write, and
a ``Stopwatch`` interrupts a read that takes too long.
"""

import re
import sqlite3
import time
from importlib.resources import files
from pathlib import Path

from atm_switch.domain.errors import Refused

BUSY_SECONDS = 5.0
STEPS_BETWEEN_LOOKS = 20_000
"""SQLite steps between two looks at the clock: some milliseconds."""


def migrations_of(family: str) -> list[tuple[int, str]]:
    """Return the numbered SQL texts of a family, in order."""
    folder = files("atm_switch.adapters") / "migrations" / family
    numbered = []
    for entry in folder.iterdir():
        match = re.fullmatch(r"([0-9]{4})_[a-z_0-9]+\.sql", entry.name)
        if match is not None:
            numbered.append((int(match[1]), entry.read_text(encoding="utf-8")))
    return sorted(numbered)


def open_writer(path: Path, family: str) -> sqlite3.Connection:
    """Open ``path`` for writing, made with mode 0600 and migrated if need be.

    Raises ``Refused`` for a file newer than the program or no database at all.
    """
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, family, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise Refused(f"{path.name} cannot be opened as a {family} file: {error}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open ``path`` read-only.  Raises ``Refused`` where the file is missing."""
    if not path.is_file():
        raise Refused(f"{path.name} is missing; is this a data folder made by atm-switch init?")
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


class Stopwatch:
    """Interrupts a query of ``connection`` that runs longer than ``seconds_max``.

    Whoever asks says ``start`` before each question; short ones never meet the look.
    """

    def __init__(self, connection: sqlite3.Connection, seconds_max: float) -> None:
        """Look at the clock every ``STEPS_BETWEEN_LOOKS`` steps of a query."""
        self._seconds_max = seconds_max
        self._began = time.monotonic()
        connection.set_progress_handler(self._is_late, STEPS_BETWEEN_LOOKS)

    def start(self) -> None:
        """Begin to count for the next question."""
        self._began = time.monotonic()

    def _is_late(self) -> int:
        return int(time.monotonic() - self._began > self._seconds_max)


def _migrate(connection: sqlite3.Connection, family: str, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    migrations = migrations_of(family)
    newest = migrations[-1][0]
    if version > newest:
        raise Refused(
            f"{path.name} has schema {version}, this program knows up to {newest}; "
            "install the newer atm-switch it was made with"
        )
    for number, text in migrations:
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{text}\nPRAGMA user_version = {number};\nCOMMIT;"
            )
