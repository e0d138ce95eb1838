"""Looking after many things a few at a time, so that no turn of the loop takes long.

Plan: a round goes over everybody who was there when it began; each look takes the next so
many, and the next round begins where one ends.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, Generic, TypeVar

AT_ONCE: Final = 100
"""So many take a fraction of a millisecond; a thousand at once were felt by the answers."""

T = TypeVar("T")


class Rounds(Generic[T]):
    """Goes round what ``all_there_are`` returns."""

    def __init__(self, all_there_are: Callable[[], Iterable[T]], at_once: int = AT_ONCE) -> None:
        """Begin with the first look."""
        self._all = all_there_are
        self._at_once = at_once
        self._rest: Iterator[T] = iter(())

    def look(self) -> list[T]:
        """Return whose turn it is: everybody, where there are no more than ``at_once``.

        Some of them may be gone by now.
        """
        taken = list(islice(self._rest, self._at_once))
        if not taken:
            self._rest = iter(list(self._all()))
            taken = list(islice(self._rest, self._at_once))
        return taken
