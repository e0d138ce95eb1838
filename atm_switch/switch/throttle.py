"""What repeats becomes few lines: the 1st, 2nd, 4th, 8th.. of each kind within a minute."""

from collections import Counter

WINDOW_SECONDS = 60.0


class Throttle:
    """Counts what happens, by kind, and says when it is worth a line."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._counts: Counter[str] = Counter()
        self._since = 0.0

    def count(self, kind: str, now: float) -> int:
        """Count one more at ``now`` (monotonic seconds); its number if it deserves a line, or 0."""
        if now - self._since >= WINDOW_SECONDS:
            self._counts.clear()
            self._since = now
        self._counts[kind] += 1
        number = self._counts[kind]
        return number if number.bit_count() == 1 else 0
