"""How often somebody asked lately: sliding windows that forget, bounded in size.

Plan: of each subject the times of what was admitted, eight bytes each, the eldest first; the
subjects in the order in which they were last heard of.
Limits: bounded in subjects and in times, whichever is reached first; whoever gives way begins anew.
"""

from array import array
from collections import OrderedDict
from collections.abc import Hashable

WATCHED_MAX = 100_000
"""Subjects watched at once; the one longest silent is forgotten first."""
TIMES_MAX = 2_000_000
"""Times kept of all of them together: beyond it, too, the one longest silent is forgotten."""


class Frequency:
    """Counts events per subject in the last ``window`` seconds, refusing beyond ``limit``."""

    def __init__(self, limit: int, window: float) -> None:
        """``limit`` 0 watches nobody and refuses nothing; it is ``TIMES_MAX`` at most."""
        self._limit = limit
        self._window = window
        self._seen: OrderedDict[Hashable, array[float]] = OrderedDict()
        self._kept = 0
        """How many times there are of all subjects."""

    def admits(self, subject: Hashable, now: float) -> bool:
        """Count one event of ``subject`` unless it is one too many."""
        if self._limit == 0:
            return True
        times = self._seen.get(subject)
        if times is None:
            times = self._seen[subject] = array("d")
        else:
            self._seen.move_to_end(subject)
            if times and times[0] <= now - self._window:
                self._forget(times, now - self._window)
            if len(times) >= self._limit:
                return False
        times.append(now)
        self._kept += 1
        while self._kept > TIMES_MAX or len(self._seen) > WATCHED_MAX:
            self._kept -= len(self._seen.popitem(last=False)[1])
        return True

    def _forget(self, times: "array[float]", through: float) -> None:
        """Forget the eldest, up to the first one later than that: many at once, or one."""
        count = 0
        for time in times:
            if time > through:
                break
            count += 1
        del times[:count]
        self._kept -= count
