"""Which worker is at work on which request, where one process writes the file for several.

Plan: whose row A is asked for first has the request; another worker that asks for the same
key meanwhile is told so at once, and asks again.  It is let go with its ending, whatever
came of that, with the connection of its worker, and when it is too old to be under way.
Limits: kept in memory.  After a start of the writer's process a request that was under way
is in doubt like any other: who asks again is processed anew, and the first answer counts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atm_switch.switch.ports import Commit, RepeatKey, Reservation, Reserve, UnderWay


@dataclass(frozen=True, slots=True)
class _Claim:
    worker: object
    received_at: datetime
    fingerprint: bytes


class Claims:
    """By the key of the request."""

    def __init__(self) -> None:
        """Begin with none."""
        self._held: dict[RepeatKey, _Claim] = {}

    def __len__(self) -> int:
        """How many requests are under way."""
        return len(self._held)

    def taken(self, worker: object, question: Reserve) -> UnderWay | None:
        """Take the request of a row A for ``worker``, or say that another one has it."""
        if question.unless_since is None or question.begun_since is None:
            return None
        self._forget(question.begun_since)
        entry, held = question.entry, self._held.get(question.entry.key)
        if held is not None and held.worker != worker and held.received_at >= question.begun_since:
            return UnderWay(held.fingerprint)
        self._held.pop(entry.key, None)  # so that the eldest stand first
        self._held[entry.key] = _Claim(worker, entry.received_at, entry.fingerprint)
        return None

    def heard(self, worker: object, question: Any, answer: Any) -> None:
        """Hear what a worker's question was answered: its request may be over."""
        is_over = isinstance(question, Commit) or (
            isinstance(question, Reserve) and not isinstance(answer, Reservation | UnderWay)
        )
        if is_over:
            held = self._held.get(question.entry.key)
            if held is not None and held.worker == worker:
                del self._held[question.entry.key]

    def gone(self, worker: object) -> None:
        """Let go of all that a worker had."""
        lost = [key for key, held in self._held.items() if held.worker == worker]
        for key in lost:
            del self._held[key]

    def _forget(self, before: datetime) -> None:
        """Let go of the eldest: requests that were given up and never had an ending."""
        while self._held:
            key, held = next(iter(self._held.items()))
            if held.received_at >= before:
                return
            del self._held[key]
