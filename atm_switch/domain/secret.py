"""Bytes that cannot be printed: keys, PIN blocks, clear PINs.

The buffer is a ``bytearray`` so that ``wipe`` can overwrite it; a ``str`` could not be
(security.md 2, process hygiene).  There is no way to a text form on purpose.
"""

from typing import Any, NoReturn, Self


class Secret:
    """A wipeable buffer without a printable form."""

    __slots__ = ("_buffer",)

    def __init__(self, material: bytes | bytearray) -> None:
        """Copy ``material``; the caller keeps the duty to wipe its own copy."""
        self._buffer = bytearray(material)

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read hexadecimal text.  Raises ``ValueError`` that does not quote it."""
        try:
            return cls(bytes.fromhex(text))
        except ValueError:
            message = "not hexadecimal"
            raise ValueError(message) from None

    def reveal(self) -> bytes:
        """Hand out a copy, for the one place that computes with it."""
        return bytes(self._buffer)

    def wipe(self) -> None:
        """Overwrite the buffer with zeros."""
        self._buffer[:] = bytes(len(self._buffer))

    def __len__(self) -> int:
        """Count bytes."""
        return len(self._buffer)

    def __repr__(self) -> str:
        """Show the type only."""
        return f"<{type(self).__name__}>"

    def __format__(self, spec: str) -> str:
        """Show the type only, whatever the format asks for."""
        return repr(self)

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: a secret does not leave the process."""
        message = f"a {type(self).__name__} cannot be serialised"
        raise TypeError(message)


class Key(Secret):
    """Key material; its check value, not itself, may be shown."""

    __slots__ = ("kept",)

    kept: dict[str, Any]
    """What was worked out of the key to be used again, by name; it goes when the key does."""

    def __init__(self, material: bytes | bytearray) -> None:
        """Copy ``material``; the caller keeps the duty to wipe its own copy."""
        super().__init__(material)
        self.kept = {}

    def wipe(self) -> None:
        """Overwrite the buffer with zeros, and let go what was worked out of it."""
        self.kept.clear()
        super().wipe()


class PinBlock(Secret):
    """DE52 as received: eight enciphered bytes, never stored, logged or forwarded."""

    __slots__ = ()


class Pin(Secret):
    """A clear PIN as ASCII digits, alive only while it is verified."""

    __slots__ = ()
