"""The way to the ledger: shut while it fails, and the log told when that begins and ends.

Plan: while it is shut and nobody asks, the question that failed last is put again, so that a
ledger that is back is found by a switch that no bank asks any more.  It never takes the turn of
a request: what failed last may fail for ever, where the next card's answer opens the way.
"""

from collections.abc import Iterator
from typing import Any

from atm_switch.domain.errors import LedgerRowWrong, NeighbourUnavailable
from atm_switch.switch.breaker import AGAIN_SECONDS, Breaker
from atm_switch.switch.effects import Asked, Note, Ticket
from atm_switch.switch.ports import ASKS_LEDGER, Ask

OF_LEDGER = frozenset(ASKS_LEDGER)
"""Looked up by type: no question has a subclass, and each step of a request looks here."""
NOT_ASKED = "the ledger is away, and not asked again yet"
"""What whoever would ask meanwhile is told."""

PROBE_SECONDS_MAX = 2.0
"""How long the answer to a question of our own is waited for."""


class LedgerGate:
    """Looks at every question and every answer; only the ledger's count."""

    def __init__(self) -> None:
        """Begin open."""
        self.breaker = Breaker()
        """Looked at by whoever asks: while it is closed nothing is refused."""
        self._failed: Ask[Any] | None = None
        """What the ledger did not answer last."""
        self._probe: tuple[Ticket, float] | None = None
        """Our own question under way, and until when its answer is waited for."""
        self._probe_at = 0.0
        """When it is time for one, unless somebody asks before (monotonic seconds)."""

    @property
    def is_shut(self) -> bool:
        """Whether the ledger failed so often that it is hardly asked."""
        return self.breaker.is_open

    def refuses(self, question: Ask[Any], now: float) -> bool:
        """Tell whether a question must not be put now (monotonic seconds)."""
        if not self.breaker.is_open or type(question) not in OF_LEDGER:
            return False
        admits = self.breaker.admits(now)
        if admits:
            self._probe_at = now + AGAIN_SECONDS
        return not admits

    def heard(self, question: Ask[Any] | None, answer: Any, now: float) -> list[Note]:
        """Learn from an answer, or from the want of one, whether the ledger is worth asking."""
        if type(question) not in OF_LEDGER:
            return []
        if not isinstance(answer, BaseException) or isinstance(answer, LedgerRowWrong):
            # Even with a row that is wrong it was there and answered.
            return [Note("ledger asked again", {})] if self.breaker.succeeded() else []
        if isinstance(answer, NeighbourUnavailable):
            self._failed = question
            if self.breaker.failed(now):
                self._probe_at = now + AGAIN_SECONDS
                return [Note("ledger not asked any more", {"why": str(answer)}, is_alarm=True)]
        return []

    def probe(self, tickets: Iterator[Ticket], now: float) -> list[Asked]:
        """Ask again by ourselves where it is time, nobody else did, and no such question waits."""
        if self._failed is None or not self.is_shut:
            return []
        is_waited_for = self._probe is not None and now < self._probe[1]
        if is_waited_for or now < self._probe_at:
            return []
        self._probe_at = now + AGAIN_SECONDS
        ticket, until = self._probe = next(tickets), now + PROBE_SECONDS_MAX
        return [Asked(ticket, self._failed, until)]

    def probed(self, ticket: Ticket, answer: Any, now: float) -> list[Note]:
        """Learn from an answer nobody waits for, where it is that to our own question."""
        if self._probe is None or self._probe[0] != ticket:
            return []
        self._probe = None
        return self.heard(self._failed, answer, now)
