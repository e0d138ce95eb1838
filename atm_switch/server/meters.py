"""Counts of what a running switch does, taken where everything passes: at the desk.

Plan: plain numbers that the loop's thread adds to, and to those of commits the journal's writer
where that is a thread here; whoever exposes them reads from a thread of its own.  Labels are
bounded: banks that are configured, outcomes and codes of the profiles, kinds of our own; whatever
a peer makes up is counted as ``other``.
Limits: counts begin at zero with the process, as Prometheus expects.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from atm_switch.domain.errors import (
    JournalFull,
    JournalRefusesRow,
    JournalRowWrong,
    JournalUnavailable,
)
from atm_switch.domain.outcome import IN_DOUBT, Outcome
from atm_switch.server.journal_bell import NOT_KEPT
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.switch.crowd import SURPLUS
from atm_switch.switch.effects import Note, Ticket
from atm_switch.switch.ports import Ask, FindRepeat, KeepKeys
from atm_switch.switch.untold import GIVEN_UP

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of a histogram's buckets."""

COMMIT_SECONDS = (0.00025, 0.0005, *SECONDS)
"""The same for commits: a sync of a good disk takes less than a millisecond."""

LATE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""The same for how late the loop is: a timer that comes later than 20 ms is seldom."""

OTHER = "other"
MISTAKE = (Outcome.INTERNAL_ERROR.value, "96")
"""Outcome and code of what must not be: all profiles that come with this have that code."""
AWAITED = ("clock jumped", SURPLUS, NOT_KEPT, GIVEN_UP)
"""Events that an alert waits for."""

Gauges = Mapping[str, float]
"""Values of the moment by the names the watch page has, and ``signed_on:<acquirer>``."""
SIGNED_ON = "signed_on:"

Checks = Mapping[str, str]
"""What must hold by name: empty, or what is wrong."""


@dataclass(slots=True)
class Histogram:
    """How often something took how long, in seconds."""

    bounds: tuple[float, ...] = SECONDS
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        """Begin at zero."""
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulated counts by upper end, as Prometheus writes them."""
        running, buckets = 0, []
        for bound, count in zip([*map(str, self.bounds), "+Inf"], list(self.counts), strict=True):
            running += count
            buckets.append((bound, float(running)))
        return buckets


class RequestKind(NamedTuple):
    """What a request is counted under."""

    what: str
    acquirer: str
    outcome: str
    code: str


