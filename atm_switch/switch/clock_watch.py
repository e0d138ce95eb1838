"""Whether the wall clock goes with the monotonic one: a jump is told, nothing else comes of it.

Durations are monotonic and rows are in order by their number, so a jump drops no link and
loses nothing; but DE7 windows, stamps and certificates go by the wall clock, and whoever set
it should know.
"""

from typing import Final

from atm_switch.domain.instant import Instant

JUMP_SECONDS: Final = 2.0
"""What a clock that is slewed, as time services do, never goes astray by between two ticks."""


class ClockWatch:
    """Compares each reading with the one before."""

    def __init__(self) -> None:
        """Begin with no reading."""
        self._before: Instant | None = None

    def jumped(self, now: Instant) -> float:
        """Return by how many seconds the wall clock jumped since the last look; 0: it did not."""
        before, self._before = self._before, now
        if before is None:
            return 0.0
        passed = (now.utc - before.utc).total_seconds()
        jump = passed - (now.monotonic - before.monotonic)
        return jump if abs(jump) > JUMP_SECONDS else 0.0
