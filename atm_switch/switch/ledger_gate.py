"""The way to the ledger: shut while it fails, and the log told when that begins and ends."""

from typing import Any

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.switch.breaker import Breaker
from atm_switch.switch.effects import Note
from atm_switch.switch.ports import ASKS_LEDGER, Ask


class LedgerGate:
    """Looks at every question and every answer; only the ledger's count."""

    def __init__(self) -> None:
        """Begin open."""
        self._breaker = Breaker()

    @property
    def is_shut(self) -> bool:
        """Whether the ledger failed so often that it is hardly asked."""
        return self._breaker.is_open

    def refuses(self, question: Ask[Any], now: float) -> bool:
        """Tell whether a question must not be put now (monotonic seconds)."""
        return isinstance(question, ASKS_LEDGER) and not self._breaker.admits(now)

    def heard(self, question: Ask[Any] | None, answer: Any, now: float) -> list[Note]:
        """Learn from an answer, or from the want of one, whether the ledger is worth asking."""
        if not isinstance(question, ASKS_LEDGER):
            return []
        if isinstance(answer, NeighbourUnavailable):
            if self._breaker.failed(now):
                return [Note("ledger not asked any more", {"why": str(answer)}, is_alarm=True)]
        elif not isinstance(answer, BaseException) and self._breaker.succeeded():
            return [Note("ledger asked again", {})]
        return []
