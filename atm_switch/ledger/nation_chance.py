"""Chance for the synthetic nation: the same draws on every machine and every Python.

Plan: BLAKE2b in counter mode (RFC 7693), keyed by the seed and what is drawn for, so each
person's draws depend on no other's.
Limits: for invented data only, never for a secret.  A draw below n leans by less than
n / 2^32 towards the small numbers.
"""

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final, TypeVar

_BLOCK: Final = Struct("<16I")
_BITS: Final = 32

T = TypeVar("T")


class Dice:
    """A stream of draws of its own for (``seed``, ``purpose``, ``serial``)."""

    __slots__ = ("_block", "_left", "_name")

    def __init__(self, seed: int, purpose: str, serial: int) -> None:
        """Begin the stream."""
        self._name = f"{purpose}/{seed}/{serial}/"
        self._block = 0
        self._left: list[int] = []

    def below(self, count: int) -> int:
        """Draw one of 0 .. ``count`` - 1; ``count`` is from 1 to 2^32."""
        if not self._left:
            text = f"{self._name}{self._block}".encode()
            self._left = list(_BLOCK.unpack(blake2b(text).digest()))
            self._block += 1
        return self._left.pop() * count >> _BITS

    def between(self, least: int, most: int) -> int:
        """Draw one of ``least`` .. ``most``, both included."""
        return least + self.below(most - least + 1)

    def happens(self, percent: int) -> bool:
        """Tell whether what happens to ``percent`` in a hundred happens here."""
        return self.below(100) < percent

    def one_of(self, choices: Sequence[T]) -> T:
        """Draw one of ``choices``."""
        return choices[self.below(len(choices))]

    def weighed(self, choices: Sequence[tuple[int, T]]) -> T:
        """Draw one of (weight, choice); the weights are whole and positive."""
        left = self.below(sum(weight for weight, _ in choices))
        for weight, choice in choices:
            if left < weight:
                return choice
            left -= weight
        raise AssertionError
