"""Money is a whole number of sen (1/100 rupiah).  Never a float, never rounded unseen."""

import re
from typing import Self

from atm_switch.domain.value import value

SEN_PER_RUPIAH = 100
_CENTS = tuple([f",{number:02d}" for number in range(100)])
GROUP = 1000
_GROUPS = tuple([f".{number:03d}" for number in range(GROUP)])
_FIRST = tuple([f"{number}" for number in range(GROUP)])
"""A number is formatted as slowly as six of these are looked up."""


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide and round to the nearest whole number, halves away from zero.

    ``denominator`` is positive.  Used once per development entry (domain.md 2.16).
    """
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


@value(order=True)
class Money:
    """An amount in sen; may be negative (claims, corrections)."""

    sen: int

    @classmethod
    def from_rupiah(cls, text: str) -> Self:
        """Read ``1710000.00``, ``1710000.5`` or ``-25``; at most two decimals.

        Raises ``ValueError`` for separators, signs other than ``-``, or more decimals.
        """
        if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,2})?", text, re.ASCII):
            message = "an amount is rupiah with a point and up to two decimals, e.g. 1710000.00"
            raise ValueError(message)
        whole, _, decimals = text.lstrip("-").partition(".")
        sen = int(whole) * SEN_PER_RUPIAH + int(decimals.ljust(2, "0"))
        return cls(-sen if text.startswith("-") else sen)

    def __add__(self, other: "Money") -> "Money":
        """Add two amounts."""
        return Money(self.sen + other.sen)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract an amount."""
        return Money(self.sen - other.sen)

    def __neg__(self) -> "Money":
        """Turn the sign."""
        return Money(-self.sen)

    def plain(self) -> str:
        """Write as in the CSV files: ``1710000.00``."""
        whole, sen = divmod(abs(self.sen), SEN_PER_RUPIAH)
        return f"{'-' if self.sen < 0 else ''}{whole}.{sen:02d}"

    def indonesian(self) -> str:
        """Write with Indonesian separators: ``19.409.470,47`` (domain.md 3.14)."""
        sen = self.sen
        if sen < 0:
            return f"-{Money(-sen).indonesian()}"
        text, rest = _CENTS[sen % SEN_PER_RUPIAH], sen // SEN_PER_RUPIAH
        while rest >= GROUP:
            text = _GROUPS[rest % GROUP] + text
            rest //= GROUP
        return _FIRST[rest] + text


ZERO = Money(0)
