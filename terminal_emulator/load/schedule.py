"""When requests are due: seconds from the start, in order, whatever the host does.

An open loop: arrivals do not wait for answers, so a host that stalls is met by all that
would have come meanwhile, and their time counts from when they were due.
"""

import math
import random
from collections.abc import Iterator


def constant(rate: float, seconds: float) -> Iterator[float]:
    """Yield the moments of a fixed rate a second."""
    for number in range(math.floor(rate * seconds + 1e-9)):
        yield number / rate


def ramp(first: float, last: float, seconds: float) -> Iterator[float]:
    """Yield the moments of a rate that goes from ``first`` to ``last`` in a straight line.

    After t seconds first*t + (last-first)*t*t/(2*seconds) are due; the moment of each
    number is where that curve reaches it.
    """
    slope = (last - first) / seconds
    for number in range(math.floor((first + last) / 2 * seconds + 1e-9)):
        if abs(slope) < 1e-12:
            yield number / first
        else:
            yield (math.sqrt(max(first * first + 2 * slope * number, 0.0)) - first) / slope


def poisson(rate: float, seconds: float, chance: random.Random) -> Iterator[float]:
    """Yield moments that come by chance, ``rate`` a second on average."""
    at = chance.expovariate(rate)
    while at < seconds:
        yield at
        at += chance.expovariate(rate)
