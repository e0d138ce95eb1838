"""How often somebody asked lately: sliding windows that forget, bounded in size."""

from collections import OrderedDict, deque
from collections.abc import Hashable

WATCHED_MAX = 100_000
"""Subjects watched at once; the one longest silent is forgotten first."""


class Frequency:
    """Counts events per subject in the last ``window`` seconds, refusing beyond ``limit``."""

    def __init__(self, limit: int, window: float) -> None:
        """``limit`` 0 watches nobody and refuses nothing."""
        self._limit = limit
        self._window = window
        self._seen: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def admits(self, subject: Hashable, now: float) -> bool:
        """Count one event of ``subject`` unless it is one too many."""
        if self._limit == 0:
            return True
        times = self._seen.setdefault(subject, deque(maxlen=self._limit))
        self._seen.move_to_end(subject)
        if len(self._seen) > WATCHED_MAX:
            self._seen.popitem(last=False)
        while times and times[0] <= now - self._window:
            times.popleft()
        if len(times) >= self._limit:
            return False
        times.append(now)
        return True
