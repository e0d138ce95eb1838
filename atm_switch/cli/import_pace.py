"""How long an import that checks and books still takes, by the passes that are done.

Plan: a pass is worth its rows times what a row of it costs (``csv_passes.py``); what that
worth took so far says how long the rest will take.  Nothing is told before there is ground for
it, a tenth of the worth.  A pass that outlasts its share makes all that follows dearer by as
much, and the last one that does leaves no time that is known.
Limits: where a row of each pass costs at most f times more or less than it should beside the
others, the whole takes at most (1 + f * f) / 2 times what is told once half is done, and at
least half of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from atm_switch.ledger.csv_passes import Pass

GROUND: Final = 0.1
"""The share that is to be done before a time left is told."""
_ALMOST: Final = 0.99


@dataclass(slots=True)
class Pace:
    """Passes that are done of all, seconds on a clock that only goes forward."""

    began: float
    _done: int = 0
    _passes: Sequence[Pass] = ()
    _at: float = 0.0
    """When the last of the passes done ended."""
    _worked: float = 0.0
    """Seconds of those that are worth something."""

    def note(self, done: int, passes: Sequence[Pass], now: float) -> None:
        """Note that so many of the passes are done."""
        if not self._passes:
            self._passes, self._at = passes, now
        if done > self._done:
            self._worked += (now - self._at) * any(one.work for one in passes[self._done : done])
            self._done, self._at = done, now

    def share(self) -> float:
        """Return how much of all is done: 1 after the commit, and not before."""
        if self._done == len(self._passes):
            return 1.0
        work = self._work()
        return min(self._work(self._done) / work, _ALMOST) if work else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest should take; ``None`` where that is not known."""
        if self._done == len(self._passes):
            return 0.0
        done, work = self._work(self._done), self._work()
        if not done or done < GROUND * work:
            return None
        current, spent = self._passes[self._done].work, now - self._at
        cost = self._worked / done
        if current:
            cost = max(cost, (self._worked + spent) / (done + current))
        left, rest = max(cost * current - spent, 0.0), cost * (work - done - current)
        is_over = not left and self._work() == done + current
        return None if is_over else left + rest

    def rate(self) -> float:
        """Return how many rows a second the passes done went over, each those of its kind."""
        rows = sum(one.rows for one in self._passes[: self._done] if one.work)
        return rows / max(self._worked, 1e-3)

    def told(self, phase: str) -> str:
        """Name the phase and the pass it is in."""
        return f"{phase}, pass {min(self._done + 1, len(self._passes))} of {len(self._passes)}"

    def _work(self, passes: int | None = None) -> float:
        return sum(one.work for one in self._passes[:passes])
