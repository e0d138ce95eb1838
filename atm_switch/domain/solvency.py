"""No account is below zero at the end of any day (assumed; domain.md 2.16).

A claim takes what is there on its day.  Were one dated before the money it takes, the days
between would earn a negative development, and a statement of such a day could not be told.
Plan: days are ISO text, as the books have them, and amounts signed sen; within a day the
order does not matter.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable

Movement = tuple[str, int]
"""A day and what came on it or went."""


def first_short_day(held: Iterable[Movement], new: Iterable[Movement]) -> str | None:
    """Return the first day that would end below zero through what is ``new``, if there is one.

    A day that ended below zero without it and is not the worse for it is none.
    """
    by_day: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for at, movements in enumerate((held, new)):
        for day, sen in movements:
            by_day[day][at] += sen
    before = added = 0
    for day in sorted(by_day):
        before += by_day[day][0]
        added += by_day[day][1]
        if added < 0 and before + added < 0:
            return day
    return None


def uncovered(
    held: Iterable[Movement], new: Iterable[tuple[int, str, int]]
) -> Iterable[tuple[int, str]]:
    """Yield the number of each new taking that cannot stand, and the day it is wanting on.

    ``new``: numbers, days and amounts.  Of a day that would end below zero the largest
    takings up to it go first, of equal ones the last, until the rest is covered.
    """
    by_day: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for day, sen in held:
        by_day[day].append((sen, 0))
    for number, day, sen in new:
        by_day[day].append((sen, number))
    rest, takings = 0, list[tuple[int, int]]()
    for day in sorted(by_day):
        for sen, number in by_day[day]:
            rest += sen
            if sen < 0 and number:
                heapq.heappush(takings, (sen, -number))
        while rest < 0 and takings:
            sen, number = heapq.heappop(takings)
            rest -= sen
            yield -number, day
