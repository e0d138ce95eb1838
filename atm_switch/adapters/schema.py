"""Open a SQLite file as this program wants it, its schema brought up to date.

Plan: numbered SQL files per family (``migrations/ledger/0001_*.sql``) are applied in
order, each in a transaction of its own, a new file's in one; ``PRAGMA user_version`` is the
schema version.  A file of the first release is brought up to date by every later one, where that
is asked for; one newer than the program is refused, and so is a database of somebody else's.
Writers sync every commit (WAL, ``synchronous=FULL``).  Readers cannot write, and a
``Stopwatch`` interrupts a question that takes too long, because whoever asks stands in
the event loop.
Limits: one process writes a file at a time; another waits ``BUSY_SECONDS`` and gives up.
"""

import os
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from atm_switch.adapters.sql_dialect import SQLITE, migration_for
from atm_switch.domain.errors import FileOutdated, Refused

BUSY_SECONDS: Final = 5.0
CACHE_KIBIBYTES: Final = 256
"""Of a file, kept in memory: who reads each row once, or after each commit anew, has no use for
more, and a backlog would fill all there is."""
QUERY_SECONDS_MAX: Final = 1.0
"""How long a reader's question may take unless the settings say otherwise."""

_AGAIN_SECONDS: Final = 0.01
_PRIMARY: Final = 0xFF
"""Where an error's code has the kind of the error."""

STEPS_BETWEEN_LOOKS: Final = 20_000
"""SQLite steps between two looks at the clock: some milliseconds."""


def _itself(value: Any) -> Any:
    return value


# Both are taken as they are.  For a kind without an adapter one is looked for in vain each time,
# and an error made, text and all, and dropped: some of a row's columns took more than the rest.
sqlite3.register_adapter(bytes, _itself)
sqlite3.register_adapter(type(None), _itself)


