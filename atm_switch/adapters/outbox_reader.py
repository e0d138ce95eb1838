"""Everything that only reads the outbox: what is still to be told, how much, how old.

Plan: as the journal's reader, whose file it shares; every question is a few steps in an
index or a batch of bounded length.
Limits: sees committed rows only.  ``backlog`` counts status events that were dropped behind the
oldest event there is as if they were still there, which is never more than there were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from atm_switch.adapters.file_reader import FileReader
from atm_switch.adapters.journal_rows import from_microseconds
from atm_switch.adapters.outbox_rows import SELECT, event_from
from atm_switch.adapters.schema import QUERY_SECONDS_MAX
from atm_switch.domain.errors import Refused
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.switch.event import Event
from atm_switch.switch.fleet import ACTIVE, NO_PROOF, TERMINALS_MAX, TerminalName

FIRST_SCHEMA: Final = 3
"""The schema that brought the outbox."""

_ACTIVE: Final = (
    "SELECT acquirer, terminal FROM terminal_status WHERE state = ? ORDER BY at DESC LIMIT ?"
)
_ENDS: Final = (
    "SELECT (SELECT coalesce(max(seq), 0) FROM outbox),"
    " (SELECT coalesce(min(seq), 1) - 1 FROM outbox)"
)
_FIRST: Final = "SELECT at FROM outbox ORDER BY seq LIMIT 1"
_DROPPABLE: Final = (
    "SELECT 1 FROM outbox WHERE source = 'status' AND seq > ?"
    " AND seq < (SELECT max(seq) FROM outbox) LIMIT 1"
)
UNHEARD: Final = ", ".join(repr(one) for one in sorted({*NO_PROOF, IN_DOUBT}))
"""Outcomes that do not prove that a terminal was heard, as SQL writes them."""
_HEARD: Final = (
    "SELECT DISTINCT acquirer, terminal FROM journal_rows"  # noqa: S608 - constants
    f" WHERE seq > ? AND seq <= ? AND kind = 'B' AND outcome NOT IN ({UNHEARD})"
)
_LAST_ROW: Final = "SELECT coalesce(max(seq), 0) FROM journal_rows"
ROWS_AT_ONCE: Final = 5_000
_OLDEST: Final = "SELECT seq, at FROM outbox WHERE seq > ? ORDER BY seq LIMIT 1"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events in order, and the last sequence looked at: of a lost row there is no event."""

    events: tuple[Event, ...]
    through: int


class OutboxReader(FileReader):
    """Reads an outbox.  Every method raises ``JournalUnavailable`` where it cannot."""

    def __init__(self, path: Path, switch: str, seconds_max: float = QUERY_SECONDS_MAX) -> None:
        """Open the journal's file, of the switch called ``switch``.

        Raises ``Refused`` also for a file that has no outbox yet.
        """
        super().__init__(path, seconds_max)
        self._switch = switch
        try:
            ((version,),) = self._select("PRAGMA user_version")
        except BaseException:
            self.close()
            raise
        if version < FIRST_SCHEMA:
            self.close()
            raise Refused(
                f"{path.name} has no events; it gets them when the switch is next started"
            )

    def since(self, after: int, count_max: int) -> Stretch:
        """Return the events behind a sequence, oldest first, at most so many."""
        found = self._select(
            SELECT + "WHERE outbox.seq > ? ORDER BY outbox.seq LIMIT ?", (after, count_max)
        )
        return Stretch(self._events(found), found[-1][0] if found else after)

    def tail(self, count: int) -> tuple[Event, ...]:
        """Return the last ``count`` events, oldest first."""
        with self._no_hurry():
            found = self._select(SELECT + "ORDER BY outbox.seq DESC LIMIT ?", (count,))
        return self._events(found[::-1])

    def mark(self) -> int:
        """Return up to which sequence the broker has acknowledged all events."""
        return int(self._select("SELECT seq FROM outbox_mark")[0][0])

    def last_sequence(self) -> int:
        """Return the sequence of the newest event, 0 for none."""
        return int(self._select("SELECT coalesce(max(seq), 0) FROM outbox")[0][0])

    def backlog(self) -> int:
        """Return how many events are still to be told."""
        ((newest, before_oldest),) = self._select(_ENDS)
        return max(0, int(newest) - max(self.mark(), int(before_oldest)))

    def oldest_untold(self) -> datetime | None:
        """Return when the first event that is still to be told was written, UTC."""
        found = self._select(_OLDEST, (self.mark(),))
        return from_microseconds(found[0][1]) if found else None

    def oldest(self) -> datetime | None:
        """Return when the first event that is there at all was written, UTC."""
        found = self._select(_FIRST)
        return from_microseconds(found[0][0]) if found else None

    def has_droppable(self) -> bool:
        """Tell whether there are status events that could go to make room."""
        return bool(self._select(_DROPPABLE, (self.mark(),)))

    def last_row(self) -> int:
        """Return the sequence of the journal's newest row, 0 for none."""
        return int(self._select(_LAST_ROW)[0][0])

    def heard_since(self, after: int) -> tuple[list[TerminalName], int]:
        """Return whose proper requests ended behind a row, and up to which row that is."""
        through = min(self.last_row(), after + ROWS_AT_ONCE)
        return (self._select(_HEARD, (after, through)) if through > after else []), through

    def active_terminals(self) -> list[TerminalName]:
        """Return the terminals last said to be active, the one heard longest ago first."""
        return self._select(_ACTIVE, (ACTIVE, TERMINALS_MAX))[::-1]

    def _events(self, found: Sequence[tuple[object, ...]]) -> tuple[Event, ...]:
        made = (event_from(row, self._switch) for row in found)
        return tuple(event for event in made if event is not None)
