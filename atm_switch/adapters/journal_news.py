"""Who was told of a change and has not taken it up yet, for the writer's process.

Plan: a change of keys is answered when every other worker works with it, or is gone: the bank
that hears 00 sends under the new key at once, over any of them.
Limits: a worker takes up what there is, not a change by its number; so as many times as it has
taken up, so many of the eldest changes it was told of are known to it.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

W = TypeVar("W")
T = TypeVar("T")


@dataclass(slots=True)
class _Change(Generic[T]):
    answer_to: T
    unheard: int


class Unheard(Generic[W, T]):
    """Changes that are not known to all workers ``W``; ``T`` is who waits for that."""

    def __init__(self) -> None:
        """Begin with none."""
        self._told: dict[W, deque[_Change[T]]] = {}

    def told(self, others: Collection[W], answer_to: T) -> list[T]:
        """Note that others are told; return who need not wait any more."""
        change = _Change(answer_to, len(others))
        for one in others:
            self._told.setdefault(one, deque()).append(change)
        return [] if others else [answer_to]

    def taken_up(self, worker: W) -> list[T]:
        """Hear that a worker has; return as ``told`` does."""
        waiting = self._told.get(worker)
        if not waiting:
            return []
        change = waiting.popleft()
        change.unheard -= 1
        return [] if change.unheard else [change.answer_to]

    def gone(self, worker: W) -> list[T]:
        """Hear that a worker is no more; return as ``told`` does."""
        ready: list[T] = []
        while self._told.get(worker):
            ready += self.taken_up(worker)
        self._told.pop(worker, None)
        return ready
