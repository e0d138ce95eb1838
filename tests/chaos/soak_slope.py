"""How fast memory grows: the slope of its lows, the least of each stretch of time.

Why: a crowd's memory is given back within minutes, and one that comes shortly before the end would
be a slope of all points.  What is forgotten is never given back, so it is in the lows, too.
"""

from collections.abc import Sequence

STRETCHES = 10
"""Of the time that is judged: three minutes each of an hour's second half."""


def slope(points: Sequence[tuple[float, int]]) -> float:
    """Return the slope of a straight line through points, per hour."""
    count = len(points)
    mean_x, mean_y = (sum(part) / count for part in zip(*points, strict=True))
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return float(3_600 * above / (sum((x - mean_x) ** 2 for x, _ in points) or 1.0))


def lows(points: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Return the lowest point of each stretch of time, of all where there are few points."""
    first, last = points[0][0], points[-1][0]
    lowest: dict[int, tuple[float, int]] = {}
    for at, height in points:
        stretch = min(int(STRETCHES * (at - first) / (last - first or 1.0)), STRETCHES - 1)
        if stretch not in lowest or height < lowest[stretch][1]:
            lowest[stretch] = at, height
    return list(lowest.values())