class Meters:
    """All counts of one switch."""

    def __init__(self, acquirers: Collection[str] = ()) -> None:
        """Begin at zero; ``acquirers`` are the banks that get a label of their own."""
        self._acquirers = frozenset(acquirers)
        self.requests: Counter[RequestKind] = Counter()
        self.request_seconds: defaultdict[tuple[str, ...], Histogram] = defaultdict(Histogram)
        """By what it is and acquirer: from a request's first byte until its answer is made."""
        self.journal_seconds = Histogram()
        """From a question to the journal until its answer: the wait for its batch, and the disk."""
        self.journal_commit_seconds = Histogram(COMMIT_SECONDS)
        """Of each commit that is told of here: its statements and the sync; on PostgreSQL with the
        connection, where that was made anew for it."""
        self.events: Counter[str] = Counter()
        """Lines of the log that are no transaction, by their event; ours, so bounded.  Of what the
        journal was to keep and does not, each, though the log has fewer lines."""
        self.turned_away: Counter[str] = Counter()
        self.loop_lag = 0.0
        """Seconds by which the last tick came late."""
        self.loop_lag_max = 0.0
        self.loop_late_seconds = Histogram(LATE_SECONDS)
        """By how much each tick came late."""
        self.ticked_at = 0.0
        """Monotonic seconds of the last tick: a loop that hangs leaves it behind."""
        self.journal_asked_at: dict[Ticket, float] = {}
        """Monotonic seconds at which each question was put that the journal has not answered."""
        self.journal_failed_at: float | None = None
        """Monotonic seconds of its last failure, a row's own aside; ``None`` after a success."""
        self.proof_failed_at: float | None = None
        """The same of its proofs that it can write, which a row's success gives, too."""
        self.repeats_failed_at: float | None = None
        """The same of its answers to what was asked before: it may write and not be readable."""
        self.journal_is_full = False
        """Whether the last refusal was for want of room: no start anew would make any."""

    def take(self, note: Note) -> None:
        """Count what a line of the log tells."""
        fields = note.fields
        outcome = fields.get("outcome")
        if outcome is None:
            self.events[note.event] += 1
            return
        acquirer = self._known(fields)
        kind = RequestKind(note.event, acquirer, outcome, fields.get("de39", ""))
        self.requests[kind] += 1
        if fields.get("reason") == SURPLUS:
            self.events[SURPLUS] += 1
        milliseconds = fields.get("ms")
        if milliseconds is not None:
            self.request_seconds[note.event, acquirer].add(milliseconds / 1000)

    @property
    def acquirers(self) -> frozenset[str]:
        """The banks that have a label of their own."""
        return self._acquirers

    def all_requests(self) -> dict[RequestKind, int]:
        """Return the counts, and 0 for what an alert waits for: of a first one it sees a rise."""
        born = (RequestKind("transaction", one, *MISTAKE) for one in (*self._acquirers, OTHER))
        return {**dict.fromkeys(born, 0), **self.requests}

    def all_events(self) -> dict[str, int]:
        """The same of other lines."""
        return {**dict.fromkeys(AWAITED, 0), **self.events}

    def late_by(self, now: float) -> float:
        """Return how late the loop is: what it was last time, or is by now if it hangs."""
        return max(self.loop_lag, now - self.ticked_at - TICK_SECONDS if self.ticked_at else 0.0)

    def doubted(self, ended: Mapping[str, int]) -> None:
        """Count requests in doubt that were given their ending, by acquirer."""
        for acquirer, count in ended.items():
            known = self._known({"acquirer": acquirer})
            self.requests[RequestKind("transaction", known, IN_DOUBT, "")] += count

    def ticked(self, now: float, late: float) -> None:
        """Note that the loop turns, at ``now`` in monotonic seconds, and how late it was."""
        self.ticked_at, self.loop_lag = now, max(late, 0.0)
        self.loop_lag_max = max(self.loop_lag_max, self.loop_lag)
        self.loop_late_seconds.add(self.loop_lag)

    def journal_answered(self, seconds: float | None, now: float, answer: object) -> None:
        """Note whether the journal could write, and how long it took where that was measured."""
        if seconds is not None:
            self.journal_seconds.add(seconds)
        if isinstance(answer, JournalRefusesRow):  # of that row alone: it takes any other
            return
        self.journal_failed_at = now if isinstance(answer, Exception) else None
        self.journal_is_full = isinstance(answer, JournalFull)
        if self.journal_failed_at is None:
            self.proof_failed_at = None

    def journal_proved(self, now: float, answer: object) -> None:
        """Note whether it could commit nothing; a full disk takes that, and not a row."""
        self.proof_failed_at = now if isinstance(answer, Exception) else None

    def answered(self, question: Ask[Any], answer: object, now: float) -> None:
        """Note what the journal says in the loop: repeats found or not, rows it does not take."""
        if isinstance(question, FindRepeat):
            if not isinstance(answer, JournalRowWrong | JournalRefusesRow):
                self.repeats_failed_at = now if isinstance(answer, Exception) else None
        elif isinstance(question, KeepKeys):
            pass  # that another worker does not take a key up says nothing of the rows
        elif isinstance(answer, JournalUnavailable) and not isinstance(answer, JournalRefusesRow):
            self.journal_failed_at = now

    def journal_silent_for(self, now: float) -> float:
        """Return the seconds the eldest question to the journal has waited; 0 without one."""
        # The page asks from a thread of its own.
        return now - min(list(self.journal_asked_at.values()), default=now)

    def _known(self, fields: Mapping[str, object]) -> str:
        acquirer = str(fields.get("acquirer", ""))
        return acquirer if acquirer in self._acquirers else OTHER
