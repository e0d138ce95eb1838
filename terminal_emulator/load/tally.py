"""What came of a load: outcomes, and the time of every request, exactly.

Plan: every latency is kept (eight bytes each), so percentiles are of all requests and not of
buckets.  A request that was never answered counts with the time it was waited for, so that
answers that are lost make no percentile better.  A row for each second shows how it went.
Limits: ten million requests take 240 MB.
"""

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

WRONG_ANSWER = "wrong answer"
"""The fault of an answer that belongs to a request and is not what it should be."""
PERCENTILES = (50.0, 95.0, 99.0, 99.9)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the value that ``percent`` of all do not exceed (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


@dataclass(slots=True)
class Second:
    """One second of the run."""

    due: int = 0
    sent: int = 0
    answered: int = 0
    latencies: "array[float]" = field(default_factory=lambda: array("d"), repr=False)


@dataclass(slots=True)
class Tally:
    """Counts of one run; seconds throughout."""

    due: int = 0
    sent: int = 0
    answered: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    """What went wrong besides an answer: unanswered, late, duplicate, wrong, link lost."""
    latencies: "array[float]" = field(default_factory=lambda: array("d"), repr=False)
    waited: "array[float]" = field(default_factory=lambda: array("d"), repr=False)
    """How long requests were waited for that were never answered."""
    lags: "array[float]" = field(default_factory=lambda: array("d"), repr=False)
    """How long after it was due each request left: the load tool's own share."""
    seconds: dict[int, Second] = field(default_factory=dict)
    last_answered: float = 0.0
    began: float = 0.0
    ended: float = 0.0

    def take_due(self, at: float) -> None:
        """Count a request that is due ``at`` seconds after the start."""
        self.due += 1
        self._second(at).due += 1

    def take_sent(self, due: float, at: float) -> None:
        """Count a request that left."""
        self.sent += 1
        self.lags.append(at - due)
        self._second(at).sent += 1

    def take_answer(self, code: str, due: float, at: float) -> None:
        """Count an answer: its time runs from when the request was due."""
        self.answered += 1
        self.last_answered = at
        self.codes[code] += 1
        self.latencies.append(at - due)
        second = self._second(at)
        second.answered += 1
        second.latencies.append(at - due)

    def take_waited(self, due: float, at: float) -> None:
        """Keep how long a request was waited for that is given up ``at``."""
        self.waited.append(at - due)

    def take_fault(self, what: str, count: int = 1) -> None:
        """Count what should not be."""
        if count:
            self.faults[what] += count

    @property
    def elapsed(self) -> float:
        """Seconds from the first request that was due to the last event."""
        return max(self.ended - self.began, 1e-9)

    def ordered(self) -> list[float]:
        """Return all latencies and the waits in vain, the shortest first."""
        return sorted([*self.latencies, *self.waited])

    def errors(self) -> int:
        """Count requests without a proper answer."""
        return sum(self.faults.values())

    @property
    def under_way(self) -> int:
        """Count requests that left and were neither answered, rightly or not, nor given up."""
        return self.sent - self.answered - len(self.waited) - self.faults[WRONG_ANSWER]

    def _second(self, at: float) -> Second:
        number = max(int(at), 0)
        second = self.seconds.get(number)
        if second is None:
            second = self.seconds[number] = Second()
        return second
