"""Who of all terminals is heard and who is silent, told for several machines by the elected one.

Why: a terminal that is silent here may be talking to another machine, and only the journal they
share knows.  Whoever holds the lock of its outbox looks there, so that each change is told once.
Plan: elected, the watch is set up from the rows of the last ``silence_seconds`` and from what
was told before, so that a silence is as long as it really was, whoever began to count; from
then on every look takes the rows behind the last one, of every node.
Limits: for the teller's thread, which may wait.  What is told goes through this machine's own
writer; where that does not take it the watch is set up anew, which finds what is still to be told,
whoever is elected by then.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.instant import Instant
from atm_switch.switch.event import Announce
from atm_switch.switch.fleet import FleetWatch, TerminalName

Ends = Mapping[str, int]
"""Up to which row each node was looked at."""


class SharedRows(Protocol):
    """What all nodes write.  Each raises ``JournalUnavailable`` where another is elected."""

    @property
    def term(self) -> int:
        """The how-many-eth election this process has won."""

    def ends(self) -> dict[str, int]:
        """Return the last row of every node."""

    def heard_behind(self, ends: Ends) -> tuple[list[TerminalName], dict[str, int]]:
        """Return whose proper requests ended behind some rows, and up to which rows that is."""

    def last_heard(self, since: int) -> list[tuple[TerminalName, int]]:
        """Return who was heard since a time (microseconds) and when, longest ago first."""

    def active_terminals(self) -> list[TerminalName]:
        """Return the terminals last said to be active, the one said longest ago first."""


class FleetTeller:
    """Watches while this process is elected."""

    def __init__(
        self,
        rows: SharedRows,
        switch: str,
        silence_seconds: float,
        announce: Callable[[Iterable[Announce]], None],
        clock: Callable[[], Instant],
    ) -> None:
        """Watch for the switch called ``switch``; 0 seconds: silence is never told."""
        self._rows, self._switch, self._announce = rows, switch, announce
        self._silence_seconds, self._clock = silence_seconds, clock
        self._fleet: FleetWatch | None = None
        self._is_anew = False
        self._term = 0
        self._ends: dict[str, int] = {}

    @property
    def terminals(self) -> int | None:
        """How many terminals are active; ``None`` where another machine knows."""
        return None if self._fleet is None else self._fleet.terminals

    def begin_anew(self) -> None:
        """Hear, in any thread, that something told was not written: the next look finds it."""
        self._is_anew = True

    def look(self) -> None:
        """Tell what has changed since the last look, where this process is elected."""
        try:
            ends = self._rows.ends()
            if self._fleet is None or self._is_anew or self._term != self._rows.term:
                self._is_anew = False
                fleet = self._begun()
                self._fleet, self._term, self._ends = fleet, self._rows.term, ends
            names, self._ends = self._rows.heard_behind(self._ends)
        except JournalUnavailable:
            self._fleet = None
            return
        now = self._clock().monotonic
        self._announce(self._fleet.heard_elsewhere(names, now))
        self._announce(self._fleet.tick(now))

    def _begun(self) -> FleetWatch:
        """Set the watch up as if it had watched all along."""
        now = self._clock()
        fleet = FleetWatch(self._switch, self._silence_seconds)
        heard = self._rows.last_heard(to_microseconds(now.utc) - round(1e6 * self._silence_seconds))
        active = self._rows.active_terminals()
        lately = {name for name, _ in heard}
        overdue = [name for name in active if name not in lately]
        fleet.remember(overdue, now.monotonic - self._silence_seconds)
        told = set(active)
        for name, at in heard:
            since = now.monotonic - max(0.0, (to_microseconds(now.utc) - at) / 1e6)
            if name in told:
                fleet.remember([name], since)
            else:
                self._announce(fleet.heard_elsewhere([name], since))
        return fleet
