"""Take the oldest rows out of a journal on PostgreSQL, node by node.

Plan: as ``journal_purge`` does on a file; each node has a floor of its own, for its rows have
a chain of their own.  With the rows go the keys by which two processes settled who answers.
Why by index: a table the server last looked at when it had one row looks as if each statement
were for most of it, and would be gone through for every few thousand rows.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Final

from atm_switch.adapters.journal_chain import BEGINNING, Head, RowChain, chains_of
from atm_switch.adapters.journal_purge import ROWS_AT_ONCE, Report
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.postgres_link import BY_INDEX, PostgresSession
from atm_switch.adapters.postgres_reader import SNAPSHOT, translated
from atm_switch.adapters.postgres_schema import opened, require_newest
from atm_switch.adapters.sql_dialect import numbered
from atm_switch.adapters.untold_rows import FORGET
from atm_switch.domain.errors import Refused
from atm_switch.security.vault import Vault

_NODES: Final = "SELECT node FROM heads WHERE book = 'journal' ORDER BY node"
_FLOOR: Final = "SELECT seq, chain, seal FROM floors WHERE node = $1"
_FIRST_YOUNG: Final = (
    "SELECT seq FROM journal_rows WHERE node = $1 AND seq > $2 AND written_at >= $3"
    " ORDER BY seq LIMIT 1"
)
_NEWEST: Final = "SELECT coalesce(max(seq), 0) FROM journal_rows WHERE node = $1"
_FIRST_UNTOLD: Final = (
    "SELECT min(ref) FROM outbox WHERE node = $1 AND source IN ('transaction', 'refusal')"
    " AND (seq IS NULL OR seq > (SELECT seq FROM outbox_mark))"
)
_CROSSING: Final = (
    "SELECT min(ref) FROM journal_rows WHERE node = $1 AND ref > $2 AND ref <= $3 AND seq > $3"
)
_LINK: Final = "SELECT chain FROM journal_rows WHERE node = $1 AND seq = $2"
_LOWER: Final = (
    "INSERT INTO floors (node, seq, chain, seal) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (node) DO UPDATE SET seq = excluded.seq, chain = excluded.chain,"
    " seal = excluded.seal"
)


def floor_of(session: PostgresSession, node: str, chain: RowChain) -> Head:
    """Return where a node's journal begins.  Raises ``ValueError`` where it is not sealed."""
    found = session.rows(_FLOOR, node)
    if not found:
        return BEGINNING
    seq, link, seal = found[0]
    if not chain.is_floor(Head(seq, link), seal):
        raise ValueError("the floor is not ours")
    return Head(seq, link)


def count_old(url: str, vault: Vault, before: datetime) -> int:
    """Count the rows a purge would take.  Raises ``Refused`` and ``JournalUnavailable``."""
    with _by_index(url) as session, session.transaction(SNAPSHOT):
        return sum(
            max(_ceiling(session, node, floor, before) - floor.seq, 0)
            for node, floor, _ in _floors(session, vault)
        )


def purge(url: str, vault: Vault, before: datetime, report: Report) -> int:
    """Take out the rows written before a time; return how many went.

    Raises ``Refused`` where a floor was changed by hand, ``JournalUnavailable``.
    """
    with _by_index(url) as session:
        return _purge(session, vault, before, report)


@contextmanager
def _by_index(url: str) -> Iterator[PostgresSession]:
    with closing(opened(url, settings=BY_INDEX)) as session, translated():
        require_newest(session)
        yield session


def _purge(session: PostgresSession, vault: Vault, before: datetime, report: Report) -> int:
    floors = list(_floors(session, vault))
    ends = {node: _ceiling(session, node, floor, before) for node, floor, _ in floors}
    total = sum(max(ends[node] - floor.seq, 0) for node, floor, _ in floors)
    gone = 0
    for node, first, chain in floors:
        floor = first
        while floor.seq < ends[node]:
            lower = _lower(session, node, floor, ends[node], chain)
            if lower == floor:
                break
            gone += lower.seq - floor.seq
            floor = lower
            report(gone, total)
    session.rows("DELETE FROM answers WHERE received_at < $1", to_microseconds(before))
    session.rows(numbered(FORGET), to_microseconds(before))
    return gone


def _floors(session: PostgresSession, vault: Vault) -> list[tuple[str, Head, RowChain]]:
    found: list[tuple[str, Head, RowChain]] = []
    for (node,) in session.rows(_NODES):
        chain = chains_of(vault, node)[0]
        try:
            found.append((node, floor_of(session, node, chain), chain))
        except ValueError:
            raise Refused(f"the floor of {node} was changed by hand: see journal verify") from None
    return found


def _ceiling(session: PostgresSession, node: str, floor: Head, before: datetime) -> int:
    young = session.rows(_FIRST_YOUNG, node, floor.seq, to_microseconds(before))
    newest = int(session.rows(_NEWEST, node)[0][0])
    untold = session.rows(_FIRST_UNTOLD, node)[0][0]
    ends = [newest - 1, young[0][0] - 1 if young else newest, untold - 1 if untold else newest]
    return int(min(ends))


def _lower(session: PostgresSession, node: str, floor: Head, ceiling: int, chain: RowChain) -> Head:
    size = ROWS_AT_ONCE
    with session.transaction():
        while True:
            last = min(floor.seq + size, ceiling)
            end = _uncrossed(session, node, floor.seq, last)
            if end > floor.seq or last == ceiling:
                break
            size *= 2  # an A there ended much later: take both or neither
        if end <= floor.seq:
            return floor
        lower = Head(end, session.rows(_LINK, node, end)[0][0])
        session.rows(_LOWER, node, lower.seq, lower.chain, chain.floor_seal(lower))
        session.rows("DELETE FROM journal_rows WHERE node = $1 AND seq <= $2", node, end)
    return lower


def _uncrossed(session: PostgresSession, node: str, floor: int, last: int) -> int:
    while True:
        ref = session.rows(_CROSSING, node, floor, last)[0][0]
        if ref is None:
            return last
        last = int(ref) - 1
