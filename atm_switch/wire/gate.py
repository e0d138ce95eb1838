"""Judge every byte at once: is it of the class that its place wants?

Plan: each class is a bit.  A table has, for each byte, the classes it does *not* belong to,
and a mask has, for each place, the class wanted there; a byte is a stray where the two meet.
The bytes go through the table in one call, and become one long number that meets the mask
in another, however many elements there are.  A track has digits and one mark, which is not
the first: among its strays from the digits there is just one, found by counting.
Limits: yes or no; ``reference.content_fault`` names the element and what is wrong with it.
Packed tracks have two characters in a byte, so they are matched one by one.
"""

import re
from collections.abc import Iterable

from atm_switch.profile.model import Encoding
from atm_switch.wire.part import Part

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_OF_TEXT = {
    "n": (1, _DIGITS),
    "a": (2, _LETTERS + " "),
    "an": (4, _LETTERS + _DIGITS + " "),
    "ans": (8, "".join(map(chr, range(0x20, 0x7F)))),
    "b": (16, "0123456789ABCDEF"),
    "z": (128, "0123456789=D"),
}
_ANY, _DIGIT, _PACKED, _PADDED = b"\x00", b"\x01", b"\x20", b"\x40"
"""No class; a digit; two decimal digits in a byte; one, behind a 0 that is padding."""
_PACKED_TRACK = re.compile("[0-9]+d[0-9]*")

Piece = tuple[Part | None, int]
"""An element and its length as the profile counts it; or so many bytes not to be judged."""


def outside_of(encoding: Encoding) -> bytes:
    """Return, for each byte, the bits of the classes it does not belong to."""
    table = bytearray(256)
    for octet in range(256):
        text = bytes([octet]).decode(encoding.text, errors="replace")
        for bit, characters in _OF_TEXT.values():
            table[octet] |= 0 if text in characters else bit
        high, low = divmod(octet, 16)
        table[octet] |= 0 if high < 10 and low < 10 else _PACKED[0]
        table[octet] |= 0 if high == 0 and low < 10 else _PADDED[0]
    return bytes(table)


class Gate:
    """What bytes must be that consist of these pieces, one behind the other."""

    __slots__ = ("_marks", "_mask", "_outside", "_packed_tracks")

    def __init__(self, pieces: Iterable[Piece], outside: bytes) -> None:
        """Look at each piece; ``outside`` is the table of the encoding."""
        wanted = bytearray()
        marks, self._packed_tracks = [], []
        for part, length in pieces:
            begins = len(wanted)
            wanted += bytes(length) if part is None else _wanted_by(part, length)
            if part is not None and part.element.content == "z":
                if part.in_hexadecimal:
                    self._packed_tracks.append((begins, len(wanted), length % 2))
                else:
                    marks.append(_mask_of(_ANY * begins + _DIGIT * (len(wanted) - begins)))
        self._mask, self._marks, self._outside = _mask_of(bytes(wanted)), marks, outside

    def passes(self, octets: bytes) -> bool:
        """Tell whether all of them are of their class; there are as many as in the pieces."""
        strays = int.from_bytes(octets.translate(self._outside), "little")
        if strays & self._mask:
            return False
        for marks in self._marks:
            if (strays & marks).bit_count() != 1:
                return False
        for begins, ends, padding in self._packed_tracks:
            track = octets[begins:ends].hex()
            if "0"[:padding] != track[:padding] or not _PACKED_TRACK.fullmatch(track, padding):
                return False
        return True


def _wanted_by(part: Part, length: int) -> bytes:
    """Return the bit of the class wanted at each byte of an element's content."""
    octets, content = part.octets(length), part.element.content
    if not part.in_hexadecimal:
        bit = bytes([_OF_TEXT[content][0]])
        return (_DIGIT + bit * (octets - 1))[:octets] if content == "z" else bit * octets
    if content == "z" or not part.pads:
        return _ANY * octets
    padding = length % 2
    return _PADDED * padding + _PACKED * (octets - padding)


def _mask_of(wanted: bytes) -> int:
    return int.from_bytes(wanted, "little")
