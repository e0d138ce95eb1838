"""A SQLite file copied as of one moment, also while a switch writes it.

Plan: a read transaction is held over the whole copy, so that a switch that goes on
committing neither waits nor has the copy begin anew; pages go over some at a time, so that
progress can be told and Ctrl-C is heard.  The copy is one file without a log beside it,
synced.
Limits: the source's log cannot be folded into it meanwhile, so it grows by what is written.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from atm_switch.adapters.disk import sync
from atm_switch.adapters.schema import open_reader
from atm_switch.domain.errors import Refused

PAGES_AT_ONCE: Final = 2_048
"""Eight MiB of pages of the usual size between two reports."""

_NO_LIMIT: Final = 365.0 * 86_400

Report = Callable[[int, int], None]
"""Told the pages that are over, and all there are."""


def copy_database(source: Path, target: Path, report: Report) -> None:
    """Copy the database ``source`` into the new file ``target`` (mode 0600).

    Raises ``Refused`` where the source is missing or no database, or the copy cannot be
    written; nothing is left of it then.
    """
    target.touch(mode=0o600, exist_ok=False)
    try:
        with closing(open_reader(source, _NO_LIMIT)) as origin:
            origin.execute("BEGIN")
            origin.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # the moment
            with closing(sqlite3.connect(target, isolation_level=None)) as copy:
                origin.backup(
                    copy,
                    pages=PAGES_AT_ONCE,
                    progress=lambda _status, left, total: report(total - left, total),
                )
                copy.execute("PRAGMA journal_mode = DELETE")
        sync(target)
    except sqlite3.Error as error:
        target.unlink()
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        raise Refused(f"{source.name} cannot be copied: {name}; is the disk full?") from None
    except BaseException:
        target.unlink()
        raise


def is_whole(path: Path) -> bool:
    """Tell whether SQLite finds nothing wrong with the structure of a database file."""
    try:
        with closing(open_reader(path, _NO_LIMIT)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)])
    except (sqlite3.Error, Refused):
        return False


def schema_of(path: Path) -> int:
    """Return the schema version of a database file.  Raises ``Refused``."""
    with closing(open_reader(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
