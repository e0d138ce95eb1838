"""The events of a PostgreSQL journal as an operator reads them, told or not.

Plan: the newest by the numbers they were told under, behind them what has none yet, in the
order of its transactions; whoever follows is given what is older than every transaction
under way, so that nothing comes in between later.
Limits: not for an event loop; an event that was not told yet has the number 0.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from atm_switch.adapters.journal_rows import from_microseconds
from atm_switch.adapters.outbox_rows import SELECT_SHARED, event_from
from atm_switch.adapters.postgres_reader import PostgresReader
from atm_switch.switch.event import Event

_LAST: Final = "ORDER BY outbox.seq DESC NULLS FIRST, outbox.xid DESC, outbox.id DESC LIMIT $1"
_OLDER: Final = "outbox.xid < pg_snapshot_xmin(pg_current_snapshot())"
_PLACES: Final = (
    f"SELECT xid::text, id FROM outbox WHERE {_OLDER}"  # noqa: S608 - constants
    " AND (xid, id) > ($1::text::xid8, $2) ORDER BY xid, id LIMIT $3"
)
_END: Final = f"SELECT xid::text, id FROM outbox WHERE {_OLDER} ORDER BY xid DESC, id DESC LIMIT 1"  # noqa: S608 - the same
_STATE: Final = (
    "SELECT given, seq, given - seq + (SELECT count(*) FROM outbox WHERE seq IS NULL),"
    " (SELECT min(at) FROM outbox WHERE outbox.seq IS NULL OR outbox.seq > outbox_mark.seq)"
    " FROM outbox_mark"
)


class Place(NamedTuple):
    """Where a reader stands: behind this event of this transaction."""

    xid: str = "0"
    id: int = 0


class OutboxState(NamedTuple):
    """How much there is: the newest number given, told up to which, what waits, since when."""

    newest: int
    told: int
    waiting: int
    oldest_untold: datetime | None


class SharedEvents(PostgresReader):
    """Reads them.  Every method raises ``JournalUnavailable`` where it cannot."""

    def __init__(self, url: str, switch: str) -> None:
        """Connect, for the switch called ``switch``.  Raises ``Refused``."""
        super().__init__(url)
        self._switch = switch

    def tail(self, count: int) -> tuple[Event, ...]:
        """Return the last ``count`` events, oldest first."""
        return self._events(self.rows(SELECT_SHARED + _LAST, count)[::-1])

    def end(self) -> Place:
        """Return where whoever follows begins."""
        found = self.rows(_END)
        return Place(*found[0]) if found else Place()

    def since(self, place: Place, count_max: int) -> tuple[tuple[Event, ...], Place]:
        """Return the events behind a place, at most so many, and where that ends."""
        places = self.rows(_PLACES, *place, count_max)
        if not places:
            return (), place
        wanted = [at for _, at in places]
        order = "WHERE outbox.id = ANY($1::bigint[]) ORDER BY outbox.xid, outbox.id"
        return self._events(self.rows(SELECT_SHARED + order, wanted)), Place(*places[-1])

    def state(self) -> OutboxState:
        """Count."""
        newest, told, waiting, oldest = self.rows(_STATE)[0]
        return OutboxState(
            newest, told, waiting, None if oldest is None else from_microseconds(oldest)
        )

    def _events(self, found: list[tuple[Any, ...]]) -> tuple[Event, ...]:
        made = (event_from(row, self._switch) for row in found)
        return tuple(event for event in made if event is not None)
