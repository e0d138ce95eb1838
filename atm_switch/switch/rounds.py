"""Looking after many things a few at a time, so that no turn of the loop takes long.

Plan: a round goes over everybody who was there when it began; each look takes the next so
many, and the next round begins where one ends.
Only names are kept meanwhile: ten thousand links that had gone were kept alive for half a minute,
passed by a hundred at a time while those there waited, and freed in one turn of ten milliseconds.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, Generic, TypeVar

AT_ONCE: Final = 100
"""So many take a fraction of a millisecond; a thousand at once were felt by the answers."""

K = TypeVar("K")
T = TypeVar("T")


class Rounds(Generic[K, T]):
    """Goes round what there is by name; none of it is ``None``."""

    def __init__(self, there_are: Mapping[K, T], at_once: int = AT_ONCE) -> None:
        """Begin with the first look; ``there_are`` is what there is at any time."""
        self._there_are = there_are
        self._at_once = at_once
        self._rest: Iterator[K] = iter(())

    def look(self) -> list[T]:
        """Return whose turn it is: everybody, where there are no more than ``at_once``."""
        taken = self._take()
        if not taken:
            self._rest = iter(list(self._there_are))
            taken = self._take()
        return taken

    def _take(self) -> list[T]:
        """Take the next so many of those that are still there."""
        found = map(self._there_are.get, self._rest)
        return list(islice((one for one in found if one is not None), self._at_once))
