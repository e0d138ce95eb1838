"""The pace of a phase that goes over all rows several times.

Plan: the passes that are done say how long the others will take, each counted alike, for
which of them are long depends on the files and on the database.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """Passes that are done of all, seconds on a clock that only goes forward."""

    began: float
    _done: int = 0
    _passes: int = 0
    _at: float = 0.0

    def note(self, done: int, passes: int, now: float) -> None:
        """Note that so many passes are done."""
        self._done, self._passes, self._at = done, passes, now

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest should take; ``None`` where that is not known.

        Before a pass is done, and once the rest takes longer than it should.
        """
        if not self._done:
            return None
        rest = (self._at - self.began) / self._done * (self._passes - self._done)
        left = rest - (now - self._at)
        return left if left >= 0 else None

    def rate(self, rows: int, now: float) -> float:
        """Return how many rows a second were gone over, so many in each pass."""
        return rows * self._done / max(now - self.began, 1e-3)

    def told(self, phase: str) -> str:
        """Name the phase and the pass it is in."""
        return f"{phase}, pass {min(self._done + 1, self._passes)} of {self._passes}"
