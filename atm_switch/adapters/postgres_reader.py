"""Everything that only reads a journal or an audit on PostgreSQL, for commands and the start.

Plan: as the file's readers, over all nodes.  Rows come with the node that wrote them;
``ends`` says up to which row of each node a reader has seen, so that whoever follows misses
none, however the nodes' commits fall.
Limits: not for an event loop; sees committed rows only.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Generic, Self, TypeVar

from atm_switch.adapters.audit_rows import AUDIT_COLUMN_LIST, AuditRow, audit_row_from
from atm_switch.adapters.journal_report import Reconciliation
from atm_switch.adapters.journal_rows import (
    COLUMN_LIST,
    ROWS_MAX,
    JournalRow,
    from_microseconds,
    row_from,
    to_microseconds,
)
from atm_switch.adapters.postgres_link import PostgresSession, driver
from atm_switch.adapters.postgres_schema import WHAT, opened, require_newest
from atm_switch.adapters.sql_dialect import numbered
from atm_switch.adapters.untold_rows import COUNTS, OF_RRN, UntoldAnswer, untold_answers
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.member import CardRef
from atm_switch.switch.ports import KeepCommand

R = TypeVar("R")

Ends = Mapping[str, int]
"""The last row seen of each node."""

SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ READ ONLY"

_BEHIND: Final = (
    " AS row WHERE row.seq > coalesce((SELECT seen.seq FROM unnest($1::text[], $2::bigint[])"
    " AS seen (node, seq) WHERE seen.node = row.node), 0)"
)
_NO_ENDING: Final = (
    "kind = 'A' AND NOT EXISTS (SELECT 1 FROM journal_rows AS ending"
    " WHERE ending.node = journal_rows.node AND ending.ref = journal_rows.seq)"
)


@dataclass(frozen=True, slots=True)
class Told(Generic[R]):
    """A row and the node that wrote it."""

    node: str
    row: R


class PostgresReader:
    """Reads one.  Every method raises ``JournalUnavailable`` where it cannot."""

    def __init__(self, url: str) -> None:
        """Connect.  Raises ``Refused``, also for a database without this program's schema.

        And ``JournalUnavailable`` where it is lost at once.
        """
        self._session = opened(url)
        try:
            with translated():
                require_newest(self._session)
        except BaseException:
            self._session.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> Self:
        """Read within a ``with``."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close at its end."""
        self.close()

    @contextmanager
    def snapshot(self) -> Iterator[PostgresSession]:
        """Read as of one moment, with whatever a walk needs."""
        with translated(), self._session.transaction(SNAPSHOT):
            yield self._session

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one query."""
        with translated():
            return self._session.rows(sql, *values)

    def business_date(self, acquirer: str) -> date | None:
        """Return the business date an acquirer was last moved to, if it ever was."""
        found = self.rows("SELECT business_date FROM business_dates WHERE acquirer = $1", acquirer)
        return date.fromisoformat(found[0][0]) if found else None

    def commands(self, now: datetime) -> tuple[KeepCommand, ...]:
        """Return the commands carried out whose recordings may be fresh, the eldest first."""
        found = self.rows(
            "SELECT acquirer, identity, until FROM commands WHERE until > $1 ORDER BY until",
            to_microseconds(now),
        )
        return tuple(
            KeepCommand(AcquirerId(acquirer), identity, from_microseconds(until))
            for acquirer, identity, until in found
        )

    def tries(self, ref: CardRef) -> int:
        """Return how many PIN tries of a card are used."""
        found = self.rows("SELECT tries FROM pin_tries WHERE pan_digest = $1", ref.digest)
        return int(found[0][0]) if found else 0

    def nodes(self) -> tuple[str, ...]:
        """Name every node that has written."""
        return tuple(node for (node,) in self.rows("SELECT DISTINCT node FROM heads ORDER BY 1"))


class JournalPages(PostgresReader):
    """Reads the rows of all nodes' journals."""

    def tail(self, count: int) -> tuple[tuple[Told[JournalRow], ...], Ends]:
        """Return the last ``count`` rows, oldest first, and where every node ends."""
        with self.snapshot() as session:
            ends = dict(session.rows("SELECT node, max(seq) FROM journal_rows GROUP BY node"))
            order = "ORDER BY written_at DESC, node DESC, seq DESC LIMIT $1"
            found = session.rows(f"SELECT node, {COLUMN_LIST} FROM journal_rows {order}", count)  # noqa: S608 - constants
        return _journal(found)[::-1], ends

    def follow(
        self, seen: Ends, count_max: int = ROWS_MAX
    ) -> tuple[tuple[Told[JournalRow], ...], Ends]:
        """Return the rows behind those seen, by node and in order, and where that ends."""
        found = self.rows(
            f"SELECT node, {COLUMN_LIST} FROM journal_rows{_BEHIND}"  # noqa: S608 - constants
            " ORDER BY row.node, row.seq LIMIT $3",
            *(list(seen.keys()), list(seen.values())),
            count_max,
        )
        return _journal(found), {**seen, **{told[0]: told[1] for told in found}}

    def show(self, rrn: str) -> tuple[Told[JournalRow], ...]:
        """Return all rows of a retrieval reference number, oldest first."""
        where = "WHERE rrn = $1 ORDER BY written_at, node, seq"
        return _journal(self.rows(f"SELECT node, {COLUMN_LIST} FROM journal_rows {where}", rrn))  # noqa: S608 - constants

    def untold(self, rrn: str) -> list[UntoldAnswer]:
        """Return which answers under a retrieval reference number did not leave."""
        return untold_answers(self.rows(numbered(OF_RRN), rrn))

    def in_doubt(self) -> tuple[Told[JournalRow], ...]:
        """Return every A without a B: cut off by a crash, or still under way."""
        where = f"WHERE {_NO_ENDING} ORDER BY written_at, node, seq"
        return _journal(self.rows(f"SELECT node, {COLUMN_LIST} FROM journal_rows {where}"))  # noqa: S608 - constants

    def reconcile(self, acquirer: str, business_date: date) -> Reconciliation:
        """Count an acquirer's business date by outcome and DE39, over all nodes."""
        of_day = (acquirer, business_date.isoformat())
        with self.snapshot() as session:
            counts = session.rows(numbered(COUNTS), *of_day)
            where = f"acquirer = $1 AND business_date = $2 AND {_NO_ENDING}"
            doubt = session.rows(f"SELECT count(*) FROM journal_rows WHERE {where}", *of_day)  # noqa: S608 - constants
        return Reconciliation.of(acquirer, business_date, counts, int(doubt[0][0]))


