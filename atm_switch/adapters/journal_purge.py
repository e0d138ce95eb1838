"""Take the oldest rows out of a journal, so that what is left still proves itself.

Plan: the rows that went end at the *floor*: the last of them, its link and a seal over both.
The chain of what is left begins at the floor, so ``journal verify`` goes on to find every
edit, and a deletion by hand has no floor that is sealed.  Rows go some at a time, each time
with the new floor in one transaction, so that a running switch waits for none of it for long,
and an interrupted purge has done what it did.
Kept: the newest row, for the next one goes behind it; an A whose B is kept; a row whose
event is still to be told.
Limits: the disk space is used again, not given back.  What went is in no later backup.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from atm_switch.adapters.journal_chain import BEGINNING, Head, JournalChain, RowChain
from atm_switch.adapters.journal_heads import transaction
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.schema import open_writer
from atm_switch.adapters.untold_rows import FORGET
from atm_switch.domain.errors import Refused
from atm_switch.security.vault import Vault

ROWS_AT_ONCE: Final = 5_000

Report = Callable[[int, int], None]
"""Told how many rows went, and how many there were to go."""

_HAS_FLOOR: Final = "SELECT 1 FROM sqlite_schema WHERE name = 'journal_floor'"
_FLOOR: Final = "SELECT seq, chain, seal FROM journal_floor"
_FIRST_YOUNG: Final = (
    "SELECT seq FROM journal_rows WHERE seq > ? AND written_at >= ? ORDER BY seq LIMIT 1"
)
_FIRST_UNTOLD: Final = (
    "SELECT min(ref) FROM outbox WHERE source IN ('transaction', 'refusal')"
    " AND seq > (SELECT seq FROM outbox_mark)"
)
_NEWEST: Final = "SELECT coalesce(max(seq), 0) FROM journal_rows"
_LINK_OF: Final = "SELECT chain FROM journal_rows WHERE seq = ?"
_KEEP_FLOOR: Final = (
    "INSERT INTO journal_floor (one, seq, chain, seal) VALUES (1, ?, ?, ?)"
    " ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, chain = excluded.chain,"
    " seal = excluded.seal"
)
_TAKE_OUT: Final = (
    "DELETE FROM journal_rows WHERE seq <= ? AND ref IS NOT NULL",
    "DELETE FROM journal_rows WHERE seq <= ?",
)
"""The endings first: a row that is referred to cannot go."""
_CROSSING: Final = "SELECT min(ref) FROM journal_rows WHERE ref > ? AND ref <= ? AND seq > ?"


def read_floor(connection: sqlite3.Connection, chain: RowChain) -> Head:
    """Return where the journal begins.  Raises ``ValueError`` where it is not sealed.

    A file of an older schema, which has no floor yet, begins at its beginning; so does one
    whose floor was taken out, and then the first row's sequence tells.
    """
    if not connection.execute(_HAS_FLOOR).fetchall():
        return BEGINNING
    found = connection.execute(_FLOOR).fetchall()
    if not found:
        return BEGINNING
    floor = Head(found[0][0], found[0][1])
    if not chain.is_floor(floor, found[0][2]):
        raise ValueError("the floor is not ours")
    return floor


def count_old(path: Path, vault: Vault, before: datetime) -> int:
    """Count the rows a purge would take.  Raises ``Refused`` as ``purge`` does."""
    with closing(open_writer(path, "journal")) as connection:
        floor = _floor(connection, JournalChain(vault))
        return max(_ceiling(connection, floor, before) - floor.seq, 0)


def purge(path: Path, vault: Vault, before: datetime, report: Report) -> int:
    """Take out the rows written before a time; return how many went.

    Raises ``Refused`` where the floor was changed by hand, and for a file of an older release.
    """
    chain = JournalChain(vault)
    with closing(open_writer(path, "journal")) as connection:
        first = floor = _floor(connection, chain)
        ceiling = _ceiling(connection, floor, before)
        while floor.seq < ceiling:
            lower = _lower(connection, floor, ceiling, chain)
            if lower == floor:
                break
            floor = lower
            report(floor.seq - first.seq, ceiling - first.seq)
        connection.execute(FORGET, (to_microseconds(before),))
    return floor.seq - first.seq


def _floor(connection: sqlite3.Connection, chain: RowChain) -> Head:
    try:
        return read_floor(connection, chain)
    except ValueError:
        raise Refused("the journal's floor was changed by hand: see journal verify") from None


def _ceiling(connection: sqlite3.Connection, floor: Head, before: datetime) -> int:
    """Return the last row that may go."""
    young = connection.execute(_FIRST_YOUNG, (floor.seq, to_microseconds(before))).fetchone()
    (newest,) = connection.execute(_NEWEST).fetchone()
    (untold,) = connection.execute(_FIRST_UNTOLD).fetchone()
    ends = [newest - 1, young[0] - 1 if young else newest, untold - 1 if untold else newest]
    return int(min(ends))


def _lower(connection: sqlite3.Connection, floor: Head, ceiling: int, chain: RowChain) -> Head:
    """Take some rows out, together with the floor they leave; return that."""
    size = ROWS_AT_ONCE
    with transaction(connection):
        while True:
            last = min(floor.seq + size, ceiling)
            end = _uncrossed(connection, floor.seq, last)
            if end > floor.seq or last == ceiling:
                break
            size *= 2  # an A there ended much later: take both or neither
        if end <= floor.seq:
            return floor
        lower = Head(end, connection.execute(_LINK_OF, (end,)).fetchone()[0])
        connection.execute(_KEEP_FLOOR, (lower.seq, lower.chain, chain.floor_seal(lower)))
        for statement in _TAKE_OUT:
            connection.execute(statement, (end,))
    return lower


def _uncrossed(connection: sqlite3.Connection, floor: int, last: int) -> int:
    """Return the last row up to ``last`` so that no ending that is kept has lost its A."""
    while True:
        (ref,) = connection.execute(_CROSSING, (floor, last, last)).fetchone()
        if ref is None:
            return last
        last = int(ref) - 1
