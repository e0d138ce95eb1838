"""What is being typed on the pad: digits in one buffer that never moves and is wiped.

Why not a growing ``bytearray``: it may be copied as it grows, and the old copy stays.
"""

from atm_switch.domain.secret import Pin
from atm_switch.security.tdes import wipe_buffer

DIGITS_MAX = 19


class Entry:
    """At most nineteen digits."""

    __slots__ = ("_buffer", "_count")

    def __init__(self) -> None:
        """Begin empty."""
        self._buffer = bytearray(DIGITS_MAX)
        self._count = 0

    def __len__(self) -> int:
        """Count the digits."""
        return self._count

    def add(self, digit: int) -> None:
        """Append a digit, 0 to 9; what is full stays as it is."""
        if self._count < DIGITS_MAX:
            self._buffer[self._count] = ord("0") + digit
            self._count += 1

    def clear(self) -> None:
        """Overwrite everything."""
        wipe_buffer(self._buffer)
        self._count = 0

    def text(self, most: int = DIGITS_MAX) -> str:
        """Return the first ``most`` digits as text; never call it for a PIN."""
        return self._buffer[: min(most, self._count)].decode("ascii")

    def pin(self) -> Pin:
        """Return the digits as a PIN; the caller wipes it."""
        digits = self._buffer[: self._count]
        try:
            return Pin(digits)
        finally:
            wipe_buffer(digits)