class AuditPages(PostgresReader):
    """Reads the rows of all nodes' audits."""

    def tail(self, count: int) -> tuple[tuple[Told[AuditRow], ...], Ends]:
        """Return the last ``count`` rows, oldest first, and where every node ends."""
        with self.snapshot() as session:
            ends = dict(session.rows("SELECT node, max(seq) FROM audit_rows GROUP BY node"))
            order = "ORDER BY at DESC, node DESC, seq DESC LIMIT $1"
            found = session.rows(f"SELECT node, {AUDIT_COLUMN_LIST} FROM audit_rows {order}", count)  # noqa: S608 - constants
        return _audit(found)[::-1], ends

    def since(
        self, seen: Ends, count_max: int = ROWS_MAX
    ) -> tuple[tuple[Told[AuditRow], ...], Ends]:
        """Return the rows behind those seen, by node and in order, and where that ends."""
        found = self.rows(
            f"SELECT node, {AUDIT_COLUMN_LIST} FROM audit_rows{_BEHIND}"  # noqa: S608 - constants
            " ORDER BY row.node, row.seq LIMIT $3",
            *(list(seen.keys()), list(seen.values())),
            count_max,
        )
        return _audit(found), {**seen, **{told[0]: told[1] for told in found}}


def _journal(found: list[tuple[Any, ...]]) -> tuple[Told[JournalRow], ...]:
    return tuple(Told(node, row_from(tuple(cells))) for node, *cells in found)


def _audit(found: list[tuple[Any, ...]]) -> tuple[Told[AuditRow], ...]:
    try:
        return tuple(Told(node, audit_row_from(tuple(cells))) for node, *cells in found)
    except ValueError:
        raise JournalUnavailable("the audit cannot be read: see audit verify") from None


@contextmanager
def translated() -> Iterator[None]:
    """Turn what PostgreSQL says into ``JournalUnavailable``."""
    asyncpg = driver(WHAT)
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise JournalUnavailable(f"the journal cannot be read: {type(error).__name__}") from None