class _TimedConnection(sqlite3.Connection):
    """A connection whose stopwatch, if it has one, starts anew with every question."""

    stopwatch: "Stopwatch | None" = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Start the stopwatch, then ask."""
        if self.stopwatch is not None:
            self.stopwatch.start()
        return sqlite3.Connection.execute(self, sql, parameters)  # ``super`` takes its time


class Stopwatch:
    """Interrupts a question to ``connection`` that takes longer than ``seconds_max``.

    The question ends in ``sqlite3.OperationalError``, ``SQLITE_INTERRUPT``.  A connection
    of ``open_reader`` starts it anew by itself; with another one, say ``start`` before
    each question.
    """

    def __init__(self, connection: sqlite3.Connection, seconds_max: float) -> None:
        """Look at the clock every ``STEPS_BETWEEN_LOOKS`` steps of a question."""
        self._seconds_max = seconds_max
        self._began = time.monotonic()
        if isinstance(connection, _TimedConnection):
            connection.stopwatch = self
        connection.set_progress_handler(self._is_late, STEPS_BETWEEN_LOOKS)

    def start(self) -> None:
        """Begin to count for the next question."""
        self._began = time.monotonic()

    def _is_late(self) -> int:
        return int(time.monotonic() - self._began > self._seconds_max)


@cache
def migrations_of(family: str, database: str = SQLITE) -> tuple[tuple[int, str], ...]:
    """Return the numbered SQL texts of a family, in order, as ``database`` spells them.

    Read once: a process works with the schemas it was loaded with, whatever release is
    installed under it meanwhile.
    """
    folder = files("atm_switch.adapters") / "migrations" / family
    numbered = []
    for entry in folder.iterdir():
        match = re.fullmatch(r"([0-9]{4})_[a-z_0-9]+\.sql", entry.name)
        if match is not None:
            text = migration_for(database, entry.read_text(encoding="utf-8"))
            numbered.append((int(match[1]), text))
    return tuple(sorted(numbered))


def open_writer(path: Path, family: str, *, migrates: bool = False) -> sqlite3.Connection:
    """Open ``path`` for writing, made with mode 0600 if need be.

    The connection is in autocommit: transactions are begun by hand.  Raises ``Refused``
    for a file newer than the program, no database, another database, or no access; and
    ``FileOutdated`` for an older one, unless it ``migrates``, which is for whoever holds the
    folder: an older switch may be at work with that file, or start just then.
    """
    try:
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise Refused(_cannot(path, "made or opened", error)) from None
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrations = migrations_of(family)
        if not migrates and (version := _version(connection)):
            _require_schema(version, migrations[-1][0], path.name)
        # However long a statement takes, Ctrl-C is heard: no Python runs in it otherwise.
        connection.set_progress_handler(lambda: 0, STEPS_BETWEEN_LOOKS)
        migrate(connection, migrations, path.name)
        connection.set_progress_handler(None, 0)
    except sqlite3.Error as error:
        connection.close()
        raise Refused(_cannot(path, f"opened as a {family} file", error)) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Have the file keep a WAL; it is waited for whoever makes the same new file just then.

    SQLite itself does not wait there, for of two that have begun neither could go on.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def open_reader(
    path: Path,
    seconds_max: float = QUERY_SECONDS_MAX,
    family: str | None = None,
    *,
    is_still: bool = False,
    cache_kibibytes: int = CACHE_KIBIBYTES,
) -> sqlite3.Connection:
    """Open ``path`` read-only; a question may take ``seconds_max``.

    With a ``family`` the schema must be the newest.  Never mapped into memory: a disk that
    fails would end the process then, and SQLite maps no more than 2 GiB.  One that ``is_still``
    is read without a file beside it: whoever asks sees that nobody has begun to write it.
    Raises ``Refused`` where the file is missing, is no database, or has another schema.
    """
    if not path.is_file():
        raise Refused(f"{path.name} is missing; is this a data folder made by atm-switch init?")
    how = "immutable=1" if is_still else "mode=ro"
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?{how}",
            uri=True,
            timeout=min(seconds_max, BUSY_SECONDS),
            isolation_level=None,
            factory=_TimedConnection,
        )
    except sqlite3.Error as error:
        raise Refused(_cannot(path, "read", error)) from None
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{cache_kibibytes}")
        version = _version(connection)
        if family is not None:
            _require_schema(version, migrations_of(family)[-1][0], path.name)
    except sqlite3.Error as error:
        connection.close()
        raise Refused(_cannot(path, "read", error)) from None
    except BaseException:
        connection.close()
        raise
    Stopwatch(connection, seconds_max)
    return connection


def is_outdated(path: Path, family: str) -> bool:
    """Tell whether a file is of an older release.

    What is not there, or cannot be read, is for whoever opens it to make or to refuse.
    """
    with suppress(Refused, sqlite3.Error), closing(open_reader(path)) as connection:
        return 0 < _version(connection) < migrations_of(family)[-1][0]
    return False


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[tuple[int, str]], name: str
) -> None:
    """Apply the migrations that ``connection`` lacks, each in its own transaction.

    A new file gets all of them in one: whoever opens it meanwhile finds nothing or all of it, and
    takes it for no older release's.
    ``name`` is the file's, for messages.  Raises ``Refused`` for a schema newer than the
    last migration or tables of another program, ``sqlite3.Error`` with that migration
    undone.
    """
    newest = migrations[-1][0]
    version = _version(connection)
    _require_schema(max(version, newest), newest, name)
    has_tables = connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None
    # asked again, for another process may have migrated the file between the two questions
    if version == 0 and has_tables and _version(connection) == 0:
        raise Refused(f"{name} is a database of another program; move it away first")
    lacking = [one for one in migrations if one[0] > version]
    for together in [lacking] if version == 0 else [[one] for one in lacking]:
        _apply(connection, together)


def _require_schema(version: int, newest: int, name: str) -> None:
    if version > newest:
        raise Refused(
            f"{name} has schema {version}, this program knows up to {newest}; "
            "use the atm-switch release that made it, or a later one"
        )
    if version < newest:
        raise FileOutdated(
            f"{name} has schema {version}, this program needs {newest}; "
            "atm-switch migrate DIR brings it up to date, atm-switch init DIR makes a new folder"
        )


def _apply(connection: sqlite3.Connection, together: Sequence[tuple[int, str]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # another process may have applied them while this one waited for the lock
        for number, text in together:
            if _version(connection) < number:
                for statement in _statements(text):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _statements(text: str) -> list[str]:
    """Cut a script where SQLite sees a statement end; a trigger's body stays whole."""
    found, begun = [], ""
    for line in text.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return [*found, begun] if begun.strip() else found


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _cannot(path: Path, what: str, error: Exception) -> str:
    return f"{path.name} cannot be {what}: {_why(path, error)}"


def _why(path: Path, error: Exception) -> str:
    """Say what hinders, and what helps, where SQLite says that it was to write a file beside it."""
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno else str(error)
    kind = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if kind not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return str(error)
    if path.exists() and not os.access(path, os.R_OK):
        return "you may not read it; run this as the user it belongs to"
    if not os.access(path.resolve().parent, os.W_OK):
        return (
            f"you may not write in {path.parent}, where SQLite keeps files beside it; "
            "run this as the user the folder belongs to"
        )
    return str(error)
