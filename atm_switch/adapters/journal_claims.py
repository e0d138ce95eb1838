"""Which worker is at work on which request, where one process writes the file for several.

Plan: whose row A is asked for first has the request; another worker that asks for the same
key meanwhile is told so at once, and asks again.  It is let go with the ending of that very
row A, whatever came of it, with the connection of its worker, and when it is too old to be
under way; this process's monotonic clock tells that, for the wall clock may be set meanwhile,
and all workers on a file are on its one machine.  (On PostgreSQL the server's clock tells it.)
Why that very row: the worker declines others of the same key meanwhile, and their rows end
nothing.
Limits: kept in memory.  After a start of the writer's process a request that was under way
is in doubt like any other: who asks again is processed anew, and the first answer counts.
A single worker has repeats join their first by itself, so there it changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atm_switch.adapters.journal_drafts import KEY, REF
from atm_switch.switch.ports import Reservation, Reserve, UnderWay


@dataclass(slots=True)
class _Claim:
    worker: object
    fingerprint: bytes
    until: float
    """Monotonic seconds after which it is not under way any more."""
    sequence: int | None = None
    """Of its row A, once that is written."""


class Claims:
    """By the key of the request."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with none; ``clock`` tells monotonic seconds."""
        self._clock = clock
        self._held: dict[tuple[str, ...], _Claim] = {}

    def __len__(self) -> int:
        """How many requests are under way."""
        return len(self._held)

    def taken(self, worker: object, question: Any) -> UnderWay | None:
        """Take the request of a row A for ``worker``, or say that another one has it."""
        if not isinstance(question, Reserve):
            return None
        if question.unless_since is None or question.begun_since is None:
            return None
        now = self._clock()
        self._forget(now)
        entry, held = question.entry, self._held.get(question.entry.key)
        if held is not None and held.worker != worker and held.until >= now:
            return UnderWay(held.fingerprint)
        self._held.pop(entry.key, None)  # so that the eldest stand first
        at_work = entry.received_at - question.begun_since
        self._held[entry.key] = _Claim(worker, entry.fingerprint, now + at_work.total_seconds())
        return None

    def heard(self, worker: object, question: Any, answer: Any) -> None:
        """Hear what a worker's question was answered: its request may be over."""
        if isinstance(question, tuple):  # a draft of a row B
            key = question[KEY]
        elif isinstance(question, Reserve):
            key = question.entry.key
        else:
            return
        held = self._held.get(key)
        if held is None or held.worker != worker:
            return
        if isinstance(question, tuple):
            is_over = question[REF] is not None and question[REF] == held.sequence
        elif isinstance(answer, Reservation):
            held.sequence, is_over = answer.sequence, False
        else:
            is_over = not isinstance(answer, UnderWay)
        if is_over:
            del self._held[key]

    def gone(self, worker: object) -> None:
        """Let go of all that a worker had."""
        lost = [key for key, held in self._held.items() if held.worker == worker]
        for key in lost:
            del self._held[key]

    def _forget(self, now: float) -> None:
        """Let go of the eldest: requests that were given up and never had an ending."""
        while self._held:
            key, held = next(iter(self._held.items()))
            if held.until >= now:
                return
            del self._held[key]
