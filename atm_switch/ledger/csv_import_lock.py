"""One import at a time: a lock held while one stages, checks and books.

Plan: on SQLite a lock on a file beside the ledger, on PostgreSQL an advisory lock of the
session; either ends with its process, however that ends.  PostgreSQL hears of a killed one a
little later than we do, so its lock is waited for.
Limits: this lock is among imports only; inquiries go on, and single postings until the import
checks and books (``csv_booking.py``).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from atm_switch.adapters.advisory_lock import ENDING_SECONDS, took_lock
from atm_switch.domain.errors import Refused
from atm_switch.ledger.store import LockedByAnother, Store

_IMPORTING: Final = 8583005
_BUSY: Final = "another import is running; try again when it is done"


@contextmanager
def import_lock(store: Store) -> Iterator[None]:
    """Hold the lock.  Raises ``Refused`` where another import holds it."""
    if store.is_postgres:
        if not took_lock(store.rows, (_IMPORTING,), LockedByAnother, ENDING_SECONDS):
            raise Refused(_BUSY)
        try:
            yield
        finally:
            # A connection that is gone takes no more; its end lets the lock go.
            with suppress(Refused):
                store.rows("SELECT pg_advisory_unlock(?)", (_IMPORTING,))
        return
    (name,) = (row[2] for row in store.rows("PRAGMA database_list") if row[1] == "main")
    with _file_lock(Path(f"{name}.import.lock")):
        yield


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"{path.name} cannot be made: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(_BUSY) from None
        yield
    finally:
        os.close(descriptor)
